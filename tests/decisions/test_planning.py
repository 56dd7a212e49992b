"""A plan contacts nobody who must not be contacted, is lawful by the single gate, isolated and repeatable."""

import json
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from sqlalchemy import select

from recupero.contacts import judging, standing, told
from recupero.contacts import queries as contacts
from recupero.contacts.gate import packs, purpose_for_law
from recupero.contacts.told import NewFact
from recupero.decisions.planning import reading, recording
from recupero.decisions.planning.candidates import law_columns
from recupero.decisions.queries import tolerated
from recupero.decisions.service import PlanResult, plan_tenant
from recupero.decisions.tables import Decision, PlanRun
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.law.service import judge_contact
from recupero.outreach import service as outreach
from recupero.outreach.service import NewAction
from recupero.outreach.tables import Action
from recupero.payments.agreements.plan_following import settle_due
from recupero.payments.agreements.plans import agree_plan
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Offerer
from recupero.payments.tables import PromiseToPay
from recupero.placements import service as placements
from recupero.placements.lifecycle import HOLDS
from recupero.placements.tables import Account, ContactPoint, Debtor
from recupero.tenancy import service as tenancy
from recupero_sdk.law import Event, Proposal
from tests.decisions.debts import Debt, contact, debt, permit, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
DAY = timedelta(days=1)


def _plan(world: World, scope: Scope) -> PlanResult:
    return plan_tenant(world.platform.database, scope)


def _actions(world: World, scope: Scope, state: str = "scheduled") -> list[Action]:
    with world.platform.database.transaction(scope) as session:
        return list(
            session.execute(select(Action).where(Action.state == state).order_by(Action.id)).scalars()
        )


def _decisions(world: World, scope: Scope) -> list[Decision]:
    with world.platform.database.transaction(scope) as session:
        return list(session.execute(select(Decision).order_by(Decision.id)).scalars())


def _debts(world: World, scope: Scope, count: int = 1, **strategy: object) -> list[Debt]:
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, **{"exploration": 0, **strategy})
        return [debt(session, book) for _ in range(count)]


