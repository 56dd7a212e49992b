"""Our payments against a gateway's own record: what never reached us is booked, what differs is told.

The gateway tells its record as events, and what is missing goes the way that its webhooks go, so that a
webhook which comes late after all changes nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.ledger import trust
from recupero.payments.books.refunds import refunds_of
from recupero.payments.charging import inbox
from recupero.payments.gateways import gateways
from recupero.payments.incoming_tables import GatewayPayout, Reconciliation
from recupero.payments.tables import PAID_TO_CREDITOR, Payment, Reversal
from recupero_sdk.gateways import (
    GatewayRefused,
    GatewayUnavailable,
    PaymentEvent,
    PaymentEventKind,
    RecordingGateway,
)

LOOK_BACK = timedelta(days=7)
_SETTLING = timedelta(hours=1)  # younger payments may not be on the gateway's list yet
_DISPUTES = {
    PaymentEventKind.DISPUTED: "dispute",
    PaymentEventKind.DISPUTE_WON: "dispute_won",
    PaymentEventKind.DISPUTE_LOST: "dispute",
}
_PAYOUTS = {PaymentEventKind.PAYOUT_PAID: "paid", PaymentEventKind.PAYOUT_FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What differs. `kind`: missing_payment, missing_reversal, missing_payout, missing_fee (these are
    mended), amount_differs, unknown_to_gateway, fee_currency (a person looks)."""

    kind: str
    reference: str
    currency: str
    said_minor: int
    booked_minor: int
    mended: bool
    note: str | None = None


def reconcile(database: Database, scope: Scope, *, since: datetime | None = None) -> Reconciliation | None:
    """Compare the tenant in scope with its gateway's record since a moment (a week), and mend what can be.

    The run is kept with its findings. None where the tenant's gateway cannot be asked.
    """
    since, tenant = since or clock.now() - LOOK_BACK, scope.tenant()
    with database.transaction(scope) as session:
        key = gateways.chosen(session)
        gateway, config = gateways.open_gateway(session, key)
        if not isinstance(gateway, RecordingGateway):
            return None
        run = Reconciliation(
            tenant_id=tenant, gateway=key, since=since, started_at=clock.now(), state="running", compared=0,
            findings=[],
        )  # fmt: skip
        session.add(run)
        session.flush()
        run_id = run.id
    try:
        told = list(gateway.recorded(config, since=since))
    except (GatewayRefused, GatewayUnavailable) as error:
        return _finish(database, scope, run_id, 0, [], problem=f"{type(error).__name__}: {error}")
    findings = [found for event in told for found in _compare(database, scope, key, event)]
    findings += _unknown(database, scope, key, since, told)
    return _finish(database, scope, run_id, len(told), findings)


def _finish(
    database: Database, scope: Scope, run_id: int, compared: int, findings: Sequence[Finding],
    problem: str | None = None,
) -> Reconciliation:  # fmt: skip
    with database.transaction(scope) as session:
        run = session.get_one(Reconciliation, (scope.tenant(), run_id))
        run.state = "failed" if problem else "findings" if findings else "clean"
        run.finished_at, run.compared, run.problem = clock.now(), compared, problem
        run.findings = [asdict(finding) for finding in findings]
        return run


def _compare(database: Database, scope: Scope, key: str, event: PaymentEvent) -> list[Finding]:
    """One fact of the record in a transaction of its own; what is not about our charges is left out."""
    with database.transaction(scope) as session:
        if event.kind in _PAYOUTS:
            return _payout(session, key, event)
        booked = _payment(session, key, event)
        if event.kind is PaymentEventKind.SUCCEEDED:
            if event.metadata.get("recupero_tenant") != str(scope.tenant()):
                return []
            return _paid(session, key, event, booked) + _fee(session, key, event)
        if booked is None:
            return []
        return _went_back(session, key, event, booked) + _fee(session, key, event)


def _payment(session: Session, key: str, event: PaymentEvent) -> Payment | None:
    query = select(Payment).where(
        Payment.tenant_id == scope_of(session).tenant(),
        Payment.external_key == f"{key}:{event.payment_reference}",
    )
    return session.execute(query).scalar_one_or_none()


