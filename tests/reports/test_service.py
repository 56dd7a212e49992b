"""A recovery report's figures agree with sums done by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.placements.tables import Account
from recupero.reports import service
from recupero.reports.periods import parse_period
from recupero.reports.report import Line, RecoveryReport, Section
from tests.factories import World
from tests.reports.rows import Rows, moment


@pytest.fixture
def april() -> Iterator[None]:
    with clock.simulated(moment("2026-04-20")):
        yield


@pytest.fixture
def rows(world: World, april: None) -> Rows:
    return Rows(world.platform, world.tenant())


def report(rows: Rows, period: str) -> RecoveryReport:
    with rows.platform.database.transaction(rows.scope) as session:
        return service.recovery_report(session, parse_period(period))


def section(rows: Rows, period: str) -> Section:
    (only,) = report(rows, period).sections
    return only


def counts(line: Line | Section, key: str) -> tuple[int, int | None]:
    if isinstance(line, Section):
        figure = line.figure(key)
    else:
        figure = next(figure for figure in line.figures if figure.metric.key == key)
    return figure.numerator, figure.denominator


@pytest.fixture
def stairs(rows: Rows) -> Rows:
    """Two placement months: 1,000,000 in January, 500,000 in February."""
    portfolio = rows.portfolio()
    january, february = rows.batch(portfolio), rows.batch(portfolio, "febrero.csv")
    first = rows.account(portfolio, january, "2026-01-10", 600_000)
    second = rows.account(portfolio, january, "2026-01-12", 400_000)
    third = rows.account(portfolio, february, "2026-02-05", 500_000)
    rows.payment(first, "2026-01-20", 50_000, channel="email", fee=10_000)
    rows.payment(second, "2026-02-10", 30_000, kind="direct")
    reversed_later = rows.payment(first, "2026-02-15", 20_000)
    rows.payment(third, "2026-02-20", 25_000, fee=5_000)
    rows.move(reversed_later, "2026-03-02", (first, -20_000, 0))
    return rows


def test_collected_is_dated_by_receipt_and_reversals_by_their_own_day(stairs: Rows) -> None:
    february, march = section(stairs, "2026-02"), section(stairs, "2026-03")
    assert counts(february, "collected") == (75_000, None)
    assert counts(february, "collected_direct") == (30_000, None)
    assert counts(february, "collected_agency") == (45_000, None)
    assert counts(march, "collected") == (-20_000, None)
    assert counts(march, "reversed") == (20_000, None)


def test_what_contacts_cost_is_told_by_channel_and_never_added_over_currencies(stairs: Rows) -> None:
    with stairs.platform.database.transaction(stairs.scope) as session:
        account = session.execute(select(Account).order_by(Account.id)).scalars().first()
    assert account is not None
    for micro, currency, channel in (
        (7_500, "USD", "sms"), (7_500, "USD", "sms"), (1_000, "USD", "email"), (90_000_000, "CLP", "letter"),
        (None, None, "sms"),
    ):  # fmt: skip
        stairs.contact(account, "2026-01-18", channel, cost_micro=micro, cost_currency=currency)
    stairs.contact(account, "2026-02-02", "sms", cost_micro=5, cost_currency="USD")  # of another month
    pesos, dollars = section(stairs, "2026-01").costs
    assert (pesos.currency, dollars.currency) == ("CLP", "USD")
    email, sms, every = dollars.channels
    told = [(line.name, counts(line, "charged")[0], counts(line, "cost")[0]) for line in dollars.channels]
    assert told == [("email", 1, 1_000), ("sms", 2, 15_000), ("", 3, 16_000)]
    assert counts(sms, "cost_each") == (15_000, 2)
    assert counts(email, "cost_per_payment") == (1_000, 1)
    assert counts(every, "cost_per_thousand") == (16_000 * 1_000, 50_000)
    assert counts(pesos.channels[-1], "cost_per_thousand") == (90_000_000 * 1_000, 50_000)


def test_cost_is_told_for_each_account_attempted_and_each_right_party_contact(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    one, other = (rows.account(portfolio, batch, "2026-01-10", 1_000) for _ in range(2))
    cost: dict[str, Any] = {"cost_micro": 3_000, "cost_currency": "USD"}
    rows.contact(one, "2026-02-03", "sms", **cost)
    rows.contact(one, "2026-02-04", "sms", **cost)
    rows.contact(other, "2026-02-05", "sms", **cost)
    rows.contact(other, "2026-02-06", "call", "answered", right_party=True, **cost)
    (dollars,) = section(rows, "2026-02").costs
    call, sms, every = dollars.channels
    assert counts(sms, "cost_per_account") == (9_000, 2)
    assert counts(sms, "cost_per_right_party") == (9_000, 0)
    assert counts(call, "cost_per_right_party") == (3_000, 1)
    assert counts(every, "cost_per_account") == (12_000, 2)
    assert counts(every, "cost_per_right_party") == (12_000, 1)


def test_written_contacts_go_down_a_funnel_to_what_was_paid(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    for state, disposition, channel in (
        ("sent", None, "sms"), ("delivered", None, "sms"), ("delivered", "OPEN", "email"),
        ("delivered", "CLCK", "email"), ("answered", "RPLY", "whatsapp"), ("failed", "BNCE", "email"),
        ("failed", None, "email"), ("answered", None, "call"), ("delivered", None, "letter"),
    ):  # fmt: skip
        rows.contact(account, "2026-02-03", channel, state, disposition=disposition)
    rows.payment(account, "2026-02-10", 100, channel="email")
    rows.payment(account, "2026-02-11", 100, channel="call")
    found = section(rows, "2026-02")
    assert counts(found, "delivered_rate") == (4, 6)  # of those that went out, or came back
    assert counts(found, "opened_rate") == (3, 4)
    assert counts(found, "clicked_rate") == (1, 3)
    assert counts(found, "paid_rate") == (1, 1)


def test_liquidation_adds_numerators_and_denominators_of_all_months(stairs: Rows) -> None:
    assert counts(section(stairs, "2026-01"), "liquidation") == (50_000, 1_000_000)
    assert counts(section(stairs, "2026-03"), "liquidation") == (105_000, 1_500_000)


def test_the_steps_of_a_placement_month_add_up_to_its_cumulative_liquidation(stairs: Rows) -> None:
    january, february = section(stairs, "2026-03").vintages
    assert [step.numerator for step in january.steps] == [50_000, 50_000, -20_000]
    assert [step.numerator for step in january.cumulative] == [50_000, 100_000, 80_000]
    assert [step.numerator for step in february.steps] == [25_000, 0]
    assert {step.denominator for step in january.steps} == {1_000_000}
    assert {step.metric.key for step in january.steps} == {"liquidation_in_month"}
    assert [step.value for step in january.steps] == pytest.approx([0.05, 0.05, -0.02])


def test_net_back_is_collected_less_fees(stairs: Rows) -> None:
    whole = section(stairs, "2026-01..2026-02")
    assert counts(whole, "collected") == (125_000, None)
    assert counts(whole, "fees") == (15_000, None)
    assert counts(whole, "net_back") == (110_000, None)
    assert counts(whole, "average_fee") == (15_000, 125_000)
    assert counts(whole, "fee_yield") == (15_000, 1_500_000)
    assert counts(whole, "net_back_rate") == (110_000, 1_500_000)
    assert counts(whole, "placed_accounts") == (3, None)
    assert counts(section(stairs, "2026-02"), "placed_in_period") == (500_000, None)
    assert counts(section(stairs, "2026-03"), "fee_yield") == (15_000, 1_500_000)


def test_months_end_at_the_creditors_midnight(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 100_000)
    rows.payment(account, "2026-02-01T02:59", 7_000)  # 23:59 of January 31 in Santiago (UTC-3)
    rows.payment(account, "2026-02-01T03:00", 500)
    assert counts(section(rows, "2026-01"), "collected") == (7_000, None)
    assert counts(section(rows, "2026-02"), "collected") == (500, None)


def test_money_moved_between_accounts_is_no_reversal_and_no_second_payment(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    one, other = (rows.account(portfolio, batch, "2026-01-10", 100_000) for _ in range(2))
    payment = rows.payment(one, "2026-02-10", 10_000)
    rows.move(payment, "2026-03-05", (one, -10_000, 0), (other, 10_000, 0))
    march = section(rows, "2026-03")
    assert counts(march, "collected") == (0, None)
    assert counts(march, "reversed") == (0, None)
    assert counts(march, "liquidation") == (10_000, 200_000)


def test_currencies_are_never_mixed(rows: Rows) -> None:
    pesos, dollars = rows.portfolio("Pesos"), rows.portfolio("Dólares", "USD")
    rows.payment(rows.account(pesos, rows.batch(pesos), "2026-01-10", 100_000), "2026-01-15", 4_000)
    foreign = rows.account(dollars, rows.batch(dollars), "2026-01-10", 90_000, currency="USD")
    rows.payment(foreign, "2026-01-15", 900)
    found = {section.currency: section for section in report(rows, "2026-01").sections}
    assert list(found) == ["CLP", "USD"]
    assert counts(found["CLP"], "liquidation") == (4_000, 100_000)
    assert counts(found["USD"], "liquidation") == (900, 90_000)


def test_activity_counts_attempts_contacts_and_accounts(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    one, two, held, ended = (rows.account(portfolio, batch, "2026-01-10", 1_000) for _ in range(4))
    rows.hold(held, "dispute", "2026-01-15")
    rows.contact(one, "2026-02-02")
    rows.contact(one, "2026-02-03", "call", "answered", disposition="PTPF", right_party=True)
    rows.contact(two, "2026-02-04", "call", "sent", disposition="NOAN")
    rows.contact(two, "2026-02-05", state="failed")  # nothing went out
    rows.contact(two, "2026-02-05", state="failed", disposition="BNCE")  # it went out and came back
    rows.contact(two, "2026-02-06", state="received", direction="inbound", right_party=True)
    rows.contact(ended, "2026-03-02")
    found = section(rows, "2026-02")
    assert counts(found, "attempts") == (4, None)
    assert counts(found, "workable") == (3, None)
    assert counts(found, "penetration") == (2, 3)
    assert counts(found, "intensity") == (4, 2)
    assert counts(found, "connects") == (2, None)
    assert counts(found, "connect_rate") == (1, 2)
    assert counts(found, "right_party_rate") == (2, 4)
    assert counts(found, "contactability") == (2, 3)
    assert counts(found, "out_of_policy") == (0, 4)
    assert {line.name: counts(line, "attempts")[0] for line in found.channels} == {"call": 2, "email": 2}


def test_a_voicemail_is_no_contact_and_a_link_followed_by_the_debtor_is_one(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    rows.contact(account, "2026-02-02", "call", "no_answer", disposition="BUSY")
    rows.contact(account, "2026-02-03", "call", "answered", disposition="VMLM")
    rows.contact(account, "2026-02-04", "sms", "delivered", disposition="CLCK", right_party=True)
    rows.contact(account, "2026-02-05", "email", "delivered", disposition="RPLY")
    rows.contact(account, "2026-02-05", "email", "received", direction="inbound")  # the reply itself
    found = section(rows, "2026-02")
    assert counts(found, "attempts") == (4, None)
    assert counts(found, "connects") == (2, None)
    assert counts(found, "connect_rate") == (0, 2)
    assert counts(found, "right_party") == (1, None)


def test_money_goes_to_the_channel_that_brought_it_or_to_none(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    reached, never = (rows.account(portfolio, batch, "2026-01-10", 10_000) for _ in range(2))
    rows.contact(reached, "2026-02-02", "sms")
    rows.contact(reached, "2026-02-12", "call", "failed")  # nothing went out
    rows.payment(reached, "2026-02-15", 700, channel="email")
    rows.payment(reached, "2026-02-16", 50, channel="letter")
    rows.payment(never, "2026-02-15", 1)
    rows.promise(reached, "2026-02-15", "2026-02-18", 100, "kept", paid_minor=100, channel="email")
    channels = {line.name: line for line in section(rows, "2026-02").channels}
    assert {name: counts(line, "collected")[0] for name, line in channels.items()} == {
        "email": 700, "letter": 50, "": 1, "sms": 0,
    }  # fmt: skip
    assert counts(channels["email"], "payments") == (1, None)
    assert counts(channels["email"], "promises") == (1, None)


def test_an_account_held_for_a_part_of_the_period_is_workable(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    part, whole = (rows.account(portfolio, batch, "2026-01-10", 1_000) for _ in range(2))
    rows.account(portfolio, batch, "2026-01-10", 1_000, status="closed", close_code="RECALLED",
                 closed_at=moment("2026-01-20"))  # fmt: skip
    rows.hold(part, "promise", "2026-01-15", "2026-02-20")
    rows.hold(whole, "hardship", "2026-01-15", "2026-02-10")
    rows.hold(whole, "client", "2026-02-05", "2026-03-10")
    assert counts(section(rows, "2026-02"), "workable") == (1, None)


def test_promises_count_by_due_date_without_cancelled_and_open_ones(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 100_000)
    rows.promise(account, "2026-01-20", "2026-02-05", 1_000, "kept", paid_minor=1_200)
    rows.promise(account, "2026-02-02", "2026-02-10", 1_000, "partly_kept", paid_minor=400)
    rows.promise(account, "2026-02-03", "2026-02-12", 2_000, "broken")
    rows.promise(account, "2026-02-04", "2026-02-13", 5_000, "cancelled")
    rows.promise(account, "2026-02-04", "2026-02-27", 5_000, "open")
    rows.promise(account, "2026-02-20", "2026-03-05", 1_000, "kept", paid_minor=1_000)
    found = section(rows, "2026-02")
    assert counts(found, "promises") == (5, None)
    assert counts(found, "kept_rate") == (1, 3)
    assert counts(found, "partly_kept_rate") == (1, 3)
    assert counts(found, "broken_rate") == (1, 3)
    assert counts(found, "kept_value_rate") == (1_400, 4_000)


def test_promises_are_counted_over_right_party_contacts_of_the_same_months(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 100_000)
    for day in ("2026-02-02", "2026-02-03", "2026-02-04"):
        rows.contact(account, day, "call", "answered", right_party=True)
    rows.contact(account, "2026-02-05", "call", "answered")  # somebody else
    rows.contact(account, "2026-01-20", "call", "answered", right_party=True)  # of another month
    rows.promise(account, "2026-02-02", "2026-02-10", 1_000, "open")
    rows.promise(account, "2026-02-03", "2026-03-10", 1_000, "cancelled")
    rows.promise(account, "2026-01-20", "2026-02-10", 1_000, "kept")  # made in another month
    assert counts(section(rows, "2026-02"), "promise_rate") == (2, 3)


def test_closed_accounts_and_what_debtors_say(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    made = [rows.account(portfolio, batch, "2026-01-10", 1_000) for _ in range(2)]
    rows.account(portfolio, batch, "2026-01-10", 1_000, status="resolved", close_code="PIF",
                 closed_at=moment("2026-02-05"))  # fmt: skip
    rows.account(portfolio, batch, "2026-01-10", 1_000, status="resolved", close_code="SIF",
                 closed_at=moment("2026-03-05"))  # fmt: skip
    rows.account(portfolio, batch, "2026-01-10", 1_000, status="closed", close_code="RECALLED",
                 closed_at=moment("2026-02-01"))  # fmt: skip
    for account in made:
        rows.contact(account, "2026-02-03")
    rows.hold(made[0], "complaint", "2026-02-04")
    rows.hold(made[0], "dispute", "2026-02-04", "2026-02-05")
    rows.hold(made[1], "dispute", "2026-02-06")
    rows.hold(made[1], "dispute", "2026-03-01T12:00")  # opened in another month
    rows.opt_out(made[1], "2026-02-04")
    rows.opt_out(made[1], "2026-02-05", source="placement")  # came with the file: no answer to a contact
    found = section(rows, "2026-02")
    assert counts(found, "pif_rate") == (1, 5)
    assert counts(found, "sif_rate") == (0, 5)
    assert counts(found, "complaint_rate") == (1, 2)
    assert counts(found, "dispute_rate") == (2, 2)
    assert counts(found, "opt_out_rate") == (1, 2)
    assert counts(found, "liquidation_net") == (0, 4_000)
    assert [(line.name, counts(line, "returned_rate")) for line in found.returned] == [
        ("PIF", (1, 5)), ("RECALLED", (1, 5)),
    ]  # fmt: skip


def test_accounts_that_went_back_owing_are_told_by_the_reason(rows: Rows) -> None:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    closed: dict[str, Any] = {"status": "returned", "closed_at": moment("2026-02-05")}
    rows.account(portfolio, batch, "2026-01-10", 1_000, close_code="EXHAUSTED", **closed)
    rows.account(
        portfolio, batch, "2026-01-10", 1_000, close_code="EXHAUSTED", **closed | {"balance_minor": 400}
    )
    rows.account(portfolio, batch, "2026-01-10", 1_000, close_code="PIF", **closed | {"balance_minor": 0})
    rows.account(portfolio, batch, "2026-01-10", 1_000, close_code="RECALLED", status="returned",
                 closed_at=moment("2026-03-05"))  # fmt: skip
    (exhausted,) = section(
        rows, "2026-02"
    ).returned  # paid ones owe nothing; another month's are not yet back
    assert exhausted.name == "EXHAUSTED"
    assert counts(exhausted, "returned_rate") == (2, 4)
    assert counts(exhausted, "returned_minor") == (1_400, None)


def test_another_tenants_rows_do_not_show(stairs: Rows, world: World) -> None:
    stranger = Rows(world.platform, world.tenant())
    empty = section(stranger, "2026-02")
    assert counts(empty, "placed") == (0, None)
    assert counts(empty, "collected") == (0, None)
    assert empty.portfolios == ()


def test_a_period_to_come_is_refused(rows: Rows) -> None:
    with pytest.raises(UserError, match="not begun"):
        report(rows, "2026-05")


def test_scope_of_several_tenants_is_refused(rows: Rows, world: World) -> None:
    other = world.tenant(Scope(rows.scope.agency_id))
    both = Scope(rows.scope.agency_id, (*rows.scope.tenant_ids, *other.tenant_ids))
    with world.platform.database.transaction(both) as session, pytest.raises(ValueError, match="exactly one"):
        service.recovery_report(session, parse_period("2026-01"))
