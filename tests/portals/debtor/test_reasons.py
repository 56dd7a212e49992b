"""Each reason for not paying is kept as the cause and gets its next step, which holds at once; papers of a
dispute reach whoever looks into it."""

import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from recupero.kernel import clock
from recupero.outreach.debtors import dispute_answers, tellings
from recupero.outreach.debtors.dispute_answers import Answer
from recupero.outreach.page_tables import Telling
from recupero.outreach.scripts.shape import REASONS
from recupero.outreach.service import NewAction, schedule
from recupero.outreach.understanding.tables import HandOver
from recupero.payments.offers.offer_tables import HardshipCase
from recupero.payments.papers.document_tables import InvoiceRequest
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.tables import Hold
from recupero.portals.debtor.advice import ADVICE
from recupero.portals.debtor.reasons import SHOWN
from recupero.reports import causes
from recupero.reports.periods import parse_period
from recupero.tenancy.permissions import Role
from tests.portals.conftest import Visitor
from tests.portals.debtor.conftest import Page

PDF = b"%PDF-1.7 a receipt"


def queued(page: Page) -> None:
    """A message waits for the debtor's first account."""
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        account = reach.reachable(session, page.placed.account_ids[:1])[page.placed.account_ids[0]]
        schedule(session, [NewAction(
            account.account_id, account.debtor_id, account.person_id, "email", "follow_up", clock.now(),
            clock.now().replace(year=2027),
        )])  # fmt: skip


def tell(page: Page, reason: str, **fields: object) -> str:
    """Choose the reason on the page and send it; what the page answers."""
    where = f"{page.path}/why/{reason}"
    first = page.placed.account_ids[0]
    answer = page.visitor.send(where, None, account=first, **fields)
    assert answer.status_code == 302, answer.text
    return page.visitor.text(answer.location)


def test_every_reason_of_the_domain_has_a_step_and_stands_on_the_page(page: Page) -> None:
    assert set(REASONS) == set(tellings.STEPS) == set(SHOWN)
    shown = page.text("/why")
    assert all(f"/why/{reason}" in shown for reason in SHOWN)
    assert page.visitor.get(f"{page.path}/why/GREED").status_code == 404


@pytest.mark.parametrize(
    ("reason", "holds", "hand_over", "said"),
    [
        ("JOB_LOSS", {"hardship", "person"}, "hardship", "Everything rests now"),
        ("NO_INVOICE", {"client"}, None, "asked Acreedor"),
        ("SERVICE_COMPLAINT", {"complaint", "person"}, "complaint", "We have your complaint"),
        ("DECEASED", {"deceased", "person"}, "deceased", "nothing is asked of you"),
        ("PAYMENT_MEANS", {"person"}, "wants_person", "A person reads this"),
        ("UNWILLING", set(), None, "what you can do"),
    ],
)
def test_what_follows_holds_at_once(
    page: Page, reason: str, holds: set[str], hand_over: str | None, said: str
) -> None:
    queued(page)
    assert said in tell(page, reason)
    assert page.holds() == holds
    stopped = page.actions("follow_up") == [("cancelled", page.actions("follow_up")[0][1])]
    assert stopped is bool(holds), "what waited is cancelled in the same transaction"
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        assert session.execute(select(Telling.reason, Telling.account_id)).one() == (
            reason, page.placed.account_ids[0],
        )  # fmt: skip
        assert session.execute(select(HandOver.why)).scalar_one_or_none() == hand_over
        asked = session.execute(select(InvoiceRequest.asked_with)).scalars().all()
        assert asked == (["page"] if reason == "NO_INVOICE" else [])


def test_telling_twice_or_without_words_where_they_are_needed(page: Page) -> None:
    for _time in range(2):
        tell(page, "ILLNESS", words="operación")
    assert page.holds() == {"hardship", "person"}
    refused = page.visitor.send(f"{page.path}/why/OTHER", account=page.placed.account_ids[0], words="  ")
    assert refused.status_code == 422
    assert 'id="words-error"' in refused.text
    strange = page.visitor.send(f"{page.path}/why/JOB_LOSS", account=10**9)
    assert strange.status_code == 422


def test_a_disputes_papers_are_kept_and_given_to_staff_alone(page: Page, visitor: Visitor) -> None:
    queued(page)
    where = f"{page.path}/dispute"
    form = {
        "dispute_account": page.placed.account_ids[0],
        "dispute_why": "already_paid",
        "words": "En caja 3",
    }
    bad = page.visitor.send(
        where, None, **form, papers=(io.BytesIO(b"PK\x03\x04"), "all.zip", "application/zip")
    )
    assert bad.status_code == 422
    assert 'id="papers-error"' in bad.text
    assert "En caja 3" in bad.text, "what was typed stays"
    assert page.holds() == set()
    script = PDF + b"1 0 obj << /S /JavaScript /JS (app.alert) >> endobj"
    acting = page.visitor.send(
        where, None, **form, papers=(io.BytesIO(script), "recibo.pdf", "application/pdf")
    )
    assert acting.status_code == 422
    assert "recibo.pdf holds a program or other files" in acting.text
    assert page.holds() == set()
    sent = page.visitor.send(
        where, None, **form, papers=(io.BytesIO(PDF), "recibo.pdf", "application/octet-stream")
    )
    assert sent.status_code == 302
    assert "1 paper received" in page.visitor.text(sent.location)
    assert page.holds() == {"dispute", "person"}
    assert page.actions("follow_up")[0][0] == "cancelled"
    visitor.sign_in(Role.AGENT, page.placed.scope)
    for shown in (f"/accounts/{page.placed.account_ids[0]}", f"/inbox/{page.placed.debtor_id}"):
        assert "En caja 3" in visitor.text(shown)
    path = f"/tellings/{_only(page).id}/papers/0"
    paper = visitor.get(path)
    assert (paper.data, paper.headers["X-Content-Type-Options"]) == (PDF, "nosniff")
    assert paper.headers["Content-Disposition"].startswith("attachment")
    assert paper.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert page.visitor.get(path).status_code == 302, "the debtor is no member of staff"
    assert visitor.get(f"/tellings/{_only(page).id}/papers/1").status_code == 404


