"""A creditor decides what a debtor disputes: it takes effect at once, and a person tells the debtor. What the
agency itself answers to a dispute or complaint stands on the debtor's page.

Until that person is done, machines stay silent: the hand-over opens before the dispute's own hold ends.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, UserError
from recupero.outreach.answer_tables import DisputeAnswer
from recupero.outreach.conversations import conversations
from recupero.outreach.understanding import hand_overs
from recupero.payments.events import InvoiceRefused
from recupero.placements import disputes
from recupero.placements import service as placements
from recupero.placements.disputes import Disputed
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.placements.lifecycle import ENDED
from recupero.tenancy import queries as tenancy

VERDICTS = ("owed", "corrected", "not_owed")
BY_AGENCY = "agency"
WHY = "dispute_answered"
INVOICE_REFUSED = "invoice_refused"
LONGEST = 2000
#: For how long an answer stands on the debtor's page.
TOLD_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Answer:
    """`balance_minor` is what is owed after all, where the verdict is corrected."""

    verdict: str
    words: str
    balance_minor: int | None = None


def answer(session: Session, hold_id: int, given: Answer, *, actor: str) -> DisputeAnswer:
    """Decide a dispute of the tenant in scope.

    Raises NotFound, Conflict where it is not open any more, UserError at the field.
    """
    found = disputes.of_hold(session, hold_id)
    if found[0].ended_at is not None:
        raise Conflict("this dispute has been answered already")
    check(found, given)
    first = found[0]
    made = DisputeAnswer(
        tenant_id=scope_of(session).tenant(), hold_id=hold_id, debtor_id=first.debtor_id,
        account_id=first.account_id, verdict=given.verdict, words=given.words.strip(), answered_by=actor,
        balance_minor=given.balance_minor if given.verdict == "corrected" else None, answered_at=clock.now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:  # somebody else's answer came between
        raise Conflict("this dispute has been answered already") from None
    _hand_over(session, first.debtor_id, first.account_id, WHY)
    if given.verdict == "not_owed":
        placements.close_accounts(session, [one.account_id for one in found], "DISPUTE_UPHELD")
    elif given.verdict == "corrected":
        _correct(session, first, given.balance_minor or 0, hold_id)
    placements.end_hold(session, hold_id, by=actor)
    audit.record(
        session, "outreach.dispute_answered", f"account:{first.account_id}", actor=actor,
        tenant_id=made.tenant_id, verdict=given.verdict, hold=hold_id,
    )  # fmt: skip
    return made


def check(found: Sequence[Disputed], given: Answer) -> None:
    """Whether these accounts may be answered so. Raises UserError at each field that is wrong."""
    faults = Faults()
    if given.verdict not in VERDICTS:
        faults.note(UserError("Please choose one.", field="verdict"))
    if not given.words.strip():
        faults.note(UserError("say why, so that the debtor can be told", field="words"))
    if len(given.words) > LONGEST:
        faults.note(UserError("At most %(most)s characters fit here.", field="words", most=LONGEST))
    if given.verdict == "corrected" and (len(found) > 1 or found[0].status in ENDED):
        faults.note(UserError("only one account that is still worked can be corrected here", field="verdict"))
    if given.verdict == "corrected" and not 0 < (given.balance_minor or 0) < found[0].balance_minor:
        faults.note(UserError("the right amount is above zero and below the balance", field="balance"))
    faults.tell()


def tell(session: Session, hold_id: int, *, debtor_id: int, account_id: int, words: str, actor: str) -> None:
    """What the agency answers to a dispute or complaint of the tenant in scope: the debtor reads it on their
    page. Raises UserError where it is endless."""
    if len(words) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="words", most=LONGEST)
    session.add(DisputeAnswer(
        tenant_id=scope_of(session).tenant(), hold_id=hold_id, debtor_id=debtor_id, account_id=account_id,
        verdict=BY_AGENCY, words=words, answered_by=actor, balance_minor=None, answered_at=clock.now(),
    ))  # fmt: skip


def on_invoice_refused(session: Session, event: InvoiceRefused) -> None:
    """The debtor waits for an invoice that the creditor has not."""
    _hand_over(session, event.debtor_id, event.account_id, INVOICE_REFUSED)


def _hand_over(session: Session, debtor_id: int, account_id: int, why: str) -> None:
    """Somebody at the agency tells the debtor."""
    conversations.note(
        session, debtor_id=debtor_id, account_id=account_id, channel=conversations.LINK, at=clock.now()
    )
    hand_overs.open_one(session, debtor_id=debtor_id, account_id=account_id, contact_id=None, why=why)


def _correct(session: Session, one: Disputed, right_minor: int, hold_id: int) -> None:
    """The creditor's adjustment, booked as one of its files is."""
    from recupero.placements.imports.running import lock_imports  # Polars is loaded with it

    lock_imports(session)
    row = DirectPayment(
        row_number=1, account_id=one.account_id, kind="adjustment", currency=one.currency,
        amount_minor=right_minor - one.balance_minor, external_key=f"dispute:{hold_id}",
        paid_on=clock.today(tenancy.tenant(session).timezone).isoformat(),
    )  # fmt: skip
    reported = DirectPaymentsReported(0, (row,))
    events.publish(session, reported)
    if reported.refused:
        raise UserError("the balance cannot be corrected to this", field="balance")


def answers_of(session: Session, debtor_id: int) -> Sequence[DisputeAnswer]:
    """What a debtor of the creditors in scope was answered, the newest first."""
    return _read(session, DisputeAnswer.debtor_id == debtor_id)


def told(session: Session, debtor_id: int, account_ids: Collection[int]) -> Sequence[DisputeAnswer]:
    """What a debtor reads on their page: the answers of the last `TOLD_FOR` on these accounts, the newest
    first."""
    since = clock.now() - TOLD_FOR
    given = answers_of(session, debtor_id)
    return [one for one in given if one.answered_at > since and one.account_id in account_ids]


def latest(session: Session, limit: int = 500) -> Sequence[DisputeAnswer]:
    """The last answers of the tenants in scope, the newest first."""
    return _read(session, limit=limit)


def _read(session: Session, *which: ColumnElement[bool], limit: int | None = None) -> Sequence[DisputeAnswer]:
    query = (
        select(DisputeAnswer)
        .where(DisputeAnswer.tenant_id.in_(scope_of(session).tenant_ids), *which)
        .order_by(DisputeAnswer.id.desc())
    )
    return session.execute(query.limit(limit)).scalars().all()
