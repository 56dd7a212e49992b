"""What our work brought: recovered from people who were worked beside those in the control group.

Who was worked was drawn at random, by person, so that the difference is the work itself; a figure of the
worked alone would also count those who pay by themselves. Everybody counts as they were drawn, whatever
became of them.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, read
from recupero.decisions.control import Group, draws
from recupero.decisions.differences import Difference, of_ratios, of_shares, plenty, times
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.tenancy import queries as tenancy


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
    people = (treated.people, control.people)
    enough = plenty(people, treated.payers, control.payers)
    person = of_ratios(paid, np.ones(len(paid)), inside, enough=enough)
    shares = of_shares(
        (treated.payers, treated.people), (control.payers, control.people),
        enough=plenty(people, treated.payers),
    )  # fmt: skip
    return Uplift(
        tenant_id, portfolio_id, currency, *period, share, treated, control, person,
        of_ratios(paid, accounts, inside, enough=enough), shares, times(person, treated.people),
    )  # fmt: skip


def _side(paid: Floats, accounts: Floats) -> Side:
    people, count, total = len(paid), int(accounts.sum()), int(paid.sum())
    payers = int((paid > 0).sum())
    return Side(
        people, count, payers, total, total / max(people, 1), total / max(count, 1), payers / max(people, 1)
    )
