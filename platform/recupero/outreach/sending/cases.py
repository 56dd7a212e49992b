"""Actions as they are carried out: claimed, and looked at again before anything is written or reserved.

Whatever of the house speaks against an action is found here, after its row is locked: a payment, a hold or an
opt-out that is recorded meanwhile either came before (and is seen) or waits for this transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from recupero.contacts.facts import NO_TIMEZONE
from recupero.contacts.queries import Dossiers
from recupero.kernel import clock
from recupero.kernel.bulk import any_of
from recupero.kernel.database import Scope, scope_of
from recupero.kernel.events import publish
from recupero.kernel.statements import Parameters, Statement
from recupero.outreach.actions.events import GivenBack
from recupero.outreach.actions.kinds import ANSWERS, OF_THE_HOUSE, THANKS
from recupero.outreach.actions.points import fits
from recupero.outreach.actions.states import Claimed, Move
from recupero.outreach.channels import preferences, rests
from recupero.outreach.channels.connectors import Connector, connectors
from recupero.outreach.channels.rests import Rest
from recupero.outreach.service import ABOUT_AGREEMENTS, AGREEMENTS
from recupero.outreach.tables import Action
from recupero.placements.lifecycle import HOLDS
from recupero.placements.reach import Point, Reachable

#: Reasons of what waits for a provider that is down or refuses the account, or for settings that have to be
#: mended, or is given back; the connector stands behind the colon.
_DOWN, _PROBLEM = "provider_down", "connector_problem"


@dataclass(frozen=True, slots=True)
class Case:
    """One action with everything that carrying it out takes."""

    action: Claimed
    account: Reachable
    point: Point
    connector: Connector


_CLAIMED = Statement(
    select(*(Action.__table__.c[field.name] for field in fields(Claimed)))
    .where(Action.tenant_id == bindparam("tenant"), any_of(Action.id, "actions"), Action.state == "claimed")
    .order_by(Action.priority.desc(), Action.due_at, Action.id)
    .with_for_update(skip_locked=True)
)


def claimed(session: Session, action_ids: Collection[int]) -> list[Claimed]:
    statement, asked = ask_claimed(scope_of(session), action_ids)
    return [Claimed(*row) for row in statement.rows(session, asked)]


def ask_claimed(scope: Scope, action_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `prepare` asks first, for `statements.asked_together`: it locks those that are still claimed."""
    return _CLAIMED, {"tenant": scope.tenant(), "actions": list(action_ids)}


def sort_out(session: Session, actions: Sequence[Claimed], known: Dossiers) -> tuple[list[Case], list[Move]]:
    """The actions that nothing of the house speaks against, and what becomes of the others."""
    available = _available(session, {action.channel for action in actions})
    wanted = preferences.of_debtors(session, {action.debtor_id for action in actions})
    cases, moves = list[Case](), list[Move]()
    for action in actions:
        account = known.accounts.get(action.account_id)
        if account is None:
            moves.append(Move(action.id, "blocked", "account_missing"))
            continue
        stop = _objection(action, account, known)
        if stop is None and action.template not in ANSWERS:
            stop = wanted.objection(action, account)
        point, connector = _point(action, account, known), available.get(action.channel)
        if stop is not None:
            moves.append(stop)
        elif point is None:
            moves.append(Move(action.id, "blocked", f"no_contact_point:{action.channel}"))
        elif connector is None:
            moves.append(Move(action.id, "blocked", f"no_connector:{action.channel}"))
        elif connector.rest is not None:
            moves.append(_later(action, connector.rest))
        else:
            cases.append(Case(action, account, point, connector))
    return cases, moves


def _available(session: Session, channels: Collection[str]) -> dict[str, Connector]:
    """The connectors of these channels. One whose settings do not hold rests like one whose provider refuses
    them: what it would carry waits until they are mended, for a while."""
    return {name: _at_rest(session, one) for name, one in connectors(session).items() if name in channels}


