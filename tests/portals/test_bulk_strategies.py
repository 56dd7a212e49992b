"""One strategy for many portfolios: seen first, put into force, taken back; what others changed stays."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from recupero.kernel import audit, clock
from recupero.kernel.database import Scope
from recupero.placements import browse, strategies
from recupero.placements.tables import Portfolio
from recupero.tenancy.permissions import Role
from tests.decisions.debts import portfolio
from tests.factories import World
from tests.portals.conftest import Visitor

MANY = "/strategies/many"


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def books(visitor: Visitor, scope: Scope) -> list[int]:
    """A portfolio with calls first, two with none of it, and one in another currency."""
    with visitor.platform.database.transaction(scope) as session:
        made = [portfolio(session, channels=["call"]), portfolio(session), portfolio(session),
                portfolio(session)]  # fmt: skip
        session.get_one(Portfolio, (scope.tenant(), made[3])).currency = "USD"
        for one in made:
            strategies.keep(session, browse.portfolio(session, one), actor="system")
        return made


def ticked(books: list[int], *places: int, version: int = 1) -> dict[str, str]:
    return {"source": str(books[0]), **{f"portfolio_{books[one]}": str(version) for one in places}}


def channels(visitor: Visitor, scope: Scope, books: list[int]) -> list[list[str] | None]:
    with visitor.platform.database.transaction(scope) as session:
        return [browse.portfolio(session, one).strategy.get("channels") for one in books]


def test_it_is_seen_then_in_force_then_taken_back(visitor: Visitor, scope: Scope, books: list[int]) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert f'name="portfolio_{books[1]}"' in visitor.text(MANY)
    seen = visitor.send(MANY, **ticked(books, 1, 2, 3)).text
    assert "its amounts are in another currency" in seen
    assert "From now on" in seen
    before = channels(visitor, scope, books)
    assert before[1] != ["call"]  # nothing was done yet
    unsaid = visitor.send(MANY, **ticked(books, 1, 2), confirmed="yes")
    assert 'id="why-error"' in unsaid.text
    assert channels(visitor, scope, books) == before
    done = visitor.send(MANY, **ticked(books, 1, 2), confirmed="yes", why="the same market")
    assert done.headers["Location"].endswith("/accounts/many")
    assert channels(visitor, scope, books)[:3] == [["call"]] * 3
    assert "One strategy for many" in visitor.text("/accounts/many")
    with visitor.platform.database.transaction(scope) as session:
        assert [one.action for one in audit.page(session, holding="bulk")] == ["outreach.bulk_strategy"]
        strategies.set_strategy(session, books[2], {"channels": ["sms"]}, actor="user:9")
    (back,) = re.findall(r"/accounts/many/\d+/undo", visitor.text("/accounts/many"))
    assert visitor.send(back, _page="/accounts/many").status_code == 302
    assert channels(visitor, scope, books)[:3] == [["call"], before[1], ["sms"]]  # theirs stays


def test_what_somebody_changed_since_it_was_seen_is_left_and_an_hour_ends_the_way_back(
    visitor: Visitor, scope: Scope, books: list[int]
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    with visitor.platform.database.transaction(scope) as session:
        strategies.set_strategy(session, books[1], {"channels": ["sms"]}, actor="user:9")
    visitor.send(MANY, **ticked(books, 1, 2), confirmed="yes", why="x")
    assert channels(visitor, scope, books)[1:3] == [["sms"], ["call"]]
    clock.advance(timedelta(hours=2))
    assert "Take back</button>" not in visitor.text("/accounts/many")


def test_nothing_chosen_is_said_and_agents_may_not(
    visitor: Visitor, scope: Scope, books: list[int], app: Flask
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    none = visitor.send(MANY, source=str(books[0]))
    assert (none.status_code, "at least one portfolio" in none.text) == (422, True)
    assert visitor.send(MANY, source=str(books[0]), portfolio_999999="1").status_code == 404
    agent = Visitor(app.test_client(), visitor.platform).sign_in(Role.AGENT, scope)
    assert agent.get(MANY).status_code == 403
