"""What workers do for automatic payments: ask for a card, charge it on the day, forget it."""

from datetime import timedelta
from typing import Any

from recupero.kernel import clock, runtime
from recupero.kernel.jobs import MAX_ATTEMPTS, JobContext, job, periodic
from recupero.payments.charging import auto_charges, mandates
from recupero.payments.gateways import gateways
from recupero.tenancy.queries import agency_scopes
from recupero_sdk.gateways import GatewayRefused, GatewayUnavailable, SavesMethods


@job("payments.ask_consent")
def ask_consent(context: JobContext, mandate_id: int) -> None:
    """Make the gateway's page on which the debtor enters a card; with the same key on every retry."""
    with context.transaction() as session:
        mandate = mandates.find(session, mandate_id)
        if mandate.state != "asked" or mandate.url is not None:
            return
        gateway, config = _keeper(session, mandate.gateway)
        request = mandates.request_of(session, mandate)
    try:
        made = gateway.ask_consent(request, config)
    except (GatewayRefused, GatewayUnavailable) as error:
        if isinstance(error, GatewayRefused) or context.attempt >= MAX_ATTEMPTS:
            with context.transaction() as session:
                mandate = mandates.find(session, mandate_id, lock=True)
                if mandate.state == "asked":
                    mandates.end(session, mandate, "refused", by=mandate.gateway)
        if isinstance(error, GatewayUnavailable):
            raise
        return
    with context.transaction() as session:
        mandate = mandates.find(session, mandate_id, lock=True)
        mandate.reference, mandate.url = made.reference, made.url


@job("payments.take_card")
def take_card(context: JobContext, mandate_id: int, reference: str) -> None:
    """Ask the gateway which card was entered, and let the consent begin."""
    with context.transaction() as session:
        mandate = mandates.find(session, mandate_id)
        gateway, config = _keeper(session, mandate.gateway)
    card = gateway.saved_method(reference, config)
    with context.transaction() as session:
        mandates.give(session, mandate_id, card)


@job("payments.look_at_card")
def look_at_card(context: JobContext, mandate_id: int) -> None:
    """A card's last day is over: its bank may have sent another one, which the gateway knows."""
    with context.transaction() as session:
        mandate = mandates.find(session, mandate_id)
        if mandate.state != "active" or mandate.method is None:
            return
        gateway, config = _keeper(session, mandate.gateway)
        method = mandate.method
    card = gateway.saved_method(method, config)
    with context.transaction() as session:
        mandate = mandates.find(session, mandate_id, lock=True)
        if mandate.state != "active":
            return
        if card is None or card.expires is None or card.expires < clock.now().date():
            mandates.end(session, mandate, "expired" if card else "gone", by=mandate.gateway)
        else:
            mandate.expires, mandate.last4, mandate.brand = card.expires, card.last4, card.brand


@job("payments.forget_card")
def forget_card(context: JobContext, gateway_key: str, method: str) -> None:
    """Nobody can charge the card any more."""
    with context.transaction() as session:
        gateway, config = _keeper(session, gateway_key)
    gateway.forget(method, config)


@job("payments.charge_card")
def charge_card(context: JobContext, automatic_id: int) -> None:
    """Charge a saved card: asked outside any transaction, with the same key on every retry."""
    with context.transaction() as session:
        asked = auto_charges.begin(session, automatic_id)
    if asked is None:
        return
    gateway, request, config = asked
    try:
        answer = gateway.charge_saved(request, config)
    except GatewayRefused as error:
        with context.transaction() as session:
            auto_charges.refused(session, automatic_id, str(error))
        return
    with context.transaction() as session:
        auto_charges.answered(session, automatic_id, answer)


@periodic("payments.charge_cards", every=timedelta(hours=1))
def charge_cards(context: JobContext) -> None:
    """Charge what is due today where it is day, creditor by creditor."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                auto_charges.charge_due(session)
                auto_charges.ask_forgotten(session)


def _keeper(session: Any, key: str) -> tuple[SavesMethods, Any]:
    gateway, config = gateways.open_gateway(session, key)
    if not isinstance(gateway, SavesMethods):
        raise RuntimeError(f"the gateway {key} keeps no cards")
    return gateway, config
