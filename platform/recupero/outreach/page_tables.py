"""What debtors tell on their own page, the papers they send, the codes that open it, and how it looks."""

from datetime import datetime

from sqlalchemy import Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class Telling(TenantOwned, Base):
    """Why something is not paid, in the debtor's own words. `reason` is a reason code of call scripts,
    `detail` what narrows it (a reason of a dispute), `step` what followed at once (`tellings.STEPS`)."""

    __tablename__ = "tellings"
    __table_args__ = (
        Index("ix_tellings_debtor", "tenant_id", "debtor_id"),
        Index("ix_tellings_account", "tenant_id", "account_id"),
        Index("ix_tellings_at", "tenant_id", "told_at"),
        {"info": TENANT},
    )

    debtor_id: Mapped[int]
    account_id: Mapped[int]
    reason: Mapped[str]
    detail: Mapped[str | None]
    words: Mapped[str | None] = mapped_column(EncryptedText)
    step: Mapped[str] = mapped_column(String(12))
    told_at: Mapped[datetime]


class TellingFile(TenantOwned, Base):
    """A file that came with it, kept encrypted (base64). `size` in bytes."""

    __tablename__ = "telling_files"
    __table_args__ = (Index("ix_telling_files_telling", "tenant_id", "telling_id"), {"info": TENANT})

    telling_id: Mapped[int]
    place: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(EncryptedText)
    media_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[str] = mapped_column(EncryptedText)


class PageCode(TenantOwned, Base):
    """A code that opens a payment link once, sent to a contact point by the action. `code` is gone as soon as
    it was used or may not be tried any more."""

    __tablename__ = "page_codes"
    __table_args__ = (
        Index("ix_page_codes_link", "tenant_id", "link_id", "asked_at"),
        Index("ix_page_codes_action", "tenant_id", "action_id"),
        {"info": TENANT},
    )

    link_id: Mapped[int]
    contact_point_id: Mapped[int]
    action_id: Mapped[int]
    code: Mapped[str | None] = mapped_column(EncryptedText)
    asked_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    used_at: Mapped[datetime | None]


class PageLook(TenantOwned, Base):
    """How a creditor's pages for debtors look: a colour as #rrggbb, a logo of the kind `logo_type`."""

    __tablename__ = "page_looks"
    __table_args__ = (UniqueConstraint("tenant_id"), {"info": TENANT})

    colour: Mapped[str] = mapped_column(String(7))
    logo: Mapped[bytes | None]
    logo_type: Mapped[str | None]
    changed_at: Mapped[datetime]
