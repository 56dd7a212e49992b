"""Which actions of a batch go now, where a provider's account takes only so much, and when the others do."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs
from recupero.kernel.database import Scope, scope_of
from recupero.outreach.actions.kinds import ANSWERS
from recupero.outreach.actions.states import Claimed, Move
from recupero.outreach.channels.connectors import Connector
from recupero.outreach.channels.pacing import HELD, Gate


def take(
    session: Session, wanted: Sequence[tuple[Claimed, Connector]], gate: Gate
) -> tuple[set[int], list[Move]]:
    """Those that go now, and what becomes of the others; answers to people come first, and always go.

    Where every connection is in use, actions stay claimed for a job that tries again in a moment. What is
    more than the account takes within it is due when its turn is.
    """
    by_connector: dict[str, list[tuple[Claimed, Connector]]] = defaultdict(list)
    for one in sorted(wanted, key=lambda one: one[0].template not in ANSWERS):
        by_connector[one[1].key].append(one)
    let, moves, more = set[int](), list[Move](), False
    for group in by_connector.values():
        connector, actions = group[0][1], [action for action, _connector in group]
        if not gate.enters(connector):
            _again_soon(session, [action.id for action in actions])
            continue
        answers = sum(action.template in ANSWERS for action in actions)
        share = gate.share(connector, len(actions), answers)
        let |= {action.id for action in actions[: share.room]}
        more |= share.more
        moves += [
            _put_off(action, connector.key, share.moment(place))
            for place, action in enumerate(actions[share.room :])
        ]
    if more:
        _look_again(session)
    return let, moves


def _put_off(action: Claimed, key: str, due: datetime) -> Move:
    """The account is asked for more than it takes: the action goes when its turn is, or not at all."""
    if due >= action.expires_at:
        return Move(action.id, "expired", f"pace:{key}")
    return Move(action.id, "scheduled", f"pace:{key}", due_at=due)


def _again_soon(session: Session, action_ids: list[int]) -> None:
    soon = clock.now() + timedelta(seconds=HELD)
    jobs.enqueue(session, "outreach.execute", run_at=soon, action_ids=action_ids)


def _look_again(session: Session) -> None:
    """Whose turn comes before the next round of dispatch does not wait for it."""
    agency, soon = scope_of(session).agency(), clock.now() + timedelta(seconds=HELD)
    jobs.enqueue(
        session, "outreach.dispatch_agency", scope=Scope(agency), run_at=soon, unique_key=f"pace:{agency}"
    )  # fmt: skip
