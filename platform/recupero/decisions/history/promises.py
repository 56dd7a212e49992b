"""What is known of a promise to pay at the moment it is made, and what came of those whose days are over.

One statement for any promises: those kept in the table, or ones that are only being talked about. Every
earlier promise of the person is judged anew as of that moment, by the money that was known then, so that
what comes in later changes no earlier vector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, read
from recupero.decisions.history.dataset import LATE_SHARE, Dataset, others, scramble
from recupero.decisions.history.feature_list import Spec
from recupero.decisions.history.known_results import RESULTS, known
from recupero.decisions.history.promise_money import BOOKED, counts, kept
from recupero.kernel.database import scope_of
from recupero.kernel.marking import N_
from recupero.payments.books.promises import GRACE

#: What the outcome column of these rows is called.
TARGET = "promise_kept"
#: Promises of the so many last days, and those still open, are what a model is asked about now.
LATELY = timedelta(days=30)

_MADE = "the promise"
_THEN = "when it is made"
_MONEY = "allocations booked by then"
_PAST = "promises of the person to this creditor, by the money that was known then"

FEATURES: tuple[Spec, ...] = (
    Spec("amount_log", N_("Amount promised"), "natural log of 1 + amount", "log minor units", _MADE, _THEN,
         "ln(1 + v.amount)"),
    Spec("amount_share", N_("Promised of what is owed"), "amount over what is owed on the account", "0 to 1",
         "the promise and allocations", _THEN, "least(1, v.amount::float8 / greatest(v.balance, 1))"),
    Spec("days_ahead", N_("Days until the day promised"), "due date less the business date", "days", _MADE,
         _THEN, "v.due - v.today"),
    Spec("due_day_of_month", N_("Day of the month promised"), "1 to 31", "day", _MADE, _THEN,
         "extract(day FROM v.due)"),
    Spec("due_weekday", N_("Weekday promised"), "1 Monday to 7 Sunday", "day", _MADE, _THEN,
         "extract(isodow FROM v.due)"),
    Spec("from_pay_day", N_("Days from a day of the month on which they paid before"),
         "least distance, around the month, to a day on which the person paid", "days", _MONEY, _THEN,
         "y.from_pay_day"),
    Spec("to_person", N_("Promised to a person"), "1 where an agent took it", "0 or 1", _MADE, _THEN,
         "(v.made_with = 'agent' OR (v.made_with = 'simulation' AND v.channel = 'call'))::int"),
    Spec("to_machine", N_("Promised to a machine on a call"), "1 where a machine on a call took it", "0 or 1",
         _MADE, _THEN, "(v.made_with = 'voice')::int"),
    Spec("on_page", N_("Promised on the page"), "1 where it was made on the debtor's page", "0 or 1", _MADE,
         _THEN, "(v.made_with = 'page' OR (v.made_with = 'simulation' AND v.channel IS DISTINCT FROM"
         " 'call'))::int"),
    *(
        Spec(f"brought_by_{channel}", N_("What brought the promise"), f"1 where {channel} brought it",
             "0 or 1", "the contact of the promise, else the newest of the 30 days before", _THEN,
             f"(v.channel IS NOT DISTINCT FROM '{channel}')::int")
        for channel in ("email", "sms", "whatsapp", "call")
    ),
    Spec("promises_kept", N_("Promises kept"), "earlier promises kept", "count", _PAST, _THEN,
         "coalesce(h.kept, 0)"),
    Spec("promises_broken", N_("Promises broken"), "earlier promises not kept in full", "count", _PAST, _THEN,
         "coalesce(h.broken, 0)"),
    Spec("promises_moved", N_("Promises replaced or ended"), "earlier promises cancelled", "count", _PAST,
         _THEN, "coalesce(h.moved, 0)"),
    Spec("kept_share", N_("Share of earlier promises kept"), "kept over kept and broken", "0 to 1", _PAST,
         _THEN, "h.kept::float8 / nullif(h.kept + h.broken, 0)"),
    Spec("last_kept", N_("The last promise was kept"), "1 where the last that is over was kept", "0 or 1",
         _PAST, _THEN, "h.last_kept"),
    Spec("payments", N_("Payments on all debts"), "payments to any debt of the person, less those reversed",
         "count", _MONEY, _THEN, "coalesce(y.payments, 0)"),
    Spec("days_since_payment", N_("Days since a payment on any debt"), "since the newest allocation", "days",
         _MONEY, _THEN, "extract(epoch FROM v.at - y.newest) / 86400"),
    Spec("amount_over_usual", N_("Promised against their usual payment"),
         "natural log of the amount over the person's mean payment", "log ratio", _MONEY, _THEN,
         "ln(v.amount / y.usual)"),
    Spec("paid_share", N_("Share already paid"), "allocated over placed", "0 to 1", _MONEY, _THEN,
         "v.paid::float8 / nullif(v.placed_minor, 0)"),
    Spec("balance_log", N_("Balance owed"), "natural log of 1 + balance", "log minor units",
         "placed amount less allocations", _THEN, "ln(1 + greatest(v.balance, 0))"),
    Spec("days_past_due", N_("Days past due"), "business date less due date, negative before it", "days",
         "the placement file", _THEN, "v.today - v.due_since"),
    Spec("other_accounts", N_("Other open debts"), "other open accounts of the person with this creditor",
         "count", "accounts", _THEN, "coalesce(o.others, 0)"),
    Spec("attempts_30d", N_("Attempts lately"), "contacts sent in 30 days", "count", "contacts", _THEN,
         "coalesce(c.attempts, 0)"),
    Spec("answers_30d", N_("Answers lately"), "contacts answered, or received, in 30 days", "count",
         "contacts; results by the time they became known", _THEN, "coalesce(c.answers, 0)"),
)  # fmt: skip
NAMES: tuple[str, ...] = tuple(spec.name for spec in FEATURES)
BY_NAME: dict[str, Spec] = {spec.name: spec for spec in FEATURES}

_KEPT = kept("paid", "amount")

_FROM = f"""
WITH w AS (
    SELECT row_number() OVER () AS key, asked.* FROM ({{which}}) asked
), z AS (
    SELECT w.*, t.timezone, (w.at AT TIME ZONE t.timezone)::date AS today, n.placed_minor,
        n.due_date AS due_since
    FROM w JOIN tenants t ON t.id = w.tenant_id
    JOIN accounts n ON n.tenant_id = w.tenant_id AND n.id = w.account_id
), v AS (
    SELECT z.*, coalesce(x.paid, 0) AS paid, z.placed_minor - coalesce(x.paid, 0) AS balance
    FROM z LEFT JOIN (
        SELECT z.key, sum(x.amount_minor) AS paid FROM z
        JOIN allocations x ON x.tenant_id = z.tenant_id AND x.account_id = z.account_id AND x.at <= z.at
        GROUP BY z.key
    ) x ON x.key = z.key
), y AS (
    SELECT z.key, max(x.at) AS newest,
        count(DISTINCT x.payment_id) FILTER (WHERE x.amount_minor > 0)
            - count(DISTINCT x.payment_id) FILTER (WHERE x.amount_minor < 0) AS payments,
        nullif(greatest(sum(x.amount_minor), 0), 0)::float8
            / nullif(count(DISTINCT x.payment_id) FILTER (WHERE x.amount_minor > 0), 0) AS usual,
        min(least(abs(d.apart), 31 - abs(d.apart))) FILTER (WHERE x.amount_minor > 0) AS from_pay_day
    FROM z
    JOIN accounts n ON n.tenant_id = z.tenant_id AND n.debtor_id = z.debtor_id
    JOIN allocations x ON x.tenant_id = z.tenant_id AND x.account_id = n.id AND x.at <= z.at
    CROSS JOIN LATERAL (SELECT extract(day FROM z.due)
        - extract(day FROM (x.at AT TIME ZONE z.timezone)) AS apart) d
    GROUP BY z.key
), e AS (
    SELECT z.key, e.id, e.amount_minor AS amount, e.due_date, z.today,
        (e.state = 'cancelled' AND e.settled_at <= z.at) AS cancelled,
        coalesce(sum(a.amount_minor), 0) AS paid
    FROM (SELECT z.*, p.id AS earlier, p.made_at, p.due_date AS earlier_due FROM z JOIN promises p
            ON p.tenant_id = z.tenant_id AND p.debtor_id = z.debtor_id
            AND (p.made_at < z.at OR (p.made_at = z.at AND p.id < z.id))) z
    JOIN promises e ON e.tenant_id = z.tenant_id AND e.id = z.earlier
    LEFT JOIN {BOOKED} ON a.tenant_id = e.tenant_id AND a.account_id = e.account_id
     AND {counts(moment="z.at", promise="z", due="earlier_due", made="made_at")}
    GROUP BY z.key, e.tenant_id, e.id, z.today, z.at
), h AS (
    SELECT key, count(*) FILTER (WHERE cancelled) AS moved, count(*) FILTER (WHERE kept) AS kept,
        count(*) FILTER (WHERE broken) AS broken,
        (array_agg(kept::int ORDER BY due_date DESC, id DESC) FILTER (WHERE kept OR broken))[1] AS last_kept
    FROM (SELECT e.*, NOT cancelled AND {_KEPT} AS kept,
            NOT cancelled AND NOT {_KEPT} AND today > due_date + {GRACE.days} AS broken FROM e) judged
    GROUP BY key
), o AS (
    SELECT z.key, count(*) AS others FROM z
    JOIN accounts n ON n.tenant_id = z.tenant_id AND n.debtor_id = z.debtor_id AND n.id <> z.account_id
        AND (n.closed_at IS NULL OR n.closed_at > z.at)
        AND NOT EXISTS (SELECT 1 FROM earlier_closings y WHERE y.tenant_id = n.tenant_id
            AND y.account_id = n.id AND y.closed_at <= z.at AND y.until > z.at)
    LEFT JOIN import_batches b ON b.tenant_id = n.tenant_id AND b.id = n.batch_id
    WHERE coalesce(b.started_at, n.placed_on::timestamptz) <= z.at
    GROUP BY z.key
), c AS (
    SELECT z.key, count(*) FILTER (WHERE c.direction = 'outbound' AND c.latest) AS attempts,
        count(*) FILTER (WHERE (c.direction = 'inbound' OR c.state = 'answered') AND {known("c", "z.at")})
            AS answers
    FROM z JOIN {RESULTS} c ON c.tenant_id = z.tenant_id AND c.debtor_id = z.debtor_id
        AND c.at <= z.at AND c.at > z.at - interval '30 days'
    GROUP BY z.key
), r AS (
    SELECT z.key, sum(a.amount_minor) AS paid FROM z
    JOIN {BOOKED} ON a.tenant_id = z.tenant_id AND a.account_id = z.account_id
     AND {counts(moment="%(at)s::timestamptz", promise="z", due="due", made="at")}
    GROUP BY z.key
)
"""  # noqa: S608 - constants of ours
_JOINS = """
FROM v LEFT JOIN y USING (key) LEFT JOIN h USING (key) LEFT JOIN o USING (key) LEFT JOIN c USING (key)
LEFT JOIN r USING (key)
ORDER BY v.key
"""
_VALUES = ",\n    ".join(f"coalesce(({spec.sql})::float8, 'NaN') AS {spec.name}" for spec in FEATURES)
_STATEMENT = f"""{_FROM}
SELECT v.tenant_id, v.id, v.account_id, v.debtor_id, v.at,
    {_VALUES},
    ({kept("coalesce(r.paid, 0)", "v.amount")})::int::float8 AS kept{{more}}
{_JOINS}"""

_STORED = """SELECT p.tenant_id, p.id, p.account_id, p.debtor_id, p.amount_minor AS amount, p.made_at AS at,
    p.due_date AS due, p.made_with, p.channel
