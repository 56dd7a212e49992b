"""What happens to money and promises, announced in the transaction in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PaymentBooked:
    """A payment is in the books, allocated to these accounts of the tenant in scope (none: in suspense)."""

    payment_id: int
    account_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PaymentReversed:
    """A refund or a dispute took a payment back, wholly or in part; these accounts are owed again."""

    payment_id: int
    account_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PaymentsBooked:
    """Payments were booked together (a creditor's file, a burst of events): these accounts of the tenant in
    scope owe less, or are owed again. `debtor_ids` also names those of whom no debt took any; `payment_ids`
    are new, money of `reversed_ids` went back."""

    account_ids: tuple[int, ...]
    debtor_ids: tuple[int, ...]
    payment_ids: tuple[int, ...] = ()
    reversed_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkRevoked:
    """The address is closed; nothing that was opened behind it may be paid any more."""

    link_id: int


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """The debtor promised to pay on the account."""

    account_id: int
    promise_id: int


@dataclass(frozen=True, slots=True)
class PromiseBroken:
    """Nothing came by the promise's date and its days of grace."""

    account_id: int
    promise_id: int


@dataclass(frozen=True, slots=True)
class PlanStarted:
    """These accounts of the tenant in scope are paid in instalments from now on."""

    account_ids: tuple[int, ...]
    plan_id: int


@dataclass(frozen=True, slots=True)
class PlanBroken:
    """An instalment and its days of grace passed without enough money: the accounts are worked again. `on` is
    the last of these days, whenever it was noticed."""

    account_ids: tuple[int, ...]
    plan_id: int
    on: date


@dataclass(frozen=True, slots=True)
class PlanMoved:
    """A pause gave a running plan other dates: its last one is as many `days` later (below zero: earlier). 0:
    the dates of one that had broken hold again, though another has taken its place."""

    plan_id: int
    days: int


@dataclass(frozen=True, slots=True)
class PlanResumed:
    """Hardship is over: the plan goes on from now, on other days than were agreed, of which the debtor is
    told."""

    account_ids: tuple[int, ...]
    plan_id: int


@dataclass(frozen=True, slots=True)
class HardshipOver:
    """The days of a debtor's hardship ran out by themselves on these accounts, the largest first, and no plan
    goes on by itself that tells them so; or it was `severe`, so that a person should hear from them first."""

    debtor_id: int
    account_ids: tuple[int, ...]
    severe: bool


@dataclass(frozen=True, slots=True)
class PlanEnded:
    """The plan does not run any more: kept, broken, cancelled or replaced."""

    plan_id: int


@dataclass(frozen=True, slots=True)
class MandateEnded:
    """The debtor's card cannot be charged for these accounts any more, and they did not end it themselves."""

    account_ids: tuple[int, ...]
    mandate_id: int


@dataclass(frozen=True, slots=True)
class InstalmentNeedsPayer:
    """The bank of a card wants its holder to confirm an instalment of these accounts: they pay it on their
    page."""

    account_ids: tuple[int, ...]
    plan_id: int


@dataclass(frozen=True, slots=True)
class SettlementAccepted:
    """The debtor took an offer to settle these accounts for less than is owed."""

    account_ids: tuple[int, ...]
    settlement_id: int


@dataclass(frozen=True, slots=True)
class InvoiceRefused:
    """The creditor has no invoice to give to the debtor who asked for it: somebody tells them."""

    debtor_id: int
    account_id: int


@dataclass(frozen=True, slots=True)
class ReceiptsIssued:
    """Receipts lie ready on the pages of these debtors, each with an account that was paid."""

    accounts: Mapping[int, int]
