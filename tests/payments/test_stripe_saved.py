"""A card that Stripe keeps, through the official SDK: consent on Stripe's page, charged without its holder,
each way in which that can end, and never twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from recupero_stripe.gateway import StripeGateway

from recupero.kernel import clock
from recupero_sdk.gateways import (
    Charge,
    GatewayRefused,
    GatewayUnavailable,
    MinimumGateway,
    Outcome,
    PaymentEventKind,
    SavedChargeRequest,
    SavedMethod,
    SavesMethods,
    SetupRequest,
)
from recupero_sdk.settings import PluginConfig
from tests.payments.stripe_server import API_KEY, LOSE_ANSWER, WEBHOOK_SECRET, StripeServer, serve

GATEWAY = StripeGateway()
SETUP = SetupRequest(
    "key-1", "EUR", "I agree to be charged up to 50 euro.", "https://pay.example.com/p/x/done",
    "https://pay.example.com/p/x", {"recupero_tenant": "7", "recupero_mandate": "3"},
)  # fmt: skip


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with serve() as server:
        yield server


@pytest.fixture
def config(stripe: StripeServer) -> PluginConfig:
    return config_of(stripe)


def config_of(stripe: StripeServer, **settings: str) -> PluginConfig:
    secrets = {"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET}
    return PluginConfig({"api_base": stripe.url, **settings}, secrets)


def read(stripe: StripeServer, config: PluginConfig, kind: str, thing: dict[str, Any]) -> Any:
    body, headers = stripe.event(kind, json.loads(json.dumps(thing)), clock.now())
    return GATEWAY.read_event(body, headers, config, now=clock.now())


def saved(stripe: StripeServer, config: PluginConfig, answer: str = "ok", **card: Any) -> SavedMethod:
    """A card that its holder has entered and agreed to."""
    made = GATEWAY.ask_consent(SETUP, config)
    event = read(
        stripe, config, "checkout.session.completed", stripe.cards.agree(made.reference, answer, **card)
    )
    assert event.kind is PaymentEventKind.METHOD_SAVED
    found = GATEWAY.saved_method(event.payment_reference, config)
    assert found is not None
    return found


def request(method: SavedMethod, **more: Any) -> SavedChargeRequest:
    return SavedChargeRequest(
        more.pop("key", "charge-1"), more.pop("amount", 2500), "EUR", "Shop", method.customer, method.method,
        {"recupero_tenant": "7", "recupero_charge": "41", "recupero_instalment": "1"}, **more,
    )  # fmt: skip


def test_it_saves_methods_and_knows_the_smallest_charge() -> None:
    assert isinstance(GATEWAY, SavesMethods)
    assert isinstance(GATEWAY, MinimumGateway)
    assert [GATEWAY.minimum_minor(one) for one in ("EUR", "MXN", "CLP", "KWD")] == [50, 1000, 1, 10]


def test_consent_is_asked_for_once_on_stripes_page(stripe: StripeServer, config: PluginConfig) -> None:
    stripe.outages.append(LOSE_ANSWER)
    made = GATEWAY.ask_consent(SETUP, config)
    assert made == GATEWAY.ask_consent(SETUP, config)
    assert made == Charge("cs_test_1", "https://checkout.stripe.com/c/pay/cs_test_1")
    (session,) = stripe.cards.sessions.values()
    assert session["custom_text"]["submit"]["message"] == SETUP.consent
    setup = stripe.cards.setups[session["setup_intent"]]
    assert (setup["usage"], setup["metadata"]) == ("off_session", dict(SETUP.metadata))
    assert GATEWAY.saved_method(setup["id"], config) is None, "nobody has agreed yet"


def test_the_event_brings_back_our_numbers_and_leads_to_the_card(
    stripe: StripeServer, config: PluginConfig
) -> None:
    made = GATEWAY.ask_consent(SETUP, config)
    event = read(
        stripe, config, "checkout.session.completed",
        stripe.cards.agree(made.reference, brand="visa", last4="4242", exp_month=2, exp_year=2028),
    )  # fmt: skip
    assert dict(event.metadata) == dict(SETUP.metadata)
    assert GATEWAY.saved_method(event.payment_reference, config) == SavedMethod(
        "cus_2", "pm_2", "visa", "4242", date(2028, 2, 29)
    )


def test_a_charge_and_its_webhook_say_the_same(stripe: StripeServer, config: PluginConfig) -> None:
    method = saved(stripe, config)
    answer = GATEWAY.charge_saved(request(method), config)
    assert answer.outcome is Outcome.SUCCEEDED
    (intent,) = stripe.cards.intents.values()
    assert (intent["amount"], intent["currency"]) == (2500, "eur")
    told = read(stripe, config, "payment_intent.succeeded", intent)
    assert (told.kind, told.payment_reference) == (PaymentEventKind.SUCCEEDED, answer.payment_reference)
    assert (told.occurred_at, told.amount_minor, told.currency) == (answer.at, 2500, "EUR")
    other = {**intent, "metadata": {}}
    assert read(stripe, config, "payment_intent.succeeded", other).kind is PaymentEventKind.IGNORED


def test_a_lost_answer_and_a_forgotten_key_charge_once(stripe: StripeServer, config: PluginConfig) -> None:
    method = saved(stripe, config)
    stripe.outages.append(LOSE_ANSWER)
    first = GATEWAY.charge_saved(request(method), config)
    stripe.forget_keys()
    assert GATEWAY.charge_saved(request(method, again=True), config) == first
    assert len(stripe.cards.intents) == 1


@pytest.mark.parametrize(
    ("bank", "outcome", "reason"),
    [
        ("processing", Outcome.PENDING, ""),
        ("insufficient_funds", Outcome.DECLINED, "insufficient_funds"),
        ("do_not_honor", Outcome.DECLINED, "do_not_honor"),
        ("authentication_required", Outcome.NEEDS_PAYER, "authentication_required"),
        ("lost_card", Outcome.GONE, "lost_card"),
        ("stolen_card", Outcome.GONE, "stolen_card"),
        ("expired_card", Outcome.GONE, "expired_card"),
    ],
)
def test_what_the_bank_says_is_an_answer(
    stripe: StripeServer, config: PluginConfig, bank: str, outcome: Outcome, reason: str
) -> None:
    method = saved(stripe, config, bank)
    answer = GATEWAY.charge_saved(request(method), config)
    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert GATEWAY.charge_saved(request(method), config) == answer, "the same key has the same answer"
    stripe.forget_keys()
    assert GATEWAY.charge_saved(request(method, again=True), config).outcome is outcome
    assert len(stripe.cards.intents) == 1


def test_a_detached_card_is_gone(stripe: StripeServer, config: PluginConfig) -> None:
    method = saved(stripe, config)
    GATEWAY.forget(method.method, config)
    GATEWAY.forget(method.method, config)
    assert GATEWAY.saved_method(method.method, config) is None
    assert GATEWAY.charge_saved(request(method), config).outcome is Outcome.GONE
    told = read(stripe, config, "payment_method.detached", stripe.cards.methods[method.method])
    assert (told.kind, told.payment_reference) == (PaymentEventKind.METHOD_GONE, method.method)


def test_outages_and_wrong_requests_are_errors(stripe: StripeServer, config: PluginConfig) -> None:
    method = saved(stripe, config)
    stripe.outages.append(503)
    with pytest.raises(GatewayUnavailable):
        GATEWAY.charge_saved(request(method), config)
    GATEWAY.charge_saved(request(method), config)
    with pytest.raises(GatewayRefused):
        GATEWAY.charge_saved(replace(request(method), amount_minor=2600), config)


def test_a_connected_account_keeps_its_own_cards(stripe: StripeServer, config: PluginConfig) -> None:
    theirs = config_of(stripe, account="acct_1")
    method = saved(stripe, theirs)
    assert GATEWAY.charge_saved(request(method), theirs).outcome is Outcome.SUCCEEDED
    assert GATEWAY.saved_method(method.method, config) is None
    assert GATEWAY.charge_saved(request(method, key="other"), config).outcome is Outcome.GONE


def test_a_destination_charge_leaves_the_agency_its_fee(stripe: StripeServer) -> None:
    connect = config_of(stripe, destination="acct_creditor")
    method = saved(stripe, connect)
    answer = GATEWAY.charge_saved(request(method, fee_minor=500), connect)
    (intent,) = stripe.cards.intents.values()
    assert (answer.fee_minor, intent["application_fee_amount"]) == (500, 500)
    assert (intent["transfer_data"], intent["on_behalf_of"]) == (
        {"destination": "acct_creditor"}, "acct_creditor",
    )  # fmt: skip