FROM promises p JOIN tenants h ON h.id = p.tenant_id
WHERE p.tenant_id = ANY (%(tenants)s::bigint[]) AND p.made_at <= %(at)s::timestamptz AND {which}
ORDER BY p.tenant_id, p.id"""
_OVER = (
    f"(p.state <> 'cancelled' OR p.settled_at > %(at)s::timestamptz) AND p.due_date + {GRACE.days}"
    " < (%(at)s::timestamptz AT TIME ZONE h.timezone)::date"
)
_NOW = "(p.state = 'open' OR p.made_at > %(at)s::timestamptz - %(lately)s::interval)"
_UNWEIGHED = """p.state = 'open' AND NOT EXISTS (SELECT 1 FROM promise_chances k
    WHERE k.tenant_id = p.tenant_id AND k.promise_id = p.id)"""
# What is only talked about comes after every promise that was made.
_TYPED = """SELECT n.tenant_id, 9223372036854775807 AS id, n.id AS account_id, n.debtor_id, u.amount,
    %(at)s::timestamptz AS at, u.due, %(made_with)s::text AS made_with, %(channel)s::text AS channel
FROM unnest(%(accounts)s::bigint[], %(amounts)s::bigint[], %(days)s::date[]) WITH ORDINALITY
    AS u(account, amount, due, place) JOIN accounts n ON n.id = u.account
