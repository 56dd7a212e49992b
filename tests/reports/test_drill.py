"""Every figure leads to the rows it counted: as many as it says, or adding up to it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts.tables import GivenVerdict
from recupero.kernel import clock
from recupero.kernel.listing import Part
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.tables import Action, ActionEvent
from recupero.payments.offers.offer_tables import Plan, PlanInstalment, Settlement
from recupero.payments.tables import Allocation
from recupero.placements.tables import Account, ContactPoint, Debtor, Hold
from recupero.reports import drill, layout, service
from recupero.reports.depth import ENDS, depth
from recupero.reports.drill_statements import STATEMENTS, WITHOUT_ROWS
from recupero.reports.figures import Figure
from recupero.reports.metrics import METRICS
from recupero.reports.periods import Period, parse_period
from recupero.reports.words import Words
from tests.factories import World
from tests.reports.drilled import made_up
from tests.reports.rows import Rows, moment

FEBRUARY = parse_period("2026-02")


@pytest.fixture
def rows(world: World) -> Iterator[Rows]:
    with clock.simulated(moment("2026-04-20")):
        yield Rows(world.platform, world.tenant())


@pytest.fixture
def eventful(rows: Rows) -> Rows:
    """A creditor of whom every figure of February counts something."""
    one, other = rows.portfolio("Uno"), rows.portfolio("Dos")
    batches = rows.batch(one), rows.batch(other), rows.batch(one, "febrero.csv")
    due = {"due_date": date(2026, 1, 10)}
    first = rows.account(one, batches[0], "2026-01-10", 1_000, **due)
    second = rows.account(other, batches[1], "2026-01-20", 2_000, **due)
    newest = rows.account(one, batches[2], "2026-02-10", 3_000, **due)
    closed = rows.account(one, batches[0], "2026-01-11", 700, **due, status="resolved", close_code="PIF",
                 closed_at=moment("2026-02-09"))  # fmt: skip
    rows.account(one, batches[0], "2026-01-12", 400, **due, status="resolved", close_code="SIF",
                 closed_at=moment("2026-02-09"), balance_minor=0)  # fmt: skip
    rows.account(other, batches[1], "2026-01-13", 300, **due, status="returned", close_code="EXHAUSTED",
                 closed_at=moment("2026-02-12"))  # fmt: skip
    with rows.platform.database.transaction(rows.scope) as session:
        for firm in (second, closed):
            session.get_one(Debtor, (rows.scope.tenant(), firm.debtor_id)).kind = "firm"
    for channel, state, code in (("email", "delivered", "OPEN"), ("sms", "delivered", "CLCK"),
                                 ("call", "answered", "PTPF"), ("email", "sent", None)):  # fmt: skip
        rows.contact(first, "2026-02-03", channel, state, disposition=code, right_party=channel == "call",
                     cost_micro=500, cost_currency="USD")  # fmt: skip
    rows.contact(second, "2026-02-04T13:00", "email", "sent", cost_micro=70, cost_currency="EUR")
    rows.add(GivenVerdict(digest=b"x", said={"allowed": False}))
    rows.contact(newest, "2026-02-11", "email", "sent", verdict=b"x")
    late = rows.payment(newest, "2026-02-13", 50)
    rows.add(Allocation(payment_id=late, transaction_id=900, account_id=newest.id, part="principal",
                        amount_minor=10, fee_minor=2, tax_minor=1, at=moment("2026-02-14")))  # fmt: skip
    rows.payment(first, "2026-02-05", 100, fee=10, channel="email", other=second)
    reversed_one = rows.payment(second, "2026-02-06", 90, kind="direct", fee=9)
    rows.move(reversed_one, "2026-02-07", (second, -40, -4))
    rows.payment(first, "2026-01-05", 30, fee=3)
    for state, paid in (("kept", 100), ("partly_kept", 40), ("broken", 0)):
        rows.promise(first, "2026-02-03", "2026-02-08", 100, state, paid_minor=paid, channel="call")
    for kind in ("dispute", "complaint"):
        rows.hold(second, kind, "2026-02-10")
    rows.add(Hold(debtor_id=first.debtor_id, account_id=first.id, kind="dispute", source="t",
                  started_at=moment("2026-01-01"), ended_at=moment("2026-02-20")))  # fmt: skip
    rows.opt_out(second, "2026-02-11")
    rows.add(ContactPoint(debtor_id=first.debtor_id, kind="email", value="x", value_index=b"x",
                          status="valid", source="t", created_at=moment("2026-01-10")))  # fmt: skip
    _offers(rows, first)
    _work(rows, first)
    return rows


def _offers(rows: Rows, account: Account) -> None:
    plan = rows.add(Plan(
        debtor_id=account.debtor_id, account_ids=[account.id], currency="CLP", total_minor=300, choice={},
        state="running", grace_days=3, made_with="page", made_by="x", agreed_at=moment("2026-01-20"),
        beyond=[],
    ))  # fmt: skip
    for number, (paid, state) in enumerate([(date(2026, 2, 6), "paid"), (None, "missed")]):
        rows.add(PlanInstalment(plan_id=plan.id, number=number, due_date=date(2026, 2, 5), amount_minor=150,
                                paid_on=paid, state=state))  # fmt: skip
    rows.add(Settlement(
        debtor_id=account.debtor_id, account_ids=[account.id], currency="CLP", balance_minor=1_000,
        amount_minor=700, written_off_minor=300, instalments=1, state="settled", beyond=[], made_by="x",
        valid_until=date(2026, 2, 20), pay_by=date(2026, 2, 20), made_with="page",
        made_at=moment("2026-02-01"), settled_at=moment("2026-02-05"),
    ))  # fmt: skip


def _work(rows: Rows, account: Account) -> None:
    """An agent had the account at the desk, and a contact with it was stopped."""
    sitting = Sitting(
        agency_id=rows.scope.agency(), user_id=1, tenant_id=rows.scope.tenant(), account_id=account.id,
        debtor_id=account.debtor_id, person_id=account.debtor_id, why="next", taken_at=moment("2026-02-03"),
        leased_until=moment("2026-02-03T13:00"), closed_at=moment("2026-02-03T13:00"),
    )  # fmt: skip
    at = moment("2026-02-05")
    action = Action(
        account_id=account.id, debtor_id=account.debtor_id, person_id=account.debtor_id, channel="sms",
        template="t", tone="neutral", purpose="collection", due_at=at, expires_at=at, state="blocked",
        created_at=at, changed_at=at,
    )  # fmt: skip
    with rows.platform.database.transaction(rows.scope) as session:
        session.add(sitting)
    stopped = rows.add(action).id
    rows.add(ActionEvent(action_id=stopped, at=at, state="scheduled", reason="law:y"))
    rows.add(ActionEvent(action_id=stopped, at=at, state="blocked", reason="law:x"))


def _each(session: Session) -> Iterator[tuple[Figure, drill.Of]]:
    """Every figure of February's report and its depth that is written on a page, and where it stands."""
    report = service.recovery_report(session, FEBRUARY)
    words = Words.of("en", "CL")
    for section in report.sections:
        of = partial(drill.Of, currency=section.currency)
        for _key, _title, figures in layout.groups(section, words):
            yield from ((figure, of(figure.metric.key, period=FEBRUARY)) for figure in figures)
        for table in layout.tables(section, words):
            for (_name, figures), place in zip(table.rows, table.places, strict=True):
                yield from ((figure, of(figure.metric.key, period=FEBRUARY, **place)) for figure in figures)
        for vintage in section.vintages:
            months = Period(vintage.month, FEBRUARY.last).months()
            for kind in (vintage.steps, vintage.cumulative):
                for month, figure in zip(months, kind, strict=True):
                    yield figure, of(figure.metric.key, period=Period(month, month), cohort=vintage.month)
    for deep in depth(session, FEBRUARY):
        yield from ((figure, drill.Of(figure.metric.key, deep.currency, FEBRUARY)) for figure in deep.figures)
        for line in deep.coverage:
            yield line.figures[0], drill.Of("coverage", deep.currency, FEBRUARY, channel=line.name)
        for row in deep.rolls:
            for end, figure in zip(ENDS, row.figures, strict=True):
                yield figure, drill.Of("roll_rate", deep.currency, FEBRUARY, part=f"{row.bucket}>{end}")


