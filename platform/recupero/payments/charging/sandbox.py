"""The sandbox's side of the platform: what a provider would report, sent the way a provider would."""

from datetime import timedelta

from sqlalchemy import select

from recupero.kernel import clock, jobs
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import Conflict, NotFound
from recupero.payments.charging import mandates
from recupero.payments.charging.mandate_tables import Mandate
from recupero.payments.gateways import charges, door, gateways
from recupero.payments.tables import Charge
from recupero_sdk.gateways import Charge as MadeCharge
from recupero_sdk.gateways import ChargeRequest, PaymentEventKind, PretendGateway

DELAY = timedelta(minutes=2)
#: The pretended cards of the sandbox, by what they do.
CARDS = ("card_good", "card_declined", "card_asks", "card_lost")


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


def find_consent(database: Database, scope: Scope, reference: str) -> Mandate:
    """The consent behind the sandbox's page for a card. Raises NotFound, also where it is closed."""
    with database.transaction(scope) as session:
        gateways.open_gateway(session, gateways.SANDBOX)
        found = session.execute(
            select(Mandate).where(
                Mandate.tenant_id == scope.tenant(), Mandate.gateway == gateways.SANDBOX,
                Mandate.reference == reference, Mandate.state == "asked",
            )
        ).scalar_one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("no such payment page")
    return found


def save_card(database: Database, scope: Scope, mandate_id: int, card: str) -> None:
    """Send the signed event that a card was entered for a consent."""
    with database.transaction(scope) as session:
        mandate = mandates.find(session, mandate_id)
        gateway, config = gateways.open_gateway(session, mandate.gateway)
        if not isinstance(gateway, PretendGateway) or mandate.reference is None or mandate.url is None:
            raise NotFound("no such payment page")
        asked = mandates.request_of(session, mandate)
        request = ChargeRequest(
            asked.idempotency_key, 0, asked.currency, "", asked.success_url,
            {**asked.metadata, "sandbox_card": card},
        )  # fmt: skip
        body, headers = gateway.pretend(
            MadeCharge(mandate.reference, mandate.url), request, PaymentEventKind.METHOD_SAVED, config,
            now=clock.now(),
        )  # fmt: skip
    door.receive_event(database, scope, mandate.gateway, body, headers)


def report_later(database: Database, scope: Scope, charge_id: int) -> None:
    """Pending now, paid after `DELAY`."""
    report(database, scope, charge_id, PaymentEventKind.PENDING)
    with database.transaction(scope) as session:
        jobs.enqueue(
            session, "payments.pretend", run_at=clock.now() + DELAY, charge_id=charge_id,
            kind=PaymentEventKind.SUCCEEDED.value,
        )  # fmt: skip
