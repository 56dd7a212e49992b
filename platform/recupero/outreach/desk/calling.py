"""A call from the desk: the law is asked, and only when it allowed the call does the script begin. Of the
control group nobody is called by an agent's own choice unless they say that they know."""

from sqlalchemy.orm import Session

from recupero.contacts.service import Reservation
from recupero.kernel import audit
from recupero.kernel.errors import NotFound
from recupero.outreach.actions import alone
from recupero.outreach.calls import calls, runs, sittings
from recupero.outreach.desk_tables import Sitting
from recupero.placements import reach
from recupero.placements.reach import Reachable


def left_alone(session: Session, sitting: Sitting) -> bool:
    """Whether an agent chose somebody of the control group: what a plan, a promised call or a hand-over
    brought to the desk is another matter."""
    return sitting.why == "chosen" and alone.left_alone(session, _account(session, sitting))


def begin(
    session: Session, sitting: Sitting, point_id: int, *, actor: str, knowing: bool = False
) -> Reservation | None:
    """Reserve the call to one of the person's telephones and begin its script; None where the call was begun
    already. `contact_id` None: the law does not allow it now. Raises NotFound for no such telephone, Conflict
    as `calls.start_call` and where the person is `left_alone` and the agent is not `knowing`."""
    if sitting.contact_id is not None:
        return None
    points = reach.points_of(session, [sitting.debtor_id]).get(sitting.debtor_id, [])
    if not any(point.id == point_id and point.kind == "phone" for point in points):
        raise NotFound("There is no such phone number.")
    control = left_alone(session, sitting)
    if control:
        alone.check_called(session, _account(session, sitting), knowing=knowing)
    reserved = calls.start_call(
        session, account_id=sitting.account_id, contact_point_id=point_id, user_id=sitting.user_id
    )
    if reserved.contact_id is not None:
        runs.begin(session, reserved.contact_id, sitting.account_id, led_by="agent")
        sittings.talk(session, sitting, reserved.contact_id)
        if control:
            audit.record(
                session, "outreach.call_left_alone", f"account:{sitting.account_id}", actor=actor,
                tenant_id=sitting.tenant_id, control=True,
            )  # fmt: skip
    return reserved


def _account(session: Session, sitting: Sitting) -> Reachable:
    return reach.reachable(session, [sitting.account_id])[sitting.account_id]
