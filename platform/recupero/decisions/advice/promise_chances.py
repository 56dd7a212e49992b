"""How likely a promise is kept, said when it is made, kept beside it, and used.

Said: to the agent while it is typed, and on the account. Used: a promise that needs help is recalled earlier,
and by the channel that binds more; one that broke though it was likely comes first; what is promised is
expected by its chance. Nothing is refused or taken because of a chance, and debtors never see it. Without a
model everything is as it was. A model that fails says nothing: the log has an error, the plan a note.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.decisions.columns import narrowed, read_frame
from recupero.decisions.history import promises
from recupero.decisions.history.promises import Promises, Talked
from recupero.decisions.learning import serving
from recupero.decisions.learning.serving import Served
from recupero.decisions.tables import PromiseChance
from recupero.kernel import clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

KIND = "promise_kept"
#: Below the first a promise needs help, from the second on it is likely: mid values, ours.
WEAK, LIKELY = 0.4, 0.7
#: A promise that needs help is recalled so many days earlier than the strategy says.
EARLIER = 2
#: A reminder is worth from half to one and a half times as much, the less likely the promise; one by a person
#: is worth more for a promise that needs help, as promises to people are kept more (docs/simulation.md).
LEAST_REMINDER, BY_PERSON = 0.5, 1.25
#: By how much what was likely and broke comes before what was not, at a chance of 1.
BROKEN = 0.5
REASONS = 3


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance that a promise is kept. `word`: weak, even or likely; `reasons` as decisions keep them."""

    chance: float
    reasons: Sequence[dict[str, Any]] = ()

    @property
    def word(self) -> str:
        return "weak" if self.chance < WEAK else "likely" if self.chance >= LIKELY else "even"


def weigh_open(session: Session) -> str | None:
    """Keep the chance of every open promise of the one tenant in scope that has none yet. Answers what kept
    it from being said, None where nothing did or where no model serves; other work goes on all the same."""
    if not promises.any_unweighed(session):
        return None
    try:
        with session.begin_nested():
            served = serving.champion(scope_of(session), KIND)
            if served is not None:
                found = promises.unweighed(session, clock.now())
                _keep(session, served, found, _weighed(served, found))
    except Exception:
        log.exception("promises of tenant %s are not weighed", scope_of(session).tenant())
        return "the model of promises failed: they are not weighed, the log says why"
    return None


def _weighed(served: Served, found: Promises) -> list[Chance]:
    if not len(found):
        return []
    chances = serving.chances(served, found.values, len(found))
    told = serving.reasons(served, found.values, len(found), REASONS)
    return [
        Chance(chance, [
            {"feature": one.feature, "value": None if one.value != one.value else round(one.value, 4),
             "contribution": round(one.contribution, 4)}
            for one in why
        ])
        for chance, why in zip(chances.tolist(), told, strict=True)
    ]  # fmt: skip


def _keep(session: Session, served: Served, found: Promises, chances: Sequence[Chance]) -> None:
    now = clock.now()
    rows = zip(found.tenant_id.tolist(), found.id.tolist(), found.account_id.tolist(), chances, strict=True)
    said = [
        {
            "tenant_id": tenant, "promise_id": promise, "account_id": account, "chance": each.chance,
            "model": served.name, "model_version": served.version, "reasons": list(each.reasons), "at": now,
        }
        for tenant, promise, account, each in rows
    ]  # fmt: skip
    if said:  # a plan and the promise's own job may both have found it: the first said it
        session.execute(insert(PromiseChance).on_conflict_do_nothing(), said)


def of_promises(session: Session, promise_ids: Collection[int]) -> dict[int, Chance]:
    """What was said of these promises of the tenants in scope when they were made."""
    rows = session.query(PromiseChance).where(
        among(PromiseChance.tenant_id, scope_of(session).tenant_ids),
        among(PromiseChance.promise_id, promise_ids),
    )
    return {row.promise_id: Chance(row.chance, row.reasons) for row in rows}


