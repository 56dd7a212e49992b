"""Automatic payments on the debtor's page, the agent's and the API, with the sandbox's cards."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from recupero.kernel import clock, jobs, runtime
from recupero.ledger.books import Book
from recupero.payments import service as payments
from recupero.payments.agreements import plans
from recupero.payments.charging.mandate_tables import Mandate
from recupero.payments.papers.document_tables import Document
from recupero.payments.papers.documents import issue_receipts
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_automatic import run, tried
from tests.payments.test_events import check
from tests.payments.test_plans import look
from tests.portals.debtor.test_account import prove, send
from tests.portals.debtor.test_offers import TERMS, shown
from tests.portals.test_offers import post, signed_in


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 90000}, {"principal": 60000}], terms=TERMS)


@pytest.fixture
def path(client: FlaskClient, platform: runtime.Runtime, placed: Placed) -> str:
    with platform.database.transaction(placed.scope) as session:
        url = payments.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    found = url.removeprefix(platform.config.base_url)
    client.get(found + "?lang=es")
    assert prove(client, found).status_code == 302
    return found


@pytest.fixture
def agreed(client: FlaskClient, path: str, placed: Placed) -> str:
    """The page of a plan that was agreed on the debtor's page."""
    where = path + "/plan?every=monthly&instalments=3&first_on=2026-03-20"
    answer = send(client, where, path + "/plan", every="monthly", instalments="3", first_on="2026-03-20")
    return answer.headers["Location"].replace("http://localhost", "")


def mandate(placed: Placed) -> Mandate:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(Mandate).order_by(Mandate.id.desc()).limit(1)).scalar_one()


def enter(client: FlaskClient, agreed: str, placed: Placed, card: str = "card_good") -> None:
    """Agree, and choose a card on the sandbox's page."""
    waits = send(client, agreed + "/card", agreed + "/card").headers["Location"]
    jobs.drain()
    page = shown(client, waits)
    assert "/sandbox/card/" in page
    inner = re.search(r"/sandbox/card/[\w-]+", page)
    assert inner
    back = send(client, inner[0], inner[0], card=card)
    assert (back.status_code, back.headers["Location"].endswith(agreed)) == (302, True)
    jobs.drain()


def test_the_debtor_reads_what_they_agree_to_and_it_is_kept(
    client: FlaskClient,
    agreed: str,
    placed: Placed,
) -> None:
    assert agreed + "/card" in shown(client, agreed)
    page = shown(client, agreed + "/card")
    for text in ("$150.000", "$50.000", "25-05-2026", "en cualquier momento"):
        assert text in page, text
    enter(client, agreed, placed)
    kept = mandate(placed)
    assert kept.words in page
    assert (kept.state, kept.last4) == ("active", "0001")
    page = shown(client, agreed)
    for text in (kept.words, "···· 0001", "/card/end"):
        assert text in page


def test_the_card_pays_the_instalment_and_the_receipt_follows(
    client: FlaskClient,
    agreed: str,
    placed: Placed,
) -> None:
    enter(client, agreed, placed)
    clock.set_to(clock.now().replace(day=20))
    run()
    assert tried(placed) == [(1, "succeeded", "paid")]
    assert check(placed)[Book.TRUST_CASH] == 50_000
    assert look(placed.scope)[0][1][0] == ("paid", 50_000)
    with runtime.current().database.transaction(placed.scope) as session:
        issue_receipts(session)
        assert len(session.execute(select(Document.id).where(Document.kind == "receipt")).all()) == 1


@pytest.mark.parametrize(
    ("card", "outcome", "state"),
    [("card_declined", "declined", "active"), ("card_asks", "needs_payer", "active"),
     ("card_lost", "gone", "ended")],
)  # fmt: skip
def test_each_pretended_card_does_what_it_says(
    client: FlaskClient,
    agreed: str,
    placed: Placed,
    card: str,
    outcome: str,
    state: str,
) -> None:
    enter(client, agreed, placed, card)
    clock.set_to(clock.now().replace(day=20))
    run()
    assert (tried(placed), mandate(placed).state) == ([(1, outcome, "failed")], state)
    if state == "ended":
        assert prove(client, agreed.partition("/plans")[0]).status_code == 302
        assert agreed + "/card" in shown(client, agreed), "another card may be given"


def test_the_debtor_ends_it_on_the_page(client: FlaskClient, agreed: str, placed: Placed) -> None:
    enter(client, agreed, placed)
    assert send(client, agreed, agreed + "/card/end").status_code == 302
    assert (mandate(placed).ended_why, mandate(placed).ended_by) == ("revoked", "debtor")
    clock.advance(timedelta(days=12))
    run()
    assert tried(placed) == []


def test_an_agent_sees_it_and_ends_it_for_the_debtor(
    client: FlaskClient,
    app: Flask,
    agreed: str,
    placed: Placed,
) -> None:
    enter(client, agreed, placed)
    agent, page = signed_in(app, placed.scope, Role.AGENT), f"/accounts/{placed.account_ids[0]}/offers"
    seen = agent.get(page).get_data(as_text=True)
    for text in (mandate(placed).words.split("(")[0].strip(), "···· 0001", "End automatic payments"):
        assert text in seen, text
    post(agent, page, page + "/end", mandate=str(mandate(placed).id))
    assert (mandate(placed).ended_why, mandate(placed).ended_by[:5]) == ("revoked", "user:")
    assert "the debtor ended it" in agent.get(page).get_data(as_text=True)


def test_the_page_of_another_plan_or_link_is_not_there(
    client: FlaskClient,
    agreed: str,
    path: str,
    placed: Placed,
) -> None:
    enter(client, agreed, placed)
    assert client.get(f"{path}/plans/999/card").status_code == 404
    assert client.get(f"{agreed}/card/999").status_code == 404
    assert client.get("/sandbox/card/1-abc").status_code == 404
    with runtime.current().database.transaction(placed.scope) as session:
        plans.cancel_plan(session, int(agreed.rsplit("/", 1)[1]), actor="user:1", why="test")
    assert client.get(agreed + "/card").status_code == 302
