"""Why something is not paid, as debtors tell it on their own page: kept as the cause, and acted on at once.

Each reason (domain page, 4.2) has one honest next step. What it stops is stopped, and who has to look into it
is asked to, in the transaction that keeps it.
"""

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.conversations import files as kept
from recupero.outreach.page_tables import Telling, TellingFile
from recupero.outreach.scripts.shape import REASONS
from recupero.outreach.understanding import hand_overs, policy
from recupero.payments.offers import hardship
from recupero.payments.papers import invoice_requests
from recupero.placements import service as placements
from recupero.placements.reach import debtors_of
from recupero_sdk.inbound import Attachment

LONGEST = 2000  # characters
MOST_FILES = 5
#: While the creditor looks for an invoice that never came, nobody reminds of it.
INVOICE_REST = timedelta(days=14)
#: What is wrong with a debt, by what the debtor says of it.
DISPUTES: Mapping[str, str] = MappingProxyType({
    "already_paid": "DISPUTE", "not_mine": "DISPUTE", "wrong_amount": "PRICE_OR_BILLING_ERROR",
    "other": "DISPUTE",
})  # fmt: skip
#: What follows from each reason. pay, plan, promise and choices only show a way; the others stop something.
STEPS: Mapping[str, str] = MappingProxyType({
    "FORGOT": "pay", "NO_INVOICE": "invoice", "CASH_SHORT": "plan", "JOB_LOSS": "rest", "ILLNESS": "rest",
    "OVERINDEBTED": "rest", "SERVICE_COMPLAINT": "complaint", "PRICE_OR_BILLING_ERROR": "dispute",
    "DISPUTE": "dispute", "PAYMENT_MEANS": "person", "WAITING_INCOME": "promise", "UNWILLING": "choices",
    "DECEASED": "deceased", "OTHER": "person",
})  # fmt: skip
_HARDSHIP = {"JOB_LOSS": "job_loss", "ILLNESS": "illness", "OVERINDEBTED": "over_indebted"}
#: Why a person takes over (intents of `understanding.policy`).
_FOR_PEOPLE = {
    "complaint": "complaint", "dispute": "disputes", "rest": "hardship", "deceased": policy.DECEASED,
    "person": "wants_person",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a debtor says of one account: a reason code, what narrows it, their words and papers."""

    account_id: int
    reason: str
    words: str = ""
    detail: str | None = None
    papers: Sequence[Attachment] = ()


def tell(session: Session, told: Told) -> Telling:
    """Keep it as the cause and do what follows from it, for an account of the tenant in scope.

    Raises NotFound, or UserError at the field: an unknown reason, endless words, papers that cannot be kept.
    """
    debtor_id = debtors_of(session, [told.account_id]).get(told.account_id)
    if debtor_id is None:
        raise NotFound("no such account")
    step, words = _checked(told), told.words.replace("\x00", "").strip()
    papers = _papers(told.papers)
    made = Telling(
        tenant_id=scope_of(session).tenant(), debtor_id=debtor_id, account_id=told.account_id,
        reason=told.reason, detail=told.detail, words=words or None, step=step, told_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.add_all(TellingFile(tenant_id=made.tenant_id, telling_id=made.id, **paper) for paper in papers)
    session.flush()
    if step in _ACTS:
        _ACTS[step](session, made)
    if step in _FOR_PEOPLE:
        hand_overs.asked_on_page(session, debtor_id, told.account_id, why=_FOR_PEOPLE[step])
    audit.record(
        session, "outreach.debtor_tells", f"account:{told.account_id}", actor="debtor",
        tenant_id=made.tenant_id, debtor_id=debtor_id, reason=told.reason, step=step, papers=len(papers),
    )  # fmt: skip
    return made


def _checked(told: Told) -> str:
    """The step that follows. Raises UserError."""
    if told.reason not in REASONS or (told.detail is not None and DISPUTES.get(told.detail) != told.reason):
        raise UserError("Please choose one.", field="reason")
    if len(told.words) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="words", most=LONGEST)
    return STEPS[told.reason]


def _papers(sent: Sequence[Attachment]) -> list[dict[str, object]]:
    """The papers as they are stored. Raises UserError where one cannot be kept: nothing is lost unseen."""
    if len(sent) > MOST_FILES:
        raise UserError("Send at most %(most)s files.", field="papers", most=MOST_FILES)
    sizes = [one.size for one in sent]
    if sum(sizes) > kept.LARGEST_TOGETHER and max(sizes) <= kept.LARGEST:
        raise UserError(
            "These files are too large together: at most %(most)s.",
            field="papers", most=f"{kept.LARGEST_TOGETHER // 2**20} MB",
        )  # fmt: skip
    rows = kept.rows(sent)
    for row in rows:
        refused = row.pop("refused")
        if refused == "active":
            raise UserError(
                "%(name)s holds a program or other files: send it printed anew as PDF, or a photo of it.",
                field="papers", name=row["name"],
            )  # fmt: skip
        if refused or not row["content"]:
            raise UserError(
                "%(name)s cannot be kept: send photos (JPEG, PNG) or PDF files of at most %(most)s MB each.",
                field="papers", name=row["name"], most=kept.LARGEST // 2**20,
            )  # fmt: skip
    return rows


def _rest(session: Session, made: Telling) -> None:
    if hardship.open_of(session, made.debtor_id) is None:
        hardship.open_case(
            session, debtor_id=made.debtor_id, kind=_HARDSHIP[made.reason], severity="medium",
            opened_with="page", opened_by="debtor", note=made.words,
        )  # fmt: skip


def _ask_invoice(session: Session, made: Telling) -> None:
    invoice_requests.ask(session, made.account_id, asked_with="page")
    _hold(session, made, "client", until=INVOICE_REST)


def _dispute(session: Session, made: Telling) -> None:
    _hold(session, made, "dispute")


def _complain(session: Session, made: Telling) -> None:
    _hold(session, made, "complaint")


def _died(session: Session, made: Telling) -> None:
    placements.open_hold(
        session, debtor_id=made.debtor_id, account_id=None, kind="deceased", source=_source(made)
    )


def _hold(session: Session, made: Telling, kind: str, *, until: timedelta | None = None) -> None:
    placements.open_hold(
        session, debtor_id=made.debtor_id, account_id=made.account_id, kind=kind, source=_source(made),
        until=clock.now() + until if until else None,
    )  # fmt: skip


def _source(made: Telling) -> str:
    return f"page:{made.detail or made.reason}"


_ACTS: Mapping[str, Callable[[Session, Telling], None]] = MappingProxyType({
    "rest": _rest, "invoice": _ask_invoice, "dispute": _dispute, "complaint": _complain, "deceased": _died,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that a debtor sent: what it is, and where it lies."""

    telling_id: int
    place: int
    name: str
    media_type: str
    size: int


def of_debtors(session: Session, debtor_ids: Collection[int]) -> list[tuple[Telling, list[Paper]]]:
    """What these debtors of the tenants in scope told, newest first, each with its papers."""
    return _told(session, among(Telling.debtor_id, debtor_ids))


def by_id(session: Session, telling_ids: Collection[int]) -> dict[int, tuple[Telling, list[Paper]]]:
    """These tellings of the tenants in scope, each with its papers."""
    return {one[0].id: one for one in _told(session, among(Telling.id, telling_ids))}


def _told(session: Session, which: ColumnElement[bool]) -> list[tuple[Telling, list[Paper]]]:
    tenants = scope_of(session).tenant_ids
    found = session.execute(
        select(Telling).where(Telling.tenant_id.in_(tenants), which).order_by(Telling.id.desc())
    ).scalars().all()  # fmt: skip
    papers: dict[int, list[Paper]] = {one.id: [] for one in found}
    if found:
        rows = session.execute(
            select(TellingFile.telling_id, TellingFile.place, TellingFile.name, TellingFile.media_type,
                   TellingFile.size)
            .where(TellingFile.tenant_id.in_(tenants), among(TellingFile.telling_id, papers))
            .order_by(TellingFile.telling_id, TellingFile.place)
        )  # fmt: skip
        for row in rows:
            papers[row.telling_id].append(Paper(*row))
    return [(one, papers[one.id]) for one in found]


def paper(session: Session, telling_id: int, place: int) -> tuple[str, str, bytes]:
    """Name, kind and content of a paper of the tenants in scope. Raises NotFound."""
    row = session.execute(
        select(TellingFile).where(
            TellingFile.tenant_id.in_(scope_of(session).tenant_ids), TellingFile.telling_id == telling_id,
            TellingFile.place == place,
        )
    ).scalar_one_or_none()  # fmt: skip
    if row is None:
        raise NotFound("no such file")
    return row.name, row.media_type, base64.b64decode(row.content)
