"""The roll-ups that reports read: folded as they grow, rebuilt from the raw rows, and proven against them.

Triggers write them in the transaction of each event (`tables`, migration 0048); nothing here is needed for a
report to be right, only for it to stay quick.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.reports import service
from recupero.reports.periods import MAX_MONTHS, Period, months_between
from recupero.reports.report import RecoveryReport
from recupero.tenancy import queries as tenancy

ENOUGH = 500  # rows that wait to be folded, from which on it is worth it

#: What pages tell of portfolios and gateways (migration 0117), with the key and the sums of each.
_SUMS = {
    "portfolio_sums": ("portfolio_id", ("accounts", "open_accounts", "placed_minor", "balance_minor")),
    "gateway_sums": ("currency", ("held_minor",)),
}
_BAGS = ("report_placed", "report_money", "report_activity", "report_spans", *_SUMS)
_OPEN = " UNION ALL ".join(
    f"(SELECT 1 FROM {table} WHERE tenant_id = :tenant AND NOT folded LIMIT :enough)"  # noqa: S608 - our names
    for table in _BAGS
)
_WAITING = (
    "SELECT EXISTS (SELECT FROM report_stale WHERE tenant_id = :tenant)"  # noqa: S608 - our names
    f" OR (SELECT count(*) FROM ({_OPEN}) w) >= :enough"
)
_BEGUN = """
SELECT min(month) FROM (
    SELECT min(date_trunc('month', placed_on)::date) AS month FROM accounts WHERE tenant_id = :tenant
    UNION ALL SELECT min(month) FROM report_activity WHERE tenant_id = :tenant
) m
"""


def rebuild(session: Session) -> None:
    """Make the roll-ups of the tenant in scope anew from the raw rows; the figures stay the same. What others
    write meanwhile waits for nothing and is not lost."""
    _do(session, "rebuild")


def wait(session: Session) -> bool:
    """Whether there is enough to fold of the tenant in scope, or an account to look at again."""
    values = {"tenant": scope_of(session).tenant(), "enough": ENOUGH}
    return bool(session.execute(text(_WAITING), values).scalar_one())


def fold(session: Session) -> None:
    """Make one row of the many of each key of the tenant in scope, and look at the accounts that changed, so
    that no reader has to."""
    _do(session, "fold")


def _do(session: Session, what: str) -> None:
    done = text(f"SELECT recupero_report_{what}(:tenant), recupero_sums_{what}(:tenant)")
    session.execute(done, {"tenant": scope_of(session).tenant()})


def check(session: Session, *, newest: bool = False) -> list[str]:
    """Months of the tenant in scope whose report from the roll-ups is not that from the raw rows, and sums
    that are not theirs; none if they hold what they should. `newest`: of single months only the newest is
    looked at."""
    tenant = tenancy.tenant(session)
    periods = list(_periods(session, tenant.timezone))
    problems = [
        f"tenant {tenant.slug}, {period}: {problem}"
        for period in (periods[-2:] if newest else periods)
        if (problem := _difference(session, period))
    ]
    return problems + [
        f"tenant {tenant.slug}, {wrong}" for bag in _SUMS for wrong in _wrong_sums(session, bag)
    ]


def _wrong_sums(session: Session, bag: str) -> list[str]:
    """The keys of a bag whose sums are not those of the raw rows."""
    key, sums = _SUMS[bag]
    kept, raw = (", ".join(f"{sign}{one} AS {one}" for one in sums) for sign in ("", "-"))
    told = " OR ".join(f"sum({one}) <> 0" for one in sums)
    rows = session.execute(
        text(
            f"SELECT {key} FROM (SELECT {key}, {kept} FROM {bag} WHERE tenant_id = :tenant"  # noqa: S608 - our names
            f" UNION ALL SELECT {key}, {raw} FROM {bag}_facts WHERE tenant_id = :tenant) s"
            f" GROUP BY {key} HAVING {told} ORDER BY {key}"
        ),
        {"tenant": scope_of(session).tenant()},
    )
    return [f"{bag}: {key} {found} is not what its rows come to" for (found,) in rows]


def _periods(session: Session, zone: str) -> Iterator[Period]:
    """Every month since anything happened, and all of them together."""
    last = clock.today(zone).replace(day=1)
    begun: date | None = session.execute(text(_BEGUN), {"tenant": scope_of(session).tenant()}).scalar_one()
    months = months_between(min(begun or last, last), last)[-MAX_MONTHS:]
    yield from (Period(month, month) for month in months)
    yield Period(months[0], months[-1])


def _difference(session: Session, period: Period) -> str:
    """The first part of the report that differs; empty where none does."""
    kept, raw = (service.recovery_report(session, period, raw=one) for one in (False, True))
    if replace(kept, generated_at=raw.generated_at) == raw:
        return ""
    return _first_difference(kept, raw)


def _first_difference(kept: RecoveryReport, raw: RecoveryReport) -> str:
    for mine, other in zip(kept.sections, raw.sections, strict=False):
        for name in type(mine).__slots__:
            if getattr(mine, name) != getattr(other, name):
                return f"{name} of {mine.currency}: {getattr(mine, name)} instead of {getattr(other, name)}"
    return "other currencies"
