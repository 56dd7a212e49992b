"""Segments and arms of a strategy: which of its branches holds for whom, and that plans keep to it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from sqlalchemy import select, update

from recupero.decisions.history import vector_store
from recupero.decisions.service import plan_tenant
from recupero.decisions.strategies.branches import branched, effective, lots
from recupero.decisions.strategies.strategy import parse
from recupero.decisions.tables import Decision
from recupero.kernel.errors import UserError
from recupero.outreach.tables import Action
from recupero.placements.tables import Portfolio
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


def accounts(**columns: list[Any]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    usual: dict[str, list[Any]] = {
        "account": list(range(count)), "person": list(range(count)), "portfolio": [1] * count,
        "due_date": [None] * count, "balance_minor": [1000] * count, "region": [None] * count,
        "language": ["es"] * count, "situations": [None] * count,
    }  # fmt: skip
    schema = {"due_date": pl.Date, "region": pl.String, "situations": pl.List(pl.String)}
    return pl.DataFrame(usual | columns, schema_overrides=schema)


def names(frame: pl.DataFrame, data: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    found = branched(frame, {1: parse(data)}, AT)
    places = found.accounts["branch"].to_list()
    return [(found.branches[place].segment, found.branches[place].arm) for place in places]


def overdue(*days: int) -> dict[str, list[Any]]:
    return {"due_date": [date(2026, 3, 10) - timedelta(days=each) for each in days]}


def test_an_account_is_in_the_first_segment_that_fits_it_wholly() -> None:
    data = {"segments": [
        {"name": "soon", "when": {"stages": ["preventive"]}, "then": {"pace_days": 9}},
        {"name": "large and early", "when": {"stages": ["early"], "from_balance_minor": 5000},
         "then": {"pace_days": 2}},
        {"name": "overdue", "when": {"from_dpd": 0, "to_dpd": 400}, "then": {"pace_days": 3}},
    ]}  # fmt: skip
    frame = accounts(**overdue(-1, 0, 90, 91, 400, 401), balance_minor=[9000, 9000, 4999, 9000, 9000, 9000])
    assert [segment for segment, _arm in names(frame, data)] == [
        "soon", "large and early", "overdue", "overdue", "overdue", None
    ]  # fmt: skip


def test_what_is_not_known_of_an_account_fits_no_condition() -> None:
    data = {"segments": [
        {"name": "late", "when": {"stages": ["late", "early", "preventive"]}, "then": {"pace_days": 1}},
        {"name": "there", "when": {"regions": ["CL-RM"]}, "then": {"pace_days": 1}},
        {"name": "careful", "when": {"vulnerable": True}, "then": {"human_only": True}},
    ]}  # fmt: skip
    frame = accounts(situations=[None, ["vulnerable"], ["other"]])
    assert [segment for segment, _arm in names(frame, data)] == [None, "careful", None]


def test_what_an_arm_says_stands_above_its_segment_and_that_above_the_strategy() -> None:
    data = {
        "pace_days": 7, "max_contacts_30d": 9, "channels": ["email", "sms"],
        "segments": [
            {"name": "all", "when": {"from_balance_minor": 0}, "then": {"pace_days": 5, "exploration": 0}}
        ],
        "arms": [{"name": "quick", "share": 1, "then": {"pace_days": 1}}],
    }  # fmt: skip
    found = branched(accounts(person=[1]), {1: parse(data)}, AT)
    holds = found.strategies[found.accounts["branch"][0]]
    assert (holds.pace_days, holds.exploration, holds.max_contacts_30d, holds.channels) == (
        1, 0, 9, ("email", "sms"),
    )  # fmt: skip


def test_a_person_stays_in_one_arm_and_shares_come_out() -> None:
    people = list(range(20_000))
    two = [
        {"name": "a", "share": 0.2, "then": {"pace_days": 1}},
        {"name": "b", "share": 0.1, "then": {"pace_days": 2}},
    ]
    before = [arm for _segment, arm in names(accounts(person=people), {"arms": two})]
    assert before.count("a") == pytest.approx(4000, abs=250)
    assert before.count("b") == pytest.approx(2000, abs=200)
    wider = [two[0], {**two[1], "share": 0.3}]
    after = [arm for _segment, arm in names(accounts(person=people), {"arms": wider})]
    moved = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert set(moved) == {(None, "b")}
    assert not np.array_equal(lots(np.arange(9), 1), lots(np.arange(9), 2))


def test_accounts_of_a_portfolio_whose_strategy_is_unreadable_have_no_branch() -> None:
    found = branched(accounts(portfolio=[2, 1]), {1: parse({})}, AT)
    assert found.accounts["branch"].to_list() == [None, 0]


def _segment(**said: Any) -> dict[str, Any]:
    return {"segments": [{"name": "x", "when": {"from_dpd": 1}, "then": {"pace_days": 1}} | said]}


def _arm(**said: Any) -> dict[str, Any]:
    return {"name": "x", "share": 0.7, "then": {"pace_days": 1}} | said


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (_segment(when={}), "strategy.segments.0.when"),
        (_segment(then={"daily": {}}), "strategy.segments.0.then"),
        (_segment(when={"stages": ["dawn"]}), "strategy.segments.0.when.stages"),
        (_segment(name=" "), "strategy.segments.0.name"),
        ({"segments": [{"name": "x", "when": {"from_dpd": 1}}]}, "strategy.segments.0"),
        ({"arms": [_arm(share=0)]}, "strategy.arms.0.share"),
        ({"arms": [_arm(), _arm(name="y")]}, "strategy.arms.1.share"),
        ({"arms": [_arm(then={"pace_days": "often"})]}, "strategy.arms.0.then.pace_days"),
        ({"arms": [_arm(share=0.1)] * 2}, "strategy.arms.1.name"),
        ({"human_only": "yes"}, "strategy.human_only"),
    ],
)
def test_a_branch_that_cannot_be_read_is_refused_at_its_place(data: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as refused:
        parse(data)
    assert refused.value.field == field


@pytest.mark.usefixtures("noon")
def test_a_plan_keeps_to_the_branch_and_its_decisions_name_it(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(
            session, exploration=0, channels=["email", "sms"],
            segments=[
                {"name": "large", "when": {"from_balance_minor": 500_000}, "then": {"human_only": True}},
                {"name": "late", "when": {"stages": ["late"]},
                 "then": {"channels": ["sms"], "tones": {"first_notice": "firm"}}},
            ],
            arms=[{"name": "all", "share": 1, "then": {"minimum_value_minor": 0}}],
        )  # fmt: skip
        large = debt(session, book, balance=600_000).account_id
        late = debt(session, book, days_late=200).account_id
        usual = debt(session, book).account_id
    plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        planned = {one.account_id: (one.channel, one.tone) for one in session.scalars(select(Action))}
        told = {one.account_id: (one.segment, one.arm) for one in session.scalars(select(Decision))}
    assert planned == {large: ("call", "neutral"), late: ("sms", "firm"), usual: ("email", "neutral")}
    assert told == {large: ("large", "all"), late: ("late", "all"), usual: (None, "all")}


def test_each_branch_has_who_speaks_for_it_and_people_s_calls_stay_people_s() -> None:
    strategy = parse({
        "assistants": [
            {"name": "Ana", "kind": "human", "channels": ["call"], "tone": "kind"},
            {"name": "Bot", "kind": "virtual"},
        ],
        "tones": {"offer": "firm"},
        "segments": [
            {"name": "dear", "when": {"from_balance_minor": 1}, "then": {"assistants": ["Bot"]}},
            {"name": "few", "when": {"from_balance_minor": 0}, "then": {"human_only": True}},
        ],
    })  # fmt: skip
    dear = effective(strategy, strategy.segments[0], None)
    few = effective(strategy, strategy.segments[1], None)
    assert [one.machine_calls(by_machine=True) for one in (strategy, dear, few)] == [False, True, False]
    assert not effective(parse({"human_only": True}), None, None).machine_calls(by_machine=True)
    assert parse({}).machine_calls(by_machine=True)
    assert (strategy.tone("follow_up", "call"), strategy.tone("offer", "call")) == ("kind", "firm")
    assert strategy.tone("follow_up", "email") == "neutral"
    for wild in (
        {"assistants": [{"name": "A"}]}, {"assistants": [{"name": "A", "kind": "dog"}]},
        {"assistants": [{"name": "A", "kind": "human", "tone": "loud"}]},
        {"assistants": [{"name": " ", "kind": "human"}]},
        {"assistants": [{"name": "A", "kind": "human"}, {"name": "A", "kind": "virtual"}]},
        {"arms": [{"name": "x", "share": 0.5, "then": {"assistants": ["B"]}}]},
    ):  # fmt: skip
        with pytest.raises(UserError):
            parse(wild)


def test_who_speaks_is_kept_with_the_decision_and_the_action(world: World, noon: datetime) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(
            session, exploration=0, channels=["email"], assistants=[{"name": "Clara", "kind": "virtual"}]
        )
        debt(session, book)
    plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        assert session.scalars(select(Decision.assistant)).all() == ["Clara"]
        (kept,) = session.scalars(select(Action.assistant)).all()
    assert kept == {"name": "Clara", "kind": "virtual", "script": ""}


def test_after_so_many_contacts_a_follow_up_offers_payment_in_parts(world: World, noon: datetime) -> None:
    scope, usual = world.tenant(), {"exploration": 0, "channels": ["email"], "pace_days": 1}
    with world.platform.database.transaction(scope) as session:
        early = {"name": "early", "when": {"stages": ["early"]}, "then": {"offer_after": 2}}
        book = portfolio(session, segments=[early], **usual)
        twice, once, late = (debt(session, book, days_late=days) for days in (30, 30, 120))
        never = debt(session, portfolio(session, offer_after=0, offers=["full", "settlement"], **usual))
        for owed, days in ((twice, (9, 5)), (once, (9,)), (late, (9, 5)), (never, (9, 5))):
            for ago in days:
                contact(session, owed, noon - timedelta(days=ago))
    plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        rows = session.execute(select(Decision.account_id, Decision.choice, Decision.run_id)).all()
        made = {row.account_id: row.choice for row in rows}
        assert made == {
            twice.account_id: "offer", once.account_id: "follow_up", late.account_id: "follow_up",
            never.account_id: "follow_up",
        }  # fmt: skip
        (part,) = vector_store.parts(session, [rows[0].run_id], ["action_offer", "action_plan"])
        kept = dict(zip(part[1].tolist(), part[2]["action_plan"].tolist(), strict=True))
    assert kept[twice.account_id] == 1
    assert kept[once.account_id] == 0
    plan_tenant(world.platform.database, scope, noon + timedelta(days=1))  # an offer of a plan is taken back
    with world.platform.database.transaction(scope) as session:
        session.execute(update(Portfolio).values(strategy={"channels": ["letter"]}))
    plan_tenant(world.platform.database, scope, noon + timedelta(days=1))
    with world.platform.database.transaction(scope) as session:
        states = session.scalars(select(Action.state).where(Action.template == "offer")).all()
    assert set(states) == {"cancelled"}
