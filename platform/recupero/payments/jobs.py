"""What workers do for payments: talk to gateways, book their events, judge promises."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from recupero.kernel import audit, clock, runtime
from recupero.kernel.jobs import MAX_ATTEMPTS, JobContext, enqueue, job, periodic, release_key
from recupero.payments.agreements import following, settlements
from recupero.payments.books import promises
from recupero.payments.charging import inbox, reconcile, sandbox
from recupero.payments.debts import accruing
from recupero.payments.gateways import bursts, charges, door, gateways
from recupero.payments.offers import hardship
from recupero.payments.papers import agreement_documents, documents
from recupero.tenancy.queries import agency_scopes
from recupero_sdk.gateways import GatewayRefused, GatewayUnavailable, PaymentEventKind

log = logging.getLogger(__name__)
AT_ONCE = 200


@job("payments.create_charge")
def create_charge(context: JobContext, charge_id: int) -> None:
    """Make the gateway's page: asked outside any transaction, with the same key on every retry."""
    with context.transaction() as session:
        found = charges.charge(session, charge_id)
        if found.state != "wanted":
            return
        gateway, config = gateways.open_gateway(session, found.gateway)
        request = charges.request_of(session, found)
    try:
        made = gateway.create_charge(request, config)
    except GatewayRefused as refused:
        _give_up(context, charge_id, "refused", str(refused))
        return
    except GatewayUnavailable as away:
        if context.attempt >= MAX_ATTEMPTS:
            _give_up(context, charge_id, "unavailable", str(away))
        raise
    with context.transaction() as session:
        found = charges.charge(session, charge_id)
        found.reference, found.url, found.fee_minor = made.reference, made.url, made.fee_minor
        if found.state == "wanted":
            found.state = "open"
        elif found.state == "cancelled":  # withdrawn while the gateway worked
            enqueue(session, "payments.cancel_charge", charge_id=charge_id)


def _give_up(context: JobContext, charge_id: int, problem: str, reason: str) -> None:
    """The debtor sees that it did not work and may ask again."""
    with context.transaction() as session:
        found = charges.charge(session, charge_id)
        found.state, found.problem = "failed", problem
        audit.record(
            session, "payments.charge_refused", f"charge:{charge_id}", actor="system",
            tenant_id=found.tenant_id, reason=f"{problem}: {reason}",
        )  # fmt: skip


@job("payments.cancel_charge")
def cancel_charge(context: JobContext, charge_id: int) -> None:
    """Close the gateway's page of a withdrawn charge. One that was never made has nothing to close."""
    with context.transaction() as session:
        found = charges.charge(session, charge_id)
        gateway, config = gateways.open_gateway(session, found.gateway)
    if found.reference is not None and found.state == "cancelled":
        gateway.cancel_charge(found.reference, config)


@job("payments.renew_charge")
def renew_charge(context: JobContext, link_id: int) -> None:
    """A new page in place of one whose amount is out of date."""
    with context.transaction() as session:
        charges.make_anew(session, link_id)


@job("payments.process_events")
def process_events(context: JobContext) -> None:
    """Book all events that wait for a creditor, in the order they came: plain payments together, and whatever
    is left, or what they do not bear together, each in a transaction of its own."""
    release_key(context)
    after = 0
    while True:
        with context.transaction() as session:
            found = inbox.waiting_events(session, after=after, limit=AT_ONCE)
        if not found:
            return
        booked = _book_together(context, found)
        for event_id in found:
            if event_id not in booked:
                _process(context, event_id)
        after = found[-1]


def _book_together(context: JobContext, found: Sequence[int]) -> set[int]:
    try:
        with context.transaction() as session:
            return bursts.book_plain_payments(session, found)
    except Exception:  # one of them must not hold up the others: they are booked one by one
        log.exception("events of a provider could not be booked together")
        return set()


def _process(context: JobContext, event_id: int) -> None:
    try:
        with context.transaction() as session:
            inbox.process_event(session, event_id)
    except Exception:  # one event must not hold up the others: it is tried again by itself
        log.exception("an event of a provider could not be booked", extra={"event": event_id})
        with context.transaction() as session:
            inbox.put_apart(session, event_id)


@periodic("payments.sweep_events", every=timedelta(minutes=1))
def sweep_events(context: JobContext) -> None:
    """Events whose job was asked for in the moment in which another one was ending."""
    database = runtime.current().database
    with context.transaction() as session:
        scopes = inbox.forgotten(session, clock.now() - timedelta(minutes=1))
    for scope in scopes:
        door.ask_worker(database, scope)


@job("payments.process_event")
def process_event(context: JobContext, event_id: int) -> None:
    """Try one stored event of a provider again, in one transaction."""
    with context.transaction() as session:
        inbox.process_event(session, event_id)


@job("payments.pretend")
def pretend(context: JobContext, charge_id: int, kind: str) -> None:
    """What the sandbox's delayed payment comes to."""
    sandbox.report(runtime.current().database, context.scope, charge_id, PaymentEventKind(kind))


@periodic("payments.reconcile", every=timedelta(days=1))
def ask_reconciliations(context: JobContext) -> None:
    """Once a day each creditor is compared with its gateway, in a job of its own."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                enqueue(session, "payments.reconcile_tenant", queue="bulk",
                        unique_key=f"reconcile:{tenant_id}")  # fmt: skip


@job("payments.reconcile_tenant")
def reconcile_tenant(context: JobContext) -> None:
    """Compare one creditor's payments with the record of its gateway."""
    reconcile.reconcile(runtime.current().database, context.scope)


@periodic("payments.settle_promises", every=timedelta(hours=6))
def settle_promises(context: JobContext) -> None:
    """Judge promises, plans and settlements whose days are over, creditor by creditor."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                promises.settle_due(session)
                following.settle_due(session)
                settlements.expire_due(session)


@periodic("payments.end_hardship", every=timedelta(hours=1))
def end_hardship(context: JobContext) -> None:
    """Hardship whose days are over ends, creditor by creditor: the debtor, or a person, is told."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                hardship.end_run_out(session)


@periodic("payments.accrue_all", every=timedelta(days=1))
def accrue_all(context: JobContext) -> None:
    """Let interest and late fees grow, creditor by creditor; each debt is booked once a month."""
    for agency in agency_scopes(runtime.current().database):
        for tenant_id in agency.tenant_ids:
            with runtime.current().database.transaction(agency.of_tenant(tenant_id)) as session:
                enqueue(session, "payments.accrue", queue="bulk", unique_key=f"accrue:{tenant_id}:0", after=0)


@job("payments.accrue")
def accrue(context: JobContext, after: int) -> None:
    """Some debtors of one creditor, then the next ones."""
    with context.transaction() as session:
        reached = accruing.accrue_some(session, after)
        if reached is not None:
            enqueue(session, "payments.accrue", queue="bulk", after=reached)


@periodic("payments.issue_receipts", every=timedelta(minutes=1))
def issue_receipts(context: JobContext) -> None:
    """Receipts for what has come in and papers of what was agreed, creditor by creditor; a debtor who is on
    their page need not wait."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            more = True
            while more:
                with database.transaction(agency.of_tenant(tenant_id)) as session:
                    more = documents.issue_receipts(session) > 0
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                agreement_documents.issue_agreements(session)
