"""Several drafts of one author at once: handed in or discarded, seen before, taken back within the hour.

Each draft is handed in as if its author had opened it: what cannot go out is left as it is, with the reason.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.orders import drafts
from recupero.outreach.tables import BulkOrder, Draft

#: Orders about drafts.
DRAFTING = ("submit", "discard")
MOST = 100  # as many as the page of drafts shows


@dataclass(frozen=True, slots=True)
class Seen:
    """What an order would do to a draft: `at` is when it would go out, None where it would be discarded;
    `against` is why it is left as it is."""

    draft: Draft
    at: datetime | None = None
    against: UserError | None = None


def preview(
    database: Database, scope: Scope, do: str, draft_ids: Collection[int], *, actor: str
) -> list[Seen]:
    """What the order would do to those of the drafts that the actor wrote and has not handed in. Raises
    UserError where none or too many are chosen, or the order is unknown."""
    if do not in DRAFTING:
        raise UserError("choose what to do", field="do")
    if len(draft_ids) > MOST:
        raise UserError("at most %(most)s drafts at once", field="drafts", most=MOST)
    with database.transaction(scope) as session:
        chosen = _own(session, draft_ids, actor)
    if not chosen:
        raise UserError("choose at least one draft", field="drafts")
    if do == "discard":
        return [Seen(draft) for draft in chosen]
    found = list[Seen]()
    for tenant_id, group in groupby(chosen, attrgetter("tenant_id")):
        with database.transaction(Scope(scope.agency_id, (tenant_id,))) as session:
            found += [_seen(session, draft) for draft in group]
    return found


def _own(session: Session, draft_ids: Collection[int], actor: str) -> Sequence[Draft]:
    mine = (Draft.tenant_id.in_(scope_of(session).tenant_ids), Draft.id.in_(draft_ids))
    return session.execute(
        select(Draft)
        .where(*mine, Draft.made_by == actor, Draft.state == "draft")
        .order_by(Draft.tenant_id, Draft.id)
    ).scalars().all()  # fmt: skip


def _seen(session: Session, draft: Draft) -> Seen:
    try:
        return Seen(draft, drafts.moment_of(session, draft))
    except UserError as error:
        return Seen(draft, against=error)


def order(database: Database, scope: Scope, do: str, draft_ids: Collection[int], *, actor: str) -> BulkOrder:
    """Carry the order out, each draft by itself; what cannot go out stays a draft. Raises UserError as
    `preview` does, and where it would change nothing."""
    seen = preview(database, scope, do, draft_ids, actor=actor)
    done = [
        one.draft for one in seen if one.against is None and _carried_out(database, scope, do, one, actor)
    ]
    if not done:
        raise UserError("it would change nothing", field="drafts")
    with database.transaction(scope) as session:
        kept = BulkOrder(
            agency_id=scope_of(session).agency(), do=do, tenant_ids=sorted({one.tenant_id for one in done}),
            account_ids=[one.account_id for one in done], talks=[{"id": one.id} for one in done],
            changed=len(done), state="done", asked_by=actor, asked_at=clock.now(), done_at=clock.now(),
        )  # fmt: skip
        session.add(kept)
        session.flush()
        audit.record(session, f"outreach.bulk_{do}", f"bulk:{kept.id}", actor=actor, drafts=len(done))
    return kept


def _carried_out(database: Database, scope: Scope, do: str, seen: Seen, actor: str) -> bool:
    """Whether it was; not where the draft or its account changed since it was looked at."""
    try:
        with database.transaction(Scope(scope.agency_id, (seen.draft.tenant_id,))) as session:
            _DO[do](session, seen.draft.id, actor=actor)
    except UserError:
        return False
    return True


_DO: Mapping[str, Callable[..., object]] = {"submit": drafts.submit, "discard": drafts.discard}


def take_back(session: Session, found: BulkOrder, *, actor: str) -> int:
    """The drafts of the tenant in scope are drafts again, where nothing of them went out; how many."""
    return drafts.take_back(session, [one["id"] for one in found.talks or []], actor=actor)


def orders(session: Session, actor: str, limit: int = 10) -> list[BulkOrder]:
    """The newest orders about drafts that the actor gave, of the agency in scope."""
    rows = session.execute(
        select(BulkOrder)
        .where(
            BulkOrder.agency_id == scope_of(session).agency(), BulkOrder.asked_by == actor,
            BulkOrder.do.in_(DRAFTING),
        )
        .order_by(BulkOrder.id.desc())
        .limit(limit)
    )  # fmt: skip
    return list(rows.scalars())