def _only(page: Page) -> Telling:
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        return session.execute(select(Telling)).scalar_one()


def test_what_is_told_here_stands_among_the_creditors_causes(page: Page) -> None:
    tell(page, "JOB_LOSS")
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        found = causes.shares(session, parse_period("2026-03"))
    assert [(one.reason, one.share.numerator) for one in found] == [("JOB_LOSS", 1)]


def test_nobody_reads_what_another_debtor_told(page: Page) -> None:
    tell(page, "FORGOT")
    assert page.visitor.get(f"{page.path}/told/{_only(page).id + 1}").status_code == 404


def test_free_help_is_named_for_every_country_with_a_pack(page: Page) -> None:
    packs = page.visitor.platform.plugins.packs
    assert set(packs) <= set(ADVICE)
    assert all(one.url.startswith("https://") and one.source for rows in ADVICE.values() for one in rows)
    assert "SERNAC" in page.text("/advice")
    assert "SERNAC" in page.text("/help")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Answer("owed", "Se facturó <b>en</b> marzo"), "owed as it stands"),
        (Answer("corrected", "Se facturó <b>en</b> marzo", 40_000), "corrected the amount"),
        (Answer("not_owed", "Se facturó <b>en</b> marzo"), "it is not owed"),
    ],
)
def test_the_answer_to_a_dispute_stands_on_their_page(page: Page, given: Answer, said: str) -> None:
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        hold = placements.open_hold(
            session, debtor_id=page.placed.debtor_id, account_id=page.placed.account_ids[0], kind="dispute",
            source="page:wrong_amount",
        )  # fmt: skip
        dispute_answers.answer(session, hold, given, actor="user:1")
    text = page.text()
    assert said in text
    assert "Se facturó &lt;b&gt;en&lt;/b&gt; marzo" in text
    clock.advance(timedelta(days=91))
    page.prove()
    assert "Se facturó" not in page.text(), "an old answer goes"


def test_what_the_agency_answers_to_a_complaint_stands_on_their_page(page: Page, visitor: Visitor) -> None:
    tell(page, "SERVICE_COMPLAINT", note="they shouted")
    staff, account = visitor.sign_in(Role.SUPERVISOR, page.placed.scope), page.placed.account_ids[0]
    address, talk = f"/accounts/{account}", f"/inbox/{page.placed.debtor_id}"
    [hold_id] = re.findall(r'name="outcome_(\d+)"', staff.text(address))
    answer = staff.send(f"{address}/holds/{hold_id}/end", address, **{
        f"outcome_{hold_id}": "the agent was warned", f"told_{hold_id}": "We are <sorry>.",
    })  # fmt: skip
    assert answer.status_code == 302, answer.text
    shown = page.text()
    assert "We are &lt;sorry&gt;." in shown
    assert "the agent was warned" not in shown, "a note is for staff"
    assert page.holds() == {"person"}
    assert "Answered by the agency" in staff.text(talk)
    assert "They wrote nothing yet" in staff.text(talk)
    assert 'name="text"' not in staff.text(talk), "no form that could only be refused"


def test_a_hold_does_not_end_while_its_case_is_open(page: Page, visitor: Visitor) -> None:
    tell(page, "JOB_LOSS")
    staff, account = visitor.sign_in(Role.SUPERVISOR, page.placed.scope), page.placed.account_ids[0]
    address = f"/accounts/{account}"
    shown = staff.text(address)
    assert f'href="/inbox/{page.placed.debtor_id}">Close it in the conversation' in shown
    assert f'href="{address}/offers#hardship">Close the case' in shown
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        ids = session.execute(select(Hold.id)).scalars().all()
    told = [staff.send(f"{address}/holds/{one}/end", address) and staff.text(address) for one in ids]
    assert any("A hardship case is open" in text for text in told)
    assert any("A person has them" in text for text in told)
    assert page.holds() == {"hardship", "person"}
    closed = staff.send(
        f"{address}/offers/hardship", f"{address}/offers", outcome="a new job", close=_case(page)
    )
    assert closed.status_code == 302, closed.text
    assert page.holds() == {"person"}


def _case(page: Page) -> int:
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        return session.execute(select(HardshipCase.id)).scalar_one()