WHERE n.tenant_id = ANY (%(tenants)s::bigint[]) ORDER BY u.place"""


class Talked(NamedTuple):
    """A promise that is only talked about: an amount (minor units) of an account, by a day."""

    account_id: int
    amount_minor: int
    due: date


@dataclass(frozen=True, slots=True)
class Promises:
    """Vectors of promises by columns. `kept`: whether enough had come in by the moment asked about."""

    tenant_id: Ints
    id: Ints
    account_id: Ints
    debtor_id: Ints
    made_at: Floats  # POSIX seconds
    values: dict[str, Floats]
    kept: Floats

    def __len__(self) -> int:
        return len(self.id)

    def take(self, chosen: Any) -> "Promises":
        """The rows where the mask holds."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return Promises(
            self.tenant_id[chosen], self.id[chosen], self.account_id[chosen], self.debtor_id[chosen],
            self.made_at[chosen], values, self.kept[chosen],
        )  # fmt: skip


def over(session: Session, at: datetime) -> Promises:
    """Promises to the tenants in scope whose days, with those of grace, were over at a moment. Those that
    were cancelled (replaced, or ended by a dispute or hardship) are no part of them: formula 8.3."""
    return _stored(session, at, _OVER)


def of_late(session: Session, at: datetime) -> Promises:
    """Promises that are open, or were made in the last 30 days, as of when each was made."""
    return _stored(session, at, _NOW)


