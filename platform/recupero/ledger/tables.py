"""Double-entry books per tenant and currency.

Migration 0002 keeps them with triggers: a transaction has at least two entries that sum to zero in each
currency (checked at commit), and entries are added only in the database transaction that made their header.
The second trigger proves that the header exists, so the entries need no foreign key (dear at a million rows).
"""

from datetime import date, datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, append_only


class LedgerTransaction(TenantOwned, Base):
    """A balanced set of entries. `external_key` is unique per tenant: an outside event books once, however
    often it comes. A correction is a new transaction that mirrors the one it `reverses_id`."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_key"),
        Index("ix_ledger_transactions_made", "tenant_id", "made_in"),
        Index("ix_ledger_transactions_occurred", "tenant_id", "occurred_at"),
        Index("ix_ledger_transactions_left", "tenant_id", "id",
              postgresql_where=text("kind IN ('payout', 'fees_taken', 'advance')")),
        {"info": {**append_only(TENANT), "id_blocks": True}},
    )  # fmt: skip

    kind: Mapped[str]  # placement, adjustment, accrual, payment, reversal, reallocation
    external_key: Mapped[str]
    occurred_at: Mapped[datetime]
    booked_at: Mapped[datetime]
    reverses_id: Mapped[int | None]
    note: Mapped[str | None]
    # the database's own transaction, set by a trigger: nothing is appended after it has ended
    made_in: Mapped[int] = mapped_column(server_default=text("0"))


class LedgerEntry(TenantOwned, Base):
    """One posting: debit positive, credit negative, in minor units. `book` is the account of the chart;
    `account_id` the debt it concerns, `part` its part of the balance."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        # the transaction first: no other index gives the order that the check of the balance asks for (0033)
        Index("ix_ledger_entries_transaction", "transaction_id", "tenant_id"),
        Index("ix_ledger_entries_account", "tenant_id", "account_id", "book"),
        Index("ix_ledger_entries_trust", "tenant_id", "currency", postgresql_include=["amount_minor"],
              postgresql_where=text("book IN ('trust_cash', 'refunds', 'chargebacks')")),
        {"info": append_only(TENANT)},
    )  # fmt: skip

    transaction_id: Mapped[int]
    book: Mapped[str] = mapped_column(String(24))
    portfolio_id: Mapped[int | None]
    account_id: Mapped[int | None]
    part: Mapped[str | None] = mapped_column(String(9))  # principal, interest, fee, cost, tax
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]


class Remittance(TenantOwned, Base):
    """What the agency owes a creditor for a period, and what it earns; minor units of `currency`.

    `state`: draft, reviewed, issued, paid. Once issued a trigger refuses every change but being paid.
    `method`: net, gross, combined. `opening_minor` is a debt carried over from the statement before (zero
    or negative), `payable_minor` is paid out, `closing_minor` is carried to the next. Each step keeps who
    took it and when.
    """

    __tablename__ = "remittances"
    __table_args__ = (
        Index("ix_remittances_period", "tenant_id", "currency", "period_to"),
        Index("uq_remittances_open", "tenant_id", "currency", unique=True,
              postgresql_where=text("state IN ('draft', 'reviewed')")),
        {"info": TENANT},
    )  # fmt: skip

    currency: Mapped[str] = mapped_column(String(3))
    method: Mapped[str] = mapped_column(String(8))
    period_from: Mapped[date]
    period_to: Mapped[date]
    state: Mapped[str] = mapped_column(String(8))
    opening_minor: Mapped[int]
    collected_minor: Mapped[int]
    direct_minor: Mapped[int]
    fees_minor: Mapped[int]
    tax_minor: Mapped[int]
    withheld_minor: Mapped[int]
    invoiced_minor: Mapped[int]
    payable_minor: Mapped[int]
    closing_minor: Mapped[int]
    statement_number: Mapped[int | None]
    invoice_number: Mapped[int | None]
    drawn_by: Mapped[str]
    drawn_at: Mapped[datetime]
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[datetime | None]
    issued_by: Mapped[str | None]
    issued_at: Mapped[datetime | None]
    paid_by: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    payment_reference: Mapped[str | None]


class RemittanceItem(TenantOwned, Base):
    """A line of a statement: what one ledger transaction did to one account. It stands on one only.

    `kind`: paid_to_agency, paid_to_client, adjustment, reversal. `parts` is the amount by part of the
    balance. `fee_taken`: a gateway paid the creditor and left the fee with the agency already.
    """

    __tablename__ = "remittance_items"
    __table_args__ = (
        UniqueConstraint("tenant_id", "transaction_id", "account_id"),
        Index("ix_remittance_items_remittance", "tenant_id", "remittance_id", "id"),
        {"info": TENANT},
    )

    remittance_id: Mapped[int]
    transaction_id: Mapped[int]
    account_id: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(14))
    direct: Mapped[bool]
    fee_taken: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    amount_minor: Mapped[int]
    parts: Mapped[dict[str, int]] = mapped_column(JSONB)
    fee_minor: Mapped[int]
    tax_minor: Mapped[int]
    balance_after_minor: Mapped[int]


class DocumentSeries(AgencyOwned, Base):
    """The last number given in a series of an agency's documents: numbers without gaps, under a row lock."""

    __tablename__ = "document_series"
    __table_args__ = (UniqueConstraint("agency_id", "series"), {"info": AGENCY})

    series: Mapped[str] = mapped_column(String(24))
    last_number: Mapped[int]


class BankAccount(TenantOwned, Base):
    """Where a creditor's money lies and where it is sent, by currency; encrypted, since it is nobody else's.

    `purpose`: creditor (its own account, which is paid) or trust (the agency's account for it, which pays).
    `number` is an IBAN where the currency is the euro, `bank` then a BIC; elsewhere as banks there write it.
    """

    __tablename__ = "bank_accounts"
    __table_args__ = (UniqueConstraint("tenant_id", "purpose", "currency"), {"info": TENANT})

    purpose: Mapped[str] = mapped_column(String(8))
    currency: Mapped[str] = mapped_column(String(3))
    holder: Mapped[str] = mapped_column(EncryptedText)
    number: Mapped[str] = mapped_column(EncryptedText)
    bank: Mapped[str | None] = mapped_column(EncryptedText)
    updated_at: Mapped[datetime]


class LedgerProof(TenantOwned, Base):
    """When a tenant's books were proven last, how many problems there were, and up to which of the
    database's transactions (`LedgerTransaction.made_in`, that one left out) `LedgerSum` adds them up."""

    __tablename__ = "ledger_proofs"
    __table_args__ = (UniqueConstraint("tenant_id"), {"info": TENANT})

    at: Mapped[datetime]
    problems: Mapped[int]
    horizon: Mapped[int]


class LedgerSum(TenantOwned, Base):
    """What the postings of one kind of transactions in one book add up to, minor units (`sums.keep`)."""

    __tablename__ = "ledger_sums"
    __table_args__ = ({"info": TENANT},)

    currency: Mapped[str] = mapped_column(String(3))
    book: Mapped[str] = mapped_column(String(24))
    kind: Mapped[str]
    amount_minor: Mapped[int]


class LedgerAlarm(TenantOwned, Base):
    """Something that a scheduled check found wrong in a tenant's books, until a later one finds it mended."""

    __tablename__ = "ledger_alarms"
    __table_args__ = (
        Index("uq_ledger_alarms_open", "tenant_id", "problem", unique=True,
              postgresql_where=text("cleared_at IS NULL")),
        {"info": TENANT},
    )  # fmt: skip

    problem: Mapped[str]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
