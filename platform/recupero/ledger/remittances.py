"""Remittances: what came in for a creditor in a period becomes a statement, is issued, and is paid out.

A statement is drawn from the ledger's transactions up to the end of its period that stand on no statement
yet, so that a reversal of something remitted, or a payment told late, comes on the next one. Issuing locks
it. Who issues has not drawn or reviewed it, and who pays it out has not issued it: two people look at money
that leaves. The methods and the figures are in `ledger.statement`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.kernel.money import is_currency
from recupero.ledger import statements, trust
from recupero.ledger.books import Book
from recupero.ledger.events import RemittanceIssued
from recupero.ledger.numbering import next_number
from recupero.ledger.service import Entry, book
from recupero.ledger.statement import Method, totals
from recupero.ledger.tables import Remittance, RemittanceItem
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service


class Step(Protocol):
    """One of the steps after drawing."""

    def __call__(self, session: Session, remittance_id: int, *, actor: str) -> Remittance: ...


# Money moves of accounts that stand on no statement, with the balance that each leaves behind.
_ITEMS = text("""
WITH moved AS (
    SELECT e.transaction_id, e.account_id, t.kind, t.occurred_at,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.book = 'receivable'), 0) AS change,
           coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'commission_earned'), 0) AS fee,
           coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'commission_tax'), 0) AS tax,
           bool_or(e.book IN ('direct_payments', 'connect_payments')) AS direct,
           bool_or(e.book = 'connect_payments') AS taken
    FROM ledger_entries e
    JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
    WHERE e.tenant_id = :tenant AND e.currency = :currency AND e.account_id IS NOT NULL
      AND t.kind IN ('payment', 'reversal', 'reallocation', 'adjustment') AND t.occurred_at < :until
      AND NOT EXISTS (
          SELECT FROM remittance_items i WHERE i.tenant_id = e.tenant_id
          AND i.transaction_id = e.transaction_id AND i.account_id = e.account_id)
    GROUP BY e.transaction_id, e.account_id, t.kind, t.occurred_at
), parts AS (
    SELECT transaction_id, account_id, jsonb_object_agg(part, amount) AS parts
    FROM (
        SELECT e.transaction_id, e.account_id, e.part, -sum(e.amount_minor) AS amount
        FROM ledger_entries e JOIN moved m USING (transaction_id, account_id)
        WHERE e.tenant_id = :tenant AND e.book = 'receivable' GROUP BY 1, 2, 3
    ) by_part GROUP BY 1, 2
), left_over AS (
    SELECT transaction_id, account_id,
           sum(sum(amount_minor)) OVER (PARTITION BY account_id ORDER BY transaction_id) AS balance
    FROM ledger_entries
    WHERE tenant_id = :tenant AND book = 'receivable'
      AND account_id IN (SELECT account_id FROM moved)
    GROUP BY transaction_id, account_id
)
INSERT INTO remittance_items (tenant_id, remittance_id, transaction_id, account_id, at, kind, direct,
    fee_taken, amount_minor, parts, fee_minor, tax_minor, balance_after_minor)
SELECT :tenant, :remittance, m.transaction_id, m.account_id, m.occurred_at,
    CASE WHEN m.kind = 'adjustment' THEN 'adjustment' WHEN m.kind = 'reversal' OR m.change > 0 THEN 'reversal'
         WHEN m.direct THEN 'paid_to_client' ELSE 'paid_to_agency' END,
    m.direct, m.taken, -m.change, coalesce(p.parts, '{}'), m.fee, m.tax, coalesce(l.balance, 0)
