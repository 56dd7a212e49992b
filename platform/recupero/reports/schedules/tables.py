"""Which reports go where, and each one that went."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class ReportSchedule(TenantOwned, Base):
    """A report that goes out on a `day` of the month (1 to 28, at seven in the creditor's zone) over the
    month or quarter before. `recipients` are addresses, one a line."""

    __tablename__ = "report_schedules"
    __table_args__ = ({"info": TENANT},)

    report: Mapped[str] = mapped_column(String(10))  # recovery, compliance
    form: Mapped[str] = mapped_column(String(4))
    every: Mapped[str] = mapped_column(String(7))  # month, quarter
    day: Mapped[int]
    recipients: Mapped[str] = mapped_column(EncryptedText)
    active: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class ReportMail(TenantOwned, Base):
    """One report of a schedule over one period; there is never a second.

    `state`: waiting (from `next_at` on), sending (by a worker, who is taken for dead at `leased_until`),
    sent, failed (given up), unknown (its worker died after the mail server was handed the words, at
    `handed_at`: it may have gone). What failed or is unknown goes again only when somebody says so.
    """

    __tablename__ = "report_mails"
    __table_args__ = (
        UniqueConstraint("tenant_id", "schedule_id", "period"),
        Index("ix_report_mails_open", "tenant_id", "next_at",
              postgresql_where=text("state IN ('waiting', 'sending')")),
        {"info": TENANT},
    )  # fmt: skip

    schedule_id: Mapped[int]
    period: Mapped[str]
    state: Mapped[str] = mapped_column(String(7))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    handed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    problem: Mapped[str | None]
