"""What happens to one debtor plans that debtor again, at the prices and in the room of the last plan."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.decisions.history.features import read_features
from recupero.decisions.planning.reading import read_accounts, read_history
from recupero.decisions.queries import latest_run
from recupero.decisions.replanning import MANY, paused
from recupero.decisions.service import plan_again, plan_tenant
from recupero.decisions.tables import Decision, PlanRun
from recupero.kernel import clock, events, jobs
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.job_requests import JobRequest
from recupero.outreach.tables import Action
from recupero.payments.books import promises
from recupero.payments.events import PaymentsBooked
from recupero.placements import service as placements
from tests.decisions.debts import Debt, contact, debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _planned(world: World, scope: Scope, count: int, **strategy: Any) -> list[Debt]:
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, **strategy)
        owing = [debt(session, book, balance=100_000 - place) for place in range(count)]
    plan_tenant(world.platform.database, scope)
    return owing


def _opt_out(session: Session, debtor_id: int, channel: str) -> None:
    contacts.record_permission(session, debtor_id=debtor_id, channel=channel, kind="opt_out", source="test")


def _waiting(world: World, scope: Scope) -> dict[int, str]:
    with world.platform.database.transaction(scope) as session:
        rows = session.execute(select(Action.account_id, Action.channel).where(Action.state == "scheduled"))
        return {account: channel for account, channel in rows}  # noqa: C416 - rows are no pairs to mypy


def test_an_opt_out_is_answered_by_another_channel_seconds_later(world: World) -> None:
    scope = world.tenant()
    one, other = _planned(world, scope, 2)
    with world.platform.database.transaction(scope) as session:
        kept = session.execute(select(Action.id).where(Action.account_id == other.account_id)).scalar_one()
        _opt_out(session, one.debtor_id, "email")
    assert _waiting(world, scope) == {other.account_id: "email"}
    clock.advance(timedelta(seconds=3))
    jobs.drain()
    assert _waiting(world, scope) == {one.account_id: "whatsapp", other.account_id: "email"}
    with world.platform.database.transaction(scope) as session:
        still = session.execute(select(Action.id).where(Action.account_id == other.account_id)).scalar_one()
        runs = session.execute(select(PlanRun).order_by(PlanRun.id)).scalars().all()
        newest = session.execute(select(Decision).order_by(Decision.id.desc())).scalars().first()
        assert latest_run(session) is runs[0]
    assert still == kept
    assert [(run.accounts, run.part_of) for run in runs] == [(2, None), (1, runs[0].id)]
    assert newest is not None
    assert (newest.account_id, newest.channel, newest.run_id) == (one.account_id, "whatsapp", runs[1].id)


def test_a_promise_ends_the_chase_and_a_dispute_does_on_its_own_account(world: World) -> None:
    scope = world.tenant()
    promising, disputing = _planned(world, scope, 2)
    with world.platform.database.transaction(scope) as session:
        second = debt(session, disputing.portfolio_id, owner=disputing, balance=50_000)
        promises.make_promise(
            session, account_id=promising.account_id, amount_minor=5_000, made_with="agent",
            due_date=clock.now().date() + timedelta(days=9),
        )  # fmt: skip
        placements.open_hold(
            session,
            debtor_id=disputing.debtor_id,
            account_id=disputing.account_id,
            kind="dispute",
            source="t",
        )
    jobs.drain()
    assert _waiting(world, scope) == {second.account_id: "email"}


def test_what_was_short_is_not_given_out_twice(world: World) -> None:
    scope = world.tenant()
    owing = _planned(world, scope, 3, channels=["email"], daily={"email": 1})
    served = {owing[0].account_id, owing[1].account_id}  # one today, one tomorrow
    assert set(_waiting(world, scope)) == served
    with world.platform.database.transaction(scope) as session:
        market = (latest_run(session) or PlanRun()).prices
    left = [row for name, row in market.items() if not name.startswith("scale:")]
    assert max(price for price, _room in left) > 0
    assert {room for _price, room in left} == {0}
    for one in (owing[2], owing[0]):  # no room for who waits; who has an action keeps it
        plan_again(world.platform.database, scope, [one.debtor_id])
    assert set(_waiting(world, scope)) == served


def test_nobody_is_planned_again_before_a_first_plan_or_while_it_is_paused(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session, exploration=0))
        _opt_out(session, owed.debtor_id, "email")
    assert plan_again(world.platform.database, scope, [owed.debtor_id]) is None
    assert _asked(world) == []
    plan_tenant(world.platform.database, scope)
    with paused(), world.platform.database.transaction(scope) as session:
        _opt_out(session, owed.debtor_id, "sms")
    assert _asked(world) == []


def test_one_transaction_asks_once_and_a_file_of_many_asks_for_a_plan_of_all(world: World) -> None:
    scope = world.tenant()
    (owed,) = _planned(world, scope, 1)
    with world.platform.database.transaction(scope) as session:
        for channel in ("sms", "whatsapp"):
            _opt_out(session, owed.debtor_id, channel)
    assert _asked(world) == ["decisions.replan"]
    with world.platform.database.transaction(scope) as session:
        events.publish(session, PaymentsBooked((), tuple(range(1, MANY + 2))))
    assert _asked(world) == ["decisions.plan", "decisions.replan"]


def _asked(world: World) -> list[str]:
    with world.platform.database.transaction(PLATFORM) as session:
        names = session.execute(select(JobRequest.name).where(JobRequest.status == "queued")).scalars()
        return sorted(name for name in names if name.startswith("decisions."))


def test_what_is_read_of_a_few_is_what_is_read_of_all(world: World) -> None:
    scope = world.tenant()
    owing = _planned(world, scope, 3)
    with world.platform.database.transaction(scope) as session:
        contact(session, owing[1], clock.now() - timedelta(days=2))
        now, some = clock.now(), [owing[1].debtor_id]
        whole, part = read_accounts(session, now), read_accounts(session, now, some)
        assert part.rows() == [row for row in whole.rows(named=False) if row[1] == owing[1].account_id]
        every, few = read_features(session, now), read_features(session, now, some)
        place = every.account_id.tolist().index(owing[1].account_id)
        for name, column in few.values.items():
            assert column.tolist() == pytest.approx([every.values[name][place]], nan_ok=True), name
        assert read_history(session, now, some).height <= read_history(session, now).height
