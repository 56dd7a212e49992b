"""What the recovery report reads: sums of the roll-ups, or of the raw rows by the same definitions.

Set-based and a fixed number of statements however many rows there are; each gives small groups of sums and
counts, which `service` adds up. `Reader(raw=True)` reads the views over the raw rows that roll-ups are
rebuilt from: slow, and the proof that the roll-ups hold what they should.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from operator import add
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.reports.periods import Period

INVALID_WITHIN_DAYS = 30  # a recall so soon counts as an invalid placement (net liquidation)


class Placed(NamedTuple):
    """Accounts of one batch and placement month; what was closed up to the end of the period."""

    currency: str
    portfolio_id: int
    batch_id: int
    cohort: date
    accounts: int
    placed_minor: int
    invalid_minor: int
    pif: int
    sif: int


class Returned(NamedTuple):
    """Accounts closed and returned with a balance, by the code they were closed with."""

    currency: str
    code: str
    accounts: int
    balance_minor: int


class Flow(NamedTuple):
    """Money up to the end of the period. By portfolio, month and way, by placement month and month, or by
    batch: what a row is not about is None. `reversed_minor` is 0 or below, `fee_minor` the
    commission on both, `tax_minor` the tax on it."""

    currency: str
    portfolio_id: int | None
    batch_id: int | None
    cohort: date | None
    month: date | None
    direct: bool | None
    received_minor: int
    reversed_minor: int
    fee_minor: int
    tax_minor: int


class Group(NamedTuple):
    """What a row of counts is about: a whole currency, one portfolio of it, or one channel of it."""

    currency: str
    portfolio_id: int | None
    channel: str | None


class Happened(NamedTuple):
    """What happened within the period in one group. `moved_minor` is what came in less what went back."""

    attempts: int = 0
    connects: int = 0
    answered: int = 0
    right_party: int = 0
    out_of_policy: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    promises: int = 0
    due: int = 0
    kept: int = 0
    partly: int = 0
    broken: int = 0
    promised_minor: int = 0
    counted_minor: int = 0
    payments: int = 0
    moved_minor: int = 0
    complaints: int = 0
    disputes: int = 0
    opt_outs: int = 0


class Accounts(NamedTuple):
    """Accounts that were workable, attempted, or reached at some time of the period, and of workable ones
    those that were attempted or reached."""

    workable: int = 0
    attempted: int = 0
    workable_attempted: int = 0
    workable_reached: int = 0


class Cost(NamedTuple):
    """What contacts of a channel on debts of a currency cost within the period, in millionths of the main
    unit of `charged_in`."""

    currency: str
    channel: str
    charged_in: str
    contacts: int
    micro: int


_PLACED = """
SELECT currency, portfolio_id, batch_id, cohort,
       (sum(accounts) FILTER (WHERE closed = 'infinity'))::bigint,
       (sum(placed_minor) FILTER (WHERE closed = 'infinity'))::bigint,
       coalesce(sum(invalid_minor) FILTER (WHERE closed < :end_day), 0)::bigint,
       coalesce(sum(accounts) FILTER (WHERE closed < :end_day AND code = 'PIF'), 0)::bigint,
       coalesce(sum(accounts) FILTER (WHERE closed < :end_day AND code = 'SIF'), 0)::bigint
FROM report_placed{facts}
WHERE tenant_id = :tenant AND cohort < :end_day
GROUP BY 1, 2, 3, 4
HAVING sum(accounts) FILTER (WHERE closed = 'infinity') <> 0
"""
_RETURNED = """
SELECT currency, code, sum(owing)::bigint, sum(balance_minor)::bigint
FROM report_placed{facts}
WHERE tenant_id = :tenant AND closed < :end_day AND cohort < :end_day
GROUP BY 1, 2 HAVING sum(owing) <> 0
"""
_FLOWS_RAW = """
SELECT currency, portfolio_id, batch_id, cohort, month, direct,
       sum(received_minor)::bigint, sum(reversed_minor)::bigint, sum(fee_minor)::bigint,
       sum(tax_minor)::bigint
FROM report_money{facts}
WHERE tenant_id = :tenant AND month < :end_day AND cohort < :end_day{open}
GROUP BY GROUPING SETS (
    (currency, portfolio_id, month, direct), (currency, cohort, month), (currency, batch_id)
)
"""
_FLOWS = f"""
SELECT currency, portfolio_id, batch_id, cohort, month, direct,
       received_minor, reversed_minor, fee_minor, tax_minor
FROM report_flows
WHERE tenant_id = :tenant AND since < :end_day AND until >= :end_day
UNION ALL
{_FLOWS_RAW.format(facts="", open=" AND NOT folded")}
"""  # noqa: S608 - the text above, nothing from outside
# A payment of two portfolios is one for the creditor, and one for each of them.
_ACTIVITY = f"""
SELECT currency, portfolio_id, channel, charged_in, sum(charged)::bigint, sum(cost_micro)::bigint,
       sum(portfolio_payments)::bigint, {", ".join(f"sum({name})::bigint" for name in Happened._fields)}
