"""What is known of an offer (a plan, a settlement, the whole by a day) when it is made, and what came of it.

An offer is looked at as its first payment promised, so that everything known of a promise is known of it
(`promises`), and beside that by its terms. It is kept where the plan ran to its end, or held for half a year;
where the settlement was taken and paid; where the promise of the whole was kept. A plan that nobody agreed
to leaves no row: of plans and promises this is the chance of being kept once agreed, of settlements that of
being taken and kept. What was cancelled, replaced or withdrawn says nothing and is left out.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats
from recupero.decisions.history import promises
from recupero.decisions.history.dataset import Dataset, scramble
from recupero.decisions.history.feature_list import Spec
from recupero.decisions.history.promises import Talked
from recupero.kernel.marking import N_
from recupero.payments.agreements.settlements import PAY_DAYS
from recupero.payments.books.promises import GRACE
from recupero.payments.offers import affordability

#: What the outcome column of these rows is called.
TARGET = "offer_kept"
#: A plan that held for so long is kept as far as can be learned from it; years are not waited for.
HELD = timedelta(days=180)
#: Offers of the so many last days are what a model is asked about now.
LATELY = timedelta(days=90)
#: A promise of as much of the balance is one of the whole.
WHOLE = 0.95
MONTH = 365.25 / 12
#: The burden of somebody who has nothing to pay with.
MOST_BURDEN = 5.0

_TERMS = "the terms of the offer"
_THEN = "when it is made"

OF_TERMS: tuple[Spec, ...] = (
    Spec("is_plan", N_("A plan"), "1 for a plan over all that is owed", "0 or 1", _TERMS, _THEN, ""),
    Spec("is_settlement", N_("A settlement"), "1 where a part is let go", "0 or 1", _TERMS, _THEN, ""),
    Spec("parts", N_("Number of payments"), "payments, with the down payment", "count", _TERMS, _THEN, ""),
    Spec("months", N_("Months until the last payment"), "days to the last payment over 30.4", "months",
         _TERMS, _THEN, ""),
    Spec("largest_share", N_("The largest payment of what is owed"), "largest payment over what is owed",
         "0 to 1", _TERMS, _THEN, ""),
    Spec("down_share", N_("Paid at once"), "down payment over the total", "0 to 1", _TERMS, _THEN, ""),
    Spec("first_days", N_("Days until the first payment"), "first day less the business date", "days", _TERMS,
         _THEN, ""),
    Spec("discount", N_("The part that is let go"), "1 less the total over what is owed", "0 to 1", _TERMS,
         _THEN, ""),
    Spec("burden", N_("A month's payments against what they can pay"),
         "a month's payments over what the debtor told they could pay a month, at most 5", "ratio",
         "what the debtor told of a month's income and expenses", _THEN, ""),
)  # fmt: skip
_OF_PERSON = (
    "amount_over_usual", "from_pay_day", "to_person", "on_page", "promises_kept", "promises_broken",
    "kept_share", "last_kept", "payments", "days_since_payment", "paid_share", "balance_log",
    "days_past_due", "other_accounts", "answers_30d",
)  # fmt: skip
FEATURES: tuple[Spec, ...] = (*OF_TERMS, *(promises.BY_NAME[name] for name in _OF_PERSON))
NAMES: tuple[str, ...] = tuple(spec.name for spec in FEATURES)

_MORE = ("is_plan", "is_settlement", "owed", "total", "parts", "largest", "down", "last_days", "known_days",
         "held")  # fmt: skip
_BY = "CASE made_with WHEN 'supervisor' THEN 'agent' ELSE made_with END"
_MADE = f"""SELECT p.tenant_id, p.id, p.account_ids[1] AS account_id, p.debtor_id, i.first AS amount,
    p.agreed_at AS at, i.first_due AS due, {_BY} AS made_with, NULL::text AS channel, 1 AS is_plan,
    0 AS is_settlement, p.total_minor AS owed, p.total_minor AS total, i.parts, i.largest,
    coalesce((p.choice ->> 'down_payment_minor')::bigint, 0) AS down, i.last_due - d.made AS last_days,
    least(i.last_due - d.made + p.grace_days, {HELD.days}) + 1 AS known_days,
    (NOT (p.state = 'broken' AND p.ended_at <= least(%(at)s::timestamptz,
        p.agreed_at + interval '{HELD.days} days')))::int AS held
