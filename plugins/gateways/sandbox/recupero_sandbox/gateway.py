"""A gateway without a provider: it signs its own events with a shared secret, and checks them as if they were
a stranger's."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urljoin

from recupero_sdk.gateways import (
    Charge,
    ChargeRequest,
    InvalidSignature,
    Outcome,
    PaymentEvent,
    PaymentEventKind,
    SavedCharge,
    SavedChargeRequest,
    SavedMethod,
    SetupRequest,
    StaleEvent,
)
from recupero_sdk.settings import PluginConfig, Setting

SIGNATURE = "Sandbox-Signature"
MAX_AGE = timedelta(minutes=5)
#: The sandbox's cards, by how they end in; each always does the same when it is charged.
CARDS = {
    "card_good": Outcome.SUCCEEDED,
    "card_declined": Outcome.DECLINED,
    "card_asks": Outcome.NEEDS_PAYER,
    "card_lost": Outcome.GONE,
}
_EXPIRES = date(2099, 12, 31)


class Sandbox:
    """The same charge always has the same reference, which begins with the tenant."""

    key = "sandbox"
    settings: Sequence[Setting] = (Setting("signing_secret", "Signing secret", secret=True),)

    def create_charge(self, request: ChargeRequest, config: PluginConfig) -> Charge:
        """Nothing is asked of anybody: the address is beside the page that the debtor returns to."""
        digest = hashlib.sha256(request.idempotency_key.encode()).hexdigest()[:24]
        reference = f"{request.metadata['recupero_tenant']}-{digest}"
        return Charge(reference, urljoin(request.success_url, f"/sandbox/pay/{reference}"))

    def cancel_charge(self, reference: str, config: PluginConfig) -> None:
        """The platform's page asks the charge's state itself."""

    def ask_consent(self, request: SetupRequest, config: PluginConfig) -> Charge:
        """A page of the platform, where one chooses a card."""
        digest = hashlib.sha256(request.idempotency_key.encode()).hexdigest()[:24]
        reference = f"{request.metadata['recupero_tenant']}-{digest}"
        return Charge(reference, urljoin(request.success_url, f"/sandbox/card/{reference}"))

    def saved_method(self, reference: str, config: PluginConfig) -> SavedMethod | None:
        """One of `CARDS`: what it does is its name."""
        if reference not in CARDS:
            return None
        number = f"{list(CARDS).index(reference) + 1:04}"
        return SavedMethod("sandbox", reference, "Sandbox", number, _EXPIRES)

    def charge_saved(self, request: SavedChargeRequest, config: PluginConfig) -> SavedCharge:
        """The same key always has the same answer and reference."""
        outcome = CARDS[request.method]
        if outcome is not Outcome.SUCCEEDED:
            return SavedCharge(outcome, reason=request.method)
        digest = hashlib.sha256(request.idempotency_key.encode()).hexdigest()[:24]
        return SavedCharge(outcome, f"pay_{digest}")

    def forget(self, method: str, config: PluginConfig) -> None:
        """Nothing is kept anywhere."""

    def pretend(
        self,
        charge: Charge,
        request: ChargeRequest,
        kind: PaymentEventKind,
        config: PluginConfig,
        *,
        now: datetime,
    ) -> tuple[bytes, Mapping[str, str]]:
        """The event that a provider would send, signed."""
        body = json.dumps(
            {
                "id": f"evt_{charge.reference}_{kind.value}_{request.amount_minor}",
                "kind": kind.value,
                "charge": charge.reference,
                "payment": request.metadata.get("sandbox_card", f"pay_{charge.reference}"),
                "amount_minor": request.amount_minor,
                "currency": request.currency,
                "at": int(now.timestamp()),
                "metadata": dict(request.metadata),
                "refund": f"re_{charge.reference}" if kind is PaymentEventKind.REFUND_FAILED else "",
            }
        ).encode()
        stamp = int(now.timestamp())
        return body, {SIGNATURE: f"t={stamp},v1={_sign(body, stamp, config)}"}

    def read_event(
        self, body: bytes, headers: Mapping[str, str], config: PluginConfig, *, now: datetime
    ) -> PaymentEvent:
        """Check signature and age."""
        _check(body, headers.get(SIGNATURE, ""), config, now)
        event = json.loads(body)
        return PaymentEvent(
            event_id=event["id"],
            kind=PaymentEventKind(event["kind"]),
            charge_reference=event["charge"],
            payment_reference=event["payment"],
            amount_minor=event["amount_minor"],
            currency=event["currency"],
            occurred_at=datetime.fromtimestamp(event["at"], UTC),
            metadata=event["metadata"],
            refund_reference=event.get("refund", ""),
        )

    def raw_event_id(self, body: bytes) -> str:
        """The event's `id`."""
        return str(json.loads(body)["id"])


def _sign(body: bytes, stamp: int, config: PluginConfig) -> str:
    secret = config.get("signing_secret")
    if not secret:
        raise InvalidSignature("the sandbox has no signing secret")
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()


def _check(body: bytes, header: str, config: PluginConfig, now: datetime) -> None:
    fields = dict(field.split("=", 1) for field in header.split(",") if "=" in field)
    if not fields.get("t", "").isdecimal():
        raise InvalidSignature("the event has no signature")
    stamp = int(fields["t"])
    if not hmac.compare_digest(_sign(body, stamp, config), fields.get("v1", "")):
        raise InvalidSignature("the signature does not match")
    if abs(now.timestamp() - stamp) > MAX_AGE.total_seconds():
        raise StaleEvent("the event was signed more than five minutes ago")
