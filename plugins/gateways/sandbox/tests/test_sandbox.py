"""The sandbox signs what it sends and believes nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from recupero_sandbox.gateway import SIGNATURE, Sandbox

from recupero_sdk.gateways import (
    Charge,
    ChargeRequest,
    Gateway,
    InvalidSignature,
    PaymentEventKind,
    PretendGateway,
    StaleEvent,
)
from recupero_sdk.settings import PluginConfig

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
CONFIG = PluginConfig(secrets={"signing_secret": "hush"})
REQUEST = ChargeRequest(
    "key-1", 5000, "CLP", "A shop", "https://pay.example.com/p/abc/thanks", {"recupero_tenant": "7"}
)


def sent(kind: PaymentEventKind = PaymentEventKind.SUCCEEDED) -> tuple[bytes, dict[str, str]]:
    gateway = Sandbox()
    made = gateway.create_charge(REQUEST, CONFIG)
    body, headers = gateway.pretend(made, REQUEST, kind, CONFIG, now=NOW)
    return body, dict(headers)


def test_it_is_a_gateway_that_can_pretend() -> None:
    assert isinstance(Sandbox(), Gateway)
    assert isinstance(Sandbox(), PretendGateway)


def test_the_same_charge_has_the_same_page_beside_the_return_address() -> None:
    made = Sandbox().create_charge(REQUEST, CONFIG)
    assert made == Sandbox().create_charge(REQUEST, CONFIG)
    assert made.reference.startswith("7-")
    assert made == Charge(made.reference, f"https://pay.example.com/sandbox/pay/{made.reference}")


def test_its_own_event_is_read_as_it_was_meant() -> None:
    body, headers = sent()
    event = Sandbox().read_event(body, headers, CONFIG, now=NOW)
    assert (event.kind, event.amount_minor, event.currency) == (PaymentEventKind.SUCCEEDED, 5000, "CLP")
    assert event.event_id == Sandbox().raw_event_id(body)
    assert event.occurred_at == NOW


@pytest.mark.parametrize("header", ["", "t=1", "t=x,v1=00", "v1=00", f"t={int(NOW.timestamp())},v1=00"])
def test_a_wrong_signature_is_refused(header: str) -> None:
    with pytest.raises(InvalidSignature):
        Sandbox().read_event(sent()[0], {SIGNATURE: header}, CONFIG, now=NOW)


def test_another_secret_is_refused() -> None:
    body, headers = sent()
    for config in (PluginConfig(secrets={"signing_secret": "other"}), PluginConfig()):
        with pytest.raises(InvalidSignature):
            Sandbox().read_event(body, headers, config, now=NOW)


def test_an_old_event_is_refused() -> None:
    body, headers = sent()
    with pytest.raises(StaleEvent):
        Sandbox().read_event(body, headers, CONFIG, now=NOW + timedelta(minutes=6))