def _paid(session: Session, key: str, event: PaymentEvent, booked: Payment | None) -> list[Finding]:
    if booked is None:
        return [_mend(session, key, event, "missing_payment", 0)]
    if (booked.amount_minor, booked.currency) != (event.amount_minor, event.currency):
        return [_finding(event, "amount_differs", booked.amount_minor, mended=False)]
    return []


def _went_back(session: Session, key: str, event: PaymentEvent, booked: Payment) -> list[Finding]:
    facts = session.execute(
        select(Reversal).where(
            Reversal.tenant_id == booked.tenant_id,
            Reversal.payment_key == booked.external_key,
        )
    ).scalars().all()  # fmt: skip
    if event.kind is PaymentEventKind.REFUNDED:
        known = refunds_of(facts).total_minor
        told = Reversal(kind="refund", total_minor=event.amount_minor, occurred_at=event.occurred_at)
        missing = refunds_of([*facts, told]).total_minor > known
    elif event.kind is PaymentEventKind.REFUND_FAILED:
        known = 0
        missing = all(one.event_key != inbox.reversal_key(key, event) for one in facts)
    else:
        totals = [one.total_minor for one in facts if one.kind == _DISPUTES[event.kind]]
        known = max(totals, default=0)
        missing = not totals or known < event.amount_minor
    return [_mend(session, key, event, "missing_reversal", known)] if missing else []


def _payout(session: Session, key: str, event: PaymentEvent) -> list[Finding]:
    known = session.execute(
        select(GatewayPayout.state, GatewayPayout.amount_minor).where(
            GatewayPayout.tenant_id == scope_of(session).tenant(),
            GatewayPayout.gateway == key,
            GatewayPayout.reference == event.payment_reference,
        )
    ).one_or_none()
    if known is None or known.state != _PAYOUTS[event.kind]:
        # the record tells the present state: it counts over what was told before
        return [_mend(session, key, replace(event, occurred_at=clock.now()), "missing_payout", 0)]
    return []


def _mend(session: Session, key: str, event: PaymentEvent, kind: str, booked: int) -> Finding:
    state, note = inbox.work(session, key, event)
    return _finding(event, kind, booked, mended=state == "done", note=note)


def _fee(session: Session, key: str, event: PaymentEvent) -> list[Finding]:
    """What the gateway kept, booked once. In Connect mode it is the agency's own cost, not trust's."""
    booked = _payment(session, key, event)
    if not event.fee_minor or booked is None or booked.kind in PAID_TO_CREDITOR:
        return []
    if event.fee_currency not in {"", booked.currency}:
        note = f"the gateway settles in {event.fee_currency}: book {event.fee_minor} minor units by hand"
        return [_finding(event, "fee_currency", 0, mended=False, note=note)]
    trigger = f"{key}:{event.event_id}"
    trust.gateway_kept(session, booked.currency, event.fee_minor, trigger=trigger, at=event.occurred_at)
    return []


def _unknown(
    database: Database, scope: Scope, key: str, since: datetime, told: Sequence[PaymentEvent]
) -> list[Finding]:
    """Payments of ours that the gateway does not list."""
    listed = {
        f"{key}:{one.payment_reference}" for one in told if one.kind is PaymentEventKind.SUCCEEDED
    }  # fmt: skip
    with database.transaction(scope) as session:
        ours = session.execute(
            select(Payment.external_key, Payment.currency, Payment.amount_minor).where(
                Payment.tenant_id == scope.tenant(),
                Payment.gateway == key,
                Payment.received_at >= since + _SETTLING,
                Payment.received_at < clock.now() - _SETTLING,
            )
        ).all()
    return [
        Finding("unknown_to_gateway", name.partition(":")[2], currency, 0, amount, mended=False)
        for name, currency, amount in ours
        if name not in listed
    ]


def _finding(
    event: PaymentEvent, kind: str, booked: int, *, mended: bool, note: str | None = None
) -> Finding:
    return Finding(
        kind, event.payment_reference or event.event_id, event.currency, event.amount_minor, booked, mended,
        note,
    )  # fmt: skip


def latest(session: Session, limit: int = 50) -> Sequence[Reconciliation]:
    """Runs of the tenants in scope, newest first."""
    query = select(Reconciliation).where(Reconciliation.tenant_id.in_(scope_of(session).tenant_ids))
    return session.execute(query.order_by(Reconciliation.id.desc()).limit(limit)).scalars().all()
