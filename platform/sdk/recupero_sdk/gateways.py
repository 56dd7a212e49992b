"""What a payment gateway implements.

A gateway turns a charge request into an address where the debtor pays, and turns the provider's signed
events into payment events. It books nothing; the core does, once per event.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from recupero_sdk.settings import PluginConfig, Setting


class PaymentEventKind(StrEnum):
    """What a provider can tell us about money."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DISPUTED = "disputed"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"
    METHOD_SAVED = "method_saved"
    METHOD_GONE = "method_gone"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """Ask for `amount_minor` of `currency`. `idempotency_key` is the same on every retry of the same request.

    `metadata` (`recupero_tenant`, `recupero_charge`) must come back with the events of the charge.
    `fee_minor` is the agency's fee; a `SplittingGateway` keeps it apart where the money goes to the creditor.
    """

    idempotency_key: str
    amount_minor: int
    currency: str
    description: str
    success_url: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """The provider's answer: its `reference` and the `url` where the debtor pays. `fee_minor` is what the
    agency will be left of `ChargeRequest.fee_minor` (a provider may take no fractions)."""

    reference: str
    url: str
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One event, verified. `event_id` is unique at the provider; `payment_reference` names the payment, for
    the payouts the payout, for METHOD_SAVED and METHOD_GONE what `SavesMethods.saved_method` takes. These two
    have no amount and no currency.

    `amount_minor` is in ISO 4217 minor units: for REFUNDED the sum of all refunds of the payment so far, for
    the disputes the disputed amount, for REFUND_FAILED that of the one refund that did not arrive, which
    `refund_reference` names, else the payment's or payout's amount. `fee_minor` is what the provider
    kept of it in `fee_currency` (the event's where it is empty), None where the event does not say.
    """

    event_id: str
    kind: PaymentEventKind
    charge_reference: str | None
    payment_reference: str | None
    amount_minor: int
    currency: str
    occurred_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    fee_minor: int | None = None
    fee_currency: str = ""
    refund_reference: str = ""


class GatewayUnavailable(Exception):
    """The provider is down or limits the rate: try again later with the same idempotency key."""


class GatewayRefused(Exception):
    """The provider will not do this, however often it is asked: the set-up or the request is wrong.

    The text is shown to operators: it holds no secret and nothing of the debtor.
    """


class InvalidSignature(Exception):
    """The event was not signed by the provider."""


class StaleEvent(Exception):
    """The event is signed but too old or malformed: somebody may be playing it back."""


@runtime_checkable
class Gateway(Protocol):
    """A payment gateway."""

    key: str
    settings: Sequence[Setting]

    def create_charge(self, request: ChargeRequest, config: PluginConfig) -> Charge:
        """Make the page or link where the debtor pays. Raises GatewayUnavailable or GatewayRefused."""
        ...

    def cancel_charge(self, reference: str, config: PluginConfig) -> None:
        """Make the link unusable. Raises GatewayUnavailable."""
        ...

    def read_event(
        self, body: bytes, headers: Mapping[str, str], config: PluginConfig, *, now: datetime
    ) -> PaymentEvent:
        """Verify signature and age and translate. Raises InvalidSignature or StaleEvent."""
        ...

    def raw_event_id(self, body: bytes) -> str:
        """The provider's event id, for storing an event once before it is read."""
        ...


@runtime_checkable
class SplittingGateway(Gateway, Protocol):
    """A gateway that can put the money into the creditor's own account and leave the agency its fee."""

    def pays_creditor(self, config: PluginConfig) -> bool:
        """Whether it does so with these settings; then `ChargeRequest.fee_minor` goes to the agency."""
        ...


@runtime_checkable
class RecordingGateway(Gateway, Protocol):
    """A gateway whose provider can be asked what it has on record, to find events that never came."""

    def recorded(self, config: PluginConfig, *, since: datetime) -> Iterator[PaymentEvent]:
        """What happened to money since a moment, as events, in any order, page by page: each payment with its
        fee, the refunds and disputes of it, each payout. The same fact has the same `event_id` each time.

        Raises GatewayUnavailable or GatewayRefused.
        """
        ...


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """Ask a payer, on the provider's page, to let a card be charged later without them. `consent` is the text
    they agreed to, shown there again; `metadata` must come back with the event METHOD_SAVED."""

    idempotency_key: str
    currency: str
    consent: str
    success_url: str
    cancel_url: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A card that may be charged without its holder: the provider's `customer` and `method`, and what people
    know it by. `expires` is the last day on which it is good."""

    customer: str
    method: str
    brand: str = ""
    last4: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class SavedChargeRequest:
    """Charge a saved method now. `idempotency_key` is the same on every retry; `again` says that it was asked
    before, perhaps so long ago that the provider has forgotten the key: look for the charge first."""

    idempotency_key: str
    amount_minor: int
    currency: str
    description: str
    customer: str
    method: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fee_minor: int = 0
    again: bool = False


class Outcome(StrEnum):
    """What came of charging a saved method. NEEDS_PAYER: only its holder can go on (strong authentication).
    DECLINED may be tried again another day, GONE never: the method is detached, lost, closed or revoked."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    DECLINED = "declined"
    NEEDS_PAYER = "needs_payer"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class SavedCharge:
    """The provider's answer. `payment_reference` is the same that its events will name, and `at` the moment
    that they will tell; `reason` is the provider's word for a refusal, shown to operators."""

    outcome: Outcome
    payment_reference: str = ""
    at: datetime | None = None
    reason: str = ""
    fee_minor: int = 0


@runtime_checkable
class SavesMethods(Gateway, Protocol):
    """A gateway that can save a card with its holder's consent and charge it without them."""

    def ask_consent(self, request: SetupRequest, config: PluginConfig) -> Charge:
        """The page where the payer enters the card and agrees; METHOD_SAVED tells when they did.

        Raises GatewayUnavailable or GatewayRefused.
        """
        ...

    def saved_method(self, reference: str, config: PluginConfig) -> SavedMethod | None:
        """The method that a METHOD_SAVED event names, or (by `SavedMethod.method`) as it stands now; None
        where it cannot be charged any more. Raises GatewayUnavailable or GatewayRefused."""
        ...

    def charge_saved(self, request: SavedChargeRequest, config: PluginConfig) -> SavedCharge:
        """Charge it. A declined card is an answer, no error. Raises GatewayUnavailable (nobody knows what
        came of it: ask again with the same key) or GatewayRefused."""
        ...

    def forget(self, method: str, config: PluginConfig) -> None:
        """Detach it, so that nobody can charge it any more; doing so twice changes nothing."""
        ...


@runtime_checkable
class MinimumGateway(Gateway, Protocol):
    """A gateway that takes no payment below an amount."""

    def minimum_minor(self, currency: str) -> int:
        """The smallest payment in minor units; 1 where there is no limit."""
        ...


@runtime_checkable
class SteppedGateway(Gateway, Protocol):
    """A gateway that takes some currencies in steps of more than their smallest unit only."""

    def step_minor(self, currency: str) -> int:
        """What every amount has to be a multiple of, in minor units; 1 where there is no such step."""
        ...


@runtime_checkable
class PretendGateway(Gateway, Protocol):
    """A gateway that moves no money: the platform shows a page of its own, where one chooses what happens."""

    def pretend(
        self,
        charge: Charge,
        request: ChargeRequest,
        kind: PaymentEventKind,
        config: PluginConfig,
        *,
        now: datetime,
    ) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of the signed event that a provider would send."""
        ...


Json = dict[str, Any]
