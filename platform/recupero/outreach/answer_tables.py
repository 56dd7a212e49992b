"""What those were answered who dispute a debt or complain."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class DisputeAnswer(TenantOwned, Base):
    """The answer to one dispute or complaint, which is a hold. `verdict` of a creditor: owed (as it stands),
    corrected (to `balance_minor`) or not_owed (the accounts are closed); agency where the agency answers, in
    words alone. `words` the debtor reads on their page; a creditor's they hear from a person, too."""

    __tablename__ = "dispute_answers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "hold_id"),
        Index("ix_dispute_answers_debtor", "tenant_id", "debtor_id"),
        {"info": TENANT},
    )

    hold_id: Mapped[int]
    debtor_id: Mapped[int]
    account_id: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(9))
    balance_minor: Mapped[int | None]
    words: Mapped[str] = mapped_column(EncryptedText)
    answered_by: Mapped[str]
    answered_at: Mapped[datetime]