def test_a_debtor_who_may_be_contacted_is_and_the_decision_says_why(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    result = _plan(world, scope)
    (action,), (decision,) = _actions(world, scope), _decisions(world, scope)
    assert (result.accounts, result.planned) == (1, 1)
    assert result.expected_value["CLP"] == decision.expected_value_minor > 0
    assert (action.account_id, action.template, action.channel) == (owed.account_id, "first_notice", "email")
    assert action.decision_id == decision.id
    assert decision.choice == "first_notice"
    assert decision.pack == packs().by_country["CL"].id
    assert decision.pack_version
    assert decision.reasons
    assert decision.alternatives
    assert decision.propensity == 1


def test_decisions_written_in_parts_are_those_of_their_accounts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PART", 2)
    scope = world.tenant()
    balances = (50_000, 900_000, 300_000, 70_000, 600_000)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        owed = {debt(session, book, balance=balance).account_id: balance for balance in balances}
    _plan(world, scope)
    decided = {decision.account_id: decision for decision in _decisions(world, scope)}
    assert decided.keys() == owed.keys()
    for decision in decided.values():
        best = max(decision.alternatives, key=lambda each: each["value_minor"])
        assert decision.expected_value_minor == best["value_minor"] > 0
    by_value = sorted(decided, key=lambda account: decided[account].expected_value_minor)
    assert by_value == sorted(owed, key=lambda account: owed[account])
    assert {a.decision_id for a in _actions(world, scope)} == {each.id for each in decided.values()}


@pytest.mark.parametrize("kind", HOLDS)
def test_any_hold_beats_any_recommendation(world: World, kind: str) -> None:
    scope = world.tenant()
    on_debtor, on_account = _debts(world, scope, 2)
    with world.platform.database.transaction(scope) as session:
        placements.open_hold(
            session, debtor_id=on_debtor.debtor_id, account_id=None, kind=kind, source="test"
        )
        placements.open_hold(
            session,
            debtor_id=on_account.debtor_id,
            account_id=on_account.account_id,
            kind=kind,
            source="test",
        )
    result = _plan(world, scope)
    assert result.held == {kind: 2}
    assert (result.planned, _actions(world, scope)) == (0, [])


def test_the_strongest_hold_is_the_reason(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    with world.platform.database.transaction(scope) as session:
        for kind in ("client", "dispute", "insolvency"):
            placements.open_hold(session, debtor_id=owed.debtor_id, account_id=None, kind=kind, source="test")
    assert _plan(world, scope).held == {"insolvency": 1}


def test_closed_accounts_and_settled_ones_are_not_planned(world: World) -> None:
    scope = world.tenant()
    closed, _open = _debts(world, scope, 2)
    with world.platform.database.transaction(scope) as session:
        placements.close_accounts(session, [closed.account_id], "UNECONOMIC")
        debt(session, closed.portfolio_id, balance=0)
    result = _plan(world, scope)
    assert result.accounts == 1
    assert {action.account_id for action in _actions(world, scope)} == {_open.account_id}


def test_an_opted_out_channel_is_closed_and_counted(world: World) -> None:
    scope = world.tenant()
    email_only, none_at_all = _debts(world, scope, 2)
    with world.platform.database.transaction(scope) as session:
        permit(session, email_only.debtor_id, "email", "opt_out", at=clock.now())
        permit(session, none_at_all.debtor_id, "all", "opt_out", at=clock.now())
    result = _plan(world, scope)
    actions = _actions(world, scope)
    assert {action.account_id for action in actions} <= {email_only.account_id}
    assert all(action.channel != "email" for action in actions)
    assert result.blocked["opted_out"] >= 3


def test_without_a_way_to_reach_them_nobody_is_planned(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        debt(session, portfolio(session), points=())
    result = _plan(world, scope)
    assert result.planned == 0
    assert result.blocked == {"no_contact_point": 3}
    (decision,) = _decisions(world, scope)
    assert (decision.choice, set(decision.blocked.values())) == ("wait", {"no_contact_point"})
    clock.advance(timedelta(days=1))
    _plan(world, scope)
    assert len(_decisions(world, scope)) == 1  # the same again is no news


def test_a_country_without_a_pack_is_closed_to_contact(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        debt(session, portfolio(session), country="QA", zone="Asia/Qatar", region=None)
    result = _plan(world, scope)
    assert result.planned == 0
    assert result.blocked["QA-COVERAGE"] >= 1


def test_every_planned_action_is_lawful_by_the_single_gate(world: World) -> None:
    scope = world.tenant()
    rng = np.random.default_rng(7)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, pace_days=0, exploration=0.3)
        owing = [debt(session, book, days_late=int(rng.integers(-20, 200)),
                      consents=tuple(rng.choice(["email", "sms", "call"], rng.integers(0, 3), replace=False)))
                 for _ in range(30)]  # fmt: skip
        for owed in owing:
            for _ in range(rng.integers(0, 5)):
                at = clock.now() - timedelta(hours=int(rng.integers(1, 240)))
                _history(session, scope, owed, at, str(rng.choice(["email", "sms", "call"])))
    _plan(world, scope)
    actions = _actions(world, scope)
    assert actions
    with world.platform.database.transaction(scope) as session:
        known = judging.law_facts(session, [(action.account_id, None) for action in actions])
        history = contacts.person_history(
            session, [action.person_id for action in actions], clock.now() - contacts.HISTORY
        )
    for action in actions:
        made = [
            past.seen_from(scope.tenant(), action.account_id) for past in history.get(action.person_id, [])
        ]
        proposal = Proposal(action.due_at, action.channel, purpose=purpose_for_law(action.purpose))  # type: ignore[arg-type]  # a column of texts
        assert judge_contact(packs(), known[action.account_id, None], made, proposal).allowed


def _history(session: object, scope: Scope, owed: Debt, at: object, channel: str) -> None:
    from recupero.contacts.tables import PersonContact

    contact_id = contact(session, owed, at, channel=channel)  # type: ignore[arg-type]  # passed on as it came
    session.add(  # type: ignore[attr-defined]  # passed on as it came
        PersonContact(
            agency_id=scope.agency_id,
            person_id=owed.person_id,
            tenant_id=owed.tenant_id,
            contact_id=contact_id,
            account_id=owed.account_id,
            at=at,
            channel=channel,
            direction="outbound",
            outcome="delivered",
        )
    )


def test_one_person_gets_one_communication(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        first = debt(session, book, balance=50_000)
        second = debt(session, book, balance=900_000, owner=first)
    result = _plan(world, scope)
    (action,) = _actions(world, scope)
    assert (result.planned, action.account_id) == (1, second.account_id)
    waits = [decision for decision in _decisions(world, scope) if decision.choice == "wait"]
    assert [decision.account_id for decision in waits] == [first.account_id]


def test_two_tenants_are_planned_apart(world: World) -> None:
    agency = world.agency()
    mine, other = world.tenant(agency), world.tenant(agency)
    _debts(world, mine, 2)
    _debts(world, other, 3)
    result = _plan(world, mine)
    assert (result.accounts, len(_actions(world, mine)), len(_actions(world, other))) == (2, 2, 0)
    with world.platform.database.transaction(other) as session:
        assert session.execute(select(PlanRun)).all() == []


def test_nobody_is_chased_for_cents_but_for_what_small_debts_make_together(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, tolerance_minor=1_000)
        little, edge = debt(session, book, balance=999), debt(session, book, balance=1_000)
        first = debt(session, book, balance=600)
        debt(session, book, owner=first, balance=600)
        free = debt(session, portfolio(session, exploration=0), balance=1)
    assert _plan(world, scope).blocked["below_tolerance"] == 1
    planned = {action.debtor_id for action in _actions(world, scope)}
    assert planned == {edge.debtor_id, first.debtor_id, free.debtor_id}
    with world.platform.database.transaction(scope) as session:
        told_of = [tolerated(session, one.account_id) for one in (little, edge, first, free)]
    assert told_of == [1_000, None, None, None]


def test_the_pace_of_the_strategy_is_kept(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope, pace_days=4)
    with world.platform.database.transaction(scope) as session:
        contact(session, owed, clock.now() - timedelta(days=3))
    assert _plan(world, scope).blocked == {"pace": 1}
    clock.advance(timedelta(days=2))
    assert _plan(world, scope).planned == 1


def test_daily_limits_hold_and_the_gap_to_the_bound_is_told(world: World) -> None:
    scope = world.tenant()
    _debts(world, scope, 6, channels=["email"], daily={"email": 2})
    result = _plan(world, scope)
    days = [action.due_at.date() for action in _actions(world, scope)]
    assert 0 < result.planned < 6
    assert max(days.count(day) for day in days) <= 2
    assert 0 <= result.bound_gap < 0.01


def _voice(world: World, scope: Scope, led_by: str) -> None:
    """Calls led by a machine, or by agents."""
    with world.platform.database.transaction(scope) as session:
        tenancy.configure_plugin(
            session, kind="channel", key="voice", enabled=True,
            settings={"account_sid": "AC" + "5" * 32, "caller": "+15005550006",
                      "channels": "call" if led_by == "machine" else "none"},
            secret_values={"auth_token": "0" * 32}, actor="system",
        )  # fmt: skip


@pytest.mark.parametrize("led_by", ["agents", "machine"])
def test_a_limit_on_calls_is_the_agents_time_and_counts_no_machine(world: World, led_by: str) -> None:
    scope = world.tenant()
    _debts(world, scope, 4, channels=["call"], daily={"call": 1})
    _voice(world, scope, led_by)
    _plan(world, scope)
    days = [action.due_at.date() for action in _actions(world, scope)]
    assert {action.channel for action in _actions(world, scope)} == {"call"}
    most = max(days.count(day) for day in days)
    assert most == 1 if led_by == "agents" else most > 1


@pytest.mark.parametrize(
    ("led_by", "consents", "planned"), [("agents", (), 1), ("machine", (), 0), ("machine", ("call",), 1)]
)
def test_the_law_of_machines_holds_only_for_calls_that_a_machine_leads(
    world: World, led_by: str, consents: tuple[str, ...], planned: int
) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, country="US", currency="USD", exploration=0, channels=["call"])
        debt(
            session, book, country="US", currency="USD", zone="America/New_York", region="US-OH",
            consents=consents,
        )  # fmt: skip
    _voice(world, scope, led_by)
    result = _plan(world, scope)
    assert result.planned == planned
    assert result.blocked == ({} if planned else {"US-TCPA-consent": 1})


def test_planning_again_changes_nothing_that_still_stands(world: World) -> None:
    scope = world.tenant()
    _debts(world, scope, 3)
    _plan(world, scope)
    before = [(action.id, action.due_at) for action in _actions(world, scope)]
    again = _plan(world, scope)
    assert (again.planned, [(action.id, action.due_at) for action in _actions(world, scope)]) == (3, before)
    assert len(_decisions(world, scope)) == 3


def test_what_is_no_longer_planned_is_taken_back(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    _plan(world, scope)
    with world.platform.database.transaction(scope) as session:
        permit(session, owed.debtor_id, "all", "opt_out", at=clock.now())
    _plan(world, scope)
    assert _actions(world, scope) == []
    assert len(_actions(world, scope, "cancelled")) == 1


def _promise(world: World, scope: Scope, owed: Debt, due_in: int, state: str = "open") -> None:
    with world.platform.database.transaction(scope) as session:
        session.add(
            PromiseToPay(
                tenant_id=owed.tenant_id, account_id=owed.account_id, debtor_id=owed.debtor_id,
                amount_minor=1_000, currency="CLP", made_at=clock.now() - timedelta(days=9),
                due_date=(clock.now() + timedelta(days=due_in)).date(), state=state, made_with="page",
                settled_at=None if state == "open" else clock.now() - timedelta(hours=2),
            )
        )  # fmt: skip


def test_who_promised_is_left_in_peace_until_the_day_before(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    _promise(world, scope, owed, due_in=5)
    assert _plan(world, scope).blocked == {"promise_running": 1}
    clock.advance(timedelta(days=4))
    assert _plan(world, scope).planned == 1
    assert [action.template for action in _actions(world, scope)] == ["promise_reminder"]


def test_a_broken_promise_is_spoken_of_first(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    _promise(world, scope, owed, due_in=-4, state="broken")
    _plan(world, scope)
    assert [action.template for action in _actions(world, scope)] == ["broken_promise"]


def _agree(world: World, scope: Scope, owed: Debt, first_in: int) -> None:
    with world.platform.database.transaction(scope) as session:
        agree_plan(
            session, account_ids=[owed.account_id], offerer=Offerer("agent", "user:1"),
            choice=Choice((clock.now() + timedelta(days=first_in)).date(), every="weekly", instalments=2),
        )  # fmt: skip


def test_whoever_pays_in_parts_is_only_reminded_before_an_instalment(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    _agree(world, scope, owed, first_in=7)
    assert _plan(world, scope).held == {"plan": 1}
    clock.advance(timedelta(days=6))
    assert _plan(world, scope).planned == 1
    assert [action.template for action in _actions(world, scope)] == ["promise_reminder"]


def test_an_instalment_that_is_late_is_spoken_of_once_before_its_plan_breaks(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    _agree(world, scope, owed, first_in=1)
    clock.advance(timedelta(days=3))
    with world.platform.database.transaction(scope) as session:
        settle_due(session)
    assert _plan(world, scope).planned == 1
    assert [action.template for action in _actions(world, scope)] == ["late_instalment"]
    assert _plan(world, scope).planned <= 1


def test_a_broken_plan_is_spoken_of_first(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    _agree(world, scope, owed, first_in=1)
    clock.advance(timedelta(days=9))
    with world.platform.database.transaction(scope) as session:
        assert settle_due(session) == 1
    _plan(world, scope)
    assert [action.template for action in _actions(world, scope)] == ["broken_promise"]


def test_before_the_due_date_it_is_a_reminder_and_later_contacts_follow_up(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        early = debt(session, book, days_late=-10)
        known = debt(session, book)
        contact(session, known, clock.now() - timedelta(days=20))
    _plan(world, scope)
    templates = {action.account_id: action.template for action in _actions(world, scope)}
    assert templates == {early.account_id: "reminder", known.account_id: "follow_up"}


def test_an_action_that_a_person_asked_for_is_left_alone(world: World) -> None:
    scope = world.tenant()
    (owed,) = _debts(world, scope)
    with world.platform.database.transaction(scope) as session:
        due = clock.now() + timedelta(hours=3)
        asked = NewAction(owed.account_id, owed.debtor_id, owed.person_id, "email", "offer", due,
                          due + timedelta(days=1))  # fmt: skip
        outreach.schedule(session, [asked])
    assert _plan(world, scope).blocked == {"already_scheduled": 1}
    assert [action.template for action in _actions(world, scope)] == ["offer"]


def test_exploration_is_logged_with_its_probability(world: World) -> None:
    scope = world.tenant()
    _debts(world, scope, 60, exploration=0.3)
    _plan(world, scope)
    first = {
        d.account_id: (d.choice, d.channel, d.scheduled_at, d.propensity) for d in _decisions(world, scope)
    }
    assert len({propensity for *_rest, propensity in first.values()}) > 1
    assert all(0 < propensity <= 1 for *_rest, propensity in first.values())


def test_a_broken_strategy_closes_its_portfolio_and_says_which_key(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        debt(session, portfolio(session, pace_day=3))
        debt(session, portfolio(session, exploration=0))
    result = _plan(world, scope)
    assert (result.planned, result.blocked["strategy_invalid"]) == (1, 1)
    assert "pace_day" in result.notes[0]


def test_columns_for_the_law_say_what_contacts_says(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owing = [
            debt(session, book),
            debt(session, book, points=("email",), consents=()),
            debt(session, book, points=("phone",), consents=("all",), region=None),
        ]
        permit(session, owing[0].debtor_id, "all", "opt_out", at=clock.now() - timedelta(days=1))
        permit(session, owing[0].debtor_id, "email", "consent", at=clock.now())
        abroad = session.get_one(Debtor, (scope.tenant(), owing[2].debtor_id))
        abroad.country, abroad.postal_code, abroad.timezone = "US", "10001", None
        number = session.get_one(ContactPoint, (scope.tenant(), owing[2].points["phone"]))
        number.line_type, number.region = "mobile", "US-NY"
        standing.state_agency(session, "CL-RM", {}, actor="user:1")
        stated = {"creditor_sector": "bank", "party": "third", "debt_kind": "mortgage"}
        standing.state_creditor(session, stated, actor="user:1")
        standing.state_portfolio(
            session, book, {"owner_type": "debt_buyer", "party": "first"}, actor="user:1"
        )
        today = clock.now().date()
        tell = partial(told.state, session, actor="user:1")
        one, other = owing[0], owing[1]
        tell(NewFact("event", "suit", today - DAY), debtor_id=one.debtor_id, account_id=one.account_id)
        tell(NewFact("situation", "judgment", today), debtor_id=one.debtor_id, account_id=one.account_id)
        tell(
            NewFact("situation", "minor", today - DAY, today - DAY), debtor_id=one.debtor_id, account_id=None
        )
        tell(NewFact("permission", "workplace", today), debtor_id=other.debtor_id, account_id=None)
        tell(NewFact("event", "do_not_call", today, channel="sms"),
             debtor_id=other.debtor_id, account_id=None)  # fmt: skip
        session.get_one(Account, (scope.tenant(), other.account_id)).last_payment_date = today - 9 * DAY
        session.flush()
        accounts = reading.read_accounts(session, clock.now())
        for channel, kind in (("email", "email"), ("sms", "phone")):
            rows = {row["account"]: row for row in law_columns(accounts, channel).iter_rows(named=True)}
            for owed in owing:
                facts = judging.law_facts(session, [(owed.account_id, owed.points.get(kind))])
                _same(rows[owed.account_id], facts[owed.account_id, owed.points.get(kind)])


def _same(row: dict[str, object], facts: object) -> None:
    for name in (
        "country",
        "region",
        "timezone",
        "phone_timezone",
        "postal_timezone",
        "commune",
        "line_type",
        "phone_region",
        "agency_region",
        "creditor_sector",
        "owner_type",
        "party",
        "due_date",
        "debt_kind",
        "employer_contact",
    ):
        assert row[name] == getattr(facts, name), name
    assert tuple(map(Event.from_json, json.loads(row["events"] or "[]"))) == facts.events  # type: ignore[attr-defined,arg-type]  # a frame's row
    assert frozenset(row["flags"]) == facts.flags  # type: ignore[attr-defined,call-overload]  # a frame's row
    assert frozenset(row["permissions"] or ()) == facts.permissions  # type: ignore[attr-defined,call-overload]  # a frame's row
    consented = row["consented_channels"]
    assert (None if consented is None else frozenset(consented)) == facts.consented_channels  # type: ignore[attr-defined,call-overload]  # a frame's row
    assert frozenset(row["opted_out_channels"] or ()) == facts.opted_out_channels  # type: ignore[attr-defined,call-overload]  # a frame's row
