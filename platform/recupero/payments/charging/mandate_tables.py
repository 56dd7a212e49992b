"""Debtors' consents to charge a saved card for a plan's instalments, and each time that was done."""

from datetime import date, datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class Mandate(TenantOwned, Base):
    """A debtor lets a card be charged for the instalments of one plan.

    `state`: asked (the gateway's page waits for the card), active, ended (`ended_why`: one of
    `mandates.ENDS`). `words` is what the debtor agreed to, as it was shown; no charge is higher than
    `most_minor` and none is made after `until`, which moves with the plan's dates where the words say so. The
    card itself stays with the gateway, under `customer` and `method`.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        UniqueConstraint("tenant_id", "idempotency_key"),
        Index("uq_mandates_active", "tenant_id", "plan_id", unique=True,
              postgresql_where=text("state = 'active'")),
        Index("ix_mandates_plan", "tenant_id", "plan_id"),
        Index("ix_mandates_method", "tenant_id", "gateway", "method"),
        {"info": TENANT},
    )  # fmt: skip

    plan_id: Mapped[int]
    link_id: Mapped[int]
    debtor_id: Mapped[int]
    gateway: Mapped[str]
    idempotency_key: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    words: Mapped[str] = mapped_column(EncryptedText)
    most_minor: Mapped[int]
    until: Mapped[date]
    moves_with_plan: Mapped[bool] = mapped_column(default=True, server_default=text("false"))
    state: Mapped[str] = mapped_column(String(6))
    url: Mapped[str | None]
    reference: Mapped[str | None]  # the gateway's page
    customer: Mapped[str | None]
    method: Mapped[str | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None] = mapped_column(String(4))
    expires: Mapped[date | None]
    asked_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ended_why: Mapped[str | None] = mapped_column(String(12))


class AutomaticCharge(TenantOwned, Base):
    """One try to charge a saved card for an instalment. What became of the money is the state of its charge.

    `outcome`: the gateway's answer (`recupero_sdk.gateways.Outcome`), refused (it would not be asked) or
    withdrawn (it was not asked any more); none while nobody knows. `asks` counts how often it was asked.
    """

    __tablename__ = "automatic_charges"
    __table_args__ = (
        UniqueConstraint("tenant_id", "instalment_id", "attempt"),
        Index("uq_automatic_charges_charge", "tenant_id", "charge_id", unique=True),
        Index("ix_automatic_charges_mandate", "tenant_id", "mandate_id"),
        {"info": TENANT},
    )

    mandate_id: Mapped[int]
    instalment_id: Mapped[int]
    attempt: Mapped[int]
    charge_id: Mapped[int]
    asks: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None] = mapped_column(String(11))
    reason: Mapped[str | None]
    made_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    again_on: Mapped[date | None]  # the day of the next try; none: there is no other
