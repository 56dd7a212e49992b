"""What happened is written down for the creditor's addresses in the transaction in which it happens.

Like `reports.queries` this reads the rooms' tables directly: one statement for each kind of event, however
many payments or accounts it is about, and none but a look for addresses where the creditor has none.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import any_, literal, select, text
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs
from recupero.kernel.database import Scope, scope_of
from recupero.ledger.events import RemittanceIssued
from recupero.payments.events import (
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanStarted,
    PromiseBroken,
    PromiseMade,
    SettlementAccepted,
)
from recupero.placements.events import AccountsClosed, AccountsRecalled, HoldsEnded, HoldsOpened
from recupero.reports.webhooks.tables import Webhook

JOB = "reports.send_webhooks"
_ACCOUNTS = (
    "(SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'client_account', a.client_account)"
    " ORDER BY a.id), '[]') FROM accounts a WHERE a.tenant_id = :tenant AND a.id = ANY({0}))"
)
_PAYMENT = (  # noqa: S608 - a statement of our own
    "SELECT jsonb_build_object('payment_id', p.id, 'kind', p.kind, 'amount_minor', p.amount_minor,"
    " 'currency', p.currency, 'received_at', p.received_at,"
    " 'taken_back_minor', p.refunded_minor + p.charged_back_minor, 'accounts', {accounts}) AS data"
    " FROM payments p WHERE p.tenant_id = :tenant AND p.id = ANY(:ids) ORDER BY p.id"
).format(accounts=_ACCOUNTS.format("p.account_ids"))
_PROMISE = (  # noqa: S608 - a statement of our own
    "SELECT jsonb_build_object('promise_id', p.id, 'amount_minor', p.amount_minor, 'currency', p.currency,"
    " 'due_date', p.due_date, 'state', p.state, 'accounts', {accounts}) AS data"
    " FROM promises p WHERE p.tenant_id = :tenant AND p.id = ANY(:ids) ORDER BY p.id"
).format(accounts=_ACCOUNTS.format("ARRAY[p.account_id]"))
_PLAN = (  # noqa: S608 - a statement of our own
    "SELECT jsonb_build_object('plan_id', p.id, 'total_minor', p.total_minor, 'currency', p.currency,"
    " 'accounts', {accounts}) AS data FROM plans p WHERE p.tenant_id = :tenant AND p.id = ANY(:ids)"
).format(accounts=_ACCOUNTS.format("p.account_ids"))
_SETTLEMENT = (  # noqa: S608 - a statement of our own
    "SELECT jsonb_build_object('settlement_id', s.id, 'amount_minor', s.amount_minor, 'balance_minor',"
    " s.balance_minor, 'currency', s.currency, 'accounts', {accounts}) AS data"
    " FROM settlements s WHERE s.tenant_id = :tenant AND s.id = ANY(:ids)"
).format(accounts=_ACCOUNTS.format("s.account_ids"))
_ACCOUNT = (
    "SELECT jsonb_build_object('account_id', a.id, 'client_account', a.client_account, 'status', a.status,"
    " 'balance_minor', a.balance_minor, 'currency', a.currency, 'close_code', a.close_code) AS data"
    " FROM accounts a WHERE a.tenant_id = :tenant AND {0} ORDER BY a.id"
)
_CLOSED = _ACCOUNT.format("a.id = ANY(:ids)")
_HELD = _ACCOUNT.format("(a.id = ANY(:ids) OR a.debtor_id = ANY(:debtors))")
_STATEMENT = (
    "SELECT jsonb_build_object('remittance_id', r.id, 'number', r.statement_number, 'currency', r.currency,"
    " 'period_from', r.period_from, 'period_to', r.period_to, 'payable_minor', r.payable_minor,"
    " 'invoiced_minor', r.invoiced_minor) AS data"
    " FROM remittances r WHERE r.tenant_id = :tenant AND r.id = ANY(:ids)"
)
_GIVEN = "SELECT CAST(:given AS jsonb) AS data"
#: Every kind of event, and how its data is read.
_KINDS: Mapping[str, str] = {
    "payment.booked": _PAYMENT,
    "payment.reversed": _PAYMENT,
    "promise.made": _PROMISE,
    "promise.broken": _PROMISE,
    "plan.agreed": _PLAN,
    "plan.broken": _PLAN,
    "settlement.accepted": _SETTLEMENT,
    "dispute.opened": _HELD,
    "dispute.ended": _HELD,
    "account.closed": _CLOSED,
    "account.recalled": _CLOSED,
    "remittance.issued": _STATEMENT,
    "report.ready": _GIVEN,
}
KINDS = tuple(_KINDS)
TEST = "test"
_TELL = """
INSERT INTO webhook_events (tenant_id, webhook_id, kind, data, state, attempts, created_at, next_at)
SELECT :tenant, told.id, :kind, happened.data, 'waiting', 0, :now, :now
FROM unnest(CAST(:webhooks AS bigint[])) AS told(id) CROSS JOIN ({0}) AS happened"""


def tell(session: Session, kind: str, ids: Collection[int] = (), **values: Any) -> None:
    """Write down that something of this kind happened to the things `ids`, once for each address of the
    tenants in scope that wants to know, and ask a worker to send it after the commit."""
    scope, wanted = scope_of(session), defaultdict[int, list[int]](list)
    for tenant, webhook in session.execute(
        select(Webhook.tenant_id, Webhook.id).where(
            Webhook.tenant_id.in_(scope.tenant_ids), Webhook.active, literal(kind) == any_(Webhook.kinds)
        )
    ):
        wanted[tenant].append(webhook)
    for tenant, webhooks in wanted.items():
        one = Scope(scope.agency_id, (tenant,))
        _write(session, one, webhooks, kind, _KINDS[kind], {"ids": list(ids), **values})


def tell_nothing(session: Session, webhook_id: int) -> None:
    """Write an event that tells nothing, to try an address of the tenant in scope with."""
    read = "SELECT jsonb_build_object('hello', 'creditor') AS data"
    _write(session, scope_of(session), [webhook_id], TEST, read, {})


def _write(
    session: Session, scope: Scope, webhooks: list[int], kind: str, read: str, values: Mapping[str, Any]
) -> None:
    session.flush()  # what happened is read from its tables
    session.execute(
        text(_TELL.format(read)),
        {"tenant": scope.tenant(), "kind": kind, "webhooks": webhooks, "now": clock.now(), **values},
    )
    ask(session, scope)


def ask(session: Session, scope: Scope, at: datetime | None = None) -> None:
    """Have a worker send what is due: now, or at a later moment."""
    key = f"webhooks:{scope.tenant()}" + (f":{at:%Y%m%d%H%M}" if at else "")
    jobs.enqueue(session, JOB, queue="bulk", scope=scope, run_at=at, unique_key=key)


def on_payment(session: Session, event: PaymentBooked) -> None:
    tell(session, "payment.booked", [event.payment_id])


def on_reversal(session: Session, event: PaymentReversed) -> None:
    tell(session, "payment.reversed", [event.payment_id])


def on_payments(session: Session, event: PaymentsBooked) -> None:
    if event.payment_ids:
        tell(session, "payment.booked", event.payment_ids)
    if event.reversed_ids:
        tell(session, "payment.reversed", event.reversed_ids)


def on_promise(session: Session, event: PromiseMade | PromiseBroken) -> None:
    made = isinstance(event, PromiseMade)
    tell(session, "promise.made" if made else "promise.broken", [event.promise_id])


def on_plan(session: Session, event: PlanStarted | PlanBroken) -> None:
    tell(session, "plan.agreed" if isinstance(event, PlanStarted) else "plan.broken", [event.plan_id])


def on_settlement(session: Session, event: SettlementAccepted) -> None:
    tell(session, "settlement.accepted", [event.settlement_id])


def on_hold(session: Session, event: HoldsOpened | HoldsEnded) -> None:
    if event.kind == "dispute":
        opened = isinstance(event, HoldsOpened)
        kind = "dispute.opened" if opened else "dispute.ended"
        tell(session, kind, event.account_ids, debtors=list(event.debtor_ids))


def on_closed(session: Session, event: AccountsClosed) -> None:
    tell(session, "account.closed", event.account_ids)


def on_recalled(session: Session, event: AccountsRecalled) -> None:
    tell(session, "account.recalled", event.account_ids)


def on_statement(session: Session, event: RemittanceIssued) -> None:
    tell(session, "remittance.issued", [event.remittance_id])
