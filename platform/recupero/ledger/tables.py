"""Double-entry books per tenant and currency.

Migration 0002 keeps them with triggers: a transaction has at least two entries that sum to zero in each
currency (checked at commit), and entries are added only in the database transaction that made their header.
The second trigger proves that the header exists, so the entries need no foreign key (dear at a million rows).
"""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import TENANT, Base, TenantOwned, append_only


class LedgerTransaction(TenantOwned, Base):
    """A balanced set of entries. `external_key` is unique per tenant: an outside event books once, however
    often it comes. A correction is a new transaction that mirrors the one it `reverses_id`."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_key"),
        {"info": {**append_only(TENANT), "id_blocks": True}},
    )

    kind: Mapped[str]  # placement, adjustment, payment, reversal, reallocation
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
        Index("ix_ledger_entries_transaction", "tenant_id", "transaction_id"),
        Index("ix_ledger_entries_account", "tenant_id", "account_id", "book"),
        {"info": append_only(TENANT)},
    )

    transaction_id: Mapped[int]
    book: Mapped[str] = mapped_column(String(24))
    portfolio_id: Mapped[int | None]
    account_id: Mapped[int | None]
    part: Mapped[str | None] = mapped_column(String(9))  # principal, interest, fee, cost, tax
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int]
