"""People who are left alone on purpose, as the control group is: whoever turns to one of them by their own
choice says that they know."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from recupero.kernel.errors import Conflict
from recupero.placements.reach import Reachable

#: The room that knows is above this one and brings it here (`wiring`).
LeftAlone = Callable[[Session, Reachable], bool]
_brought: list[LeftAlone] = []


def bring(left_alone: LeftAlone) -> None:
    """Ask this whether a debtor is left alone on purpose from now on."""
    _brought[:] = [left_alone]


def left_alone(session: Session, account: Reachable) -> bool:
    """Whether the debtor of an account of the one tenant in scope is in its control group."""
    return any(asked(session, account) for asked in _brought)


def check_written(session: Session, account: Reachable, *, knowing: bool) -> None:
    """Raises Conflict where somebody would write to a debtor who is left alone and does not say that they are
    `knowing`."""
    if not knowing and left_alone(session, account):
        raise Conflict(
            "this person is in the control group, which is left alone on purpose: say that you write all the"
            " same",
            field="knowing",
        )


def check_called(session: Session, account: Reachable, *, knowing: bool) -> None:
    """The same of who would call them."""
    if not knowing and left_alone(session, account):
        raise Conflict(
            "this person is in the control group, which is left alone on purpose: say that you call all the"
            " same",
            field="knowing",
        )
