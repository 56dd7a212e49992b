"""A call's page follows its script: nothing of the debt before the proof; what is agreed while talking."""

import re

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from plugins.channels.voice.tests.twilio_calls import AGENT, Twilio, running
from recupero.kernel import runtime
from recupero.kernel.audit import AuditEvent
from recupero.placements.tables import Account, Debtor
from recupero.tenancy import service as tenancy
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.portals.conftest import Visitor
from tests.portals.test_drafts import all_left_alone


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago", kinds=("phone",))[0]


@pytest.fixture
def number(placed: Placed) -> str:
    """The account's number; the person gets a birth date."""
    with runtime.current().database.transaction(placed.scope) as session:
        session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id)).birth_date = "1985-04-02"
        return session.get_one(Account, (placed.scope.tenant(), placed.account_id)).client_account


def called(visitor: Visitor, placed: Placed) -> str:
    """Take the account and begin a call; the address of the desk."""
    account = f"/accounts/{placed.account_id}"
    assert visitor.send("/desk/take", account, account=placed.account_id).status_code == 302
    assert send(visitor, "call", point=placed.points["phone"]).status_code == 302
    return "/desk"


def send(visitor: Visitor, _what: str, **fields: object) -> TestResponse:
    """Send one of the desk's forms for the account that is there."""
    found = re.search(r'name="sitting" value="(\d+)"', visitor.text("/desk"))
    return visitor.send(f"/desk/{_what}", "/desk", sitting=found[1] if found else "", **fields)


def test_the_debt_appears_only_after_two_facts_that_the_person_told(
    visitor: Visitor, placed: Placed, number: str
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    page = called(visitor, placed)
    text = visitor.text(page)
    assert "Identity not proven" in text
    assert "Ana Prueba" in text  # this agent's name, and whom to ask for
    assert "125" not in text
    assert "Acreedor" not in text
    send(visitor, "answer", step="greeting", answer="speaking")
    assert "1985" not in visitor.text(page)
    wrong = {"step": "identity", "birth_date": "1985-04-03", "client_account": number}
    again = send(visitor, "identity", **wrong).text
    assert 'value="1985-04-03"' in again  # a slip of the keyboard is seen, and corrected
    assert number in again
    assert "Wrong so far: 1 of 3" in visitor.text(page)
    send(visitor, "identity", **{**wrong, "birth_date": "1985-04-02"})
    text = visitor.text(page)
    assert "Identity proven" in text
    assert "125" in text
    assert "Acreedor" in text


def test_one_fact_is_answered_with_what_is_missing(visitor: Visitor, placed: Placed, number: str) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    called(visitor, placed)
    send(visitor, "answer", step="greeting", answer="speaking")
    answer = send(visitor, "identity", step="identity", birth_date="1985-04-02")
    assert answer.status_code == 422
    assert "Two facts are needed" in answer.text


def test_a_result_that_claims_the_right_person_is_not_offered_without_proof_nor_taken(
    visitor: Visitor, placed: Placed, number: str
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    page = called(visitor, placed)
    assert 'value="PTPF"' not in visitor.text(page)
    answer = send(visitor, "finish", code="PTPF")
    assert answer.status_code == 422
    assert "identity was not proven" in answer.text.lower()
    assert send(visitor, "finish", code="NOAN").status_code == 302


def test_a_promise_is_noted_while_talking_and_the_reason_with_the_result(
    visitor: Visitor, placed: Placed, number: str
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    page = called(visitor, placed)
    promise = {"kind": "full", "due": "2026-03-20"}
    early = send(visitor, "agree", amount="50,000", **promise)
    assert "identity was not proven" in visitor.text(early.headers["Location"]).lower()
    send(visitor, "answer", step="greeting", answer="speaking")
    told = {"step": "identity", "birth_date": "1985-04-02", "client_account": number}
    send(visitor, "identity", **told)
    for step, choice in (("disclosures", "go_on"), ("purpose", "aware"), ("full_payment", "other_day")):
        send(visitor, "answer", step=step, answer=choice)
    wrong = send(visitor, "agree", amount="x", **promise)
    assert "not an amount of money" in wrong.text
    send(visitor, "agree", amount="50,000", **promise)
    assert "The promise is noted" in visitor.text(page)
    send(visitor, "answer", step="promise", answer="part")
    shown = visitor.text(page)
    assert shown.index('value="PTPP"') < shown.index('value="RTPY"')
    assert send(visitor, "finish", code="PTPP", reason="WAITING_INCOME").status_code == 302
    assert "50,000" in visitor.text(f"/accounts/{placed.account_id}")


def test_an_answer_from_an_old_window_changes_nothing(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    called(visitor, placed)
    send(visitor, "answer", step="greeting", answer="absent")
    answer = send(visitor, "answer", step="greeting", answer="wrong_person")
    assert "The call has gone on meanwhile" in visitor.text(answer.headers["Location"])


def test_a_click_rings_the_agent_and_what_became_of_it_stands_on_the_page(
    visitor: Visitor, placed: Placed, number: str
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    page = called(visitor, placed)
    assert "Call by phone" not in visitor.text(page)  # no connector for calls is switched on
    twilio = Twilio()
    with running(twilio) as config:
        with runtime.current().database.transaction(placed.scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="voice", enabled=True, settings=dict(config.settings),
                secret_values=dict(config.secrets), actor="system",
            )  # fmt: skip
        assert "Call by phone" in visitor.text(page)
        send(visitor, "ring")
        assert "First tell at which number calls ring for you." in visitor.text(page)
        visitor.send("/profile/calls", "/profile", phone=AGENT, hours="")
        send(visitor, "ring")
        assert "The agent&#39;s telephone: rings" in visitor.text(page)
    assert [call["to"] for call in twilio.calls] == [AGENT]


def test_an_agent_calls_somebody_of_the_control_group_knowingly_only(
    visitor: Visitor, placed: Placed
) -> None:
    all_left_alone(placed.scope)
    visitor.sign_in(Role.AGENT, placed.scope)
    account = f"/accounts/{placed.account_id}"
    visitor.send("/desk/take", account, account=placed.account_id)
    assert "control group" in visitor.text("/desk")
    send(visitor, "call", point=placed.points["phone"])
    page = visitor.text("/desk")
    assert "say that you call all the same" in page
    assert "Identity not proven" not in page, "nothing was begun"
    send(visitor, "call", point=placed.points["phone"], knowing="yes")
    assert "Identity not proven" in visitor.text("/desk")
    with runtime.current().database.transaction(placed.scope) as session:
        called_ = select(AuditEvent).where(AuditEvent.action == "outreach.call_left_alone")
        (event,) = session.execute(called_).scalars()
    assert (event.subject, event.details["control"]) == (f"account:{placed.account_id}", True)