def _at_rest(session: Session, connector: Connector) -> Connector:
    if connector.ready or connector.rest is not None:
        return connector
    return replace(
        connector, rest=rests.note(session, connector.key, {"refused"}, connector.problem, refused=True)
    )


def waiting_for(connector: str) -> list[str]:
    """The reasons of actions that wait for this connector, or were given back since it took nothing."""
    return [f"{_DOWN}:{connector}", f"{_PROBLEM}:{connector}"]


def _later(action: Claimed, rest: Rest) -> Move:
    """Where an action goes whose provider takes nothing: it waits for the end of the rest; where it would be
    too late then, or the provider takes nothing for long, it is given back for another channel. An answer
    does not wait for somebody who mends settings: whoever asked is answered by a person, or another way."""
    reason = f"{_PROBLEM if rest.refused else _DOWN}:{rest.connector}"
    details = {"problem": rest.reason, "until": rest.until.isoformat()}
    unanswered = rest.refused and action.template in ANSWERS
    if unanswered or rest.given_up or rest.until >= action.expires_at:
        return Move(action.id, "blocked", reason, details)
    return Move(action.id, "scheduled", reason, details, due_at=rest.until)


def tell_given_back(session: Session, debtors: Mapping[int, int], moves: Sequence[Move]) -> None:
    """Announce whose messages are given back, since their provider takes nothing; `debtors` by
    action."""
    back = {
        debtors[one.action_id]
        for one in moves
        if one.state == "blocked" and (one.reason or "").startswith((_DOWN, _PROBLEM))
    }
    if back:
        publish(session, GivenBack(tuple(sorted(back))))


def _objection(action: Claimed, account: Reachable, known: Dossiers) -> Move | None:
    """What speaks against the action now; None where nothing does."""
    if clock.now() >= action.expires_at:
        return Move(action.id, "expired", "too_late")
    if action.template in OF_THE_HOUSE and any(hold.kind == "person" for hold in known.holds_on(account)):
        return Move(action.id, "blocked", "hold:person")  # a person has them: the house is silent
    if action.template in ANSWERS:
        return None  # they wrote first: only the law may speak against answering
    if account.ended and action.template not in THANKS:
        return Move(action.id, "cancelled", f"account:{account.status}")
    kinds = {hold.kind for hold in known.holds_on(account)}
    if action.template in ABOUT_AGREEMENTS:
        kinds -= set(AGREEMENTS)
    if action.draft_id is not None:
        kinds -= {"person"}  # a person has them, and a person wrote this
    if kinds:
        return Move(action.id, "blocked", f"hold:{min(kinds, key=HOLDS.index)}")
    if known.nowhere(account):
        return Move(action.id, "blocked", NO_TIMEZONE)
    if action.template == "reminder" and account.due_date < clock.now().date():
        return Move(action.id, "cancelled", "no_longer_before_due_date")
    permissions = known.permissions.get(account.debtor_id)
    if permissions is not None and action.channel in permissions.opted_out:
        return Move(action.id, "blocked", "opted_out")
    return None


def _point(action: Claimed, account: Reachable, known: Dossiers) -> Point | None:
    """The action's contact point; where it has none or it has gone bad, the debtor's best of that kind."""
    chosen = known.point(account, action.contact_point_id)
    if chosen is not None:
        return chosen
    return next(
        (point for point in known.points.get(account.debtor_id, ()) if fits(point, action.channel)), None
    )


_known: dict[tuple[type, tuple[type, ...]], bool] = {}


def knowing(cases: Sequence[Case], *protocols: type) -> set[str]:
    """The connectors of these that know one of the protocols."""
    used: dict[str, object] = {case.connector.key: case.connector.channel for case in cases}
    return {key for key, channel in used.items() if _knows(channel, protocols)}


def _knows(channel: object, protocols: tuple[type, ...]) -> bool:
    """Asked once of each kind of connector: the question takes as long as writing a message does."""
    kind = (type(channel), protocols)
    if kind not in _known:
        _known[kind] = isinstance(channel, protocols)
    return _known[kind]
