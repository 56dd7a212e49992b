"""Carrying due actions out: reserve and commit, send, write down what came of it.

A crash before the first commit leaves nothing behind; one after it leaves contacts reserved, which `reap`
turns into `unknown`: they count against every cap and are never sent again.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.contacts.news import Price
from recupero.contacts.service import Result
from recupero.kernel import clock
from recupero.kernel.database import Database, Scope
from recupero.kernel.jobs import JobContext
from recupero.kernel.statements import Parameters, Statement, ask
from recupero.outreach.actions.kinds import ANSWERS
from recupero.outreach.actions.points import fits
from recupero.outreach.actions.states import Move, move
from recupero.outreach.channels import connectors, pacing, rests
from recupero.outreach.channels.connectors import Connector, Outcome
from recupero.outreach.channels.rests import Rest
from recupero.outreach.sending.cases import ask_claimed
from recupero.outreach.sending.preparation import Envelope, prepare
from recupero.placements import reach

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=6)
MAX_TRIES = 8
#: So many are carried out as one alone is: each of its statements is planned once on a connection.
FEW = 10


def execute(
    database: Database, scope: Scope, action_ids: Collection[int], job: JobContext | None = None
) -> int:
    """Carry out those of the actions that are still claimed, for one tenant; how many messages went over.

    Safe to call twice with the same actions: what is reserved once is not touched again. `job` has nothing to
    do after this: it is booked as done with the outcome of the message, where there is one.
    """
    if not action_ids:
        return 0
    with pacing.gate(scope.tenant()) as gate:
        envelopes = _reserved(database, scope, list(action_ids), gate)
        done = [job.ask_done()] if job is not None and len(envelopes) == 1 else []
        for connector, group in _by_connector(envelopes):
            messages = [envelope.message for envelope in group]
            for outcomes in connectors.send(connector, messages, gate.parts(connector, len(messages))):
                with database.transaction(scope, by_key=len(messages) <= FEW) as session:
                    rest = None
                    if connector.key != connectors.OUTBOX:  # it is ours, and never down
                        rest = _noted(session, connector, outcomes)
                    settle(session, group, outcomes, done, rest)
    return len(envelopes)


def _reserved(
    database: Database, scope: Scope, action_ids: Sequence[int], gate: pacing.Gate
) -> list[Envelope]:
    """Prepare a batch. One action that nobody foresaw does not hold up the others: the batch is halved until
    that one is alone, and it is set aside where people see it."""
    try:
        with database.transaction(
            scope, by_key=len(action_ids) <= FEW, asking=[ask_claimed(scope, action_ids)]
        ) as session:
            return prepare(session, action_ids, gate)
    except (OperationalError, BaseTimeoutException):
        raise  # the database or the clock, not the action
    except Exception as error:  # noqa: BLE001 - see above; it is logged and shown
        if len(action_ids) == 1:
            _set_aside(database, scope, action_ids[0], error)
            return []
    middle = len(action_ids) // 2
    halves = (action_ids[:middle], action_ids[middle:])
    return [envelope for half in halves for envelope in _reserved(database, scope, half, gate)]


def _set_aside(database: Database, scope: Scope, action_id: int, error: Exception) -> None:
    log.error("action set aside", extra={"action": action_id}, exc_info=error)
    with database.transaction(scope) as session:
        move(session, [Move(action_id, "blocked", f"error:{type(error).__name__}")])


def _by_connector(envelopes: Sequence[Envelope]) -> list[tuple[Connector, list[Envelope]]]:
    groups: dict[str, list[Envelope]] = defaultdict(list)
    for envelope in envelopes:
        groups[envelope.connector.key].append(envelope)
    return [(group[0].connector, group) for group in groups.values()]


def settle(
    session: Session,
    envelopes: Sequence[Envelope],
    outcomes: Mapping[str, Outcome],
    beside: Sequence[tuple[Statement, Parameters]] = (),
    rest: Rest | None = None,
) -> None:
    """Write down what the connector says of these messages: contacts, counts, contact points, actions; with
    `beside` in the same round trip. `rest`: it is down, and left alone for a while."""
    told = [
        (envelope, outcomes[envelope.message.key])
        for envelope in envelopes
        if envelope.message.key in outcomes
    ]
    confirmed = contacts.ask_confirm(session, [_result(envelope, outcome) for envelope, outcome in told])
    wanted = [*confirmed, *beside]
    lost = [one for one, outcome in told if outcome.state == "permanent"]
    stopped = {one.action_id for one, outcome in told if outcome.opted_out}
    dead, elsewhere = [one for one in lost if one.action_id not in stopped], frozenset[int]()
    if dead:
        ask(session, wanted)
        reach.mark_points(session, [envelope.contact_point_id for envelope in dead], "invalid")
        elsewhere, wanted = _elsewhere(session, dead), []
    move(session, [_move(envelope, outcome, elsewhere, rest) for envelope, outcome in told], beside=wanted)
    for one in lost:
        if one.action_id in stopped:
            contacts.record_permission(
                session, debtor_id=one.debtor_id, channel=one.message.channel, kind="opt_out",
                source=f"opted_out:{one.connector.key}",
            )  # fmt: skip


def _elsewhere(session: Session, dead: Sequence[Envelope]) -> frozenset[int]:
    """The actions that can go to another address of their debtor. An answer goes where it was asked from, or
    nowhere."""
    asked = [envelope for envelope in dead if envelope.message.template not in ANSWERS]
    points = reach.points_of(session, {envelope.debtor_id for envelope in asked})
    return frozenset(
        envelope.action_id
        for envelope in asked
        if any(fits(point, envelope.message.channel) for point in points.get(envelope.debtor_id, ()))
    )


def _noted(session: Session, connector: Connector, outcomes: Mapping[str, Outcome]) -> Rest | None:
    """The rest that the connector has after this batch; why is told by the account's refusal, else by any."""
    told = sorted(outcomes.values(), key=lambda outcome: not outcome.for_all)
    reason = next((outcome.reason for outcome in told if outcome.reason), None)
    states = {outcome.state for outcome in told}
    return rests.note(session, connector.key, states, reason, refused=any(one.for_all for one in told))


