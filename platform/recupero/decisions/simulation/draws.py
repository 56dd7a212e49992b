"""Random numbers that belong to a debtor, a day and a question: the same whatever else happens.

Policies are compared on the same people. A debtor who is asked by one policy and left alone by another must
not thereby change what they do on another day, nor what others do, so nothing is drawn from a running stream:
each number is a hash of (debtor's key, day, question). With common random numbers the difference between two
policies is far less noisy than each policy's own result (Law and Kelton, Simulation Modeling and Analysis,
chapter on variance reduction).
"""

import hashlib
import math
from datetime import date

import numpy as np

from recupero.decisions.columns import Floats

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


def key_of(*parts: object) -> int:
    """A key of 64 bits for what is named."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def uniform(key: int, day: date | None, question: str) -> float:
    """A number from 0 (included) to 1; `day` None for what is settled once."""
    number = 0 if day is None else day.toordinal()
    x = _mixed((key ^ key_of(question)) + number * _STEP & _MASK)
    return float(x >> 11) / float(1 << 53)


def uniforms(keys: "np.ndarray[tuple[int], np.dtype[np.uint64]]", day: date, question: str) -> Floats:
    """`uniform` for many keys at once."""
    start = keys ^ np.uint64(key_of(question))
    x = start + np.uint64(day.toordinal() * _STEP & _MASK)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x = x ^ (x >> np.uint64(31))
    result: Floats = (x >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    return result


def normal(key: int, question: str) -> float:
    """A standard normal number that is settled once (Box and Muller)."""
    first = max(uniform(key, None, question + "/radius"), 1e-12)
    return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * uniform(key, None, question + "/angle"))


def _mixed(x: int) -> int:
    """The end of splitmix64."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & _MASK
    return x ^ (x >> 31)
