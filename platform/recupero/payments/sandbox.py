"""The sandbox's side of the platform: what a provider would report, sent the way a provider would."""

from datetime import timedelta

from sqlalchemy import select

from recupero.kernel import clock, jobs
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import Conflict, NotFound
from recupero.payments import charges, door, gateways
from recupero.payments.tables import Charge
from recupero_sdk.gateways import Charge as MadeCharge
from recupero_sdk.gateways import PaymentEventKind, PretendGateway

DELAY = timedelta(minutes=2)


def find(database: Database, scope: Scope, reference: str) -> Charge:
    """The charge behind a page of the sandbox. Raises NotFound, also where the creditor takes real money."""
    with database.transaction(scope) as session:
        gateways.open_gateway(session, gateways.SANDBOX)
        found = session.execute(
            select(Charge).where(
                Charge.tenant_id == scope.tenant(),
                Charge.gateway == gateways.SANDBOX,
                Charge.reference == reference,
            )
        ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such payment page")
    return found


def report(database: Database, scope: Scope, charge_id: int, kind: PaymentEventKind) -> None:
    """Send the signed event `kind` for a charge through the door that real events come by.

    Raises Conflict where the charge was withdrawn, as a provider's closed page would.
    """
    with database.transaction(scope) as session:
        found = charges.charge(session, charge_id)
        if found.state == "cancelled" and kind is PaymentEventKind.SUCCEEDED:
            raise Conflict("this payment page is closed: ask for a new one")
        gateway, config = gateways.open_gateway(session, found.gateway)
        if not isinstance(gateway, PretendGateway) or found.reference is None or found.url is None:
            raise NotFound("no such payment page")
        made = MadeCharge(found.reference, found.url)
        body, headers = gateway.pretend(
            made, charges.request_of(session, found), kind, config, now=clock.now()
        )
    door.receive_event(database, scope, found.gateway, body, headers)


def report_later(database: Database, scope: Scope, charge_id: int) -> None:
    """Pending now, paid after `DELAY`."""
    report(database, scope, charge_id, PaymentEventKind.PENDING)
    with database.transaction(scope) as session:
        jobs.enqueue(
            session, "payments.pretend", run_at=clock.now() + DELAY, charge_id=charge_id,
            kind=PaymentEventKind.SUCCEEDED.value,
        )  # fmt: skip
