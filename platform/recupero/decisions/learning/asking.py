"""The one door to a model's plug-in: whatever its code does, who asks gets an answer or an error, in time.

A plug-in may raise, leave the process, or never come back. It is asked in a thread of its own: one that does
not answer within the time allowed is left behind, and asked nothing more until it has come back, so that
whoever is planned next does not wait for it again.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from recupero.decisions.columns import Floats
from recupero.kernel import runtime
from recupero_sdk.models import Reason
from recupero_sdk.texts import Guess

#: Seconds in which a model has to answer about a slice of rows (`RECUPERO_MODEL_SECONDS`): its honest answer
#: takes one or two.
USUAL_SECONDS = 120.0
SECONDS_SETTING = "RECUPERO_MODEL_SECONDS"

Answer = TypeVar("Answer")
_away: dict[str, threading.Thread] = {}


def asked(model: str, call: Callable[..., Answer], *arguments: Any, within: float | None = None) -> Answer:
    """What `call`, the code of a plug-in for this model, answers. Raises what it raises, RuntimeError where
    it wants to end the process, TimeoutError where it does not answer in time or has not come back since.

    `within` is for who cannot wait as long as is usual, in seconds.
    """
    if (gone := _away.get(model)) is not None:
        if gone.is_alive():
            raise TimeoutError("it has not come back from an earlier question")
        _away.pop(model, None)
    answer: Future[Answer] = Future()
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_ask, answer, call, arguments), name=f"model {model}", daemon=True
    )
    thread.start()
    usual = float(runtime.current().config.environment.get(SECONDS_SETTING, USUAL_SECONDS))
    seconds = usual if within is None else min(usual, within)
    thread.join(seconds)
    if not answer.done():
        _away[model] = thread
        raise TimeoutError(f"it did not answer within {seconds:g} seconds")
    return answer.result()


def _ask(answer: Future[Any], call: Callable[..., Any], arguments: Sequence[Any]) -> None:
    try:
        found = call(*arguments)
    except Exception as error:  # noqa: BLE001 - raised where it was asked
        answer.set_exception(error)
    except BaseException as error:  # noqa: BLE001 - SystemExit and its like end no process of ours
        answer.set_exception(RuntimeError(f"it wanted to end the process ({type(error).__name__})"))
    else:
        answer.set_result(found)


def probabilities(answer: Any, rows: int, of: str = "") -> Floats:
    """A model's answer proven to be one finite number from 0 to 1 per row. Raises ValueError."""
    found = np.asarray(answer)
    named = f" of {of}" if of else ""
    if np.iscomplexobj(found):
        raise ValueError(f"the model answered what is no probability{named}")
    found = found.astype(np.float64)
    if found.shape != (rows,):
        raise ValueError(f"the model answered {found.shape}{named} for {rows} rows")
    if wild := int((~np.isfinite(found)).sum()):
        raise ValueError(f"the model answered NaN or infinity{named} for {wild} of {rows} rows")
    outside = (found < 0) | (found > 1)
    if outside.any():
        wrong = found[np.argmax(outside)]
        raise ValueError(f"the model answered {wrong:g}{named}, which is no probability from 0 to 1")
    return found


def reasons(answer: Any, rows: int) -> list[list[Reason]]:
    """A model's reasons proven to be a list of `Reason` per row, of numbers that can be told. Raises
    ValueError."""
    told = [list(row) for row in answer]
    if len(told) != rows:
        raise ValueError(f"the model gave the reasons of {len(told)} rows for {rows}")
    for row in told:
        for each in row:
            if not isinstance(each, Reason) or not np.isfinite(each.contribution):
                raise ValueError("the model gave what is no reason")
    return told


def guesses(answer: Any, texts: int) -> list[list[Guess]]:
    """What a model of texts answered proven to be a list of `Guess` per text, each label once and with a
    probability, the most probable first. Raises ValueError."""
    told = [list(row) for row in answer]
    if len(told) != texts:
        raise ValueError(f"the model read {len(told)} texts for {texts}")
    for row in told:
        if not all(isinstance(each, Guess) and 0 <= each.probability <= 1 for each in row):
            raise ValueError("the model answered what is no guess")
        if any(one.probability < other.probability for one, other in pairwise(row)):
            raise ValueError("the model did not put the most probable guess first")
        if len({each.label for each in row}) < len(row):
            raise ValueError("the model guessed a label twice")
    return told
