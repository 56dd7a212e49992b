"""What a strategy wants agreed to waits for a yes, is lawful when it gets one, and ends with its reasons."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.decisions.service import PlanResult, plan_tenant
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach import jobs, queries
from recupero.outreach import service as outreach
from recupero.outreach.actions import approval
from recupero.outreach.actions.approval import Asked
from recupero.outreach.orders import proposals
from recupero.outreach.orders.proposals import Wanted
from recupero.outreach.sending.execution import execute
from recupero.outreach.tables import Action, ActionEvent
from recupero.payments.events import PaymentsBooked
from recupero.placements import service as placements
from recupero.placements import strategies
from recupero.tenancy import queries as tenancy
from tests.decisions.debts import Debt, debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
ALL = [{"everything": True}]


def plan(world: World, scope: Scope) -> PlanResult:
    return plan_tenant(world.platform.database, scope)


def debts(world: World, scope: Scope, count: int = 1, **strategy: Any) -> list[Debt]:
    with world.platform.database.transaction(scope) as session:
        wanted: dict[str, Any] = {"exploration": 0, "needs_yes": ALL} | strategy
        book = portfolio(session, **wanted)
        return [debt(session, book, open_date=date(2025, 1, 15)) for _ in range(count)]


def actions(world: World, scope: Scope) -> list[Action]:
    with world.platform.database.transaction(scope) as session:
        return list(session.execute(select(Action).order_by(Action.id)).scalars())


def events(world: World, scope: Scope) -> list[tuple[str, str | None]]:
    with world.platform.database.transaction(scope) as session:
        rows = session.execute(select(ActionEvent.state, ActionEvent.reason).order_by(ActionEvent.id))
        return [(row.state, row.reason) for row in rows]


def dispatched(world: World, scope: Scope) -> int:
    (agency,) = (
        one for one in tenancy.agency_scopes(world.platform.database) if one.agency_id == scope.agency()
    )
    return jobs.dispatch_agency(agency)


def test_a_planned_action_waits_for_its_yes_and_goes_out_after_it(world: World) -> None:
    scope = world.tenant()
    (owed,) = debts(world, scope)
    assert plan(world, scope).planned == 1
    (action,) = actions(world, scope)
    assert (action.state, action.reason) == ("proposed", "needs_yes:everything")
    clock.advance(action.due_at - clock.now() + timedelta(minutes=1))
    assert dispatched(world, scope) == 0
    assert plan(world, scope).planned == 1  # the same one: none beside it
    assert [one.id for one in actions(world, scope)] == [action.id]
    with world.platform.database.transaction(scope) as session:
        assert queries.open_accounts(session) == {owed.account_id}
        shown = proposals.waiting(session, Wanted(channel=action.channel))
        assert ([one.id for one in shown.rows], shown.after) == ([action.id], None)
        assert not proposals.waiting(session, Wanted(channel="letter")).rows
        (answer, gone) = proposals.approve(session, [action.id, 10**9], actor="user:7")
    assert (answer.state, gone.state) == ("scheduled", None)
    assert answer.due_at == clock.now()
    assert dispatched(world, scope) == 1
    assert execute(world.platform.database, scope, [action.id]) == 1
    states = [state for state, _reason in events(world, scope)]
    assert states == ["proposed", "approved", "scheduled", "claimed", "reserved", "closed"]


def test_a_yes_at_night_waits_for_the_morning_and_one_too_late_ends_it(world: World) -> None:
    scope = world.tenant()
    debts(world, scope, 2)
    plan(world, scope)
    first, second = actions(world, scope)
    clock.advance(timedelta(hours=14))  # two in the night, in Chile eleven: no hour for it
    with world.platform.database.transaction(scope) as session:
        (answer,) = proposals.approve(session, [first.id], actor="user:7")
    assert answer.state == "scheduled"
    assert answer.reason is not None
    assert answer.reason.startswith("law:")
    assert answer.due_at is not None
    assert clock.now() < answer.due_at < first.expires_at
    clock.advance(second.expires_at - clock.now())
    with world.platform.database.transaction(scope) as session:
        (answer,) = proposals.approve(session, [second.id], actor="user:7")
    assert (answer.state, answer.reason) == ("expired", "no_yes_in_time")


def test_a_proposal_whose_moment_passes_moves_on_and_ends_in_time(world: World) -> None:
    scope = world.tenant()
    debts(world, scope)
    plan(world, scope)
    (action,) = actions(world, scope)
    clock.advance(action.due_at - clock.now() + timedelta(minutes=1))
    with world.platform.database.transaction(scope) as session:
        jobs.reap_tenant(session)
        jobs.reap_tenant(session)
    (moved,) = actions(world, scope)
    assert (moved.state, moved.reason) == ("proposed", action.reason)
    assert moved.due_at >= clock.now() + proposals.AHEAD
    clock.advance(action.expires_at - clock.now())
    with world.platform.database.transaction(scope) as session:
        jobs.reap_tenant(session)
    (ended,) = actions(world, scope)
    assert (ended.state, ended.reason) == ("expired", "no_yes_in_time")
    assert len(events(world, scope)) == 3


def test_who_was_declined_is_left_alone_for_the_pace(world: World) -> None:
    scope = world.tenant()
    debts(world, scope, pace_days=3)
    plan(world, scope)
    (action,) = actions(world, scope)
    with world.platform.database.transaction(scope) as session:
        for why in (" ", "x" * 501):
            with pytest.raises(UserError):
                proposals.decline(session, [action.id], actor="user:7", why=why)
        (answer,) = proposals.decline(session, [action.id], actor="user:7", why=" Fair is fair ")
    assert (answer.state, answer.reason) == ("cancelled", "declined")
    clock.advance(timedelta(days=1))
    assert plan(world, scope).blocked == {"declined": 1}
    clock.advance(timedelta(days=2, hours=1))
    assert plan(world, scope).planned == 1


def pay(session: Session, owed: Debt) -> None:
    placements.apply_balance(session, {owed.account_id: -100_000})
    outreach.on_payment_booked(session, PaymentsBooked((owed.account_id,), (owed.debtor_id,)))


def hold(kind: str) -> Callable[[Session, Debt], object]:
    return lambda session, owed: placements.open_hold(
        session, debtor_id=owed.debtor_id, account_id=None, kind=kind, source="test"
    )


def opt_out(session: Session, owed: Debt) -> None:
    contacts.record_permission(
        session, debtor_id=owed.debtor_id, channel="all", kind="opt_out", source="test"
    )


def recall(session: Session, owed: Debt) -> None:
    placements.recall_accounts(session, [owed.account_id])


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (hold("dispute"), "hold:dispute"), (hold("hardship"), "hold:hardship"), (opt_out, "opted_out"),
        (pay, "closed:PIF"), (recall, "closed:RECALLED"),
    ],
)  # fmt: skip
def test_what_cancels_scheduled_actions_cancels_proposals(
    world: World, happens: Callable[[Session, Debt], object], reason: str
) -> None:
    scope = world.tenant()
    (owed,) = debts(world, scope)
    plan(world, scope)
    with world.platform.database.transaction(scope) as session:
        happens(session, owed)
    (action,) = actions(world, scope)
    assert (action.state, action.reason) == ("cancelled", reason)


def test_a_new_strategy_frees_or_asks_what_waits_with_the_next_plan(world: World) -> None:
    scope = world.tenant()
    (owed,) = debts(world, scope)
    plan(world, scope)
    for conditions, expected in (([], "scheduled"), (ALL, "proposed")):
        with world.platform.database.transaction(scope) as session:
            new = {"exploration": 0, "needs_yes": conditions}
            strategies.set_strategy(session, owed.portfolio_id, new, actor="user:7")
        assert plan(world, scope).planned == 1
        (*old, action) = actions(world, scope)
        assert action.state == expected
        assert {one.state for one in old} == {"cancelled"}


def test_each_condition_asks_for_its_kind_alone() -> None:
    asked = Asked("letter", "offer", "firm", "legal", 5_000, ["hospital"])
    for name, fits, fails in (
        ("channel", "letter", "sms"), ("template", "offer", "thanks"), ("tone", "firm", "kind"),
        ("stage", "legal", "reached"), ("from_balance_minor", 5_000, 5_001),
    ):  # fmt: skip
        assert approval.needs_yes(approval.parse([{name: fits}]), asked) == f"needs_yes:{name}"
        assert approval.needs_yes(approval.parse([{name: fails}]), asked) is None
    both = approval.parse([{"channel": "letter", "tone": "kind"}, {"vulnerable": True, "stage": "legal"}])
    assert approval.needs_yes(both, asked) == "needs_yes:vulnerable+stage"
    assert approval.needs_yes((), asked) is None
    several = approval.parse([{"channel": ["sms", "letter"], "tone": ["firm", "kind"]}])
    assert approval.needs_yes(several, asked) == "needs_yes:channel+tone"
    assert approval.needs_yes(approval.parse([{"channel": ["sms", "email"]}]), asked) is None
    for names in ([], ["sms", "sms"], ["sms", "pigeon"], [["sms"]], [3]):
        with pytest.raises(UserError):
            approval.parse([{"channel": names}])
    wild: object
    for wild in (
        {}, [{}], [{"colour": "red"}], [{"channel": "pigeon"}], [{"everything": False}], ["all"],
        [{"from_balance_minor": -1}], [{"from_balance_minor": True}],
    ):  # fmt: skip
        with pytest.raises(UserError):
            approval.parse(wild)
