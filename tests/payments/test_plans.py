"""A plan rests the accounts while its instalments come in; what comes in decides how it stands."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from recupero.kernel import clock, events, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.payments import service as payments
from recupero.payments.agreements import plans
from recupero.payments.events import PlanBroken
from recupero.payments.offers import hardship
from recupero.payments.offers.offer_tables import Plan
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import PAGE, Offerer
from recupero.payments.tables import PromiseToPay
from recupero.placements import service as placements
from recupero.placements.tables import Account, Hold
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import go_back, pay

TODAY = date(2026, 3, 10)
TERMS = {
    "max_instalments": 4, "minimum_instalment_minor": 100, "plan_grace_days": 3,
    "offer_limits": [{"role": "agent", "max_instalments": 3}],
}  # fmt: skip
AGENT = Offerer("agent", "user:1")
SUPERVISOR = Offerer("supervisor", "user:2", approves=frozenset({"supervisor"}))
CREDITOR = Offerer("creditor", "user:3", approves=frozenset({"creditor"}))
broken: list[PlanBroken] = []


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 600}, {"principal": 600}], terms=TERMS)


@pytest.fixture(autouse=True)
def _listen() -> Iterator[None]:
    events.subscribe(PlanBroken, lambda _, event: broken.append(event))
    broken.clear()
    yield
    events._handlers[PlanBroken].pop()


def agree(placed: Placed, count: int = 3, offerer: Offerer = AGENT, **more: Any) -> Plan:
    choice = more.pop("choice", Choice(TODAY + timedelta(days=10), every="weekly", instalments=count))
    with runtime.current().database.transaction(placed.scope) as session:
        return plans.agree_plan(
            session, account_ids=placed.account_ids, choice=choice, offerer=offerer, **more
        )


def decide(placed: Placed, plan_id: int, offerer: Offerer, allow: bool = True, note: str = "fine") -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        plans.decide(session, plan_id, offerer, allow=allow, note=note)


def look(scope: Scope) -> list[tuple[str, list[tuple[str, int]]]]:
    """State of each plan with state and money of its instalments."""
    with runtime.current().database.transaction(scope) as session:
        found = session.execute(select(Plan).order_by(Plan.id)).scalars().all()
        rows = plans.instalments_of(session, [plan.id for plan in found])
        return [(plan.state, [(one.state, one.paid_minor) for one in rows[plan.id]]) for plan in found]


def stages(scope: Scope) -> tuple[set[str], list[str]]:
    """Stages of the accounts and kinds of their open holds."""
    with runtime.current().database.transaction(scope) as session:
        held = session.execute(select(Hold.kind).where(placements.is_open())).scalars().all()
        return set(session.execute(select(Account.stage)).scalars()), sorted(held)


def settle() -> None:
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "payments.settle_promises")
    jobs.drain()


def test_a_plan_rests_its_accounts_and_ends_the_promise_before_it(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        payments.make_promise(
            session, account_id=placed.account_ids[0], amount_minor=300, due_date=TODAY, made_with="agent"
        )
    agree(placed)
    assert look(placed.scope) == [("running", [("open", 0)] * 3)]
    assert stages(placed.scope) == ({"on_plan"}, ["plan", "plan", "promise"])
    with runtime.current().database.transaction(placed.scope) as session:
        assert session.execute(select(PromiseToPay.state)).scalar_one() == "cancelled"


def test_money_pays_the_oldest_instalment_first_and_the_last_keeps_the_plan(placed: Placed) -> None:
    agree(placed)
    pay(placed, 500)
    assert look(placed.scope) == [("running", [("paid", 400), ("open", 100), ("open", 0)])]
    pay(placed, 700, "rest")
    assert look(placed.scope) == [("kept", [("paid", 400)] * 3)]
    assert stages(placed.scope)[1] == []


def test_a_reversal_opens_the_instalment_and_the_plan_again(placed: Placed) -> None:
    agree(placed)
    pay(placed, 700)
    pay(placed, 500, "rest")
    go_back(placed, 500, "rest")
    assert look(placed.scope) == [("running", [("paid", 400), ("open", 300), ("open", 0)])]
    assert stages(placed.scope) == ({"on_plan"}, ["plan", "plan"])


@pytest.mark.parametrize(
    ("days", "paid", "plan", "first"),
    [
        (10, 0, "running", "open"),
        (11, 0, "running", "late"),
        (13, 0, "running", "late"),
        (14, 0, "broken", "missed"),
        (14, 379, "broken", "missed"),
        (14, 380, "running", "paid"),  # 95 percent of 400
    ],
)
def test_an_instalment_is_late_then_missed(
    placed: Placed, days: int, paid: int, plan: str, first: str
) -> None:
    agree(placed)  # due on the 20th, 27th and on 6 April after Good Friday
    clock.advance(timedelta(days=days))
    if paid:
        pay(placed, paid, received_at=clock.now() - timedelta(days=1))
    settle()
    state, instalments = look(placed.scope)[0]
    assert (state, instalments[0]) == (plan, (first, min(paid, 400)))
    assert len(broken) == (plan == "broken")
    assert stages(placed.scope) == (
        ({"negotiating"}, []) if plan == "broken" else ({"on_plan"}, ["plan", "plan"])
    )


def test_hardship_stops_the_clock_of_a_plan_and_it_resumes(placed: Placed) -> None:
    agree(placed)  # due on the 20th, three days of grace
    clock.advance(timedelta(days=11))
    with runtime.current().database.transaction(placed.scope) as session:
        case = hardship.open_case(
            session, debtor_id=placed.debtor_id, kind="illness", severity="low", hold_days=30,
            opened_with="agent", opened_by="user:1",
        )  # fmt: skip
    clock.advance(timedelta(days=20))
    settle()
    assert look(placed.scope)[0][0] == "running"
    with runtime.current().database.transaction(placed.scope) as session:
        hardship.close_case(session, case.id, actor="user:1", outcome="better")
    clock.advance(timedelta(days=3))
    settle()
    assert look(placed.scope)[0][0] == "running", "held from the first day of grace on: three are left"
    clock.advance(timedelta(days=1))
    settle()
    assert look(placed.scope)[0][0] == "broken"


def test_money_that_becomes_known_late_mends_the_plan(placed: Placed) -> None:
    agree(placed)
    clock.advance(timedelta(days=20))
    settle()
    pay(placed, 900, received_at=clock.now() - timedelta(days=8))
    assert look(placed.scope)[0] == ("running", [("paid", 400), ("paid", 400), ("open", 100)])
    assert stages(placed.scope)[1] == ["plan", "plan"]


def test_the_order_in_which_money_becomes_known_does_not_matter(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    seen = []
    start = clock.now()
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        placed = place(platform, world.tenant(), [{"principal": 1200}], terms=TERMS)
        agree(placed)
        for number in order:
            pay(placed, (400, 390, 200)[number], f"{placed.scope.tenant()}-{number}",
                received_at=start + timedelta(hours=number + 1))  # fmt: skip
        go_back(placed, 200, f"{placed.scope.tenant()}-1", event=f"back-{placed.scope.tenant()}")
        seen.append(look(placed.scope))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0] == [("running", [("paid", 400), ("paid", 390), ("open", 0)])]


def test_a_plan_anew_replaces_the_running_one_over_what_is_left(placed: Placed) -> None:
    agree(placed)
    pay(placed, 600)
    with runtime.current().database.transaction(placed.scope) as session:
        again = plans.agree_plan(
            session, account_ids=placed.account_ids[1:], choice=Choice(TODAY, instalments=2), offerer=AGENT
        )
        assert again.total_minor == 600
    assert [state for state, _ in look(placed.scope)] == ["replaced", "running"]
    assert stages(placed.scope)[1] == ["plan"]


def test_a_cancelled_plan_lets_work_go_on(placed: Placed) -> None:
    plan = agree(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        plans.cancel_plan(session, plan.id, actor="user:1", why="the debtor asked")
    assert look(placed.scope)[0][0] == "cancelled"
    assert stages(placed.scope) == ({"negotiating"}, [])
    with runtime.current().database.transaction(placed.scope) as session, pytest.raises(Conflict):
        plans.cancel_plan(session, plan.id, actor="user:1", why="again")


def test_beyond_an_agents_limit_a_supervisor_allows(placed: Placed) -> None:
    with pytest.raises(UserError, match="say why"):
        agree(placed, 4)
    plan = agree(placed, 4, why="paid by the week")
    assert (plan.state, plan.approver, plan.beyond) == ("asked", "supervisor", ["max_instalments"])
    assert stages(placed.scope)[1] == []
    with pytest.raises(Forbidden):
        decide(placed, plan.id, AGENT)
    decide(placed, plan.id, SUPERVISOR)
    with runtime.current().database.transaction(placed.scope) as session:
        kept = plans.find(session, plan.id)
        assert (kept.state, kept.why, kept.decided_by) == ("running", "paid by the week", "user:2")
    with pytest.raises(Conflict):
        decide(placed, plan.id, SUPERVISOR)


def test_beyond_the_creditors_terms_only_the_creditor_allows(placed: Placed) -> None:
    plan = agree(placed, 6, SUPERVISOR, why="long illness")
    assert (plan.state, plan.approver) == ("asked", "creditor")
    with pytest.raises(Forbidden):
        decide(placed, plan.id, SUPERVISOR)
    with pytest.raises(UserError, match="why"):
        decide(placed, plan.id, CREDITOR, note=" ")
    decide(placed, plan.id, CREDITOR, allow=False, note="too long")
    assert look(placed.scope)[0][0] == "refused"


def test_a_debtors_page_gets_no_more_than_the_creditors_terms(placed: Placed) -> None:
    with pytest.raises(UserError) as refused:
        agree(placed, 5, PAGE, why="please")
    assert refused.value.field == "instalments"
    assert agree(placed, 4, PAGE).state == "running"


def test_a_plan_ends_with_the_work_and_stays_when_the_creditor_takes_the_accounts_back(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    for code, state in (("DECEASED", "cancelled"), ("RECALLED", "running")):
        placed = place(platform, world.tenant(), [{"principal": 1200}], terms=TERMS)
        agree(placed)
        with platform.database.transaction(placed.scope) as session:
            placements.close_accounts(session, placed.account_ids, code)
        assert look(placed.scope)[0][0] == state


def test_another_creditors_accounts_and_plans_are_not_there(
    placed: Placed, platform: runtime.Runtime, world: World
) -> None:
    other = place(platform, world.tenant())
    plan = agree(placed)
    with platform.database.transaction(other.scope) as session:
        with pytest.raises(NotFound):
            plans.find(session, plan.id)
        with pytest.raises(NotFound):
            plans.propose(session, placed.account_ids, Choice(TODAY, instalments=2), AGENT)
