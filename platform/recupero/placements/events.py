"""What happens to accounts, announced to the rooms above in the transaction in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AccountsPlaced:
    """Accounts of one file were placed. A large file publishes several of these, one for each `chunk`
    (counted from 0) of at most 100,000 rows, all in one transaction.

    `staging` names a temporary table that is readable until the handlers return, one analysed row for each
    newly placed account of the chunk:

    | column | type | meaning |
    |---|---|---|
    | `tenant_id`, `portfolio_id`, `batch_id` | bigint | whose, and from which import |
    | `row_number` | bigint | the row in the file, as a spreadsheet counts it |
    | `account_id`, `debtor_id`, `person_id` | bigint | the rows that exist now |
    | `currency` | text | ISO 4217, the same for the whole portfolio |
    | `placed_on` | date | day of placement |
    | `principal_minor`, `interest_minor`, `fee_minor`, `cost_minor`, `tax_minor` | bigint | never null |
    | `placed_minor` | bigint | their sum, above 0; `accounts.balance_minor` holds it already |
    | `consents`, `opt_outs` | text[] | channels of law (`call`, `sms`, `email`, `whatsapp`, `letter`,
      `visit`); an opt-out may also be `all`; null where the file says nothing |
    | `permission_at` | timestamptz | when the debtor said so; the import's time where the file has no date |
    | `permission_source` | text | where it was said; `placement` where the file does not tell |
    """

    batch_id: int
    staging: str
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class StrategyStated:
    """A portfolio is to get this strategy; the room that reads strategies refuses it by a UserError at its
    key."""

    strategy: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PermissionsStated:
    """A maintenance file says what debtors allow. `staging` names a temporary table with the columns
    `tenant_id`, `account_id`, `debtor_id`, `consents`, `opt_outs`, `permission_at` and `permission_source` of
    `AccountsPlaced`.
    """

    batch_id: int
    staging: str


@dataclass(frozen=True, slots=True)
class AccountsClosed:
    """Work on these accounts of the tenant in scope has ended under `code` (domain page, 4.3)."""

    account_ids: tuple[int, ...]
    code: str


@dataclass(frozen=True, slots=True)
class AccountsRecalled:
    """The creditor took these accounts of the tenant in scope back."""

    account_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Holds of one `kind`: on everything of the debtors `debtor_ids`, and on the accounts `account_ids`
    alone; a file opens many at once."""

    kind: str
    debtor_ids: tuple[int, ...] = ()
    account_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldsOpened(Held):
    """Work stops on these debtors and accounts of the tenant in scope."""


@dataclass(frozen=True, slots=True)
class HoldsEnded(Held):
    """Work goes on, as far as these holds go."""


@dataclass(frozen=True, slots=True)
class DirectPayment:
    """Money that the debtor paid to the creditor, or the undoing of it.

    `kind`: payment (lowers the balance), reversal (of an earlier payment: raises it again) or adjustment
    (signed: negative lowers the balance). `amount_minor` is positive for payment and reversal.
    `external_key` is unique in the tenant and the same whenever the same line comes again.
    """

    row_number: int
    account_id: int
    kind: str
    amount_minor: int
    currency: str
    paid_on: str  # ISO date
    external_key: str
    reference: str | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class DirectPaymentsReported:
    """A financial file of the creditor was read; each row is booked in this transaction, once.

    Whoever books notes in `refused` the rows that cannot be booked: field and reason code by row number.
    """

    batch_id: int
    rows: tuple[DirectPayment, ...]
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
