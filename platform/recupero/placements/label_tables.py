"""Labels: the words by which a creditor's people sort its accounts, and the accounts that bear them."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import TENANT, Base, TenantOwned

_BORNE = text("removed_by IS NULL")


class Label(TenantOwned, Base):
    """One of a creditor's labels. `colour` is one of `labels.COLOURS`; `key` its name as it is compared."""

    __tablename__ = "labels"
    __table_args__ = (Index("uq_labels_key", "tenant_id", "key", unique=True), {"info": TENANT})

    name: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(40))
    colour: Mapped[str] = mapped_column(String(8))
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class AccountLabel(TenantOwned, Base):
    """An account bears a label until it is `removed_by` somebody; both are `user:…`, `key:…` or an order
    (`bulk:…`), which can be taken back by it."""

    __tablename__ = "account_labels"
    __table_args__ = (
        Index("uq_account_labels", "tenant_id", "account_id", "label_id", unique=True,
              postgresql_where=_BORNE),
        Index("ix_account_labels_label", "tenant_id", "label_id", "account_id", postgresql_where=_BORNE),
        Index("ix_account_labels_given", "tenant_id", "given_by"),
        Index("ix_account_labels_removed", "tenant_id", "removed_by",
              postgresql_where=text("removed_by IS NOT NULL")),
        ForeignKeyConstraint(
            ["tenant_id", "label_id"], ["labels.tenant_id", "labels.id"], ondelete="CASCADE"
        ),
        {"info": TENANT},
    )  # fmt: skip

    account_id: Mapped[int]
    label_id: Mapped[int]
    given_by: Mapped[str]
    given_at: Mapped[datetime]
    removed_by: Mapped[str | None]
    removed_at: Mapped[datetime | None]
