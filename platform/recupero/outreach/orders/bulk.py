"""Many accounts at once: put on hold, let go on, given back to their creditor, labelled; their conversations
given to somebody or said to need no answer.

An order is seen before it is given (`preview`), carried out creditor by creditor, by a worker where it is
large, and may be taken back for an hour where that is possible. A second run of the same order changes
nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, literal, select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, jobs
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.outreach.orders import bulk_drafts, bulk_strategies, bulk_talks
from recupero.outreach.tables import BulkOrder
from recupero.outreach.understanding import desk
from recupero.placements import browse, labels
from recupero.placements import service as placements
from recupero.placements.browse import Chosen
from recupero.placements.lifecycle import ENDED, HOLDS

ORDERS = ("hold", "release", "give", "recall", "label", "unlabel", "answered")
#: Orders about one label.
LABELLING = ("label", "unlabel")
#: Holds that come and go with what caused them (a plan, a promise, a case, a hand-over) are none of these.
KINDS = tuple(kind for kind in HOLDS if kind not in ("plan", "promise", "hardship", "person"))
TAKEN_BACK = (
    "hold", "release", *LABELLING, *bulk_talks.TALKING, *bulk_drafts.DRAFTING, bulk_strategies.DO,
)  # fmt: skip
MOST, AT_ONCE = 20_000, 500
UNDONE_WITHIN = timedelta(hours=1)
LONGEST = 500  # characters of a reason


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do: to which accounts, what is owed on them by currency, how many of the chosen it
    leaves as they are and why (`ended`, `held`, `not_held`, `whole`, `no_talk`, `handed`, `answered`,
    `labelled`, `not_labelled`, `elsewhere`: another creditor's)."""

    touched: list[Chosen]
    owed: Mapping[str, int]
    spared: Mapping[str, int]


def preview(
    session: Session,
    do: str,
    account_ids: Collection[int],
    kind: str | None = None,
    label_id: int | None = None,
) -> Preview:
    """What the order would do to these accounts of the tenants in scope. Raises UserError where none or too
    many are chosen, or the order, the kind of hold or the label is unknown."""
    if do not in ORDERS:
        raise UserError("choose what to do", field="do")
    if do in ("hold", "release") and kind not in KINDS:
        raise UserError("Choose one of the reasons.", field="kind")
    if not account_ids:
        raise UserError("choose at least one account", field="accounts")
    if len(account_ids) > MOST:
        raise UserError("at most %(most)s accounts at once: narrow the list", field="accounts", most=MOST)
    chosen = browse.chosen(session, account_ids, kind or "")
    against = _against(session, do, chosen, label_id)
    touched: list[Chosen] = []
    spared: Counter[str] = Counter()
    owed: dict[str, int] = defaultdict(int)
    for one in chosen:
        why = against(one)
        if why is not None:
            spared[why] += 1
            continue
        touched.append(one)
        owed[one.currency] += one.balance_minor
    return Preview(touched, owed, spared)


def _against(
    session: Session, do: str, chosen: Sequence[Chosen], label_id: int | None
) -> Callable[[Chosen], str | None]:
    """What tells why the order leaves one of the chosen as it is."""
    if do in bulk_talks.TALKING:
        states = bulk_talks.standing(session, {one.debtor_id for one in chosen})
        return lambda one: _spared_talk(do, one, states.get(one.debtor_id))
    if do not in LABELLING:
        return lambda one: _spared(do, one)
    if label_id is None:
        raise UserError("Please choose one.", field="label")
    label = labels.find(session, label_id)
    bearing = labels.bearing(session, label_id, [one.id for one in chosen])
    return lambda one: _spared_label(do, one.tenant_id == label.tenant_id, one.id in bearing)


def _spared_label(do: str, own: bool, bears: bool) -> str | None:
    if not own:
        return "elsewhere"
    return ("labelled" if bears else None) if do == "label" else (None if bears else "not_labelled")


def _spared_talk(do: str, one: Chosen, state: str | None) -> str | None:
    if do == "give" and one.status in ENDED:
        return "ended"
    return bulk_talks.spared(do, state)


