"""The original invoice, where the debtor says that it never came: asked of the creditor, who sends a file."""

import base64
from collections.abc import Sequence

from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events, pdf_actions
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.kernel.listing import Part, arranged
from recupero.payments.events import InvoiceRefused
from recupero.payments.papers import documents
from recupero.payments.papers.document_tables import Document, InvoiceRequest
from recupero.payments.papers.documents import Paper
from recupero.placements.debts import debts_by_id, who_owes

MOST_BYTES = 5 * 2**20
#: How a file of a kind begins.
_MAGIC = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def ask(session: Session, account_id: int, *, asked_with: str) -> int | None:
    """Ask the creditor for the account's invoice; the request's id, None where it is asked for already.
    Raises NotFound."""
    found = debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account")
    tenant = scope_of(session).tenant()
    made = session.execute(
        insert(InvoiceRequest)
        .values(tenant_id=tenant, account_id=account_id, debtor_id=found[0].debtor_id, state="open",
                asked_with=asked_with, asked_at=clock.now())
        .on_conflict_do_nothing()
        .returning(InvoiceRequest.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is not None:
        audit.record(session, "payments.ask_invoice", f"account:{account_id}", actor=asked_with,
                     tenant_id=tenant)  # fmt: skip
    return made


def answer(session: Session, request_id: int, content: bytes, *, actor: str) -> Document:
    """Give the invoice: it is kept encrypted and stands on the debtor's page. Raises NotFound, Conflict where
    the request is closed, UserError where the file is no PDF, PNG or JPEG, is too large, or is
    a PDF that does more than show itself."""
    request = _open(session, request_id)
    media_type = next((kind for kind, magic in _MAGIC.items() if content.startswith(magic)), None)
    if media_type is None:
        raise UserError("send a PDF, PNG or JPEG file", field="file")
    if len(content) > MOST_BYTES:
        raise UserError("the file is larger than %(most)s MiB", field="file", most=MOST_BYTES // 2**20)
    if media_type == "application/pdf" and pdf_actions.acts(content):
        raise UserError("the file holds a program or other files: print it anew as PDF", field="file")
    person = who_owes(session, request.debtor_id)
    paper = Paper(person, [request.account_id], media_type, base64.b64encode(content).decode())
    made = documents.keep(session, "invoice", actor, [paper], [request_id])[0]
    request.document_id = made.id
    _close(session, request, "answered", actor, None)
    return made


def refuse(session: Session, request_id: int, *, why: str, actor: str) -> None:
    """Say that there is none to give, and why. Raises NotFound, Conflict where the request is closed,
    UserError without a reason."""
    request = _open(session, request_id)
    if not why.strip():
        raise UserError("say why", field="why")
    _close(session, request, "refused", actor, why.strip())
    events.publish(session, InvoiceRefused(request.debtor_id, request.account_id))


def _open(session: Session, request_id: int) -> InvoiceRequest:
    found = session.execute(
        select(InvoiceRequest)
        .where(InvoiceRequest.tenant_id == scope_of(session).tenant(), InvoiceRequest.id == request_id)
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such request")
    if found.state != "open":
        raise Conflict("this request has been answered already")
    return found


def _close(session: Session, request: InvoiceRequest, state: str, actor: str, note: str | None) -> None:
    request.state, request.answered_by, request.answered_at = state, actor, clock.now()
    request.note = note
    audit.record(session, f"payments.invoice_{state}", f"account:{request.account_id}", actor=actor,
                 tenant_id=request.tenant_id)  # fmt: skip


def waiting(session: Session) -> Sequence[InvoiceRequest]:
    """What debtors of the tenants in scope have asked for and nobody has answered, oldest first."""
    query = select(InvoiceRequest).where(
        InvoiceRequest.tenant_id.in_(scope_of(session).tenant_ids), InvoiceRequest.state == "open"
    )
    return session.execute(query.order_by(InvoiceRequest.asked_at, InvoiceRequest.id)).scalars().all()


def requests(
    session: Session, part: Part, state: str | None = None, tenant_id: int | None = None
) -> Sequence[InvoiceRequest]:
    """All that debtors of the tenants in scope, or of one of them, have asked for, perhaps of one state: what
    waits first, the oldest before the others; then what was answered last."""
    waits = InvoiceRequest.state == "open"
    by = {"asked": InvoiceRequest.asked_at, "answered": InvoiceRequest.answered_at}
    query = select(InvoiceRequest).where(InvoiceRequest.tenant_id.in_(scope_of(session).tenant_ids))
    if state is not None:
        query = query.where(InvoiceRequest.state == state)
    if tenant_id is not None:
        query = query.where(InvoiceRequest.tenant_id == tenant_id)
    own = (waits.desc(), case((waits, InvoiceRequest.asked_at)), InvoiceRequest.answered_at.desc())
    return session.execute(arranged(query, by, part, *own, InvoiceRequest.id)).scalars().all()


def of_account(session: Session, account_id: int) -> Sequence[InvoiceRequest]:
    """Every request for this account's invoice, the newest first."""
    query = select(InvoiceRequest).where(
        InvoiceRequest.tenant_id.in_(scope_of(session).tenant_ids), InvoiceRequest.account_id == account_id
    )
    return session.execute(query.order_by(InvoiceRequest.asked_at.desc())).scalars().all()


def request(session: Session, request_id: int) -> InvoiceRequest:
    """A request of the tenants in scope. Raises NotFound."""
    query = select(InvoiceRequest).where(
        InvoiceRequest.tenant_id.in_(scope_of(session).tenant_ids), InvoiceRequest.id == request_id
    )
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such request")
    return found


def file_of(found: Document) -> bytes:
    """The file of an invoice."""
    return base64.b64decode(found.contents)
