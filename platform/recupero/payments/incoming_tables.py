"""Money that comes by other ways than a link, and what proves that none is missing: receipts, bank
statements, gateways' payouts, money to pay back, reconciliations.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.bags import bag
from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class Receipt(TenantOwned, Base):
    """Money that a person says has come in. Somebody else approves it, and then it is booked.

    `means`: transfer, cash, cheque. `state`: entered, approved, rejected. No debtor: it waits in suspense.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        Index("ix_receipts_entered", "tenant_id", "id", postgresql_where=text("state = 'entered'")),
        Index("ix_receipts_payment", "tenant_id", "payment_id"),
        {"info": TENANT},
    )

    means: Mapped[str] = mapped_column(String(8))
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    received_on: Mapped[date]
    debtor_id: Mapped[int | None]
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    reference: Mapped[str | None] = mapped_column(EncryptedText)
    payer: Mapped[str | None] = mapped_column(EncryptedText)
    state: Mapped[str] = mapped_column(String(8))
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    payment_id: Mapped[int | None]


class GatewaySum(TenantOwned, Base):
    """What gateways took less what went back of it, minor units, as a bag of summands that triggers add to
    (migration 0117): the sum over a currency's rows is the figure."""

    __tablename__ = "gateway_sums"
    __table_args__ = (*bag("gateway_sums", "currency"), {"info": TENANT})

    folded: Mapped[bool] = mapped_column(server_default=text("false"))
    currency: Mapped[str] = mapped_column(String(3))
    held_minor: Mapped[int] = mapped_column(server_default=text("0"))


class RefundTask(TenantOwned, Base):
    """Money to pay back: what no debt of a known debtor takes, or a refund that failed at the gateway.

    `state`: open, done, void (a debt took it, or it went back another way), dismissed (a person said why it
    is not paid back: the money stays where it is). `failed_minor` is what of it was refunded and did not
    arrive: that is to be paid back whether a debt takes it meanwhile or not."""

    __tablename__ = "refund_tasks"
    __table_args__ = (
        Index("uq_refund_tasks_open", "tenant_id", "payment_id", unique=True,
              postgresql_where=text("state = 'open'")),
        {"info": TENANT},
    )  # fmt: skip

    payment_id: Mapped[int]
    amount_minor: Mapped[int]
    failed_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(9))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    means: Mapped[str | None] = mapped_column(String(8))
    reference: Mapped[str | None]
    reason: Mapped[str | None]  # why it was dismissed


class BankStatement(TenantOwned, Base):
    """A statement of the account that holds the creditor's money. `closing_minor` is the bank's word."""

    __tablename__ = "bank_statements"
    __table_args__ = (
        UniqueConstraint("tenant_id", "content_hash"),
        Index("ix_bank_statements_closing", "tenant_id", "currency", "closing_on"),
        {"info": TENANT},
    )

    account: Mapped[str] = mapped_column(EncryptedText)
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str | None]
    opening_minor: Mapped[int | None]
    closing_minor: Mapped[int | None]
    closing_on: Mapped[date]
    format: Mapped[str] = mapped_column(String(8))
    file_name: Mapped[str]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    taken_by: Mapped[str]
    taken_at: Mapped[datetime]
    lines: Mapped[int]
    added: Mapped[int]


class BankLine(TenantOwned, Base):
    """One movement at the bank, positive where money came in. `line_key` is the same in every file that
    tells it. `state`: open, matched (it clears `subject`: a payment, payout, transaction or refund), aside
    (a person said why it is none of the books' business)."""

    __tablename__ = "bank_lines"
    __table_args__ = (
        UniqueConstraint("tenant_id", "line_key"),
        Index("ix_bank_lines_open", "tenant_id", "booked_on", postgresql_where=text("state = 'open'")),
        Index("ix_bank_lines_statement", "tenant_id", "statement_id"),
        Index("ix_bank_lines_counter", "tenant_id", "counter_index"),
        Index("uq_bank_lines_subject", "tenant_id", "subject", "subject_id", unique=True,
              postgresql_where=text("state = 'matched'")),
        {"info": TENANT},
    )  # fmt: skip

    statement_id: Mapped[int]
    line_key: Mapped[bytes] = mapped_column(LargeBinary)
    booked_on: Mapped[date]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str | None] = mapped_column(EncryptedText)
    name: Mapped[str | None] = mapped_column(EncryptedText)
    counter_account: Mapped[str | None] = mapped_column(EncryptedText)
    counter_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(7))
    matched_by: Mapped[str | None]  # the actor, or the rule that was sure
    matched_at: Mapped[datetime | None]
    subject: Mapped[str | None] = mapped_column(String(11))
    subject_id: Mapped[int | None]
    note: Mapped[str | None]


class GatewayPayout(TenantOwned, Base):
    """What a gateway sent on to the bank account, in one sum. `state`: paid, failed (it came back)."""

    __tablename__ = "gateway_payouts"
    __table_args__ = (UniqueConstraint("tenant_id", "gateway", "reference"), {"info": TENANT})

    gateway: Mapped[str]
    reference: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(6))
    occurred_at: Mapped[datetime]


class Reconciliation(TenantOwned, Base):
    """One comparison of our payments with a gateway's record. `state`: running, clean, findings, failed.
    `findings` hold kind, reference, what the gateway says, what is booked, and whether it was mended."""

    __tablename__ = "reconciliations"
    __table_args__ = ({"info": TENANT},)

    gateway: Mapped[str]
    since: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(8))
    compared: Mapped[int]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    problem: Mapped[str | None]
