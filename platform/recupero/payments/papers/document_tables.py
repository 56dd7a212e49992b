"""Papers for debtors, as they were issued, and what debtors have asked their creditor for."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned

PREFIXES = {
    "receipt": "R", "balance": "B", "paid_in_full": "P", "plan": "A", "offer": "O", "settlement": "S",
    "settled": "C", "invoice": "F",
}  # fmt: skip


class Document(TenantOwned, Base):
    """A numbered paper. `kind`: receipt, balance, paid_in_full, plan (the terms agreed), offer (to settle),
    settlement (agreed), settled, invoice (the creditor's own, sent again). `subject_id` is the plan or
    settlement; `revision` counts the papers of one plan from 0: one more each time a pause gives it other
    dates.

    `contents` is what it says, as JSON (`documents.Contents`), or the file of an invoice in base64: printed
    again it is the same document. Numbers run through the agency's series of the kind; an invoice, which is
    the creditor's paper, has that of its request.
    """

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_debtor", "tenant_id", "debtor_id"),
        Index("uq_documents_receipt", "tenant_id", "payment_id", unique=True,
              postgresql_where=text("kind = 'receipt'")),
        Index("uq_documents_subject", "tenant_id", "kind", "subject_id", "revision", unique=True,
              postgresql_where=text("subject_id IS NOT NULL")),
        {"info": {**TENANT, "id_blocks": True}},
    )  # fmt: skip

    kind: Mapped[str] = mapped_column(String(12))
    number: Mapped[int]
    debtor_id: Mapped[int]
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    payment_id: Mapped[int | None]
    subject_id: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    language: Mapped[str] = mapped_column(String(2))
    media_type: Mapped[str]
    contents: Mapped[str] = mapped_column(EncryptedText)
    issued_by: Mapped[str]
    issued_at: Mapped[datetime]

    @property
    def printed_number(self) -> str:
        """The number as it is printed, such as R-000042."""
        return f"{PREFIXES[self.kind]}-{self.number:06}"


class InvoiceRequest(TenantOwned, Base):
    """The debtor says that the invoice never came: a task of the creditor. `state`: open, answered or
    refused."""

    __tablename__ = "invoice_requests"
    __table_args__ = (
        Index("ix_invoice_requests_asked", "tenant_id", "asked_at"),
        Index("uq_invoice_requests_open", "tenant_id", "account_id", unique=True,
              postgresql_where=text("state = 'open'")),
        {"info": TENANT},
    )  # fmt: skip

    account_id: Mapped[int]
    debtor_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    asked_with: Mapped[str]  # page, or who asked for the debtor
    asked_at: Mapped[datetime]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    document_id: Mapped[int | None]
    note: Mapped[str | None]