def _spared(do: str, one: Chosen) -> str | None:
    """Why the order leaves an account as it is."""
    if do == "release":
        return None if one.held else "whole" if one.held_whole else "not_held"
    if one.status in ENDED:
        return "ended"
    return "held" if do == "hold" and (one.held or one.held_whole) else None


def order(
    session: Session, do: str, account_ids: Collection[int], *, why: str, actor: str, kind: str | None = None,
    until: datetime | None = None, user_id: int | None = None, label_id: int | None = None,
) -> BulkOrder:  # fmt: skip
    """Give the order; a worker carries it out, if nobody does so first. Raises UserError as `preview` does,
    where it would change nothing, without a reason, or where the user may not work for a creditor."""
    if not why.strip():
        raise UserError("say why", field="why")
    if len(why) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="why", most=LONGEST)
    if until is not None and until <= clock.now():
        raise UserError("Choose a day that is yet to come.", field="until")
    touched = preview(session, do, account_ids, kind, label_id).touched
    if not touched:
        raise UserError("it would change nothing", field="accounts")
    tenants = sorted({one.tenant_id for one in touched})
    if do == "give" and not all(_works_for(session, user_id, one) for one in tenants):
        raise UserError("Please choose one.", field="user")
    made = BulkOrder(
        agency_id=scope_of(session).agency(), do=do, kind=kind, until=until, user_id=user_id,
        label_id=label_id, tenant_ids=tenants, account_ids=[one.id for one in touched], changed=0,
        state="waiting", asked_by=actor, asked_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    scope = Scope(scope_of(session).agency(), tuple(tenants))
    jobs.enqueue(session, "outreach.bulk", queue="urgent", scope=scope, order_id=made.id)
    audit.record(
        session, f"outreach.bulk_{do}", f"bulk:{made.id}", actor=actor, accounts=len(touched), kind=kind,
        label=label_id, why=why.strip(),
    )  # fmt: skip
    return made


def _works_for(session: Session, user_id: int | None, tenant_id: int) -> bool:
    return user_id in {one.id for one in desk.workers(session, tenant_id)}


def carry_out(database: Database, scope: Scope, order_id: int) -> int:
    """Do what was ordered, creditor by creditor; nothing where that was done. `scope` has its creditors. How
    many accounts it changed."""
    with database.transaction(scope) as session:
        found = _found(session, order_id)
        if found.state != "waiting":
            return found.changed
    for tenant_id in found.tenant_ids:
        with database.transaction(Scope(scope.agency_id, (tenant_id,))) as session:
            locked = _found(session, order_id)  # page and worker may be at it together: one after the other
            if locked.state == "waiting":  # not done meanwhile, and perhaps taken back since
                locked.changed += _DO[found.do](session, locked)
    with database.transaction(scope) as session:
        found = _found(session, order_id)
        if found.state == "waiting":
            found.state, found.done_at = "done", clock.now()
        return found.changed


_HOLD = text("""
INSERT INTO holds (tenant_id, debtor_id, account_id, kind, source, started_at, until)
SELECT a.tenant_id, a.debtor_id, a.id, CAST(:kind AS varchar), :source, CAST(:now AS timestamptz),
    CAST(:until AS timestamptz)
FROM accounts a
WHERE a.tenant_id = :tenant AND a.id = ANY (:ids) AND a.status <> ALL (:ended)
  AND NOT EXISTS (
    SELECT 1 FROM holds h WHERE h.tenant_id = a.tenant_id AND h.debtor_id = a.debtor_id
      AND h.kind = CAST(:kind AS varchar)
      AND (h.account_id IS NULL OR h.account_id = a.id)
      AND h.ended_at IS NULL
      AND (h.until IS NULL OR h.until > CAST(:now AS timestamptz)))
RETURNING debtor_id, account_id, kind
""")


def _hold(session: Session, found: BulkOrder) -> int:
    opened = session.execute(_HOLD, {
        "tenant": scope_of(session).tenant(), "ids": found.account_ids, "kind": found.kind,
        "source": f"bulk:{found.id}", "now": clock.now(), "until": found.until, "ended": sorted(ENDED),
    }).all()  # fmt: skip
    placements.tell_opened(session, [(row[0], row[1], row[2]) for row in opened])
    return len(opened)


def _release(session: Session, found: BulkOrder) -> int:
    by = f"bulk:{found.id}"
    before = placements.count_ended_by(session, by)
    placements.end_holds(session, found.account_ids, found.kind or "", by=by)
    return placements.count_ended_by(session, by) - before


def _recall(session: Session, found: BulkOrder) -> int:
    return len(placements.recall_accounts(session, found.account_ids))


def _label(session: Session, found: BulkOrder) -> int:
    return labels.give(session, found.label_id or 0, found.account_ids, by=f"bulk:{found.id}")


def _unlabel(session: Session, found: BulkOrder) -> int:
    return labels.take(session, found.label_id or 0, found.account_ids, by=f"bulk:{found.id}")


_DO: Mapping[str, Callable[[Session, BulkOrder], int]] = {
    "hold": _hold, "release": _release, "give": bulk_talks.carry_out, "answered": bulk_talks.carry_out,
    "recall": _recall, "label": _label, "unlabel": _unlabel,
}  # fmt: skip


def undo(database: Database, scope: Scope, order_id: int, *, actor: str) -> int:
    """Take an order back: holds that it opened end, those that it ended stand again, conversations are whose
    they were and wait as they did, portfolios have their strategies again; how many.
    Raises NotFound, Forbidden where it concerns creditors that are not in scope, Conflict where it is too
    late for it or what was done cannot be taken back."""
    with database.transaction(scope) as session:
        found = _found(session, order_id)
        if not set(found.tenant_ids) <= set(scope.tenant_ids):
            raise Forbidden("the order is about accounts of other creditors, too")
        if not may_be_undone(found):
            raise Conflict("this can no longer be taken back")
        found.state = "undone"
        audit.record(session, "outreach.bulk_undone", f"bulk:{order_id}", actor=actor)
    source, changed = f"bulk:{order_id}", 0
    for tenant_id in found.tenant_ids:
        with database.transaction(Scope(scope.agency_id, (tenant_id,))) as session:
            if found.do == bulk_strategies.DO:
                changed += bulk_strategies.take_back(session, found.versions or {}, actor=actor)
            elif found.do in bulk_talks.TALKING:
                changed += bulk_talks.take_back(session, found)
            elif found.do in bulk_drafts.DRAFTING:
                changed += bulk_drafts.take_back(session, found, actor=actor)
            elif found.do == "hold":
                changed += placements.end_of_source(session, source, by=actor)
            elif found.do == "label":
                changed += labels.take_back_given(session, source, by=actor)
            elif found.do == "unlabel":
                changed += labels.take_back_removed(session, source)
            else:
                changed += placements.reopen_ended_by(session, source)
    return changed


def may_be_undone(found: BulkOrder) -> bool:
    """Whether an order can be taken back now: all but recalls, in the hour."""
    in_time = found.done_at is not None and clock.now() < found.done_at + UNDONE_WITHIN
    return found.state == "done" and found.do in TAKEN_BACK and in_time


def _found(session: Session, order_id: int) -> BulkOrder:
    found = session.execute(
        select(BulkOrder)
        .where(BulkOrder.agency_id == scope_of(session).agency(), BulkOrder.id == order_id)
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such order")
    return found


def orders(session: Session, limit: int = 50) -> list[BulkOrder]:
    """The newest orders of the agency in scope about no other creditors than those in scope."""
    mine = BulkOrder.tenant_ids.bool_op("<@")(literal(list(scope_of(session).tenant_ids), ARRAY(BigInteger)))
    rows = session.execute(
        select(BulkOrder)
        .where(BulkOrder.agency_id == scope_of(session).agency(), mine)
        .order_by(BulkOrder.id.desc())
        .limit(limit)
    )
    return list(rows.scalars())
