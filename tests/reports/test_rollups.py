"""Roll-ups hold what the raw rows say, whatever happened and in whatever order, and again after a rebuild."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, func, select, text, update
from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact
from recupero.kernel import clock
from recupero.kernel.config import Config
from recupero.payments.incoming_tables import GatewaySum
from recupero.payments.tables import Allocation, Payment, PromiseToPay
from recupero.placements import browse
from recupero.placements.tables import Account, Hold
from recupero.reports import drill, rollups, service
from recupero.reports.periods import Period, parse_period
from recupero.reports.report import RecoveryReport
from tests.factories import World
from tests.reports.drilled import made_up
from tests.reports.rows import Rows, moment

DAYS = st.sampled_from(
    ["2026-01-03T02:30", "2026-01-31T23:59", "2026-02-01T02:00", "2026-02-14", "2026-04-02"]
)
ACCOUNTS = st.integers(0, 3)
EVENTS = st.one_of(
    st.tuples(st.just("contact"), ACCOUNTS, DAYS, st.sampled_from(["email", "call"]), st.booleans()),
    st.tuples(st.just("inbound"), ACCOUNTS, DAYS),
    st.tuples(st.just("change"), ACCOUNTS, st.sampled_from(["sent", "failed", "answered", "reserved"])),
    st.tuples(st.just("forget"), ACCOUNTS),
    st.tuples(
        st.just("payment"), ACCOUNTS, DAYS, st.integers(1, 900), st.sampled_from(["gateway", "direct"])
    ),
    st.tuples(st.just("refund"), st.integers(1, 9)),
    st.tuples(st.just("split"), ACCOUNTS, ACCOUNTS, DAYS),
    st.tuples(st.just("reversal"), DAYS),
    st.tuples(st.just("move"), ACCOUNTS, DAYS),
    st.tuples(st.just("promise"), ACCOUNTS, DAYS, st.sampled_from(["open", "kept", "broken"])),
    st.tuples(st.just("judge"), st.sampled_from(["kept", "partly_kept", "cancelled"])),
    st.tuples(st.just("hold"), ACCOUNTS, DAYS, st.sampled_from(["dispute", "complaint", "promise"])),
    st.tuples(st.just("end"), DAYS),
    st.tuples(st.just("close"), ACCOUNTS, DAYS, st.sampled_from(["PIF", "RECALLED", "INSOLVENT"])),
    st.tuples(st.just("opt_out"), ACCOUNTS, DAYS),
    st.tuples(st.just("fold")),
)


@pytest.fixture
def april() -> Iterator[None]:
    with clock.simulated(moment("2026-04-20")):
        yield


@pytest.fixture
def rows(world: World, april: None) -> Rows:
    return Rows(world.platform, world.tenant())


def report(rows: Rows, period: str, *, raw: bool = False) -> RecoveryReport:
    with rows.platform.database.transaction(rows.scope) as session:
        return service.recovery_report(session, parse_period(period), raw=raw)


class Story:
    """Things that happen to four accounts of two portfolios."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.paid = rows, list[tuple[int, Account, int]]()
        one, other = rows.portfolio("Uno"), rows.portfolio("Dos")
        batches = rows.batch(one), rows.batch(other), rows.batch(one, "febrero.csv")
        self.accounts = [
            rows.account(one, batches[0], "2026-01-01", 1_000),
            rows.account(other, batches[1], "2026-01-20", 2_000),
            rows.account(one, batches[2], "2026-02-10", 3_000),
            rows.account(one, batches[2], "2026-02-11", 500, status="notice"),
        ]

    def tell(self, what: str, *told: object) -> None:
        getattr(self, what)(*told)

    def contact(self, which: int, at: str, channel: str, right_party: bool) -> None:
        state = "answered" if right_party else "sent"
        self.rows.contact(self.accounts[which], at, channel, state, right_party=right_party, cost_micro=7,
                          cost_currency="USD")  # fmt: skip

    def inbound(self, which: int, at: str) -> None:
        self.rows.contact(self.accounts[which], at, "sms", "received", direction="inbound", account_id=None,
                          right_party=True)  # fmt: skip

    def change(self, which: int, state: str) -> None:
        self._do(update(Contact).where(Contact.account_id == self.accounts[which].id).values(state=state))

    def forget(self, which: int) -> None:
        self._do(delete(Contact).where(Contact.account_id == self.accounts[which].id))

    def payment(self, which: int, at: str, minor: int, kind: str) -> None:
        account = self.accounts[which]
        self.paid.append((self.rows.payment(account, at, minor, kind=kind, fee=minor // 5), account, minor))

    def refund(self, minor: int) -> None:
        self._do(update(Payment).values(refunded_minor=Payment.refunded_minor + minor))

    def split(self, which: int, other: int, at: str) -> None:
        """One payment of several rows: on two accounts, or twice on the same."""
        self.rows.payment(self.accounts[which], at, 70, fee=7, other=self.accounts[other])

    def reversal(self, at: str) -> None:
        if self.paid:
            payment, account, minor = self.paid.pop()
            self.rows.move(payment, at, (account, -minor, -minor // 5))

    def move(self, which: int, at: str) -> None:
        if self.paid:
            payment, account, minor = self.paid.pop()
            self.rows.move(payment, at, (account, -minor, 0), (self.accounts[which], minor, 0))
            self.paid.append((payment, self.accounts[which], minor))

    def promise(self, which: int, at: str, state: str) -> None:
        self.rows.promise(self.accounts[which], at, "2026-02-05", 100, state, paid_minor=120, channel="call")

    def judge(self, state: str) -> None:
        self._do(update(PromiseToPay).values(state=state, paid_minor=40))

    def hold(self, which: int, at: str, kind: str) -> None:
        self.rows.hold(self.accounts[which], kind, at)

    def end(self, at: str) -> None:
        self._do(update(Hold).where(Hold.ended_at.is_(None)).values(ended_at=moment(at)))

    def close(self, which: int, at: str, code: str) -> None:
        closing = {"status": "closed", "closed_at": moment(at), "close_code": code}
        self._do(update(Account).where(Account.id == self.accounts[which].id).values(**closing))

    def opt_out(self, which: int, at: str) -> None:
        self.rows.opt_out(self.accounts[which], at)

    def fold(self) -> None:
        with self.rows.platform.database.transaction(self.rows.scope) as session:
            rollups.fold(session)

    def _do(self, statement: object) -> None:
        with self.rows.platform.database.transaction(self.rows.scope) as session:
            session.execute(statement)  # type: ignore[call-overload]  # any of the updates above


@settings(max_examples=6, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(st.lists(EVENTS, min_size=8, max_size=18))
def test_what_triggers_kept_is_what_the_raw_rows_say_and_what_a_rebuild_makes(
    world: World, april: None, events: list[tuple[object, ...]]
) -> None:
    scope = world.tenant()
    rows = Rows(world.platform, scope)
    story = Story(rows)
    for event in events:
        story.tell(str(event[0]), *event[1:])
    with rows.platform.database.transaction(scope) as session:
        assert rollups.check(session) == []
        kept = service.recovery_report(
            session, Period(moment("2026-01-01").date(), moment("2026-04-01").date())
        )
        rollups.rebuild(session)
        assert rollups.check(session) == []
        again = service.recovery_report(session, kept.period)
        for section in kept.sections:
            for figure in (*section.headline, *section.funnel, *section.rates, *section.voices):
                if figure.metric.key in drill.METRICS:
                    made_up(session, figure, drill.Of(figure.metric.key, section.currency, kept.period))
    assert again.sections == kept.sections


def test_what_portfolios_and_gateways_hold_is_kept_and_made_anew_the_same(rows: Rows) -> None:
    one, other = rows.portfolio("Uno"), rows.portfolio("Dos")
    paying = rows.account(one, rows.batch(one), "2026-01-10", 1_000)
    rows.account(one, rows.batch(one, "otro.csv"), "2026-01-11", 400)
    gone = rows.account(other, rows.batch(other), "2026-01-12", 70)
    for minor, kind in ((300, "gateway"), (50, "gateway"), (200, "direct")):
        rows.payment(paying, "2026-02-03", minor, kind=kind)
    with rows.platform.database.transaction(rows.scope) as session:
        session.execute(update(Account).where(Account.id == paying.id).values(balance_minor=450))
        session.execute(update(Account).where(Account.id == gone.id).values(status="recalled"))
        session.execute(
            update(Payment).where(Payment.amount_minor == 50).values(refunded_minor=20, charged_back_minor=5)
        )
    told = {one: (2, 2, 1_400, 850), other: (1, 0, 70, 70)}
    for keep in (rollups.wait, rollups.fold, rollups.rebuild):
        with rows.platform.database.transaction(rows.scope) as session:
            keep(session)
            assert _held(session) == (told, 325)
            assert rollups.check(session) == []
    with rows.platform.database.transaction(rows.scope) as session:
        session.execute(
            text("UPDATE portfolio_sums SET balance_minor = 1 WHERE portfolio_id = :one"), {"one": one}
        )
        session.execute(text("DELETE FROM gateway_sums"))
        assert [problem.split(", ")[1] for problem in rollups.check(session)] == [
            f"portfolio_sums: portfolio_id {one} is not what its rows come to",
            "gateway_sums: currency CLP is not what its rows come to",
        ]
        rollups.rebuild(session)
        assert _held(session) == (told, 325)


def _held(session: Session) -> tuple[dict[int, tuple[int, int, int, int]], int]:
    """Of each portfolio its accounts, open ones, what was placed and is owed; and what lies at gateways."""
    lines = browse.portfolios_with_totals(session)
    sums = {
        line.portfolio.id: (line.accounts, line.open_accounts, line.placed_minor, line.balance_minor)
        for line in lines
    }
    return sums, session.execute(select(func.sum(GatewaySum.held_minor))).scalar_one()


def test_a_contact_that_failed_and_says_no_more_is_no_attempt_and_has_its_price(rows: Rows) -> None:
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    rows.contact(account, "2026-02-03", "email", "failed", cost_micro=7, cost_currency="USD")
    with rows.platform.database.transaction(rows.scope) as session:
        assert rollups.check(session) == []
    (section,) = report(rows, "2026-02").sections
    assert section.figure("attempts").numerator == 0
    assert 7 in {one.numerator for cost in section.costs for line in cost.channels for one in line.figures}


def test_writers_at_the_same_time_wait_for_nobody_and_are_counted_once(rows: Rows) -> None:
    """Two write about one account, and the roll-ups are folded and rebuilt before either has committed."""
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    payment = rows.payment(account, "2026-02-03", 100)
    database = rows.platform.database

    def move(number: int, minor: int) -> Allocation:
        return Allocation(
            tenant_id=rows.scope.tenant(), payment_id=payment + number, transaction_id=1_000 + number,
            account_id=account.id, part="principal", amount_minor=minor, fee_minor=0,
            at=moment("2026-02-04"),
        )  # fmt: skip

    others = [rows.payment(account, "2026-02-04", 10) for _ in range(2)]
    with database.transaction(rows.scope) as one, database.transaction(rows.scope) as other:
        for session in (one, other):
            session.execute(text("SET LOCAL lock_timeout = '2s'"))
        one.add(move(others[0] - payment, 7))
        one.flush()
        other.add(move(others[1] - payment, 9))
        other.execute(
            update(Account).values(status="closed", closed_at=moment("2026-03-01"), close_code="PIF")
        )
        other.flush()
        for keep in (rollups.fold, rollups.rebuild):
            with database.transaction(rows.scope) as session:
                keep(session)
        other.commit()
        with database.transaction(rows.scope) as session:
            rollups.fold(session)
            assert rollups.check(session) == []
        one.commit()
    with database.transaction(rows.scope) as session:
        assert rollups.check(session) == []
        rollups.fold(session)
        assert rollups.check(session) == []
    (section,) = report(rows, "2026-02").sections
    assert section.figure("collected").numerator == 136


@pytest.mark.parametrize("looked", ["", "ANALYZE"])
def test_what_a_statement_writes_looks_at_the_accounts_it_is_about_alone(
    rows: Rows, config: Config, looked: str
) -> None:
    """Whatever number of rows its trigger's plan was made for, and whatever the statistics know: else many
    contacts, holds or promises written at once would take time by the square of their number."""
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2026-01-10", 1_000)
    rows.contact(account, "2026-02-01")
    rows.hold(account, "dispute", "2026-02-02")
    rows.promise(account, "2026-02-02", "2026-02-05", 100, "kept")
    rows.opt_out(account, "2026-02-03")
    rows.payment(account, "2026-02-03", 10)
    others = {"id": "1000000 + n", "debtor_id": "1000000 + n", "client_account": "'B-' || n"}
    with rows.platform.database.transaction(rows.scope) as session:
        _copy(session, "debtors", 1_000, {"id": "1000000 + n", "person_id": "1000000 + n"})
        _copy(session, "accounts", 1_000, others)
        _copy(session, "payments", 1_000, {"id": "1000000 + n", "external_key": "'q-' || n"})
    if looked:
        owner = create_engine(config.owner_database_url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text(looked))
        owner.dispose()
    of = {"debtor_id": "1000000 + n", "account_id": "1000000 + n"}
    of_table = {
        "contacts": of, "holds": of, "promises": of, "permissions": {"debtor_id": of["debtor_id"]},
        "allocations": {"payment_id": "1000000 + n", "account_id": "1000000 + n"},
    }  # fmt: skip
    for table, values in of_table.items():
        for many in (1, 60):
            with rows.platform.database.transaction(rows.scope) as session:
                before = _read(session)
                _copy(session, table, many, {**values, "id": f"{many}00000 + n"})
                assert _read(session) - before <= 10 * many + 10, (table, many)


def _copy(session: Session, table: str, many: int, values: dict[str, str]) -> None:
    """Write `many` rows like a table's first, with other values, in one statement."""
    told = ", ".join(f"'{name}', {value}" for name, value in values.items())
    session.execute(text(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(o, jsonb_build_object({told}))).*"
        f" FROM {table} o, generate_series(1, {many}) n"
        f" WHERE o.id = (SELECT min(id) FROM {table})"
    ))  # fmt: skip


def _read(session: Session) -> int:
    """Rows of accounts and payments that this transaction has read."""
    read = (
        "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('accounts', 'payments')"
    )
    return int(session.execute(text(read)).scalar_one())