def test_every_figure_of_the_reports_leads_to_rows_that_make_it_up(eventful: Rows) -> None:
    seen: set[str] = set()
    with eventful.platform.database.transaction(eventful.scope) as session:
        for figure, of in _each(session):
            if of.key in WITHOUT_ROWS:
                continue
            seen |= {of.key} if figure.numerator else set()
            made_up(session, figure, of)
    assert sorted(set(METRICS) - seen - set(WITHOUT_ROWS)) == []  # each of them counted something


def test_a_figure_without_rows_says_why() -> None:
    assert set(STATEMENTS) | set(WITHOUT_ROWS) == set(METRICS)
    assert not set(STATEMENTS) & set(WITHOUT_ROWS)


def test_what_stopped_contacts_is_told_apart_and_each_part_adds_up(eventful: Rows) -> None:
    with eventful.platform.database.transaction(eventful.scope) as session:
        for key, reason in (("blocked", "law:x"), ("put_off", "law:y")):
            of = drill.Of(key, "CLP", FEBRUARY)
            assert drill.parts(session, of) == [(reason, 1)]
            assert drill.total(session, replace(of, part=reason)) == (1, 0)
            assert drill.total(session, replace(of, part="law:z")) == (0, 0)
            assert drill.rows_and_total(session, of, Part(offset=5, limit=5)) == ([], (1, 0))
            assert drill.rows_and_total(session, replace(of, part="law:z"), Part(limit=5)) == ([], (0, 0))


def test_pages_of_rows_that_are_alike_hold_each_of_them_once(eventful: Rows) -> None:
    """An account is covered by several channels, which say the same of it but for their names."""
    of = drill.Of("coverage", "CLP", FEBRUARY)
    with eventful.platform.database.transaction(eventful.scope) as session:
        known = session.execute(select(ContactPoint.debtor_id)).scalar_one()
    eventful.add(ContactPoint(debtor_id=known, kind="phone", value="y", value_index=b"y",
                              status="valid", source="t", created_at=moment("2026-01-10")))  # fmt: skip
    with eventful.platform.database.transaction(eventful.scope) as session:
        whole, (count, _amount) = drill.rows_and_total(session, of, Part(limit=None))
        pages = [drill.rows_and_total(session, of, Part(offset=at, limit=1))[0] for at in range(count)]
    assert count > len({row.account_id for row in whole})
    assert [row for page in pages for row in page] == whole


@pytest.mark.parametrize("key", ["workable", "penetration", "contactability", "coverage"])
def test_rows_are_exact_though_no_report_has_looked_at_the_accounts_yet(eventful: Rows, key: str) -> None:
    """Each transaction sees what changed before it, whichever of report and rows is asked for first."""
    of = drill.Of(key, "CLP", FEBRUARY)
    with eventful.platform.database.transaction(eventful.scope) as session:
        unlooked = drill.total(session, of)
    with eventful.platform.database.transaction(eventful.scope) as session:
        depth(session, FEBRUARY)
        assert drill.total(session, of) == unlooked
    assert unlooked[0] > 0
