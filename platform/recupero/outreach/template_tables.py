"""An agency's or a creditor's own words of messages, in versions."""

from datetime import datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import AGENCY, AgencyOwned, Base


class MessageTemplate(AgencyOwned, Base):
    """One version of one template's words, of the agency (`tenant_id` null) or of one creditor. `form`: long
    (e-mail, letter) or short (sms, WhatsApp); `tone` null: for every tone. `state`: draft, approved, retired.
    """

    __tablename__ = "message_templates"
    __table_args__ = (
        UniqueConstraint(
            "agency_id", "tenant_id", "template", "language", "form", "tone", "version",
            name="uq_message_templates_version", postgresql_nulls_not_distinct=True,
        ),
        {"info": AGENCY},
    )  # fmt: skip

    tenant_id: Mapped[int | None]
    template: Mapped[str] = mapped_column(String(24))
    language: Mapped[str] = mapped_column(String(2))
    form: Mapped[str] = mapped_column(String(5))
    tone: Mapped[str | None] = mapped_column(String(7))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]

    def key(self) -> dict[str, object]:
        """What it is a version of."""
        return {"template": self.template, "language": self.language, "form": self.form, "tone": self.tone}
