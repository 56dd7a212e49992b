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
from recupero.decisions.history.control import Group, draws
from recupero.decisions.measures.differences import Difference, of_ratios, of_shares, plenty, times
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.listing import Part
from recupero.payments.books.dating import moved
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


_ACCOUNTS = f"""
WITH p AS (
    SELECT a.id, a.debtor_id FROM accounts a
    LEFT JOIN import_batches b ON b.tenant_id = a.tenant_id AND b.id = a.batch_id
    WHERE a.tenant_id = %(tenant)s AND a.currency = %(currency)s AND NOT a.is_test
      AND (%(portfolio)s::bigint IS NULL OR a.portfolio_id = %(portfolio)s::bigint)
      AND coalesce(b.started_at, a.placed_on::timestamptz) <= %(end)s::timestamptz
), x AS (
    SELECT account_id, sum(amount_minor) AS paid
    FROM ({moved("%(tenant)s", "%(start)s::timestamptz", "%(end)s::timestamptz")}) m
    WHERE at > %(start)s::timestamptz AND at <= %(end)s::timestamptz
    GROUP BY account_id
)
SELECT p.id, d.person_id, coalesce(x.paid, 0)::bigint AS paid
FROM p JOIN debtors d ON d.tenant_id = %(tenant)s AND d.id = p.debtor_id
LEFT JOIN x ON x.account_id = p.id
"""  # noqa: S608 - our own statement
_PEOPLE = f"""
SELECT person_id, count(*)::bigint AS accounts, sum(paid)::bigint AS paid
FROM ({_ACCOUNTS}) a GROUP BY person_id
"""  # noqa: S608 - our own statement


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
    asked = _asked(session, start, end, portfolio_id)
    keys, _none = read(session, _PEOPLE, ("person_id", "accounts", "paid"), (), asked.values)
    inside = draws(asked.tenant_id, keys["person_id"]) < asked.share
    paid, accounts = keys["paid"].astype(np.float64), keys["accounts"].astype(np.float64)
    return compared(
        asked.tenant_id, portfolio_id, asked.currency, (asked.start, asked.end), asked.share, inside, paid,
        accounts,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is compared: the accounts of a creditor or portfolio, in one currency, over a period."""

    tenant_id: int
    portfolio_id: int | None
    currency: str
    share: float
    start: datetime
    end: datetime

    @property
    def values(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "currency": self.currency, "portfolio": self.portfolio_id,
                "start": self.start, "end": self.end}  # fmt: skip


def _asked(
    session: Session, start: datetime | None, end: datetime | None, portfolio_id: int | None
) -> _Asked:
    tenant = tenancy.tenant(session)
    group = Group.of(tenant.settings)
    start = max(start or tenant.created_at, group.since or tenant.created_at)
    end = min(end or clock.now(), clock.now())
    if end < start:
        raise UserError(
            "the period ends before the control group began: %(since)s", field="to", since=start.date()
        )
    currency = _currency(session, portfolio_id) or tenant.currency
    return _Asked(tenant.id, portfolio_id, currency, group.share, start, end)


@dataclass(frozen=True, slots=True)
class Counted:
    """An account that the comparison counted: what was recovered on it in the period (minor units), and of
    whom: accounts with the same `person` are one person's."""

    account_id: int
    person: int
    recovered_minor: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The accounts behind one of the two groups, and what they come to."""

    currency: str
    people: int
    accounts: int
    recovered_minor: int
    rows: list[Counted]


def behind(
    session: Session,
    start: datetime | None,
    end: datetime | None,
    portfolio_id: int | None,
    *,
    left_alone: bool | None,
    paying: bool,
    part: Part,
) -> Behind:
    """The accounts of a group of `uplift` (None: of both), those on which most was recovered first; with
    `paying` only of the people who paid. Raises as `uplift`."""
    asked = _asked(session, start, end, portfolio_id)
    keys, _none = read(session, _ACCOUNTS, ("account_id", "person_id", "paid"), (), asked.values)
    inside = draws(asked.tenant_id, keys["person_id"]) < asked.share
    chosen = np.ones(len(inside), dtype=bool) if left_alone is None else inside == left_alone
    account, person, paid = (keys[name][chosen] for name in ("account_id", "person_id", "paid"))
    who, of = np.unique(person, return_inverse=True)
    if paying:
        pays = np.bincount(of, weights=paid.astype(np.float64), minlength=len(who)) > 0
        account, paid, of, who = account[pays[of]], paid[pays[of]], of[pays[of]], who[pays]
    order = np.lexsort((account, -paid))
    order = order[part.offset : None if part.limit is None else part.offset + part.limit]
    rows = [Counted(*map(int, row)) for row in zip(account[order], of[order] + 1, paid[order], strict=True)]
    return Behind(asked.currency, len(who), len(account), int(paid.sum()), rows)


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
