"""Papers for debtors: receipts, balance letters, letters that all is paid. Reprinted they are the same.

What a paper says is kept as facts; `reports.letters` sets them in the debtor's language. Papers about plans
and settlements are made in `agreement_documents`.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound
from recupero.ledger import queries as ledger
from recupero.ledger.numbering import next_numbers
from recupero.payments.events import ReceiptsIssued
from recupero.payments.papers.document_tables import Document
from recupero.payments.tables import Allocation, Payment
from recupero.placements.debts import OpenDebt, WhoOwes, debts_by_id, debts_of_one, who_owe, who_owes
from recupero.tenancy import queries as tenancy

PDF = "application/pdf"
KINDS = ("receipt", "balance", "paid_in_full", "plan", "offer", "settlement", "settled", "invoice")
LANGUAGES = ("es", "en", "pt")
#: Receipts are made by themselves for payments of these days; older ones when somebody asks.
RECENT = timedelta(days=30)
_AT_ONCE = 500


class Line(TypedDict):
    """An account on a paper; minor units. `parts` is what is owed or was paid, by part of the balance."""

    client_account: str
    product: str | None
    due_date: str
    parts: dict[str, int]


class Contents(TypedDict):
    """What a paper says. `total_minor` was paid, or is owed; `left_minor` is owed after it; `back_minor` of
    what was paid had gone back when the paper was made (papers of before do not say it)."""

    agency: str
    phone: str
    email: str
    creditor: str
    debtor: str
    country: str
    timezone: str
    currency: str
    lines: list[Line]
    total_minor: int
    left_minor: int
    waiting_minor: int
    on: str
    reference: str | None
    back_minor: NotRequired[int]


@dataclass(frozen=True, slots=True)
class Paper:
    """A document before it has a number: for whom, of which accounts and payment, as what, saying what."""

    person: WhoOwes
    account_ids: list[int]
    media_type: str
    contents: str
    payment_id: int | None = None
    subject_id: int | None = None
    revision: int = 0

    @classmethod
    def saying(
        cls, contents: Contents, person: WhoOwes, account_ids: list[int], *, payment_id: int | None = None,
        subject_id: int | None = None, revision: int = 0,
    ) -> "Paper":  # fmt: skip
        said = json.dumps(contents, ensure_ascii=False)
        return cls(person, account_ids, PDF, said, payment_id, subject_id, revision)


def receipt(session: Session, payment_id: int, *, actor: str) -> Document:
    """The receipt of a payment to the agency, issued now where it was not. Raises NotFound, also for a
    payment that went to the creditor (its receipt is the creditor's) or that has no debtor."""
    tenant = scope_of(session).tenant()
    payment = session.execute(
        select(Payment).where(Payment.tenant_id == tenant, Payment.id == payment_id).with_for_update()
    ).scalar_one_or_none()
    if payment is None or payment.kind == "direct" or payment.debtor_id is None:
        raise NotFound("no such payment")
    known = select(Document).where(
        Document.tenant_id == tenant, Document.kind == "receipt", Document.payment_id == payment_id
    )
    found = session.execute(known).scalar_one_or_none()
    return found or _receipts(session, [payment], actor)[0]


def last_paid(session: Session, debtor_id: int) -> Payment | None:
    """The newest payment of a debtor to the agency, in the tenant in scope, of which not all went back."""
    query = select(Payment).where(
        Payment.tenant_id == scope_of(session).tenant(), Payment.debtor_id == debtor_id,
        Payment.kind != "direct", Payment.state != "reversed",
    )  # fmt: skip
    return session.execute(query.order_by(Payment.received_at.desc(), Payment.id.desc()).limit(1)).scalar()


def issue_receipts(session: Session) -> int:
    """Receipts for payments of the tenant in scope that have none; how many, `_AT_ONCE` at most. Of what went
    back as a whole there is one only for who asks for it.

    Publishes `ReceiptsIssued`.
    """
    tenant = scope_of(session).tenant()
    has_one = select(Document.id).where(
        Document.tenant_id == tenant, Document.kind == "receipt", Document.payment_id == Payment.id
    )
    payments = session.execute(
        select(Payment)
        .where(Payment.tenant_id == tenant, Payment.received_at >= clock.now() - RECENT,
               Payment.kind != "direct", Payment.debtor_id.is_not(None), Payment.state != "reversed",
               ~has_one.exists())
        .order_by(Payment.received_at, Payment.id).limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).scalars().all()  # fmt: skip
    if payments:
        made = _receipts(session, payments, "system")
        told = {one.debtor_id: one.account_ids[0] for one in made if one.account_ids}
        events.publish(session, ReceiptsIssued(told))
    return len(payments)


def _receipts(session: Session, payments: Sequence[Payment], actor: str) -> list[Document]:
    people = who_owe(session, {payment.debtor_id for payment in payments if payment.debtor_id})
    lies = _lies(session, [payment.id for payment in payments])
    accounts = {account for parts in lies.values() for account in parts if account is not None}
    debts = {debt.account_id: debt for debt in debts_by_id(session, accounts)}
    papers = []
    for payment in payments:
        person, placed = people[payment.debtor_id or 0], lies.get(payment.id, {})
        paid = sorted(account for account in placed if account is not None)
        # Where all of it went back, what is left is told of the accounts that it had been counted on.
        paid = [one for one in paid if any(placed[one].values())] or [
            one for one in paid if debts[one].debtor_id == payment.debtor_id
        ]
        contents = contents_of(
            session, person, payment.currency, [line_of(debts[account], placed[account]) for account in paid],
            total_minor=payment.amount_minor, on=payment.received_at, reference=payment.external_key,
            left_minor=sum(debts[account].balance_minor for account in paid),
            waiting_minor=sum(placed.get(None, {}).values()),
        )  # fmt: skip
        contents["back_minor"] = payment.refunded_minor + payment.charged_back_minor
        papers.append(Paper.saying(contents, person, paid, payment_id=payment.id))
    return issue(session, "receipt", actor, papers)


def _lies(session: Session, payment_ids: Collection[int]) -> dict[int, dict[int | None, dict[str, int]]]:
    """Where the money of each payment lies now: by account (None: it waits) and part; 0 where it left."""
    rows = session.execute(
        select(Allocation.payment_id, Allocation.account_id, Allocation.part,
               func.sum(Allocation.amount_minor))
        .where(Allocation.tenant_id == scope_of(session).tenant(), Allocation.payment_id.in_(payment_ids))
        .group_by(Allocation.payment_id, Allocation.account_id, Allocation.part)
    )  # fmt: skip
    found: dict[int, dict[int | None, dict[str, int]]] = {}
    for payment_id, account_id, part, amount in rows:
        found.setdefault(payment_id, {}).setdefault(account_id, {})[part] = int(amount)
    return found


def balance_letter(session: Session, debtor_id: int, currency: str, *, actor: str) -> Document:
    """What the debtor owes in a currency now, by account and part; the last letter again where nothing has
    changed since on the same day. Raises NotFound where they have no account in it."""
    owed = [debt for debt in debts_of_one(session, debtor_id) if debt.currency == currency]
    if not owed:
        raise NotFound("no such account")
    balances = ledger.balances(session, [debt.account_id for debt in owed])
    lines = [line_of(debt, balances[debt.account_id].parts) for debt in owed if debt.account_id in balances]
    total = sum(debt.balance_minor for debt in owed)
    return _letter(session, "balance", debtor_id, owed, lines, total, actor)


def paid_letter(session: Session, account_id: int, *, actor: str) -> Document:
    """That an account is paid in full. Raises NotFound; Conflict where something is still owed, or the
    account ended in another way."""
    found = debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account")
    debt = found[0]
    if debt.close_code not in ("PIF", "SIF") or debt.balance_minor > int(
        debt.terms.get("tolerance_minor", 0)
    ):
        raise Conflict("this letter says that all is paid, and it is not")
    paid = line_of(debt, {})
    return _letter(session, "paid_in_full", debt.debtor_id, [debt], [paid], 0, actor)


def _letter(
    session: Session, kind: str, debtor_id: int, debts: Sequence[OpenDebt], lines: list[Line], total: int,
    actor: str,
) -> Document:  # fmt: skip
    person = who_owes(session, debtor_id)
    contents = contents_of(
        session, person, debts[0].currency, lines, total_minor=total, left_minor=total, on=clock.now()
    )
    accounts = sorted(debt.account_id for debt in debts)
    last = _last(session, kind, debtor_id, accounts)
    if last is not None and _same(last, contents):
        return last
    return issue(session, kind, actor, [Paper.saying(contents, person, accounts)])[0]


def _last(session: Session, kind: str, debtor_id: int, accounts: list[int]) -> Document | None:
    return session.execute(
        select(Document)
        .where(Document.tenant_id == scope_of(session).tenant(), Document.kind == kind,
               Document.debtor_id == debtor_id, Document.account_ids == accounts)
        .order_by(Document.id.desc()).limit(1)
    ).scalar_one_or_none()  # fmt: skip


def _same(last: Document, contents: Contents) -> bool:
    """Whether it says the same, of the same day."""
    said: Contents = json.loads(last.contents)
    return {**said, "on": said["on"][:10]} == {**contents, "on": contents["on"][:10]}


def line_of(debt: OpenDebt, parts: dict[str, int]) -> Line:
    return {
        "client_account": debt.client_account, "product": debt.product,
        "due_date": debt.due_date.isoformat(),
        "parts": {part: amount for part, amount in parts.items() if amount},
    }  # fmt: skip


def contents_of(
    session: Session, person: WhoOwes, currency: str, lines: list[Line], *, total_minor: int,
    left_minor: int, on: datetime, waiting_minor: int = 0, reference: str | None = None,
) -> Contents:  # fmt: skip
    agency, creditor = tenancy.agency(session), tenancy.tenant(session)
    return {
        "agency": agency.name, "phone": agency.contact_phone, "email": agency.contact_email,
        "creditor": creditor.name, "debtor": person.name, "country": creditor.country,
        "timezone": creditor.timezone, "currency": currency, "lines": lines, "total_minor": total_minor,
        "left_minor": left_minor, "waiting_minor": waiting_minor, "on": on.isoformat(),
        "reference": reference,
    }  # fmt: skip


def issue(session: Session, kind: str, actor: str, papers: Sequence[Paper]) -> list[Document]:
    """Number and keep the agency's papers. The numbers are taken last: other transactions of the agency wait
    for them until this one has ended."""
    return keep(session, kind, actor, papers, next_numbers(session, kind, len(papers)))


def keep(
    session: Session, kind: str, actor: str, papers: Sequence[Paper], numbers: Sequence[int]
) -> list[Document]:
    """Keep papers under these numbers."""
    made = [
        Document(
            tenant_id=scope_of(session).tenant(), kind=kind, number=number, debtor_id=paper.person.debtor_id,
            account_ids=paper.account_ids, payment_id=paper.payment_id, subject_id=paper.subject_id,
            revision=paper.revision, media_type=paper.media_type,
            language=paper.person.language if paper.person.language in LANGUAGES else LANGUAGES[0],
            contents=paper.contents, issued_by=actor, issued_at=clock.now(),
        )
        for number, paper in zip(numbers, papers, strict=True)
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    if actor != "system":
        audit.record(session, f"payments.issue_{kind}", f"document:{made[0].id}", actor=actor,
                     tenant_id=scope_of(session).tenant(), number=made[0].number)  # fmt: skip
    return made


def documents_of(session: Session, debtor_id: int) -> Sequence[Document]:
    """The papers of a debtor of the tenants in scope, newest first."""
    query = select(Document).where(
        Document.tenant_id.in_(scope_of(session).tenant_ids), Document.debtor_id == debtor_id
    )
    return session.execute(query.order_by(Document.id.desc())).scalars().all()


def document(session: Session, document_id: int, *, debtor_id: int | None = None) -> Document:
    """A paper of the tenants in scope, or of one debtor only. Raises NotFound."""
    query = select(Document).where(
        Document.tenant_id.in_(scope_of(session).tenant_ids), Document.id == document_id
    )
    found = session.execute(query).scalar_one_or_none()
    if found is None or debtor_id not in (None, found.debtor_id):
        raise NotFound("no such document")
    return found


def said(found: Document) -> Any:
    """What a paper says, of one that is not a creditor's file (`Contents`)."""
    return json.loads(found.contents)
