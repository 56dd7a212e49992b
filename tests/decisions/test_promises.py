"""Promises: vectors as of the moment they are made, learned from those that are over, said, kept and used."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.decisions.advice import promise_chances
from recupero.decisions.history import promises
from recupero.decisions.learning import registry, serving, training
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision, PlanRun, PromiseChance
from recupero.kernel import clock, jobs
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.tables import Action
from recupero.payments import service as payments
from recupero.payments.tables import PromiseToPay
from tests.decisions.debts import Debt, contact, debt, portfolio
from tests.decisions.promised import DAY, history, moved, promised
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _promise(session: Session, owed: Debt, amount: int, made_ago: float, ahead: int, **more: Any) -> int:
    row = promised(owed, amount, made_ago, ahead, **more)
    session.add(row)
    session.flush()
    return row.id


def _money(session: Session, owed: Debt, amount: int, ago: float) -> None:
    session.add_all(moved(owed, amount, ago))
    session.flush()


def _of(found: promises.Promises, promise_id: int) -> dict[str, float]:
    place = found.id.tolist().index(promise_id)
    return {name: float(column[place]) for name, column in found.values.items()}


def test_every_column_states_what_it_is_and_none_is_protected() -> None:
    for spec in promises.FEATURES:
        for told in (spec.meaning, spec.unit, spec.source, spec.as_of, spec.label):
            assert told, spec.name
    assert len(set(promises.NAMES)) == len(promises.NAMES)
    assert not {"sex", "gender", "birth_date", "age", "nationality"} & set(promises.NAMES)


def test_numbers_are_those_known_when_the_promise_was_made(world: World) -> None:
    with world.platform.database.transaction(world.tenant()) as session:
        book = portfolio(session)
        owed = debt(session, book, balance=100_000, days_late=60, placed_ago=50)
        debt(session, book, owner=owed, balance=5_000, placed_ago=50)
        _promise(session, owed, 10_000, 40, 5)
        _money(session, owed, 10_000, 37)
        _promise(session, owed, 20_000, 30, 5)
        _promise(session, owed, 20_000, 21, 2, state="cancelled", settled_at=clock.now() - 20 * DAY)
        contact(session, owed, clock.now() - 12 * DAY)
        asked = _promise(session, owed, 45_000, 10, 4, channel="call")
        _money(session, owed, 45_000, 9)
        told = _of(promises.over(session, clock.now()), asked)
    assert told["amount_share"] == pytest.approx(0.5)
    assert told["days_ahead"] == 4
    assert (told["promises_kept"], told["promises_broken"], told["promises_moved"]) == (1, 1, 1)
    assert (told["kept_share"], told["last_kept"]) == (0.5, 0)
    assert told["payments"] == 1
    assert told["days_since_payment"] == pytest.approx(27)
    assert told["amount_over_usual"] == pytest.approx(np.log(4.5))
    assert told["paid_share"] == pytest.approx(0.1)
    assert (told["to_person"], told["to_machine"], told["on_page"], told["brought_by_call"]) == (1, 0, 0, 1)
    assert (told["days_past_due"], told["other_accounts"], told["attempts_30d"]) == (50, 1, 1)


def test_kept_is_what_the_reports_count(world: World) -> None:
    """Grace, tolerance, money of before and after, what is cancelled or not over yet: formula 8.3."""
    with world.platform.database.transaction(world.tenant()) as session:
        book = portfolio(session)
        cases = {
            "enough": [(950, 15)], "too little": [(949, 15)], "in grace": [(1_000, 12)],
            "too late": [(1_000, 11)], "before it": [(1_000, 21)], "nothing": [],
            "took back": [(1_000, 15), (-600, 14)],
        }  # fmt: skip
        ids = {}
        for name, moves in cases.items():
            owed = debt(session, book, placed_ago=50)
            ids[name] = _promise(session, owed, 1_000, 20, 5)
            for amount, ago in moves:
                _money(session, owed, amount, ago)
        gone = _promise(session, debt(session, book), 1_000, 20, 5, state="cancelled")
        running = _promise(session, debt(session, book), 1_000, 3, 5, state="open", settled_at=None)
        found = promises.over(session, clock.now())
    kept = dict(zip(found.id.tolist(), found.kept.tolist(), strict=True))
    assert {name for name, one in ids.items() if kept[one]} == {"enough", "in grace"}
    assert gone not in kept
    assert running not in kept


@settings(
    max_examples=6, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(st.sampled_from(["money", "back", "broken", "contact", "cancel", "close"]), max_size=4))
def test_what_happens_later_changes_no_earlier_vector(world: World, later: list[str]) -> None:
    with world.platform.database.transaction(world.tenant()) as session:
        owed = debt(session, portfolio(session), placed_ago=50)
        first = _promise(session, owed, 10_000, 30, 4)
        _money(session, owed, 3_000, 28)
        asked = _promise(session, owed, 20_000, 15, 3)
        before = _of(promises.over(session, clock.now()), asked)
        for what in later:
            if what in ("money", "back"):
                _money(session, owed, 9_000 if what == "money" else -3_000, 14)
            elif what == "broken":
                _promise(session, owed, 5_000, 12, 2)
            elif what == "contact":
                contact(session, owed, clock.now() - 14 * DAY, state="answered")
            elif what == "cancel":
                _promise(session, owed, 5_000, 12, 9, state="cancelled")
            else:
                row = session.get_one(PromiseToPay, (owed.tenant_id, first))
                row.state, row.settled_at = "kept", clock.now()
        session.flush()
        assert _of(promises.over(session, clock.now()), asked) == pytest.approx(before, nan_ok=True)


def test_what_is_typed_reads_as_the_promise_that_follows(world: World) -> None:
    with world.platform.database.transaction(world.tenant()) as session:
        owed = debt(session, portfolio(session), balance=100_000)
        due = clock.now().date() + 6 * DAY
        asked = [promises.Talked(owed.account_id, amount, due) for amount in (40_000, 20_000)]
        typed = promises.typed(session, asked, at=clock.now(), made_with="agent", channel=None)
        payments.make_promise(
            session, account_id=owed.account_id, amount_minor=40_000, due_date=due, made_with="agent"
        )
        made = promises.unweighed(session, clock.now())
    for name in promises.NAMES:
        np.testing.assert_equal(typed.values[name][0], made.values[name][0], err_msg=name)
    assert typed.values["amount_share"].tolist() == [0.4, 0.2]


@pytest.fixture
def learned(world: World) -> tuple[Scope, int]:
    """A creditor with a champion, and its portfolio."""
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, pace_days=1)
        history(session, book)
    training.train(world.platform.database, scope, "promise_kept")
    return scope, book


def _make(session: Session, owed: Debt, amount: int, days: int = 6, made_with: str = "page") -> int:
    return payments.make_promise(
        session, account_id=owed.account_id, amount_minor=amount,
        due_date=clock.now().date() + days * DAY, made_with=made_with,
    )  # fmt: skip


def test_too_few_promises_are_refused_in_words(world: World) -> None:
    with pytest.raises(UserError, match="nothing to learn from"):
        training.train(world.platform.database, world.tenant(), "promise_kept")


def test_a_promise_is_said_kept_and_used(world: World, learned: tuple[Scope, int]) -> None:
    """One training for all of it: the registry, the chance kept with a promise, the typed one, what is to be
    expected, the plan's order, and a model that is gone."""
    scope, book = learned
    database = world.platform.database
    (version,) = registry.versions(scope=scope)
    assert (registry.parts_of(version.name)[0], version.aliases) == ("promise_kept", ("champion",))
    assert version.metrics["holdout_auc"] > 0.65
    assert version.metrics["holdout_calibration_error"] < 0.2
    card = registry.read_text(version, "card.md")
    assert card is not None
    assert "chance that a promise to pay is kept" in card
    assert "`amount_share`" in card
    for file in ("calibration.json", "learning.json", "fairness.json", "profile.json", "figures.svg"):
        assert registry.read_text(version, file), file

    with database.transaction(scope) as session:
        weak, strong = (debt(session, book, balance=100_000, placed_ago=9) for _ in range(2))
        open_ones = {name: _make(session, owed, amount, 3) for name, owed, amount in
                     (("weak", weak, 95_000), ("strong", strong, 10_000))}  # fmt: skip
    jobs.drain()  # a promise asks for its chance by itself
    with database.transaction(scope) as session:
        said = promise_chances.of_promises(session, list(open_ones.values()))
        words = {name: said[one].word for name, one in open_ones.items()}
        assert words == {"weak": "weak", "strong": "likely"}
        assert {one["feature"] for one in said[open_ones["weak"]].reasons} & {"amount_share", "amount_log"}
        held = promise_chances.typed(
            session, weak.account_id, 95_000, clock.now().date() + 3 * DAY, today=clock.now().date()
        )
        assert held is not None
        assert held.said.word == "weak"
        assert held.smaller is not None
        assert held.smaller[0] == 47_500
        (due,) = promise_chances.expected(session, clock.now().date() + 3 * DAY)
        chances = {name: said[one].chance for name, one in open_ones.items()}
        assert (due.promises, due.weighed, due.promised_minor) == (2, 2, 105_000)
        assert due.expected_minor == pytest.approx(
            95_000 * chances["weak"] + 10_000 * chances["strong"], abs=1
        )
        assert promise_chances.expected(session, clock.now().date()) == []

    with database.transaction(scope) as session:
        _make(session, debt(session, book), 5_000, 30)
    _at_the_same_time(world, scope)
    plan_tenant(database, scope)
    with database.transaction(scope) as session:
        made = {row.account_id: row.template for row in session.execute(select(Action)).scalars()}
        assert made.get(weak.account_id) == "promise_reminder"  # three days before: it needs help
        assert strong.account_id not in made  # the strategy's one day before is soon enough

    _lost(version)
    with database.transaction(scope) as session:
        third = debt(session, book, balance=100_000)
        _make(session, third, 50_000)
    jobs.drain()
    plan_tenant(database, scope)
    with database.transaction(scope) as session:
        assert session.execute(select(PromiseChance)).scalars().all()[-1].account_id != third.account_id
        run = session.execute(select(PlanRun).order_by(PlanRun.id.desc()).limit(1)).scalar_one()
        assert "the model of promises failed: they are not weighed, the log says why" in run.notes
        assert session.execute(select(Decision).limit(1)).scalar_one_or_none() is not None
        assert promise_chances.typed(
            session, third.account_id, 9_000, date(2026, 3, 12), today=clock.now().date()
        ) is None  # fmt: skip


