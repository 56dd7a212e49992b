"""The figures in depth agree with sums done by hand."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from sqlalchemy import update

from recupero.decisions.history.control import draws, set_share
from recupero.kernel import clock
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.tables import Action, ActionEvent
from recupero.payments.offers.offer_tables import Plan, PlanInstalment, Settlement
from recupero.placements.tables import Account, ContactPoint, Debtor, Hold, ImportBatch
from recupero.reports import metrics as m
from recupero.reports.depth import ENDS, Depth, depth
from recupero.reports.figures import waiting_median
from recupero.reports.periods import parse_period
from tests.factories import World
from tests.reports.rows import Rows, moment


@pytest.fixture
def april() -> Iterator[None]:
    with clock.simulated(moment("2026-04-20")):
        yield


@pytest.fixture
def rows(world: World, april: None) -> Rows:
    return Rows(world.platform, world.tenant())


def told(rows: Rows, period: str = "2026-02") -> Depth:
    with rows.platform.database.transaction(rows.scope) as session:
        (only,) = depth(session, parse_period(period))
    return only


def counts(found: Depth, key: str) -> tuple[int, int | None]:
    figure = found.figure(key)
    return figure.numerator, figure.denominator


def test_accounts_roll_between_buckets_and_each_row_adds_up_to_one(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    due = {"due_date": date(2026, 1, 10)}  # 22 days past due on 1 February, 50 on 1 March
    rows.account(portfolio, batch, "2026-01-15", 600, **due)
    paid = rows.account(portfolio, batch, "2026-01-15", 300, **due, status="resolved", close_code="PIF",
                        closed_at=moment("2026-02-10"))  # fmt: skip
    rows.account(portfolio, batch, "2026-01-15", 80, **due, status="resolved", close_code="CURED",
                 closed_at=moment("2026-02-11"))  # fmt: skip
    rows.account(portfolio, batch, "2026-01-15", 20, **due, status="returned", close_code="EXHAUSTED",
                 closed_at=moment("2026-02-12"))  # fmt: skip
    rows.account(portfolio, batch, "2026-02-02", 5_000, **due)  # placed since: left out
    rows.contact(paid, "2026-02-03")
    found = told(rows)
    (row,) = found.rolls
    assert row.bucket == "1-30"
    moved = {end: figure.numerator for end, figure in zip(ENDS, row.figures, strict=True)}
    assert {end: minor for end, minor in moved.items() if minor} == {
        "31-60": 600, "paid": 380, "written_off": 20,
    }  # fmt: skip
    assert {figure.denominator for figure in row.figures} == {1_000}
    assert {figure.metric.key for figure in row.figures} == {"roll_rate"}
    assert counts(found, "cure_rate") == (2, 4)
    assert counts(found, "self_cure_rate") == (1, 4)


def test_instalments_count_in_the_month_they_are_due_by_number_and_value(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    plan = rows.add(Plan(
        debtor_id=account.debtor_id, account_ids=[account.id], currency="CLP", total_minor=600, choice={},
        state="running", grace_days=3, made_with="page", made_by="x", agreed_at=moment("2026-01-20"),
        beyond=[],
    ))  # fmt: skip
    for number, (day, minor, paid, state) in enumerate([
        ((2, 5), 100, date(2026, 2, 8), "paid"), ((2, 15), 200, date(2026, 2, 19), "paid"),
        ((2, 25), 300, None, "missed"), ((3, 5), 400, None, "open"),
    ]):  # fmt: skip
        rows.add(PlanInstalment(plan_id=plan.id, number=number, due_date=date(2026, *day), amount_minor=minor,
                                paid_on=paid, state=state))  # fmt: skip
    found = told(rows)
    assert counts(found, "plan_rate") == (1, 3)
    assert counts(found, "plan_value_rate") == (100, 600)


def test_a_settlement_is_what_was_paid_over_what_was_owed_then(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    settled(rows, account)
    assert counts(told(rows), "settlement_percent") == (700, 1_000)


def settled(rows: Rows, account: Account) -> None:
    """700 of 1,000 settled the account in February."""
    rows.add(Settlement(
        debtor_id=account.debtor_id, account_ids=[account.id], currency="CLP", balance_minor=1_000,
        amount_minor=700, written_off_minor=300, instalments=1, state="settled", beyond=[], made_by="x",
        valid_until=date(2026, 2, 20), pay_by=date(2026, 2, 20), made_with="page",
        made_at=moment("2026-02-01"),
        settled_at=moment("2026-02-05"),
    ))  # fmt: skip


def test_a_bounce_is_an_attempt_hours_run_from_the_file_and_test_accounts_are_left_out(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    with rows.platform.database.transaction(rows.scope) as session:
        session.execute(update(ImportBatch).values(finished_at=moment("2026-02-10T10:00")))
    account = rows.account(portfolio, batch, "2026-02-10", 1_000)
    rows.contact(account, "2026-02-10T13:00", "email", "failed", disposition="BNCE")
    trial = rows.account(portfolio, batch, "2026-02-10", 1_000, is_test=True)
    settled(rows, trial)
    sitting(rows, trial, agent=1, taken="2026-02-03T12:00", closed="2026-02-03T13:30")
    found = told(rows)
    assert counts(found, "hours_to_attempt") == (3, None)
    assert {"settlement_percent", "collected_per_hour"}.isdisjoint(one.metric.key for one in found.figures)


def test_disputes_are_timed_from_opening_to_decision(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    for start, end in (("2026-02-01", "2026-02-03"), ("2026-02-01", "2026-02-11"),
                       ("2026-01-01", "2026-02-20"), ("2026-02-01", "2026-03-01T12:00")):  # fmt: skip
        account = rows.account(portfolio, batch, "2025-12-10", 100)
        rows.add(Hold(debtor_id=account.debtor_id, account_id=account.id, kind="dispute", source="t",
                      started_at=moment(start), ended_at=moment(end)))  # fmt: skip
    found = told(rows)  # days: 2, 10 and 50
    assert counts(found, "dispute_median") == (10, None)
    assert counts(found, "dispute_p90") == (50, None)
    assert counts(found, "disputes_late") == (1, 3)


def test_waits_that_are_not_over_are_kept_in_the_median() -> None:
    assert waiting_median([(1, 1, 0), (2, 1, 0), (9, 1, 0)]) == 2
    # Left out, the two that still wait would make it 1; kept, the third of four ends at 5.
    assert waiting_median([(1, 1, 0), (4, 0, 1), (5, 1, 0), (9, 0, 1)]) == 5
    assert waiting_median([(1, 1, 0), (2, 0, 9)]) is None


def test_hours_run_from_placement_to_the_first_attempt_and_from_there_to_the_payment(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    for hour, paid in (("2026-02-10T13:00", "2026-02-11T01:00"), ("2026-02-11T03:00", "2026-02-11T05:00")):
        account = rows.account(portfolio, batch, "2026-02-10", 1_000)  # midnight in Santiago is 03:00 UTC
        rows.contact(account, hour)
        rows.payment(account, paid, 10)
    found = told(rows)
    assert counts(found, "hours_to_attempt") == (10, None)
    assert counts(found, "hours_to_payment") == (2, None)
    assert counts(found, "age_mean") == (2 * (date(2026, 2, 10) - date(2025, 12, 1)).days, 2)


def test_the_age_at_placement_is_told_by_its_middle_too(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    for placed, since in (("2026-02-10", "2026-02-05"), ("2026-02-20", "2026-01-31"),
                          ("2026-02-10", "2025-02-10"), ("2026-01-31", "2026-01-30")):  # fmt: skip
        rows.account(portfolio, batch, placed, 100, delinquency_date=date.fromisoformat(since))
    found = told(rows)  # days: 5, 20 and 365; the last was placed in another month
    assert counts(found, "age_median") == (20, None)
    assert counts(found, "age_mean") == (5 + 20 + 365, 3)


def test_coverage_asks_for_a_point_that_is_valid_and_not_closed(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    for kind, status, refused in (("email", "valid", False), ("email", "untested", True),
                                  ("email", "invalid", False), ("phone", "valid", False)):  # fmt: skip
        account = rows.account(portfolio, batch, "2026-01-10", 100)
        rows.add(ContactPoint(debtor_id=account.debtor_id, kind=kind, value="x", value_index=b"x",
                              status=status, source="t", created_at=moment("2026-01-10")))  # fmt: skip
        if refused:
            rows.opt_out(account, "2026-02-10")
    found = {line.name: line.figures[0] for line in told(rows).coverage}
    assert {figure.metric.key for figure in found.values()} == {"coverage"}
    assert (found["email"].numerator, found["email"].denominator) == (1, 4)
    assert found["sms"].numerator == 1


def test_a_file_is_compared_with_the_one_before_it_at_the_same_month(rows: Rows) -> None:
    portfolio = rows.portfolio()
    first = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    second = rows.account(portfolio, rows.batch(portfolio, "febrero.csv"), "2026-02-10", 500)
    rows.payment(first, "2026-01-20", 100)
    rows.payment(first, "2026-02-20", 800)  # its month 1: the other has none yet
    rows.payment(second, "2026-02-20", 100)
    (line,) = told(rows).tracks
    assert line.name == "febrero.csv"
    assert line.figures[0].metric.key == "batch_track"
    assert line.figures[0].value == pytest.approx(0.2 - 0.1)


def test_the_increment_per_contact_scales_the_control_group() -> None:
    # 100 treated paid 1,000 over 60 contacts, 20 controls paid 100 over 2: (1,000 - 500) / (60 - 10)
    assert m.increment_per_contact((1_000, 100), (60, 2), (100, 20)).value == pytest.approx(10)


def test_worked_people_are_set_beside_the_control_group(rows: Rows) -> None:
    """`draws` tells who is left alone; the share of a fifth is made of those it draws."""
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    with rows.platform.database.transaction(rows.scope) as session:
        set_share(session, 0.2, actor="test")
    people = np.arange(1_000, 1_100, dtype=np.int64)
    drawn = draws(rows.scope.tenant(), people) < 0.2
    one, other, held = (*map(int, people[~drawn][:2]), int(people[drawn][0]))
    for person, paid, contacts in ((one, 900, 3), (other, 100, 2), (held, 200, 1)):
        account = rows.account(portfolio, batch, "2026-01-10", 5_000)
        with rows.platform.database.transaction(rows.scope) as session:
            session.get_one(Debtor, (rows.scope.tenant(), account.debtor_id)).person_id = person
        rows.payment(account, "2026-02-10", paid)
        for _ in range(contacts):
            rows.contact(account, "2026-02-03")
        rows.contact(account, "2026-02-04", state="failed")  # nothing went out
        rows.payment(account, "2026-03-10", 5)  # of another month
    # Two paid 1,000 over 5 contacts, one who was left alone 200 over 1: (1,000 - 200 x 2) / (5 - 1 x 2)
    assert counts(told(rows), "increment_per_contact") == (600, 3)


def test_firms_have_days_outstanding_and_an_effectiveness(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    rows.account(portfolio, batch, "2026-01-15", 600)
    rows.account(portfolio, batch, "2026-02-10", 400, due_date=date(2026, 3, 20))
    with rows.platform.database.transaction(rows.scope) as session:
        session.execute(update(Debtor).values(kind="firm"))
    found = told(rows)
    assert counts(found, "dso") == (1_000 * 28, 400)
    assert counts(found, "cei") == (600 + 400 - 1_000, 600 + 400 - 400)


def test_what_agents_bring_is_told_for_an_hour_at_their_desks(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    one, other = (rows.account(portfolio, batch, "2026-01-10", 1_000) for _ in range(2))
    rows.contact(one, "2026-02-03", "call", "answered", right_party=True)
    rows.promise(one, "2026-02-03", "2026-02-20", 100, "open")
    rows.payment(one, "2026-02-20", 3_000)
    sitting(rows, one, agent=1, taken="2026-02-03T12:00", closed="2026-02-03T13:30")
    sitting(rows, other, agent=1, taken="2026-02-03T14:00", closed=None, leased="2026-02-03T14:30")
    sitting(rows, one, agent=2, taken="2026-01-31T23:00", closed="2026-02-01T04:00")  # an hour of February's
    sitting(rows, other, agent=3, taken="2026-03-05T12:00", closed="2026-03-05T13:00")  # of another month
    found = told(rows)
    seconds = (90 + 30 + 60) * 60
    assert counts(found, "collected_per_hour") == (3_000 * 3600, seconds)
    assert found.figure("collected_per_hour").value == 1_000
    assert counts(found, "right_party_per_hour") == (3600, seconds)
    assert counts(found, "promises_per_hour") == (3600, seconds)
    assert counts(found, "accounts_per_agent") == (2, 2)


def sitting(
    rows: Rows, account: Account, *, agent: int, taken: str, closed: str | None, leased: str | None = None
) -> None:
    """An agent had the account at the desk until it was closed, or until the lease ended."""
    row = Sitting(
        agency_id=rows.scope.agency(), user_id=agent, tenant_id=rows.scope.tenant(), account_id=account.id,
        debtor_id=account.debtor_id, person_id=account.debtor_id, why="next", taken_at=moment(taken),
        leased_until=moment(leased or closed or taken), closed_at=moment(closed) if closed else None,
    )  # fmt: skip
    with rows.platform.database.transaction(rows.scope) as session:
        session.add(row)


def test_contacts_stopped_or_put_off_count_on_the_day_they_were(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    account, trial = (
        rows.account(portfolio, batch, "2026-01-10", 1_000),
        rows.account(portfolio, batch, "2026-01-10", 1_000, is_test=True),
    )
    for of, state, at, reason in (
        (account, "blocked", "2026-02-03", None), (account, "blocked", "2026-02-04", "law:x"),
        (account, "done", "2026-02-05", None), (account, "scheduled", "2026-02-05", "law:x"),
        (account, "scheduled", "2026-02-05", None), (account, "blocked", "2026-03-02", None),
        (trial, "blocked", "2026-02-03", None), (trial, "scheduled", "2026-02-03", "law:x"),
    ):  # fmt: skip
        action = rows.add(
            Action(account_id=of.id, debtor_id=of.debtor_id, person_id=of.debtor_id, channel="sms",
                   template="t", tone="neutral", purpose="collection", due_at=moment(at),
                   expires_at=moment(at), state=state, created_at=moment(at), changed_at=moment(at))
        )  # fmt: skip
        rows.add(ActionEvent(action_id=action.id, at=moment(at), state=state, reason=reason))
    found = told(rows)
    assert counts(found, "blocked") == (2, None)
    assert counts(found, "put_off") == (1, None)  # one that was queued waits for nothing