FROM moved m LEFT JOIN parts p USING (transaction_id, account_id)
LEFT JOIN left_over l USING (transaction_id, account_id)
ORDER BY m.occurred_at, m.transaction_id, m.account_id
""")


def method_of(session: Session) -> Method:
    """How the agency and the tenant in scope settle: its setting `remittance_method`, net unless set."""
    return Method(tenancy.tenant(session).settings.get("remittance_method", Method.NET))


def set_method(session: Session, method: str, *, actor: str) -> None:
    """Settle with the tenant in scope by `method` from the next statement that is drawn; what is issued
    stays. Raises UserError on another word than net, gross or combined."""
    if method not in list(Method):
        raise UserError("choose net, gross or combined", field="method")
    if method != method_of(session):
        tenancy_service.configure_tenant(
            session, scope_of(session).tenant(), actor=actor, remittance_method=method
        )


def draw(session: Session, *, currency: str, period_from: date, period_to: date, actor: str) -> Remittance:
    """Draw a statement of the tenant in scope, both days included, in its own time zone.

    It holds all that happened up to its last day and stands on no statement yet. One that was drawn in this
    currency and not issued is replaced, so that a change of method or a late payment is taken in.
    Raises UserError on a period that has not ended, overlaps an issued one, or an unknown currency.
    """
    if not is_currency(currency):
        raise UserError(
            "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR",
            field="currency", currency=currency,
        )  # fmt: skip
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    _check_period(session, currency, period_from, period_to, clock.now().astimezone(zone).date())
    tenant = scope_of(session).tenant()
    _discard_open(session, currency)
    method = method_of(session)
    remittance = Remittance(
        tenant_id=tenant, currency=currency, method=method.value, period_from=period_from,
        period_to=period_to, state="draft", drawn_by=actor, drawn_at=clock.now(),
        **_figures(method, _carried_over(session, currency), []),
    )  # fmt: skip
    session.add(remittance)
    session.flush()
    until = datetime.combine(period_to + timedelta(days=1), time.min, zone)
    session.execute(
        _ITEMS,
        {"tenant": tenant, "currency": currency, "until": until, "remittance": remittance.id},
    )
    sums = statements.sums(session, remittance.id)
    for name, amount in _figures(method, remittance.opening_minor, sums).items():
        setattr(remittance, name, amount)
    _record(session, "draw", remittance, actor)
    return remittance


def review(session: Session, remittance_id: int, *, actor: str) -> Remittance:
    """Say that a drawn statement was looked through. Raises Conflict where it is past that, NotFound."""
    remittance = _locked(session, remittance_id, "draft")
    remittance.state, remittance.reviewed_by, remittance.reviewed_at = "reviewed", actor, clock.now()
    _record(session, "review", remittance, actor)
    return remittance


def issue(session: Session, remittance_id: int, *, actor: str) -> Remittance:
    """Number and lock a reviewed statement, and book what it says is due.

    Raises Conflict where it is not reviewed, was reviewed or drawn by `actor`, or no longer agrees with the
    books (something was booked since: draw it again); NotFound.
    """
    remittance = _locked(session, remittance_id, "reviewed")
    if actor in (remittance.drawn_by, remittance.reviewed_by):
        raise Conflict("a second person issues a statement: you drew or reviewed this one")
    remittance.statement_number = next_number(session, "statement")
    if remittance.invoiced_minor:
        remittance.invoice_number = next_number(session, "invoice")
    remittance.state, remittance.issued_by, remittance.issued_at = "issued", actor, clock.now()
    payable, invoiced, currency = remittance.payable_minor, remittance.invoiced_minor, remittance.currency
    if payable or invoiced:
        book(
            session, kind="remittance", external_key=f"remittance:{remittance.id}", occurred_at=clock.now(),
            entries=[
                Entry(Book.CREDITOR_PAYABLE, payable - invoiced, currency),
                Entry(Book.REMITTANCE_PAYABLE, -payable, currency),
                Entry(Book.FEES_INVOICED, invoiced, currency),
            ],
        )  # fmt: skip
    events.publish(session, RemittanceIssued(remittance.id))
    _record(session, "issue", remittance, actor)
    return remittance


def pay_out(session: Session, remittance_id: int, *, reference: str, actor: str) -> Remittance:
    """Book that an issued statement was paid out of trust, by the bank's `reference`.

    Raises Conflict where it is not issued, was issued by `actor`, or trust holds less; NotFound.
    """
    remittance = _locked(session, remittance_id, "issued")
    if actor == remittance.issued_by:
        raise Conflict("a second person pays out: you issued this statement")
    if not reference.strip():
        raise UserError("the bank's reference of the payment is needed", field="reference")
    payable, currency = remittance.payable_minor, remittance.currency
    trust.lock(session, currency)
    if trust.balance(session, currency) < payable:
        raise Conflict("trust holds less than this statement pays out: look at the trust page")
    if payable:
        book(
            session, kind="payout", external_key=f"payout:{remittance.id}", occurred_at=clock.now(),
            entries=[
                Entry(Book.REMITTANCE_PAYABLE, payable, currency), Entry(Book.TRUST_CASH, -payable, currency)
            ],
            note=reference.strip(),
        )  # fmt: skip
    remittance.state, remittance.paid_by, remittance.paid_at = "paid", actor, clock.now()
    remittance.payment_reference = reference.strip()
    _record(session, "pay_out", remittance, actor)
    return remittance


def _figures(method: Method, opening_minor: int, sums: Sequence[statements.Sum]) -> dict[str, int]:
    return asdict(totals(method, opening_minor, (one.line for one in sums)))


def _check_period(session: Session, currency: str, first: date, last: date, today: date) -> None:
    if first > last:
        raise UserError("the period ends before it begins", field="period_to")
    if last >= today:
        raise UserError("the period has not ended yet: choose a last day before today", field="period_to")
    newest = session.execute(
        select(Remittance.period_to)
        .where(
            Remittance.tenant_id == scope_of(session).tenant(), Remittance.currency == currency,
            Remittance.state.in_(["issued", "paid"]),
        )
        .order_by(Remittance.period_to.desc())
        .limit(1)
    ).scalar_one_or_none()  # fmt: skip
    if newest is not None and first <= newest:
        raise UserError(
            "a statement up to %(day)s is issued already: begin after it",
            field="period_from", day=newest,
        )  # fmt: skip


def _carried_over(session: Session, currency: str) -> int:
    found = session.execute(
        select(Remittance.closing_minor)
        .where(
            Remittance.tenant_id == scope_of(session).tenant(), Remittance.currency == currency,
            Remittance.state.in_(["issued", "paid"]),
        )
        .order_by(Remittance.period_to.desc(), Remittance.id.desc())
        .limit(1)
    ).scalar_one_or_none()  # fmt: skip
    return found or 0


def _discard_open(session: Session, currency: str) -> None:
    tenant = scope_of(session).tenant()
    for identity in session.execute(
        select(Remittance.id)
        .where(
            Remittance.tenant_id == tenant, Remittance.currency == currency,
            Remittance.state.in_(["draft", "reviewed"]),
        )
        .with_for_update()
    ).scalars().all():  # fmt: skip
        mine = (RemittanceItem.tenant_id == tenant) & (RemittanceItem.remittance_id == identity)
        session.execute(delete(RemittanceItem).where(mine))
        session.execute(delete(Remittance).where(Remittance.tenant_id == tenant, Remittance.id == identity))
    session.flush()


def _locked(session: Session, remittance_id: int, state: str) -> Remittance:
    remittance = session.execute(
        select(Remittance)
        .where(Remittance.tenant_id.in_(scope_of(session).tenant_ids), Remittance.id == remittance_id)
        .with_for_update()
    ).scalar_one_or_none()
    if remittance is None:
        raise NotFound("no such statement")
    if remittance.state != state:
        raise Conflict("this statement has moved on: open it again to see where it stands")
    return remittance


def _record(session: Session, what: str, remittance: Remittance, actor: str) -> None:
    audit.record(
        session, f"ledger.{what}_remittance", f"remittance:{remittance.id}", actor=actor,
        tenant_id=remittance.tenant_id, currency=remittance.currency, payable_minor=remittance.payable_minor,
        invoiced_minor=remittance.invoiced_minor,
    )  # fmt: skip
