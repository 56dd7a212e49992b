"""What our work brought: recovered from people who were worked beside those in the control group.

Who was worked was drawn at random, by person, so that the difference is the work itself; a figure of the
worked alone would also count those who pay by themselves. Everybody counts as they were drawn, whatever
became of them.
"""

import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, read
from recupero.decisions.control import Group, draws
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.tenancy import queries as tenancy

#: With fewer people in either group, or fewer of them who paid, a difference is not told from chance.
LEAST_PEOPLE, LEAST_PAYERS = 100, 10
_Z = 1.959964  # 95 % of a normal lie within it


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two groups; money in minor units, net of what was taken back."""

    people: int
    accounts: int
    payers: int
    recovered_minor: int
    per_person_minor: float
    per_account_minor: float
    share_paying: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Treated less control with its 95 % interval (None where there is none). `verdict`: too_few (to tell it
    from chance), more, less, or none (0 is within the interval)."""

    value: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Uplift:
    """What was recovered from people who were worked beside those who were left alone, from `start` to `end`.

    `extra_minor` is the difference per person times the people who were worked.
    """

    tenant_id: int
    portfolio_id: int | None
    currency: str
    start: datetime
    end: datetime
    share: float
    treated: Side
    control: Side
    per_person_minor: Difference
    per_account_minor: Difference
    share_paying: Difference
    extra_minor: Difference

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        return {**found, "start": self.start.isoformat(), "end": self.end.isoformat()}


_PEOPLE = """
WITH p AS (
    SELECT a.id, a.debtor_id FROM accounts a
    LEFT JOIN import_batches b ON b.tenant_id = a.tenant_id AND b.id = a.batch_id
    WHERE a.tenant_id = %(tenant)s AND a.currency = %(currency)s
      AND (%(portfolio)s::bigint IS NULL OR a.portfolio_id = %(portfolio)s::bigint)
      AND coalesce(b.started_at, a.placed_on::timestamptz) <= %(end)s::timestamptz
), x AS (
    SELECT account_id, sum(amount_minor) AS paid FROM allocations
    WHERE tenant_id = %(tenant)s AND account_id IS NOT NULL
      AND at > %(start)s::timestamptz AND at <= %(end)s::timestamptz
    GROUP BY account_id
)
SELECT d.person_id, count(*)::bigint AS accounts, coalesce(sum(x.paid), 0)::bigint AS paid
FROM p JOIN debtors d ON d.tenant_id = %(tenant)s AND d.id = p.debtor_id
LEFT JOIN x ON x.account_id = p.id
GROUP BY d.person_id
"""


def uplift(
    session: Session,
    start: datetime | None = None,
    end: datetime | None = None,
    portfolio_id: int | None = None,
) -> Uplift:
    """Compare the people of the one tenant in scope, or of one of its portfolios, in its currency.

    Everybody with an account placed by `end` counts, also where it is closed since: who pays leaves, and must
    not leave the comparison. It begins with the group or its last change, not before; by default there, until
    now. Raises UserError where `end` is before that, NotFound for another's portfolio.
    """
    tenant = tenancy.tenant(session)
    group = Group.of(tenant.settings)
    start = max(start or tenant.created_at, group.since or tenant.created_at)
    end = min(end or clock.now(), clock.now())
    if end < start:
        raise UserError(
            "the period ends before the control group began: %(since)s", field="to", since=start.date()
        )
    currency = _currency(session, portfolio_id) or tenant.currency
    keys, _none = read(
        session, _PEOPLE, ("person_id", "accounts", "paid"), (),
        {"tenant": tenant.id, "currency": currency, "portfolio": portfolio_id, "start": start, "end": end},
    )  # fmt: skip
    inside = draws(tenant.id, keys["person_id"]) < group.share
    paid, accounts = keys["paid"].astype(np.float64), keys["accounts"].astype(np.float64)
    return compared(tenant.id, portfolio_id, currency, (start, end), group.share, inside, paid, accounts)


def _currency(session: Session, portfolio_id: int | None) -> str | None:
    if portfolio_id is None:
        return None
    found = session.execute(
        text("SELECT currency FROM portfolios WHERE tenant_id = :tenant AND id = :id"),
        {"tenant": scope_of(session).tenant(), "id": portfolio_id},
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such portfolio")
    return str(found)


def compared(
    tenant_id: int, portfolio_id: int | None, currency: str, period: tuple[datetime, datetime], share: float,
    inside: NDArray[np.bool_], paid: Floats, accounts: Floats,
) -> Uplift:  # fmt: skip
    treated, control = _side(paid[~inside], accounts[~inside]), _side(paid[inside], accounts[inside])
    people = min(treated.people, control.people)
    enough = people >= LEAST_PEOPLE and min(treated.payers, control.payers) >= LEAST_PAYERS
    ones = np.ones(len(paid))
    person = _money(paid, ones, inside, enough=enough)
    extra = _times(person, treated.people)
    return Uplift(
        tenant_id, portfolio_id, currency, *period, share, treated, control, person,
        _money(paid, accounts, inside, enough=enough), _shares(treated, control), extra,
    )  # fmt: skip


def _side(paid: Floats, accounts: Floats) -> Side:
    people, count, total = len(paid), int(accounts.sum()), int(paid.sum())
    payers = int((paid > 0).sum())
    return Side(
        people, count, payers, total, total / max(people, 1), total / max(count, 1), payers / max(people, 1)
    )


def _money(paid: Floats, units: Floats, inside: NDArray[np.bool_], *, enough: bool) -> Difference:
    """Difference of two ratios of money to units, people being what was drawn; variances by linearisation
    (Cochran, Sampling Techniques, 1977, chapter 6). Of people it is Welch's interval. With too few who paid
    there is none: what was never seen has no variance."""
    value, variance = 0.0, 0.0
    for side, sign in ((~inside, 1), (inside, -1)):
        money, many = paid[side], units[side]
        if len(money) < 2:
            return Difference(0.0, None, None, "too_few")
        ratio = float(money.sum() / many.sum())
        rest = (money - ratio * many) / many.mean()
        value += sign * ratio
        variance += float(rest.var(ddof=1)) / len(money)
    if not enough:
        return Difference(value, None, None, "too_few")
    return _judged(value, _Z * math.sqrt(variance), enough=enough)


def _shares(treated: Side, control: Side) -> Difference:
    """Difference of two shares by Agresti and Caffo (The American Statistician 54, 2000), which holds also
    where one is near nothing."""
    value, variance = 0.0, 0.0
    for side, sign in ((treated, 1), (control, -1)):
        share = (side.payers + 1) / (side.people + 2)
        value += sign * share
        variance += share * (1 - share) / (side.people + 2)
    enough = min(treated.people, control.people) >= LEAST_PEOPLE and treated.payers >= LEAST_PAYERS
    found = _judged(value, _Z * math.sqrt(variance), enough=enough)
    return Difference(treated.share_paying - control.share_paying, found.low, found.high, found.verdict)


def _times(found: Difference, many: int) -> Difference:
    low, high = (None if end is None else end * many for end in (found.low, found.high))
    return Difference(found.value * many, low, high, found.verdict)


def _judged(value: float, half: float, *, enough: bool) -> Difference:
    low, high = value - half, value + half
    verdict = "too_few" if not enough else "more" if low > 0 else "less" if high < 0 else "none"
    return Difference(value, low, high, verdict)
