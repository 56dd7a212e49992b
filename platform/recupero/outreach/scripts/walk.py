"""How a call goes through its script: pure, one position to the next."""

from dataclasses import dataclass, replace

from recupero.kernel.errors import Conflict, UserError
from recupero.outreach.scripts.shape import FAILED, PROVEN, Script, Step

#: Wrong answers to the identity questions after which the call may not go on to the debt (domain page, 7.3).
MOST_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Position:
    """Where a call stands. `reason` is why the person did not pay, as far as it was heard."""

    step: str
    proven: bool = False
    failures: int = 0
    reason: str | None = None


def begin(script: Script) -> Position:
    """Before the first word."""
    return Position(script.start)


def at(script: Script, position: Position) -> Step:
    """The step of a position."""
    return script.steps[position.step]


def choose(script: Script, position: Position, choice_id: str) -> Position:
    """On by a choice. Raises UserError for one that the step does not offer; `proven` and `failed` are never
    chosen but found."""
    step = at(script, position)
    choice = step.choice(choice_id)
    if choice is None or (step.kind == "identity" and choice.id in (PROVEN, FAILED)):
        raise UserError(
            "This step has no answer '%(answer)s': use %(known)s.",
            field="answer", answer=choice_id, known=", ".join(offered(step)) or "–",
        )  # fmt: skip
    return replace(position, step=choice.to, reason=choice.reason or position.reason)


def identify(script: Script, position: Position, *, right: bool) -> Position:
    """On after the person's answers were compared. Wrong answers stay at the step until the last try.

    Raises Conflict where the call is not at an identity step.
    """
    step = at(script, position)
    if step.kind != "identity":
        raise Conflict("the call is not at the identity questions")
    if right:
        return replace(position, step=_way(step, PROVEN), proven=True)
    failures = position.failures + 1
    where = _way(step, FAILED) if failures >= MOST_FAILURES else position.step
    return replace(position, step=where, failures=failures)


def offered(step: Step) -> list[str]:
    """The ids of the choices that somebody may pick at this step."""
    found = step.kind == "identity"
    return [choice.id for choice in step.choices if not (found and choice.id in (PROVEN, FAILED))]


def _way(step: Step, choice_id: str) -> str:
    choice = step.choice(choice_id)
    if choice is None:
        raise ValueError(f"an identity step without '{choice_id}' passed the checks")
    return choice.to
