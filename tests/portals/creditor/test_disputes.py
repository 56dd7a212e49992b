"""A creditor answers a dispute: seen first, then decided at once; a person at the agency tells the debtor."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict
from recupero.ledger.queries import check
from recupero.outreach.answer_tables import DisputeAnswer
from recupero.outreach.debtors import dispute_answers, tellings
from recupero.outreach.debtors.dispute_answers import Answer
from recupero.outreach.understanding.tables import HandOver
from recupero.payments.papers import invoice_requests
from recupero.placements import service as placements
from recupero.placements.tables import Account, Hold
from recupero.tenancy.permissions import Role
from recupero_sdk.inbound import Attachment
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.platform, world.tenant(), [{"principal": 90_000, "interest": 10_000}])


@pytest.fixture
def creditor(visitor: Visitor, placed: Placed) -> Visitor:
    return visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, placed.scope)


def _dispute(visitor: Visitor, placed: Placed, *, whole: bool = False) -> str:
    """Address of a dispute that the debtor opened."""
    with visitor.platform.database.transaction(placed.scope) as session:
        hold = placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None if whole else placed.account_ids[0],
            kind="dispute", source="page:wrong_amount",
        )  # fmt: skip
    return f"/portal/disputes/{hold}"


def _after(visitor: Visitor, placed: Placed) -> tuple[int, str | None, list[str], list[str]]:
    """Balance, close code, open holds and open hand-overs."""
    with visitor.platform.database.transaction(placed.scope) as session:
        account = session.get_one(Account, (placed.scope.tenant(), placed.account_ids[0]))
        holds = session.execute(select(Hold.kind).where(Hold.ended_at.is_(None))).scalars().all()
        given = session.execute(select(HandOver.why).where(HandOver.closed_at.is_(None))).scalars().all()
        assert check(session) == []
        return account.balance_minor, account.close_code, list(holds), list(given)


@pytest.mark.parametrize(
    ("answer", "balance", "code"),
    [
        ({"verdict": "owed"}, 100_000, None),
        ({"verdict": "corrected", "balance": "60,000"}, 60_000, None),
        ({"verdict": "not_owed"}, 100_000, "DISPUTE_UPHELD"),
    ],
)
def test_an_answer_takes_effect_once_it_is_confirmed(
    creditor: Visitor, placed: Placed, answer: dict[str, str], balance: int, code: str | None
) -> None:
    address = _dispute(creditor, placed)
    assert "Waits for you" in creditor.text("/portal/disputes?state=waits")
    seen = creditor.send(address, **answer, words="The invoice counts twice.")
    assert seen.status_code == 200
    assert _after(creditor, placed) == (100_000, None, ["dispute"], [])

    decided = creditor.send(address, **answer, words="The invoice counts twice.", confirmed="yes")
    assert decided.status_code == 302
    assert _after(creditor, placed) == (balance, code, ["person"], ["dispute_answered"])
    assert "The invoice counts twice." in creditor.text(address)
    again = creditor.send(address, "/portal/disputes", verdict="owed", words="w", confirmed="yes")
    assert again.status_code in (409, 422, 400)


def test_of_two_answers_at_once_one_holds(creditor: Visitor, placed: Placed) -> None:
    hold, database = int(_dispute(creditor, placed).rpartition("/")[2]), creditor.platform.database

    def second() -> None:
        with database.transaction(placed.scope) as session:
            dispute_answers.answer(session, hold, Answer("owed", "It stands."), actor="user:2")

    with ThreadPoolExecutor(1) as pool:
        with database.transaction(placed.scope) as session:
            dispute_answers.answer(session, hold, Answer("not_owed", "Never a customer."), actor="user:1")
            late = pool.submit(second)
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not (session.execute(waits).scalar_one() or late.done()):
                time.sleep(0.01)
        with pytest.raises(Conflict):
            late.result(timeout=30)
    assert _after(creditor, placed) == (100_000, "DISPUTE_UPHELD", ["person"], ["dispute_answered"])


def test_a_dispute_of_everything_closes_everything(visitor: Visitor, world: World, noon: object) -> None:
    placed = place(world.platform, world.tenant(), [{"principal": 500}, {"principal": 700}])
    visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, placed.scope)
    address = _dispute(visitor, placed, whole=True)
    wrong = visitor.send(address, verdict="corrected", balance="10", words="w")
    assert "only one account" in wrong.text.lower()
    visitor.send(address, verdict="not_owed", words="Never a customer.", confirmed="yes")
    with world.platform.database.transaction(placed.scope) as session:
        codes = session.execute(select(Account.close_code)).scalars().all()
        assert list(codes) == ["DISPUTE_UPHELD", "DISPUTE_UPHELD"]
        assert "never" not in str(
            session.connection().exec_driver_sql("SELECT words FROM dispute_answers").all()
        )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"verdict": "owed", "words": " "}, "Say why, so that the debtor can be told"),
        ({"verdict": "maybe", "words": "w"}, "Please choose one."),
        ({"verdict": "corrected", "words": "w", "balance": "100,000"}, "The right amount is above zero"),
        ({"verdict": "corrected", "words": "w", "balance": ""}, "Please fill this in."),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    creditor: Visitor, placed: Placed, fields: dict[str, str], said: str
) -> None:
    answer = creditor.send(_dispute(creditor, placed), **fields)
    assert answer.status_code == 422
    assert said in answer.text


def test_disputes_are_the_creditors_own(creditor: Visitor, placed: Placed, world: World) -> None:
    other = place(world.platform, world.tenant())
    theirs = _dispute(creditor, other)
    assert creditor.get(theirs).status_code == 404
    sent = creditor.send(theirs, "/portal/orders", verdict="not_owed", words="w", confirmed="yes")
    assert sent.status_code == 404
    assert theirs not in creditor.text("/portal/disputes")
    with world.platform.database.transaction(other.scope) as session:
        assert not session.execute(select(DisputeAnswer)).all()


def test_the_agent_reads_the_answer(visitor: Visitor, creditor: Visitor, placed: Placed) -> None:
    creditor.send(_dispute(creditor, placed), verdict="owed", words="Signed in May.", confirmed="yes")
    agent = Visitor(visitor.client.application.test_client(), visitor.platform)
    agent.sign_in(Role.AGENT, placed.scope)
    assert "Signed in May." in agent.text(f"/inbox/{placed.debtor_id}")


def test_a_refused_invoice_is_told_to_the_debtor_by_a_person(creditor: Visitor, placed: Placed) -> None:
    with creditor.platform.database.transaction(placed.scope) as session:
        request = invoice_requests.ask(session, placed.account_ids[0], asked_with="page")
    assert f"/portal/accounts/{placed.account_ids[0]}" in creditor.text(f"/invoices/{request}")
    assert f"/invoices/{request}" in creditor.text(f"/portal/accounts/{placed.account_ids[0]}")
    creditor.send(f"/invoices/{request}", why="It was lost in a fire.")
    assert "It was lost in a fire." in creditor.text("/invoices?state=refused")
    assert _after(creditor, placed)[2:] == (["person"], ["invoice_refused"])


def test_what_the_debtor_said_and_sent_is_read_by_their_creditor_only(
    creditor: Visitor, placed: Placed, world: World
) -> None:
    paper = Attachment("receipt.png", "image/png", 8, b"\x89PNG\r\n\x1a\n")
    other = place(world.platform, world.tenant(Scope(placed.scope.agency_id)), national_id="7.654.321-6")
    addresses = []
    for one in (placed, other):
        with world.platform.database.transaction(one.scope) as session:
            made = tellings.tell(session, tellings.Told(
                account_id=one.account_ids[0], reason="DISPUTE", detail="already_paid",
                words="I paid in May.", papers=[paper],
            ))  # fmt: skip
            hold = session.execute(select(Hold.id).where(Hold.kind == "dispute")).scalars().one()
            addresses.append(f"/portal/disputes/{hold}/papers/{made.id}/0")
    mine, theirs = addresses
    page = creditor.text(mine.partition("/papers")[0])
    assert "I paid in May." in page
    assert mine in page
    sent = creditor.get(mine)
    assert sent.data.startswith(b"\x89PNG")
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert creditor.get(theirs).status_code == 404
    mixed = mine.partition("/papers")[0] + "/papers" + theirs.partition("/papers")[2]
    assert creditor.get(mixed).status_code == 404


def test_complaints_are_seen_with_their_day(creditor: Visitor, placed: Placed, world: World) -> None:
    other = place(world.platform, world.tenant())
    for one, account_id in ((placed, placed.account_ids[0]), (placed, None), (other, other.account_ids[0])):
        with world.platform.database.transaction(one.scope) as session:
            hold = placements.open_hold(
                session, debtor_id=one.debtor_id, account_id=account_id, kind="complaint", source="page"
            )
            if account_id is None:
                placements.end_hold(session, hold, by="user:1")

    def listed(state: str = "") -> list[dict[str, object]]:
        rows: list[dict[str, object]] = json.loads(creditor.text(f"/portal/complaints?as=json&state={state}"))
        return rows

    assert [(row["state"], row["number"] == "everything of this debtor") for row in listed()] == [
        ("open", False), ("ended", True),
    ]  # fmt: skip
    clock.advance(timedelta(days=16))
    for state, count in (("open", 1), ("late", 1), ("ended", 1), ("", 2)):
        assert len(listed(state)) == count