FROM plans p JOIN tenants t ON t.id = p.tenant_id
CROSS JOIN LATERAL (SELECT (p.agreed_at AT TIME ZONE t.timezone)::date AS made) d
CROSS JOIN LATERAL (SELECT count(*) AS parts, max(n.amount_minor) AS largest,
    min(coalesce(n.moved_from, n.due_date)) AS first_due, max(coalesce(n.moved_from, n.due_date)) AS last_due,
    (array_agg(n.amount_minor ORDER BY n.number))[1] AS first FROM plan_instalments n
    WHERE n.tenant_id = p.tenant_id AND n.plan_id = p.id) i
WHERE p.tenant_id = ANY (%(tenants)s::bigint[]) AND p.settlement_id IS NULL
  AND p.agreed_at <= %(at)s::timestamptz AND p.state IN ('running', 'kept', 'broken')
UNION ALL
SELECT s.tenant_id, s.id, s.account_ids[1], s.debtor_id, s.amount_minor / s.instalments, s.made_at,
    d.made + CASE WHEN s.instalments = 1 THEN {PAY_DAYS.days} ELSE 0 END, {_BY}, NULL, 0, 1, s.balance_minor,
    s.amount_minor, s.instalments, ceil(s.amount_minor::float8 / s.instalments)::bigint, 0,
    s.pay_by - d.made,
    1 + CASE WHEN s.accepted_at <= %(at)s::timestamptz THEN s.pay_by + {GRACE.days}
        ELSE s.valid_until END - d.made,
    (coalesce(s.settled_at <= %(at)s::timestamptz, false) AND s.state = 'settled')::int
