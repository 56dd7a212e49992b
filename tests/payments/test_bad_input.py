"""What money must not believe: each has an outcome that somebody can see, and the books hold."""

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from recupero.kernel import jobs, runtime
from recupero.kernel.errors import UserError
from recupero.ledger import remittances
from recupero.ledger.books import Book
from recupero.payments.gateways import links
from recupero.payments.incoming import suspense
from recupero.payments.incoming_tables import RefundTask
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay
from tests.payments.test_events import charge, check, event, events_of, post

DAY = date(2026, 3, 1)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}])


def test_money_for_what_was_paid_meanwhile_waits_with_a_task_to_pay_it_back(
    client: FlaskClient, placed: Placed
) -> None:
    made = charge(placed)
    sent = event(made)
    pay(placed, 1000, "elsewhere")
    assert post(client, made, sent) == 200
    jobs.drain()
    assert check(placed)[Book.SUSPENSE] == -400
    with runtime.current().database.transaction(placed.scope) as session:
        waiting = suspense.waiting(session)
        assert [(one.amount_minor, one.task_id is not None) for one in waiting] == [(400, True)]
        tasks = session.execute(select(RefundTask.state, RefundTask.amount_minor)).all()
        assert [tuple(one) for one in tasks] == [("open", 400)]


@pytest.mark.parametrize("amount", [0, -400])
def test_an_amount_that_is_none_is_refused_for_a_person_to_see(
    client: FlaskClient, placed: Placed, amount: int
) -> None:
    made = charge(placed)
    assert post(client, made, event(made, amount=amount)) in (200, 400)
    jobs.drain()
    assert Book.TRUST_CASH not in check(placed)
    assert all(state == "refused" and note for state, note in events_of(placed))


def test_an_id_that_no_text_may_hold_is_refused(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    assert [post(client, made, event(made, reference=id_)) for id_ in ("a\0b", "a\ud800b")] == [400, 400]
    assert events_of(placed) == []


def test_one_creditors_event_is_no_event_of_another(
    platform: runtime.Runtime, client: FlaskClient, world: World, placed: Placed
) -> None:
    other = place(platform, world.tenant(), [{"principal": 1000}])
    made = charge(placed)
    body, headers = event(made)
    answer = client.post(f"/webhooks/sandbox/{other.scope.tenant()}", data=body, headers=headers)
    jobs.drain()
    assert answer.status_code in (200, 401)
    assert Book.TRUST_CASH not in check(other)
    assert all(state == "refused" and note for state, note in events_of(other))


def test_a_link_takes_only_its_own_debtors_accounts(
    platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    other = place(platform, world.tenant(), [{"principal": 1000}])
    neighbour = place(platform, placed.scope, [{"principal": 1000}])
    for accounts in (other.account_ids, [*placed.account_ids, *neighbour.account_ids]):
        with (
            platform.database.transaction(placed.scope) as session,
            pytest.raises(ValueError, match="currency"),
        ):
            links.ensure_links(session, {placed.debtor_id: accounts})


def test_who_proved_one_link_sees_nothing_of_another_creditors(
    platform: runtime.Runtime, client: FlaskClient, world: World, placed: Placed
) -> None:
    other = place(platform, world.tenant(), [{"principal": 1000}])
    pages = []
    for one in (placed, other):
        with platform.database.transaction(one.scope) as session:
            url = links.ensure_links(session, {one.debtor_id: one.account_ids})[one.debtor_id]
        pages.append("/p/" + url.rpartition("/p/")[2])
    token = client.get(pages[0]).text.split('name="csrf_token" value="')[1].split('"')[0]
    facts = {"csrf_token": token, "national_id": "6785", "birth_date": "1980-05-17"}
    assert client.post(pages[0], data=facts).status_code == 302
    assert "FAC-" in client.get(pages[0]).text
    assert "FAC-" not in client.get(pages[1]).text
    for path in ("pay/1", "thanks", "papers"):
        assert client.get(f"{pages[1]}/{path}").headers["Location"].endswith(pages[1])
    foreign = charge(other)
    assert client.get(f"{pages[0]}/pay/{foreign.id}").status_code == 404


def test_a_statement_in_no_currency_is_refused(platform: runtime.Runtime, placed: Placed) -> None:
    with platform.database.transaction(placed.scope) as session, pytest.raises(UserError) as refused:
        remittances.draw(session, currency="QQQ", period_from=DAY, period_to=DAY, actor="user:1")
    assert refused.value.field == "currency"
