"""Payment links, payments and where their money lies, promises, and the inbox of provider events."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Identity, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned, append_only, platform_table


class PaymentLink(TenantOwned, Base):
    """A platform address for one debtor and a set of accounts of one currency; it survives balance changes.
    The token is stored encrypted (to print it again) and as a hash in the directory (to find it)."""

    __tablename__ = "payment_links"
    __table_args__ = (
        Index("ix_payment_links_debtor", "tenant_id", "debtor_id"),
        Index("uq_payment_links_active", "tenant_id", "debtor_id", "currency", unique=True,
              postgresql_where=text("status = 'active'")),
        {"info": TENANT},
    )  # fmt: skip

    debtor_id: Mapped[int]
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    currency: Mapped[str] = mapped_column(String(3))
    token: Mapped[str] = mapped_column(EncryptedText)
    status: Mapped[str]  # active, revoked
    failed_checks: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    first_opened_at: Mapped[datetime | None]


class PaymentLinkDirectory(Base):
    """Which tenant a link belongs to, before any scope is known."""

    __tablename__ = "payment_link_directory"
    __table_args__ = (
        {"info": platform_table("read before a scope exists: the hash of a random token, and ids")},
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    agency_id: Mapped[int]
    tenant_id: Mapped[int]
    link_id: Mapped[int]


class Charge(TenantOwned, Base):
    """A request to a gateway for an amount. `state`: wanted, open, pending, paid, failed, cancelled.

    `mode`: trust (the agency holds the money) or connect (the creditor is paid, `fee_minor` stays with the
    agency). `problem`: why it failed, unavailable (may be asked again with the same key) or refused.
    """

    __tablename__ = "charges"
    __table_args__ = (
        UniqueConstraint("tenant_id", "idempotency_key"),
        Index("ix_charges_reference", "tenant_id", "gateway", "reference"),
        Index("ix_charges_link", "tenant_id", "link_id"),
        Index(
            "ix_charges_open", "tenant_id", "link_id", postgresql_where=text("state IN ('wanted', 'open')")
        ),
        {"info": TENANT},
    )

    link_id: Mapped[int]
    gateway: Mapped[str]
    idempotency_key: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str | None]
    url: Mapped[str | None]
    state: Mapped[str]
    mode: Mapped[str] = mapped_column(String(7), default="trust", server_default="trust")
    fee_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    problem: Mapped[str | None]
    created_at: Mapped[datetime]


PAID_TO_CREDITOR = ("direct", "connect")


class Payment(TenantOwned, Base):
    """Money received. `external_key` (gateway and its payment id, or the file line) makes it book once.

    `kind`: gateway, connect (a gateway paid the creditor), direct (the debtor did), manual. `state`: booked,
    suspense (no debt took it), reversed (all of it went back). `account_ids` are the debts it may pay,
    `rates` the commission terms of each at the time of payment (`ledger.commission.FeeTerms`). Money that
    went back is in `reversals`; `refunded_minor` and `charged_back_minor` are what the books hold of it."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_key"),
        Index("ix_payments_received", "tenant_id", "received_at"),
        Index("ix_payments_debtor", "tenant_id", "debtor_id", "currency"),
        Index("ix_payments_charge", "tenant_id", "charge_id"),
        Index("ix_payments_manual", "tenant_id", "id", postgresql_where=text("kind = 'manual'")),
        Index(
            "ix_payments_suspense", "tenant_id", "received_at", postgresql_where=text("state = 'suspense'")
        ),
        {"info": {**TENANT, "id_blocks": True}},
    )

    debtor_id: Mapped[int | None]
    link_id: Mapped[int | None]
    charge_id: Mapped[int | None]
    external_key: Mapped[str]
    kind: Mapped[str]
    gateway: Mapped[str | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    rates: Mapped[dict[str, list[Any]]] = mapped_column(JSONB)
    refunded_minor: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    charged_back_minor: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    state: Mapped[str]
    received_at: Mapped[datetime]
    booked_at: Mapped[datetime]
    transaction_id: Mapped[int]
    note: Mapped[str | None]  # why a person should look, for instance an amount that nobody asked for
    # the newest contact of the thirty days before it, which reports count it to
    channel: Mapped[str | None]
    contact_id: Mapped[int | None]


class Reversal(TenantOwned, Base):
    """A provider or creditor said that a payment went back. Kept even before the payment itself is known.

    `kind`: refund, paid_back (by the agency itself), refund_failed (one that never arrived), dispute,
    dispute_won. `total_minor` is the sum of all refunds (or of what was paid back, or the disputed amount) so
    far, so that the same fact told twice, or an older one told late, changes nothing; of a refund that failed
    it is its own amount, and `event_key` names the refund."""

    __tablename__ = "reversals"
    __table_args__ = (
        UniqueConstraint("tenant_id", "event_key"),
        Index("ix_reversals_payment", "tenant_id", "payment_key"),
        {"info": TENANT},
    )

    payment_key: Mapped[str]  # `payments.external_key`
    event_key: Mapped[str]
    kind: Mapped[str] = mapped_column(String(13))
    total_minor: Mapped[int]
    occurred_at: Mapped[datetime]
    booked_at: Mapped[datetime | None]


class Allocation(TenantOwned, Base):
    """A move of a payment's money onto a part of an account, negative when it is taken off again.

    `part` suspense, with no account, is money that no debt takes. The rows of a payment always sum to what is
    left of it after reversals. `fee_minor` is the commission earned by the row, `tax_minor` the tax on it.
    """

    __tablename__ = "allocations"
    __table_args__ = (
        Index("ix_allocations_payment", "tenant_id", "payment_id"),
        Index("ix_allocations_account", "tenant_id", "account_id", "at"),
        Index(
            "ix_allocations_suspense", "tenant_id", "payment_id", postgresql_where=text("account_id IS NULL")
        ),
        # rows come in the order of time: a few bytes for many pages tell which of them a day lies on
        Index("ix_allocations_at", "at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        {"info": append_only(TENANT)},
    )

    payment_id: Mapped[int]
    transaction_id: Mapped[int]
    account_id: Mapped[int | None]
    part: Mapped[str] = mapped_column(String(9))
    amount_minor: Mapped[int]
    fee_minor: Mapped[int]
    tax_minor: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    at: Mapped[datetime]


class PromiseToPay(TenantOwned, Base):
    """The debtor named amount and date. `state`: open, kept, partly_kept, broken, cancelled (formula 8.3)."""

    __tablename__ = "promises"
    __table_args__ = (
        Index("ix_promises_account", "tenant_id", "account_id"),
        Index("ix_promises_due", "tenant_id", "due_date", "id"),
        Index("ix_promises_open", "tenant_id", "due_date", postgresql_where=text("state = 'open'")),
        {"info": TENANT},
    )

    account_id: Mapped[int]
    debtor_id: Mapped[int]
    contact_id: Mapped[int | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    made_at: Mapped[datetime]
    due_date: Mapped[date]
    state: Mapped[str]
    paid_minor: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]
    made_with: Mapped[str]  # page, agent, api, simulation
    channel: Mapped[str | None]  # of the contact that brought it, which reports count it to
    # beyond the creditor's limits: who let it through, and why
    override_by: Mapped[str | None]
    override_why: Mapped[str | None]


class ProviderEvent(Base):
    """A provider's signed event as it came, stored once, worked later."""

    __tablename__ = "provider_events"
    __table_args__ = (
        UniqueConstraint("gateway", "tenant_id", "event_id"),
        Index("ix_provider_events_state", "state", "received_at"),
        {"info": platform_table("the tenant's row-level scope is opened by the worker; body is encrypted")},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    gateway: Mapped[str]
    agency_id: Mapped[int]
    tenant_id: Mapped[int]
    event_id: Mapped[str]
    body: Mapped[str] = mapped_column(EncryptedText)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]  # received, failing (a job of its own tries again), done, refused (see `note`)
    received_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    note: Mapped[str | None]
