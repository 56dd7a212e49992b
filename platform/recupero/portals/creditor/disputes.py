"""What debtors dispute, and the creditor's answers: seen first, then decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import Money
from recupero.outreach.debtors import dispute_answers, tellings
from recupero.outreach.debtors.dispute_answers import Answer
from recupero.outreach.debtors.tellings import Paper
from recupero.outreach.page_tables import Telling
from recupero.placements import browse, disputes
from recupero.placements.disputes import Disputed
from recupero.portals.accounts.tellings import paper_response
from recupero.portals.creditor.own import acting, reading
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.portals.words.words import label, options
from recupero.tenancy.guard import requires, the_caller
from recupero.tenancy.permissions import Permission


@dataclass(frozen=True, slots=True)
class Line:
    """A dispute of the list, with its answer where it has one."""

    dispute: Disputed
    portfolio: str
    verdict: str | None
    answered_at: datetime | None


@blueprint.get("/portal/disputes")
@requires(Permission.PLACEMENTS_READ)
def creditor_disputes() -> ResponseReturnValue:
    """Those that wait, then the last that were answered."""
    with reading() as session:
        table = _table().fill_whole(_lines(session))
    return answer("creditor/disputes.html", table)


def _lines(session: Session) -> list[Line]:
    names, given = browse.portfolio_names(session), dispute_answers.latest(session)
    ended = disputes.ended(session, [one.hold_id for one in given])
    waiting = [Line(one, names[one.portfolio_id], None, None) for one in disputes.waiting(session)]
    return waiting + [
        Line(ended[one.hold_id], names[ended[one.hold_id].portfolio_id], one.verdict, one.answered_at)
        for one in given
        if one.hold_id in ended  # the others answer complaints
    ]


def _table() -> Table[Line]:
    def url(row: Line) -> str:
        return url_for("portals.creditor_dispute", hold_id=row.dispute.hold_id)

    return Table(
        "disputes", _("Disputes"),
        [
            Column("number", _("Account"), lambda row: row.dispute.client_account, link=url),
            Column("portfolio", _("Portfolio"), lambda row: row.portfolio),
            Column("why", _("Why"), lambda row: row.dispute.why, words="dispute_why"),
            Column("balance", _("Balance"),
                   lambda row: Money(row.dispute.balance_minor, row.dispute.currency)),
            Column("since", _("Since"), lambda row: row.dispute.began_at),
            Column("days", _("Days"), lambda row: row.dispute.days),
            Column("answer", _("Answer"), lambda row: row.verdict, words="dispute_verdict"),
            Column("answered", _("Answered"), lambda row: row.answered_at),
        ],
        filters=[
            Pick("state", _("State"), [("waits", _("Waits for you")), ("answered", _("Answered"))],
                 of=lambda row: "answered" if row.answered_at else "waits"),
            Pick("verdict", _("Answer"), options("dispute_verdict"), of=lambda row: row.verdict or ""),
        ],
    )  # fmt: skip


@blueprint.get("/portal/disputes/<int:hold_id>")
@requires(Permission.PLACEMENTS_READ)
def creditor_dispute(hold_id: int) -> ResponseReturnValue:
    return _page(hold_id, Form({"verdict": "owed"}), None)


@blueprint.post("/portal/disputes/<int:hold_id>")
@requires(Permission.PLACEMENTS_IMPORT)
def creditor_dispute_answer(hold_id: int) -> ResponseReturnValue:
    """What the answer means; with `confirmed`, the answer."""
    form = Form.sent()
    try:
        with reading() as session:
            found = disputes.of_hold(session, hold_id)
        with form.together():
            given = _given(form, found[0].currency)
            dispute_answers.check(found, given)
        if not form.optional("confirmed"):
            return _page(hold_id, form, given)
        with acting() as session:
            dispute_answers.answer(session, hold_id, given, actor=the_caller().actor)
    except UserError as error:
        if error.status == 404:
            raise
        form.refuse(error, "verdict", "words", "balance")
        return _page(hold_id, form, None)
    flash(_("Your answer holds. The agency tells the debtor."))
    return redirect(url_for("portals.creditor_disputes"))


@blueprint.get("/portal/disputes/<int:hold_id>/papers/<int:telling_id>/<int:place>")
@requires(Permission.PLACEMENTS_READ)
def creditor_dispute_paper(hold_id: int, telling_id: int, place: int) -> ResponseReturnValue:
    """What the debtor sent with it."""
    with reading() as session:
        told = _told(session, disputes.of_hold(session, hold_id))
        if telling_id not in {one.id for one, _papers in told}:
            raise NotFound("no such file")
        return paper_response(session, telling_id, place)


def _told(session: Session, found: Sequence[Disputed]) -> list[tuple[Telling, list[Paper]]]:
    """What the debtor said and sent on their page when they disputed these accounts."""
    accounts = {one.account_id for one in found}
    told = tellings.of_debtors(session, [found[0].debtor_id])
    return [one for one in told if one[0].step == "dispute" and one[0].account_id in accounts]


def _given(form: Form, currency: str) -> Answer:
    right = form.money("balance", currency) if form.optional("verdict") == "corrected" else None
    return Answer(form.optional("verdict"), form.optional("words"), right)


def _page(hold_id: int, form: Form, given: Answer | None) -> ResponseReturnValue:
    verdicts = [(code, label("dispute_verdict", code)) for code in dispute_answers.VERDICTS]
    with reading() as session:
        found = disputes.of_hold(session, hold_id)
        answered = [one for one in dispute_answers.answers_of(session, found[0].debtor_id)
                    if one.hold_id == hold_id]  # fmt: skip
        page = render_template(
            "creditor/dispute.html", found=found, form=form, given=given, answered=answered,
            told=_told(session, found), verdicts=verdicts, longest=dispute_answers.LONGEST,
        )  # fmt: skip
    return page, form.status