@dataclass(frozen=True, slots=True)
class Typed:
    """What is held of a promise that is only talked about, and what would make it likelier: a `smaller`
    amount (minor units) or a `sooner` day, with its chance."""

    said: Chance
    smaller: tuple[int, float] | None
    sooner: tuple[date, float] | None


#: Something else is named only where it is likelier by as much.
LIKELIER = 0.05


def typed(
    session: Session, account_id: int, amount_minor: int, due: date, *, today: date, least_minor: int = 1
) -> Typed | None:
    """What an agent may be told of a promise on an account of the one tenant in scope before it is made; None
    where no model serves, or it fails. Nothing below `least_minor` is named."""
    half, week = max(amount_minor // 2, least_minor), today + timedelta(days=7)
    offers = [
        Talked(account_id, *one) for one in ((amount_minor, due), (half, due), (amount_minor, min(due, week)))
    ]
    try:
        with session.begin_nested():
            served = serving.champion(scope_of(session), KIND)
            if served is None:
                return None
            found = promises.typed(session, offers, at=clock.now(), made_with="agent", channel="call")
            said, smaller, sooner = _weighed(served, found)
    except Exception:
        log.exception("a promise on account %s is not weighed", account_id)
        return None
    return Typed(
        said,
        (half, smaller.chance) if smaller.chance > said.chance + LIKELIER else None,
        (offers[2].due, sooner.chance) if sooner.chance > said.chance + LIKELIER else None,
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """What open promises of a portfolio's accounts may bring: what is still to come of their sum, and what is
    to be expected of it (minor units). Promises without a chance count by the mean of the others; `weighed`
    is how many have one, and `expected_minor` None where none has."""

    tenant_id: int
    portfolio_id: int
    currency: str
    promises: int
    weighed: int
    promised_minor: int
    expected_minor: int | None


# Every open promise that is due by a day, with what is still to come of it and what is to be expected of
# that; rounded here, so that rows add up to what is told of them together.
_COMING = """
SELECT p.id, p.tenant_id, a.portfolio_id, p.currency, p.account_id, a.client_account, p.made_at, p.due_date,
    greatest(p.amount_minor - p.paid_minor, 0) AS left_minor, k.chance,
    round(greatest(p.amount_minor - p.paid_minor, 0) * coalesce(k.chance, u.usual))::bigint AS expected_minor
FROM promises p
JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id AND NOT a.is_test
LEFT JOIN promise_chances k ON k.tenant_id = p.tenant_id AND k.promise_id = p.id
CROSS JOIN (SELECT avg(c.chance) AS usual FROM promises o JOIN promise_chances c
    ON c.tenant_id = o.tenant_id AND c.promise_id = o.id
    WHERE o.tenant_id = ANY (:tenants) AND o.state = 'open') u
WHERE p.tenant_id = ANY (:tenants) AND p.state = 'open' AND p.due_date <= :until
"""
_EXPECTED = text(f"""
SELECT tenant_id, portfolio_id, currency, count(*), count(chance), sum(left_minor)::bigint,
    sum(expected_minor)::bigint
FROM ({_COMING}) x GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")  # noqa: S608 - our own statement
_BY = {"number": "client_account", "made": "made_at", "due": "due_date", "left": "left_minor",
       "chance": "chance", "expected": "expected_minor"}  # fmt: skip


def expected(session: Session, until: date) -> list[Expected]:
    """What open promises to the tenants in scope that are due by a day may bring, by portfolio."""
    asked = {"tenants": list(scope_of(session).tenant_ids), "until": until}
    return [Expected(*row) for row in session.execute(_EXPECTED, asked)]


@dataclass(frozen=True, slots=True)
class ComingPromise:
    """One of the promises that `expected` adds up: minor units still to come, and to be expected of them."""

    account_id: int
    client_account: str
    currency: str
    made_at: datetime
    due_date: date
    left_minor: int
    chance: float | None
    expected_minor: int | None


def coming(
    session: Session, until: date, portfolio_id: int, currency: str, part: Part
) -> list[ComingPromise]:
    """The promises behind `expected` for one portfolio and currency, by due date unless `part` says else."""
    by, down = _BY.get(part.sort, "due_date"), " DESC" if part.descending and part.sort in _BY else ""
    found = session.execute(
        text(
            "SELECT account_id, client_account, currency, made_at, due_date, left_minor, chance,"  # noqa: S608
            f" expected_minor FROM ({_COMING}) x WHERE portfolio_id = :portfolio AND currency = :currency"
            f" ORDER BY {by}{down} NULLS LAST, id LIMIT :limit OFFSET :offset"
        ),
        {"tenants": list(scope_of(session).tenant_ids), "until": until, "portfolio": portfolio_id,
         "currency": currency, "limit": part.limit, "offset": part.offset},
    )  # fmt: skip
    return [ComingPromise(*row) for row in found]


def in_all(found: Sequence[Expected]) -> dict[str, int]:
    """What is to be expected by currency, where anything can be said."""
    totals: dict[str, int] = {}
    for one in found:
        if one.expected_minor is not None:
            totals[one.currency] = totals.get(one.currency, 0) + one.expected_minor
    return totals


# Of each account the newest promise that is open, or that broke.
_NEWEST = """
SELECT DISTINCT ON (p.account_id) p.account_id AS account, k.chance AS kept_chance FROM promises p
JOIN promise_chances k ON k.tenant_id = p.tenant_id AND k.promise_id = p.id
WHERE p.tenant_id = %(tenant)s AND p.state IN ('open', 'broken', 'partly_kept') /*of p.account_id*/
ORDER BY p.account_id, p.id DESC
"""


def told(session: Session, accounts: pl.DataFrame, debtors: Sequence[int] | None = None) -> pl.DataFrame:
    """The accounts of a plan (of these debtors, or all) with `kept_chance`, that of their newest promise that
    is open or broke; null where nothing was said of it."""
    import polars as pl

    arguments = {"tenant": scope_of(session).tenant(), "debtors": debtors}
    schema = {"account": pl.Int64, "kept_chance": pl.Float64}
    known = read_frame(session, narrowed(_NEWEST, debtors), schema, arguments)
    return accounts.join(known, on="account", how="left", maintain_order="left")


def needs_help_early(today: pl.Expr, until: pl.Expr) -> pl.Expr:
    """Whether the promise of an account is recalled before the days in which promises are (`until` the last
    of them): where it needs help, once, and not right after another contact."""
    import polars as pl

    earlier = pl.duration(days=EARLIER)
    quiet = pl.col("last_at").is_null() | (pl.col("last_at").dt.date() < today - earlier)
    weak = (pl.col("kept_chance") < WEAK).fill_null(value=False)
    return weak & (pl.col("promised_for") <= until + earlier) & quiet


def followed(options: pl.DataFrame) -> pl.DataFrame:
    """The options of a plan, those about promises valued by how likely the promise is or was."""
    import polars as pl

    if options["kept_chance"].null_count() == len(options):
        return options
    chance, help_ = pl.col("kept_chance"), (pl.col("kept_chance") < WEAK) & (pl.col("channel") == "call")
    reminder = (LEAST_REMINDER + 1 - chance) * pl.when(help_).then(BY_PERSON).otherwise(1.0)
    weight = (
        pl.when(chance.is_null()).then(1.0)
        .when(pl.col("template") == "promise_reminder").then(reminder)
        .when(pl.col("template") == "broken_promise").then(1 + BROKEN * chance)
        .otherwise(1.0)
    )  # fmt: skip
    worth = (pl.col("value_minor") + pl.col("cost_minor")) * weight - pl.col("cost_minor")
    return options.with_columns(value_minor=worth).with_columns(
        enough=pl.col("value_minor") > pl.col("minimum")
    )
