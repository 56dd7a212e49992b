"""Compliance reports that were made, as they were sealed."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import TENANT, Base, TenantOwned, append_only


class ComplianceReport(TenantOwned, Base):
    """One report with its seal: any form of it is made from here, and it never changes."""

    __tablename__ = "compliance_reports"
    __table_args__ = ({"info": append_only(TENANT)},)

    period: Mapped[str]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime]
    made_by: Mapped[str]