def _at_the_same_time(world: World, scope: Scope) -> None:
    """A plan and the promises' own job weigh them: neither says that the model failed."""
    database = world.platform.database

    def weigh() -> str | None:
        with database.transaction(scope) as session:
            return promise_chances.weigh_open(session)

    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with ThreadPoolExecutor(1) as other:
        with database.transaction(scope) as session:
            assert promise_chances.weigh_open(session) is None
            second = other.submit(weigh)
            while not (second.done() or session.execute(waiting).scalar_one()):
                pass
        assert second.result() is None


def test_what_needs_help_is_worth_more_and_by_a_person_most() -> None:
    """So too is a broken promise that was likely; nothing else moves, nor what nothing was said of."""
    rows = [
        ("promise_reminder", "email", 0.2), ("promise_reminder", "email", 0.9),
        ("promise_reminder", "call", 0.2), ("promise_reminder", "call", 0.9),
        ("broken_promise", "email", 0.9), ("broken_promise", "email", 0.2), ("follow_up", "email", 0.2),
        ("promise_reminder", "email", None),
    ]  # fmt: skip
    options = pl.DataFrame(rows, orient="row", schema=["template", "channel", "kept_chance"]).with_columns(
        value_minor=pl.lit(90.0), cost_minor=10, minimum=0
    )
    found = promise_chances.followed(options)
    worth = found["value_minor"].to_list()
    assert worth == pytest.approx([120, 50, 152.5, 50, 135, 100, 90, 90])
    assert found["enough"].all()
    silent = options.with_columns(kept_chance=pl.lit(None, pl.Float64))
    assert promise_chances.followed(silent).equals(silent)


def _lost(version: registry.Version) -> None:
    """The model's file is gone, as after a disk was lost; nothing of it is in memory."""
    (Path(unquote(urlsplit(version.source).path)) / "fitted.bin").unlink()
    serving._loaded.cache_clear()