FROM settlements s JOIN tenants t ON t.id = s.tenant_id
CROSS JOIN LATERAL (SELECT (s.made_at AT TIME ZONE t.timezone)::date AS made) d
WHERE s.tenant_id = ANY (%(tenants)s::bigint[]) AND s.made_at <= %(at)s::timestamptz
  AND s.state IN ('offered', 'expired', 'accepted', 'settled', 'lapsed')"""  # noqa: S608 - constants of ours
_AGREED = f"""SELECT * FROM ({_MADE}) made
WHERE at + known_days * interval '1 day' <= %(at)s::timestamptz ORDER BY tenant_id, is_plan, id"""  # noqa: S608 - as above
_RECENT = f"""SELECT * FROM ({_MADE}) made
WHERE at > %(at)s::timestamptz - %(lately)s::interval ORDER BY tenant_id, is_plan, id"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of offers by columns: what is owed and what is paid in all (minor units), the largest payment and
    the one at once, how many, and the days until the first and the last."""

    is_plan: Any
    is_settlement: Any
    owed: Any
    total: Any
    parts: Any
    largest: Any
    down: Any
    first_days: Any
    last_days: Any


def columns_of(terms: Terms, person: dict[str, Floats], payable: Floats) -> dict[str, Floats]:
    """The columns of offers: their terms, and what is known of the person. `payable`: what the debtor told
    they can pay a month (minor units), NaN where they told nothing."""
    owed, total, largest, down, last = (
        np.asarray(each, dtype=np.float64)
        for each in (terms.owed, terms.total, terms.largest, terms.down, terms.last_days)
    )
    months = last / MONTH
    monthly = np.where(np.asarray(terms.parts) > 1, (total - down) / np.maximum(months, 1), largest)
    burden = np.where(payable > 0, monthly / np.maximum(payable, 1), MOST_BURDEN)
    found = {
        "is_plan": terms.is_plan, "is_settlement": terms.is_settlement, "parts": terms.parts,
        "months": months, "largest_share": np.minimum(largest / np.maximum(owed, 1), 1),
        "down_share": down / np.maximum(total, 1), "first_days": terms.first_days,
        "discount": np.clip(1 - total / np.maximum(owed, 1), 0, 1),
        "burden": np.where(np.isfinite(payable), np.minimum(burden, MOST_BURDEN), np.nan),
    }  # fmt: skip
    told = {name: np.asarray(column, dtype=np.float64) for name, column in found.items()}
    return {**told, **{name: person[name] for name in _OF_PERSON}}


@dataclass(frozen=True, slots=True)
class Offers:
    """Vectors of offers, when each was known to be kept or not, and whether it was."""

    made: promises.Promises
    values: dict[str, Floats]
    known: Floats  # POSIX seconds
    kept: Floats


def _agreements(session: Session, found: promises.Promises) -> Offers:
    """Plans and settlements as `_MADE` has them."""
    own = {name: found.values[name] for name in _MORE}
    terms = Terms(
        own["is_plan"], own["is_settlement"], own["owed"], own["total"], own["parts"], own["largest"],
        own["down"], found.values["days_ahead"], own["last_days"],
    )  # fmt: skip
    values = columns_of(terms, found.values, _payable(session, found))
    return Offers(found, values, found.made_at + own["known_days"] * 86_400, own["held"])


def _wholes(session: Session, found: promises.Promises) -> Offers:
    """Promises of everything that was owed on the account."""
    rows = found.take(found.values["amount_share"] >= WHOLE)
    amount, ahead = np.expm1(rows.values["amount_log"]), rows.values["days_ahead"]
    none, one = np.zeros(len(rows)), np.ones(len(rows))
    terms = Terms(none, none, amount, amount, one, amount, none, ahead, ahead)
    values = columns_of(terms, rows.values, _payable(session, rows))
    return Offers(rows, values, rows.made_at + (ahead + GRACE.days + 1) * 86_400, rows.kept)


def _payable(session: Session, found: promises.Promises) -> Floats:
    """What each debtor had told by then that they could pay a month; NaN where nothing."""
    told = affordability.told_by(session, np.unique(found.debtor_id).tolist())
    result = np.full(len(found), np.nan)
    for place, (debtor, at) in enumerate(zip(found.debtor_id.tolist(), found.made_at.tolist(), strict=True)):
        if debtor in told:
            known = told[debtor]
            before = bisect_right([moment.timestamp() for moment, _minor in known], at)
            if before:
                result[place] = known[before - 1][1]
    return result


def build(session: Session, at: datetime) -> Dataset:
    """The training set: offers of the tenants in scope of which it was known by `at` whether they were
    kept, those of one person together, with a holdout that was made later. Raises ValueError where there is
    none."""
    agreed = promises.read_as_promised(session, at, _AGREED, {}, _MORE)
    parts = [_agreements(session, agreed), _wholes(session, promises.over(session, at))]
    moment = np.concatenate([part.made.made_at for part in parts])
    if not len(moment):
        raise ValueError(
            "no plan, settlement or promise has come to its end yet: there is nothing to learn from"
        )
    people = np.concatenate([part.made.debtor_id for part in parts])
    order = np.lexsort((moment, scramble(people)))
    values = {name: np.concatenate([part.values[name] for part in parts])[order] for name in NAMES}
    kept = np.concatenate([part.kept for part in parts])[order]
    known = np.concatenate([part.known for part in parts])[order]
    account_id = np.concatenate([part.made.account_id for part in parts])[order]
    moment, people = moment[order], people[order]
    train, holdout, split = promises.apart(moment, known, people)
    first, last = (datetime.fromtimestamp(each, at.tzinfo) for each in (moment.min(), moment.max()))
    return Dataset(values, kept, account_id, moment, train, holdout, split, first, last)


def today(session: Session, at: datetime) -> dict[str, Floats]:
    """The columns of the offers of late."""
    found = promises.read_as_promised(session, at, _RECENT, {"lately": LATELY}, _MORE)
    return _agreements(session, found).values


def candidates(
    session: Session, terms: Terms, firsts: Sequence[Talked], at: datetime, by: str
) -> dict[str, Floats]:
    """The columns of offers that could be made now; `firsts` are the account and each one's first payment,
    `by` who makes it: agent or page."""
    # Of two offers to one person only the first day and amount tell them apart, and the amount is one term of
    # one column: a question for each day is enough.
    places: dict[tuple[int, date], int] = {}
    chosen = [places.setdefault((one.account_id, one.due), len(places)) for one in firsts]
    asked = [Talked(account, 1, due) for account, due in places]
    found = promises.typed(session, asked, at=at, made_with=by, channel=None).take(np.asarray(chosen))
    amounts = np.log([max(one.amount_minor, 1) for one in firsts])
    person = {**found.values, "amount_over_usual": found.values["amount_over_usual"] + amounts}
    return columns_of(terms, person, _payable(session, found))
