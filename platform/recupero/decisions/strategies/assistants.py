"""Who speaks for a strategy: people and machines by name, each with its channels, tone and call script.

A name is what debtors read and hear; a machine always says that it is one. Which of the agents takes a call
from the queue is not chosen here: a human assistant stands for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from recupero.kernel.errors import UserError, Words
from recupero.outreach.actions.kinds import TONES
from recupero_sdk.law import CHANNELS

HUMAN, VIRTUAL = "human", "virtual"
KINDS = (HUMAN, VIRTUAL)
MOST, LONGEST = 12, 60
_KEYS = ("name", "kind", "channels", "tone", "script")


@dataclass(frozen=True, slots=True)
class Assistant:
    """One who speaks. `channels`: by which, all where there is none; `tone`: for what the strategy names none
    for; `script`: the name of the script of its calls, "" for the one that is usual."""

    name: str
    kind: str
    channels: tuple[str, ...] = ()
    tone: str = ""
    script: str = ""

    def speaks(self, channel: str) -> bool:
        """Whether it speaks by this channel."""
        return not self.channels or channel in self.channels

    def to_json(self) -> dict[str, str]:
        """What an action keeps of it."""
        return {"name": self.name, "kind": self.kind, "script": self.script}


def number(name: str | None) -> int | None:
    """A number that hangs on a name only, 1 to 997: models tell assistants apart by it."""
    return None if name is None else crc32(name.encode()) % 997 + 1


def parse(at: str, value: Any) -> tuple[Assistant, ...]:
    """The assistants that a strategy keeps under `at`. Raises UserError at the place."""
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise UserError(
            "“%(name)s” must be a list of at most %(most)s", field=f"strategy.{at}",
            name=Words("strategy", (at,)), most=MOST,
        )  # fmt: skip
    found = tuple(_assistant(f"strategy.{at}.{place}", row) for place, row in enumerate(value))
    names = [one.name for one in found]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise _refused(f"strategy.{at}.{place}.name")
    return found


def _assistant(at: str, row: Any) -> Assistant:
    if not isinstance(row, Mapping) or not {"name", "kind"} <= set(row) <= set(_KEYS):
        raise UserError(
            "an assistant has a name and a kind and may have channels, a tone and a script", field=at
        )
    name, kind, script = row["name"], row["kind"], row.get("script", "")
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
        raise _refused(f"{at}.name")
    if not isinstance(script, str) or len(script) > LONGEST:
        raise _refused(f"{at}.script")
    _one_of(f"{at}.kind", [kind], KINDS)
    _one_of(f"{at}.tone", [row["tone"]] if row.get("tone") else [], TONES)
    channels = row.get("channels", ())
    _one_of(f"{at}.channels", channels if isinstance(channels, list | tuple) else [channels], CHANNELS)
    return Assistant(" ".join(name.split()), kind, tuple(channels), row.get("tone") or "", script)


def _one_of(at: str, values: Sequence[Any], known: Sequence[str]) -> None:
    wrong = next((one for one in values if one not in known), None)
    if wrong is not None:
        raise UserError(
            "'%(value)s' is not possible here: use %(known)s", field=at, value=wrong, known=", ".join(known)
        )


def _refused(at: str) -> UserError:
    return UserError("a name of its own, of at most 60 letters, is needed here", field=at)


def named(at: str, wanted: Sequence[str], known: Sequence[Assistant]) -> tuple[Assistant, ...]:
    """Some of the assistants, by their names and in that order. Raises UserError on a name that is none."""
    by_name = {one.name: one for one in known}
    _one_of(at, wanted, tuple(by_name))
    return tuple(by_name[name] for name in wanted)
