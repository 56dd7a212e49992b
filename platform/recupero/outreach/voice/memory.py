"""What the assistant remembers of a call from turn to turn. What a person answers to the identity questions
is not among it, only whether all of it was right so far."""

from dataclasses import asdict, dataclass, field, fields
from typing import Literal

from recupero.outreach.script_tables import CallRun

#: What was asked last: one of the step's answers, a fact for the proof, a day, or yes to day and amount.
Asked = Literal["choice", "fact", "day", "confirm"]


@dataclass(slots=True)
class Memory:
    """`facts` are asked one by one, `place` is the one being asked. `misses` counts turns in a row that were
    not understood, `silences` those in which nothing was said. `day` (ISO) and `amount` (minor units) are
    what is about to be promised; `promised` and `linked` say that a promise was noted and the link sent in
    this call."""

    asked: Asked = "choice"
    facts: list[str] = field(default_factory=list)
    place: int = 0
    right: bool = True
    misses: int = 0
    silences: int = 0
    day: str = ""
    amount: int = 0
    promised: bool = False
    linked: bool = False


def recall(run: CallRun) -> Memory:
    """What is remembered of the call so far."""
    known = {part.name for part in fields(Memory)}  # a call may have begun under another version of ours
    return Memory(**{name: value for name, value in run.dialogue.items() if name in known})


def keep(run: CallRun, memory: Memory) -> None:
    """Remember it until the next turn."""
    run.dialogue = asdict(memory)
