"""A decision says what it is worth and costs, what was second best, and which rule closes what."""

import pytest
from sqlalchemy import select

from recupero.contacts.gate import packs
from recupero.decisions.planning.explaining import Other, explained
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from recupero.kernel.database import Scope
from tests.decisions.debts import debt, permit, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _newest(world: World, scope: Scope) -> Decision:
    with world.platform.database.transaction(scope) as session:
        found = session.execute(select(Decision).order_by(Decision.id.desc())).scalars().first()
        assert found is not None
        return found


def test_the_second_best_is_told_with_how_far_it_is_behind(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, costs_minor={"sms": 40, "email": 10})
        owed = debt(session, book)
        permit(session, owed.debtor_id, "whatsapp", "opt_out", at=clock.now())
    plan_tenant(world.platform.database, scope)
    decision = _newest(world, scope)
    told = explained(decision)
    assert (decision.channel, told.cost_minor, told.annoyance_minor) == ("email", 10, None)
    assert told.value_minor == decision.expected_value_minor > 0
    assert told.second_best is not None
    assert told.second_best.channel in ("email", "sms")
    assert told.second_best.behind_minor == told.value_minor - told.second_best.value_minor >= 0
    assert [(one.channel, one.rule, one.citation) for one in told.closed] == [("whatsapp", "opted_out", None)]


def test_waiting_is_second_best_to_the_only_way_and_first_where_nothing_pays(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, channels=["email"], costs_minor={"email": 100_000})
        debt(session, book, balance=1_000)
    plan_tenant(world.platform.database, scope)
    told = explained(_newest(world, scope))
    assert (told.value_minor, told.cost_minor) == (0, 0)
    assert told.second_best is not None
    assert told.second_best.channel == "email"
    assert told.second_best.behind_minor > 0
    alone = Decision(
        alternatives=[{"channel": None, "at": None, "value_minor": 0}], blocked={}, channel="email",
        scheduled_at=clock.now(), expected_value_minor=7, cost_minor=1, pack=None,
    )  # fmt: skip
    assert explained(alone).second_best == Other(None, None, 0, 7)


def test_what_the_law_closes_is_cited() -> None:
    pack = packs().by_country["CL"]
    decision = Decision(
        alternatives=[], blocked={"call": pack.rules[0].id, "sms": "no_contact_point"}, channel=None,
        scheduled_at=None, expected_value_minor=0, cost_minor=0, pack=pack.id,
    )  # fmt: skip
    law, house = explained(decision).closed
    assert (law.channel, law.citation) == ("call", pack.rules[0].source.citation)
    assert house.citation is None
    assert explained(decision).second_best is None
