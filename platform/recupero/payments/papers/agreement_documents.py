"""Papers about agreements: the terms of a plan, an offer to settle, the settlement, that it is settled.

Each is issued once for its plan or settlement, by itself within a minute, at once where somebody asks; the
terms of a plan anew when a pause has given it other dates.
"""

from collections.abc import Iterable
from typing import TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict
from recupero.payments.agreements import plans
from recupero.payments.gateways import links
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.papers.document_tables import Document
from recupero.payments.papers.documents import RECENT, Contents, Paper, contents_of, issue, line_of
from recupero.placements.debts import debts_by_id, who_owes

#: The paper of a settlement by its state; of other states there is only what was issued before.
_OF_STATE = {"offered": "offer", "accepted": "settlement", "settled": "settled"}
_AT_ONCE = 100


class Instalment(TypedDict):
    """One payment of a plan; the amount in minor units."""

    number: int
    due_date: str
    amount_minor: int


class AgreementContents(Contents):
    """What a paper about an agreement says, besides: `total_minor` is the sum agreed, `owed_minor` what is
    owed without it, `last_day` until when an offer holds or a settlement is to be paid, `moved_on` when a
    pause gave a plan these dates in place of others, `pay_at` the debtor's own page, while something is to
    be paid."""

    subject_id: int
    agreed_on: str
    instalments: list[Instalment]
    grace_days: int
    owed_minor: int
    last_day: str | None
    moved_on: str | None
    pay_at: str | None


def plan_paper(session: Session, plan: Plan, *, actor: str) -> Document:
    """The terms of a plan of the tenant in scope, with the dates it has now. Raises Conflict where nobody has
    allowed it yet."""
    found = _issued(session, ["plan"], plan.id)
    if found is not None and (plan.moved_at is None or found.issued_at >= plan.moved_at):
        return found
    if plan.state in ("asked", "refused"):
        raise Conflict("this plan has not been allowed: there is no agreement to print")
    rows = plans.instalments_of(session, [plan.id])[plan.id]
    schedule: list[Instalment] = [
        {"number": one.number, "due_date": one.due_date.isoformat(), "amount_minor": one.amount_minor}
        for one in rows
    ]
    return _issue(
        session, "plan", plan, actor, total_minor=plan.total_minor, owed_minor=plan.total_minor,
        agreed_on=plan.agreed_at.isoformat(), instalments=schedule, grace_days=plan.grace_days, last_day=None,
        moved_on=plan.moved_at.isoformat() if plan.moved_at else None,
        revision=0 if found is None else found.revision + 1,
    )  # fmt: skip


def settlement_paper(session: Session, found: Settlement, *, actor: str) -> Document:
    """What a settlement of the tenant in scope has come to: the offer, the agreement, or that it is settled.

    Of one that has ended otherwise, the last paper that was issued. Raises Conflict where there is none.
    """
    kind = _OF_STATE.get(found.state)
    paper = _issued(session, [kind] if kind else list(_OF_STATE.values()), found.id)
    if paper is not None:
        return paper
    if kind is None:
        raise Conflict("this settlement does not stand: there is no letter to print")
    return _issue(
        session, kind, found, actor, total_minor=found.amount_minor, owed_minor=found.balance_minor,
        agreed_on=(found.accepted_at or found.made_at).isoformat(), instalments=[], grace_days=0,
        last_day=(found.valid_until if kind == "offer" else found.pay_by).isoformat(),
    )  # fmt: skip


def issue_agreements(session: Session) -> int:
    """Papers of recent plans and settlements of the tenant in scope that have none; how many."""
    made = [plan_paper(session, plan, actor="system") for plan in _plans_without(session)]
    made += [settlement_paper(session, one, actor="system") for one in _settlements_without(session)]
    return len(made)


def _plans_without(session: Session) -> Iterable[Plan]:
    tenant, since = scope_of(session).tenant(), func.coalesce(Plan.moved_at, Plan.agreed_at)
    has_one = select(Document.id).where(
        Document.tenant_id == tenant,
        Document.kind == "plan",
        Document.subject_id == Plan.id,
        Document.issued_at >= since,
    )
    query = select(Plan).where(
        Plan.tenant_id == tenant, Plan.state == "running", since >= clock.now() - RECENT, ~has_one.exists(),
    )  # fmt: skip
    return session.execute(
        query.order_by(Plan.id).limit(_AT_ONCE).with_for_update(skip_locked=True)
    ).scalars().all()  # fmt: skip


def _settlements_without(session: Session) -> Iterable[Settlement]:
    tenant, found = scope_of(session).tenant(), list[Settlement]()
    for state, kind in _OF_STATE.items():
        has_one = select(Document.id).where(
            Document.tenant_id == tenant, Document.kind == kind, Document.subject_id == Settlement.id
        )
        query = select(Settlement).where(
            Settlement.tenant_id == tenant, Settlement.state == state,
            Settlement.made_at >= clock.now() - RECENT, ~has_one.exists(),
        )  # fmt: skip
        found += session.execute(
            query.order_by(Settlement.id).limit(_AT_ONCE).with_for_update(skip_locked=True)
        ).scalars()
    return found


def _issued(session: Session, kinds: list[str], subject_id: int) -> Document | None:
    query = select(Document).where(
        Document.tenant_id == scope_of(session).tenant(), Document.kind.in_(kinds),
        Document.subject_id == subject_id,
    )  # fmt: skip
    return session.execute(query.order_by(Document.id.desc()).limit(1)).scalar_one_or_none()


def _issue(
    session: Session, kind: str, about: Plan | Settlement, actor: str, *, total_minor: int, owed_minor: int,
    agreed_on: str, instalments: list[Instalment], grace_days: int, last_day: str | None,
    moved_on: str | None = None, revision: int = 0,
) -> Document:  # fmt: skip
    # Two who ask at once wait here for each other: the second finds the first one's paper.
    session.refresh(about, with_for_update=True)
    found = _issued(session, [kind], about.id)
    if found is not None and found.revision >= revision:
        return found
    person = who_owes(session, about.debtor_id)
    lines = [line_of(debt, {}) for debt in debts_by_id(session, about.account_ids)]
    common = contents_of(
        session,
        person,
        about.currency,
        lines,
        total_minor=total_minor,
        left_minor=total_minor,
        on=clock.now(),
    )
    contents: AgreementContents = {
        **common, "subject_id": about.id, "agreed_on": agreed_on, "instalments": instalments,
        "grace_days": grace_days, "owed_minor": owed_minor, "last_day": last_day,
        "moved_on": moved_on, "pay_at": None if kind == "settled" else _page(session, about),
    }  # fmt: skip
    paper = Paper.saying(contents, person, sorted(about.account_ids), subject_id=about.id, revision=revision)
    return issue(session, kind, actor, [paper])[0]


def _page(session: Session, about: Plan | Settlement) -> str:
    """Where the debtor pays it."""
    wanted = {about.debtor_id: about.account_ids}
    return links.ensure_links(session, wanted, about.currency)[about.debtor_id]
