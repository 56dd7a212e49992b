"""A strategy is tried beside the one in force, without a trace; what is amiss with it is found."""

import pytest
from sqlalchemy import func, select

from recupero.decisions.evidence.trying import Trial, try_out
from recupero.decisions.tables import Decision, PlanRun
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.tables import Action
from tests.decisions.debts import debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def placed(world: World) -> tuple[Scope, int]:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book, other = portfolio(session, exploration=0), portfolio(session, exploration=0)
        for _ in range(3):
            debt(session, book)
        debt(session, book, points=())
        debt(session, other)
    return scope, book


def tried(world: World, scope: Scope, book: int, **strategy: object) -> Trial:
    with world.platform.database.transaction(scope) as session:
        trial = try_out(session, book, {"exploration": 0, **strategy}, clock.now())
        for table in (Decision, PlanRun, Action):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    return trial


def test_a_draft_is_counted_beside_what_is_in_force(world: World) -> None:
    scope, book = placed(world)
    trial = tried(
        world, scope, book, channels=["sms"], costs_minor={"sms": 7},
        segments=[{"name": "all", "when": {"from_balance_minor": 1}, "then": {"pace_days": 1}}],
    )  # fmt: skip
    assert (trial.now.accounts, trial.now.planned, trial.now.channels) == (4, 3, {"email": 3})
    assert (trial.tried.planned, trial.tried.channels, trial.tried.cost_minor) == (3, {"sms": 3}, 21)
    assert (trial.tried.segments, trial.tried.people) == ({"all": 3}, {"all": 4})
    assert [(one.code, one.what) for one in trial.findings] == [("starved", {"accounts": 1, "of": 4})]


def test_what_can_never_do_anything_is_grave(world: World) -> None:
    scope, book = placed(world)
    trial = tried(
        world, scope, book, channels=["email", "call"], daily={"email": 0}, budget_minor=1,
        costs_minor={"email": 5, "call": 9},
        segments=[{"name": "old", "when": {"from_dpd": 4000}, "then": {"pace_days": 1}}],
    )  # fmt: skip
    assert {(one.code, one.grave) for one in trial.findings} >= {
        ("dead_segment", True), ("none_a_day", True), ("budget_buys_nothing", True), ("nobody_calls", False),
    }  # fmt: skip
    assert trial.tried.planned == 0


def test_too_many_accounts_are_not_tried_while_somebody_waits(world: World) -> None:
    scope, book = placed(world)
    with world.platform.database.transaction(scope) as session, pytest.raises(UserError, match="5 open"):
        try_out(session, book, {}, clock.now(), most=4)


def test_who_never_speaks_and_who_cannot_is_told(world: World) -> None:
    scope, book = placed(world)
    trial = tried(
        world, scope, book, channels=["email", "call"],
        assistants=[
            {"name": "Bot", "kind": "virtual"},
            {"name": "Ana", "kind": "human", "channels": ["email"]},
            {"name": "Leo", "kind": "human", "channels": ["email"], "script": "none"},
        ],
        segments=[
            {"name": "all", "when": {"from_balance_minor": 1}, "then": {"assistants": ["Leo", "Bot"]}}
        ],
    )  # fmt: skip
    told = {(one.code, one.grave, one.what.get("assistant")) for one in trial.findings}
    assert told >= {
        ("never_speaks", True, "Ana"), ("no_machine_calls", False, "Bot"), ("no_such_script", True, "Leo"),
    }  # fmt: skip
    assert "nobody_calls" not in {code for code, _grave, _name in told}
    assert trial.tried.channels == {"email": 3}  # a machine that nobody connected calls nobody