FROM report_activity{{facts}}
WHERE tenant_id = :tenant AND month >= :first_day AND month < :end_day
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - the names above, nothing from outside
# See `tables.ReportSpans` and `tables.ReportRuns`.
_ACCOUNTS = """
SELECT currency, portfolio_id, channel, series, sum(accounts)::bigint
FROM (
    SELECT currency, portfolio_id, channel, series, accounts FROM report_runs
    WHERE tenant_id = :tenant AND before <= :first_day AND since < :end_day AND until >= :end_day
    UNION ALL
    SELECT currency, portfolio_id, channel, series, accounts FROM report_spans
    WHERE tenant_id = :tenant AND before <= :first_day AND (at < :end_day OR at = 'infinity') AND NOT folded
) s
GROUP BY 1, 2, 3, 4
"""
_ACCOUNTS_RAW = """
SELECT currency, portfolio_id, channel, count(*) FILTER (WHERE p && workable),
       count(*) FILTER (WHERE p && attempted), count(*) FILTER (WHERE p && workable AND p && attempted),
       count(*) FILTER (WHERE p && workable AND p && reached)
FROM report_reach_facts, daterange(CAST(:first_day AS date), CAST(:end_day AS date)) p
WHERE tenant_id = :tenant
GROUP BY GROUPING SETS ((currency, channel), (currency, portfolio_id, channel))
"""
_NAMES = """
SELECT 'portfolio', id, name FROM portfolios WHERE tenant_id = :tenant
UNION ALL SELECT 'batch', id, file_name FROM import_batches WHERE tenant_id = :tenant
"""
_REACH = text("SELECT recupero_report_reach(:tenant)")
_VOICES = "-"  # what debtors say comes through no channel


def look_at_accounts(session: Session) -> None:
    """Look at the accounts that changed since this was last asked: which are workable, attempted and reached,
    and when, is kept for the tenant in scope."""
    session.execute(_REACH, {"tenant": scope_of(session).tenant()})


class Reader:
    """Reads one tenant's figures of one period, from the roll-ups or from the `raw` rows."""

    def __init__(self, session: Session, period: Period, *, raw: bool = False) -> None:
        self._session, self._raw = session, raw
        self._values: dict[str, Any] = {
            "tenant": scope_of(session).tenant(), "first_day": period.first, "end_day": period.end,
        }  # fmt: skip

    def placed(self) -> list[Placed]:
        """Accounts placed up to the end of the period."""
        return [Placed(*row) for row in self._rows(_PLACED)]

    def returned(self) -> list[Returned]:
        """Accounts closed with a balance up to the end of the period."""
        return [Returned(*row) for row in self._rows(_RETURNED)]

    def flows(self) -> list[Flow]:
        """Money on those accounts up to the end of the period, by month; a group may have several rows."""
        return [Flow(*row) for row in self._rows(_FLOWS_RAW.replace("{open}", "") if self._raw else _FLOWS)]

    def happened(self) -> dict[Group, Happened]:
        """Contacts, promises, payments and what debtors said within the period; no group without any."""
        sums: dict[Group, Happened] = defaultdict(Happened)
        for currency, portfolio, channel, _charged_in, _contacts, _micro, payments, *counts in self._activity:
            made = Happened(*counts)
            for group, one in (
                (Group(currency, None, None), made),
                (Group(currency, portfolio, None), made._replace(payments=payments)),
                (Group(currency, None, channel), made),
            ):
                sums[group] = Happened(*map(add, sums[group], one))
        return {group: made for group, made in sums.items() if any(made) and group.channel != _VOICES}

    def accounts(self) -> dict[Group, Accounts]:
        """Accounts workable, attempted and reached within the period. Those that changed since it was last
        asked are looked at first."""
        if self._raw:
            return dict(self._by_group())
        look_at_accounts(self._session)
        series: dict[Group, Counter[str]] = defaultdict(Counter)
        for currency, portfolio, channel, name, accounts in self._rows(_ACCOUNTS):
            groups = [Group(currency, None, channel or None)]
            for group in groups if channel else [*groups, Group(currency, portfolio, None)]:
                series[group][name] += accounts
        return {group: _both(counts) for group, counts in series.items()}

    def costs(self) -> list[Cost]:
        """What contacts within the period cost."""
        sums: dict[tuple[str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for currency, _portfolio, channel, charged_in, contacts, micro, *_counts in self._activity:
            so_far = sums[currency, charged_in, channel]
            sums[currency, charged_in, channel] = (so_far[0] + contacts, so_far[1] + micro)
        return [
            Cost(currency, channel, charged_in, contacts, micro)
            for (currency, charged_in, channel), (contacts, micro) in sorted(sums.items())
            if charged_in and contacts
        ]

    def names(self) -> dict[tuple[str, int], str]:
        """Names of portfolios and of the files of batches, by kind and id."""
        return {(kind, identity): name for kind, identity, name in self._rows(_NAMES)}

    @cached_property
    def _activity(self) -> Sequence[Any]:
        return self._rows(_ACTIVITY)

    def _by_group(self) -> Iterator[tuple[Group, Accounts]]:
        """From the raw rows; channels of single portfolios are no group."""
        for currency, portfolio, channel, *counts in self._rows(_ACCOUNTS_RAW):
            if portfolio is None or not channel:
                yield Group(currency, portfolio, channel or None), Accounts(*counts)

    def _rows(self, sql: str) -> Sequence[Any]:
        facts = "_facts" if self._raw else ""
        return self._session.execute(text(sql.replace("{facts}", facts)), self._values).all()


def _both(series: Mapping[str, int]) -> Accounts:
    """Who is in both of two sets is in one, and in the other, but only once in what they make together."""
    workable, attempted, reached = (series.get(name, 0) for name in ("workable", "attempted", "reached"))
    return Accounts(
        workable,
        attempted,
        workable + attempted - series.get("workable_or_attempted", 0),
        workable + reached - series.get("workable_or_reached", 0),
    )
