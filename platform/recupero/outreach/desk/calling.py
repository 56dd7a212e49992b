"""A call from the desk: the law is asked, and only when it allowed the call does the script begin."""

from sqlalchemy.orm import Session

from recupero.contacts.service import Reservation
from recupero.kernel.errors import NotFound
from recupero.outreach.calls import calls, runs, sittings
from recupero.outreach.desk_tables import Sitting
from recupero.placements import reach


def begin(session: Session, sitting: Sitting, point_id: int) -> Reservation | None:
    """Reserve the call to one of the person's telephones and begin its script; None where the call was begun
    already. `contact_id` None: the law does not allow it now. Raises NotFound for no such telephone, Conflict
    as `calls.start_call`."""
    if sitting.contact_id is not None:
        return None
    points = reach.points_of(session, [sitting.debtor_id]).get(sitting.debtor_id, [])
    if not any(point.id == point_id and point.kind == "phone" for point in points):
        raise NotFound("There is no such phone number.")
    reserved = calls.start_call(
        session, account_id=sitting.account_id, contact_point_id=point_id, user_id=sitting.user_id
    )
    if reserved.contact_id is not None:
        runs.begin(session, reserved.contact_id, sitting.account_id, led_by="agent")
        sittings.talk(session, sitting, reserved.contact_id)
    return reserved