def unweighed(session: Session, at: datetime) -> Promises:
    """Open promises of which no chance is kept yet."""
    return _stored(session, at, _UNWEIGHED)


def any_unweighed(session: Session) -> bool:
    """Whether there are any: asked before anything dearer, since a plan of one debtor asks each time."""
    asked = {"tenants": list(scope_of(session).tenant_ids)}
    query = f"SELECT EXISTS (SELECT FROM promises p WHERE p.tenant_id = ANY (:tenants) AND {_UNWEIGHED})"  # noqa: S608 - constants of ours
    return bool(session.execute(text(query), asked).scalar_one())


def typed(
    session: Session, wanted: Sequence[Talked], *, at: datetime, made_with: str, channel: str | None
) -> Promises:
    """What these promises would be if they were made now, in their order; those on accounts out of scope are
    left out."""
    asked = {
        "made_with": made_with, "channel": channel, "accounts": [one.account_id for one in wanted],
        "amounts": [one.amount_minor for one in wanted], "days": [one.due for one in wanted], "debtors": [],
    }  # fmt: skip
    return read_as_promised(session, at, _TYPED, asked)


def _stored(session: Session, at: datetime, which: str) -> Promises:
    return read_as_promised(session, at, _STORED.format(which=which), {"lately": LATELY})


def read_as_promised(
    session: Session, at: datetime, which: str, arguments: Mapping[str, Any], more: Sequence[str] = ()
) -> Promises:
    """Vectors of what the query `which` names, which answers the columns of a promise (see `_STORED`); `more`
    are further ones of its own, numbers, that come back among the values."""
    asked = {"tenants": list(scope_of(session).tenant_ids), "at": at, **arguments}
    integers, floats = ("tenant_id", "id", "account_id", "debtor_id", "at"), (*NAMES, "kept", *more)
    own = "".join(f",\n    coalesce(v.{name}::float8, 'NaN') AS {name}" for name in more)
    keys, values = read(session, _STATEMENT.format(which=which, more=own), integers, floats, asked)
    kept = values.pop("kept")
    seconds = keys["at"] / 1e6 + _Y2K
    return Promises(
        keys["tenant_id"], keys["id"], keys["account_id"], keys["debtor_id"], seconds, values, kept
    )


_Y2K = 946_684_800  # seconds from 1970 to 2000, where the database's moments begin


def build(session: Session, at: datetime) -> Dataset:
    """The training set: promises of the tenants in scope that were over by `at`, those of one person
    together, with a holdout that was made later. Raises ValueError where none is over."""
    found = over(session, at)
    if not len(found):
        raise ValueError("no promise has come to its day yet: there is nothing to learn from")
    order = np.lexsort((found.made_at, scramble(found.debtor_id)))
    values = {name: column[order] for name, column in found.values.items()}
    moment, people = found.made_at[order], found.debtor_id[order]
    known = moment + (values["days_ahead"] + GRACE.days + 1) * 86_400
    train, holdout, split = apart(moment, known, people)
    first, last = (datetime.fromtimestamp(each, at.tzinfo) for each in (moment.min(), moment.max()))
    return Dataset(
        values, found.kept[order], found.account_id[order], moment, train, holdout, split, first, last
    )


def apart(moment: Floats, known: Floats, people: Ints) -> tuple[Any, Any, str]:
    """What is learned from, what is held out, and how it was chosen, in words: the last made are held out,
    and learned is from those that were over (`known`) before the first of them; where that leaves too few,
    from other people's."""
    late = moment >= np.quantile(moment, 1 - LATE_SHARE)
    before = known <= moment[late].min()
    if before.mean() >= LATE_SHARE:
        return before, late, "later promises, made after every promise learned from was over"
    other = others(people)
    return ~other, other, "promises of people whom training never saw"


def today(session: Session, at: datetime) -> dict[str, Floats]:
    """The columns of what a model is asked about now."""
    return of_late(session, at).values
