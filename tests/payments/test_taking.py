"""Who pays what was offered has taken the offer, whatever is told first."""

from datetime import timedelta
from itertools import permutations

import pytest
from flask import Flask

from recupero.kernel import clock, runtime
from recupero.payments.agreements import settlement_queries, settlements
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import books, go_back, pay
from tests.payments.test_plans import AGENT, CREDITOR
from tests.payments.test_settlements import TERMS, accept, accounts, offer, states
from tests.portals.test_offers import post, signed_in


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 500, "cost": 100}, {"principal": 400}], terms=TERMS)


def expire(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        assert settlements.expire_due(session) == 1


def test_paying_the_sum_of_an_offer_takes_it(placed: Placed) -> None:
    offer(placed)
    pay(placed, 300)
    assert states(placed.scope) == [("offered", 0)]
    pay(placed, 400, "rest")
    assert states(placed.scope) == [("settled", 300)]
    assert [code for _balance, _status, code in accounts(placed.scope)] == ["PIF", "SIF"]
    books(placed.scope)


def test_what_came_before_the_offer_does_not_count(placed: Placed) -> None:
    offer(placed)
    pay(placed, 700, received_at=clock.now() - timedelta(hours=1))
    assert states(placed.scope) == [("offered", 0)]
    assert sum(balance for balance, _status, _code in accounts(placed.scope)) == 300


def test_a_transfer_in_time_that_is_told_after_the_offer_expired_settles(placed: Placed) -> None:
    offer(placed)
    paid_at = clock.now() + timedelta(days=2)
    clock.advance(timedelta(days=20))
    expire(placed)
    pay(placed, 700, received_at=paid_at)
    assert states(placed.scope) == [("settled", 300)]


def test_a_transfer_after_the_last_day_and_its_grace_pays_the_debt_only(placed: Placed) -> None:
    offer(placed)
    clock.advance(timedelta(days=18))
    expire(placed)
    pay(placed, 700)
    assert states(placed.scope) == [("expired", 0)]


def test_money_that_goes_back_lets_the_offer_stand_again(placed: Placed) -> None:
    offer(placed)
    pay(placed, 700)
    go_back(placed, 700)
    assert states(placed.scope) == [("offered", 0)]
    assert sum(balance for balance, _status, _code in accounts(placed.scope)) == 1000
    pay(placed, 700, "again")
    assert states(placed.scope) == [("settled", 300)]


def test_whatever_is_told_first_the_books_are_the_same(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    """Two transfers that reach the sum, one that pays all and goes back, one before the offer."""
    start, found = clock.now(), set()
    for order in permutations(range(3)):
        one = place(platform, world.tenant(), [{"principal": 1000}], terms=TERMS)
        offer(one)
        moments = [start + timedelta(hours=hour) for hour in (-1, 1, 2)]
        for number in order:
            pay(one, (100, 300, 400)[number], f"p{number}", received_at=moments[number])
        pay(one, 200, "back", received_at=moments[1])
        go_back(one, 200, "back")
        found.add((tuple(states(one.scope)), tuple(accounts(one.scope))))
    assert found == {((("settled", 200),), ((0, "resolved", "SIF"),))}


def test_an_offer_that_nobody_allowed_or_that_was_taken_back_is_not_taken(placed: Placed) -> None:
    offer(placed, 500, AGENT, why="asked for it")  # below the creditor's floor: waits for the creditor
    pay(placed, 500)
    assert states(placed.scope) == [("asked", 0)]
    made = offer(placed, 400, CREDITOR, why="a word of the creditor")
    with runtime.current().database.transaction(placed.scope) as session:
        settlements.withdraw(session, made.id, actor="user:1")
    pay(placed, 400, "late")
    assert [state for state, _off in states(placed.scope)] == ["asked", "withdrawn"]


def test_what_was_accepted_by_word_comes_before_what_is_only_offered(placed: Placed) -> None:
    accept(placed, offer(placed, 800).id)
    offer(placed, 700)
    pay(placed, 700)
    assert states(placed.scope) == [("accepted", 0), ("offered", 0)]
    pay(placed, 100, "rest")
    assert states(placed.scope)[0] == ("settled", 200)


def test_an_offer_above_what_is_owed_is_not_shown_to_the_debtor(placed: Placed) -> None:
    offer(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        assert len(settlement_queries.standing(session, placed.account_ids)) == 1
    pay(placed, 400, received_at=clock.now() - timedelta(hours=1))
    with runtime.current().database.transaction(placed.scope) as session:
        assert settlement_queries.standing(session, placed.account_ids) == []


def test_an_agent_notes_that_the_debtor_takes_it(app: Flask, placed: Placed) -> None:
    made = offer(placed)
    agent, page = signed_in(app, placed.scope, Role.AGENT), f"/accounts/{placed.account_ids[0]}/offers"
    assert "The debtor takes it" in agent.get(page).get_data(as_text=True)
    assert post(agent, page, page + "/accept", settlement=str(made.id)).status_code == 302
    assert states(placed.scope) == [("accepted", 0)]
    other = signed_in(app, placed.scope, Role.CREDITOR_VIEWER)
    assert other.post(page + "/accept").status_code in (400, 403)