def _result(envelope: Envelope, outcome: Outcome) -> Result:
    left = outcome.state in ("sent", "unknown")
    state = outcome.state if left else "failed"
    cost = outcome.cost
    price = Price(cost.amount_micro, cost.currency, cost.units) if cost is not None else None
    return Result(
        envelope.contact_id, state, outcome.reference, outcome.reason, never_left=not left, price=price
    )  # fmt: skip


def _move(envelope: Envelope, outcome: Outcome, elsewhere: Collection[int], rest: Rest | None) -> Move:
    if outcome.state == "sent":
        confirms = envelope.connector.loaded().capabilities.confirms_delivery
        return Move(envelope.action_id, "sent" if confirms else "closed")
    if outcome.state == "unknown":
        return Move(envelope.action_id, "unknown", outcome.reason)
    if outcome.state == "retry" or outcome.for_all:
        return _again(envelope, outcome, rest)
    if envelope.action_id in elsewhere and clock.now() < envelope.expires_at:
        reason = f"address: {outcome.reason or 'no reason given'}"
        return Move(envelope.action_id, "scheduled", reason, due_at=clock.now())
    return Move(envelope.action_id, "failed", f"{outcome.state}: {outcome.reason or 'no reason given'}")


def _again(envelope: Envelope, outcome: Outcome, rest: Rest | None) -> Move:
    """Back off; the law says at the next try whether that moment is lawful, and when the next one is. Where
    the provider rests, the next round says whether this waits for its end or is given back (`cases`)."""
    reason = f"retry: {outcome.reason or 'no reason given'}"
    if rest is not None:
        return Move(envelope.action_id, "scheduled", reason, due_at=clock.now())
    wait = min(FIRST_WAIT * 2**envelope.attempts, LONGEST_WAIT)
    due = clock.now() + wait
    if due >= envelope.expires_at or envelope.attempts + 1 >= MAX_TRIES:
        return Move(envelope.action_id, "expired", reason)
    return Move(envelope.action_id, "scheduled", reason, due_at=due)
