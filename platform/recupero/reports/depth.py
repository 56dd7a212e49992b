"""The figures beyond the recovery report, read from the raw rows of the period.

Coverage, plans, cures and roll rates, settlements, speed, disputes, productivity, firms, what a contact
brings, and how each file goes beside the one before it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.history.control import Group as Control
from recupero.decisions.history.control import draws
from recupero.reports import depth_queries as q
from recupero.reports import metrics as m
from recupero.reports.figures import Figure, Metric, as_json, waiting_median
from recupero.reports.periods import Period, month_number
from recupero.reports.queries import Group, Happened, Placed, Reader, look_at_accounts
from recupero.reports.report import Line
from recupero.tenancy import queries as tenancy

BUCKETS = ("current", "1-30", "31-60", "61-90", "91-120", "121-180", "181-360", "361+")
ENDS = (*BUCKETS, "paid", "written_off")
_CURED = ("paid", "current")


@dataclass(frozen=True, slots=True)
class Roll:
    """A row of the matrix: where the balance of a bucket is at the end, in the order of `ENDS`."""

    bucket: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Depth:
    """Everything of one currency."""

    currency: str
    figures: tuple[Figure, ...]
    coverage: tuple[Line, ...]
    rolls: tuple[Roll, ...]
    tracks: tuple[Line, ...]

    def metrics(self) -> list[Metric]:
        """Every metric that it shows."""
        lines = [line.figures[0] for line in (*self.coverage, *self.tracks)]
        return [figure.metric for figure in (*self.figures, *lines, *(row.figures[0] for row in self.rolls))]

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "currency": self.currency,
            "figures": {one.metric.key: as_json(one) for one in self.figures},
            "roll_rates": {
                row.bucket: {end: as_json(one) for end, one in zip(ENDS, row.figures, strict=True)}
                for row in self.rolls
            },
            "coverage": {line.name: as_json(line.figures[0]) for line in self.coverage},
            "batch_track": {str(line.id): as_json(line.figures[0]) for line in self.tracks},
            "definitions": {one.key: one.definition for one in self.metrics()},
        }

    def figure(self, key: str) -> Figure:
        """One of the figures. Raises KeyError where there is none of this metric."""
        for figure in self.figures:
            if figure.metric.key == key:
                return figure
        raise KeyError(key)


def depth(session: Session, period: Period) -> tuple[Depth, ...]:
    """The figures in depth of the tenant in scope over a period, by currency. Productivity is told where the
    caller's scope has the agency, since hours are the agency's."""
    tenant = tenancy.tenant(session)
    deep, reader = q.Deep(session, period, tenant.timezone), Reader(session, period)
    share = Control.of(tenant.settings).share
    placed, happened = reader.placed(), reader.happened()
    look_at_accounts(session)  # coverage reads what is so now
    found: dict[str, list[Figure]] = defaultdict(list)
    for currency, figures in _simple(deep, period):
        found[currency] += figures
    hours = _hours(deep)
    rolls, tracks, names = deep.rows(q.ROLLS), deep.rows(q.BATCHES), reader.names()
    coverage, people = deep.rows(q.COVERAGE), deep.rows(q.PEOPLE) if share else []
    currencies = sorted({row.currency for row in placed} | set(found))
    return tuple(
        Depth(
            currency,
            (
                *_cures(row for row in rolls if row.currency == currency),
                *found[currency],
                *_productivity(hours, happened.get(Group(currency, None, None), Happened())),
                *_increment([row for row in people if row.currency == currency], share, tenant.id),
            ),
            tuple(
                Line(row.channel, (Figure(m.COVERAGE, row[2], row[3]),))
                for row in coverage if row.currency == currency
            ),
            _matrix([row for row in rolls if row.currency == currency]),
            tuple(_tracks(period, placed, tracks, names, currency)),
        )
        for currency in currencies
    )  # fmt: skip


def _simple(deep: q.Deep, period: Period) -> Iterable[tuple[str, list[Figure]]]:
    for currency, kept, due, kept_minor, due_minor in deep.rows(q.PLANS):
        yield currency, [Figure(m.PLAN_RATE, kept, due), Figure(m.PLAN_VALUE_RATE, kept_minor, due_minor)]
    for currency, paid, balance in deep.rows(q.SETTLEMENTS):
        yield currency, [Figure(m.SETTLEMENT_PERCENT, paid, balance)]
    for currency, blocked, put_off in deep.rows(q.BLOCKED):
        yield currency, [Figure(m.BLOCKED, blocked), Figure(m.PUT_OFF, put_off)]
    for currency, decided, median, most, late in deep.rows(q.DISPUTES):
        yield currency, [
            Figure(m.DISPUTE_MEDIAN, median), Figure(m.DISPUTE_P90, most),
            Figure(m.DISPUTES_LATE, late, decided),
        ]  # fmt: skip
    for metric, statement in ((m.HOURS_TO_ATTEMPT, q.TO_ATTEMPT), (m.HOURS_TO_PAYMENT, q.TO_PAYMENT)):
        waits: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for currency, hours, ended, waiting in deep.rows(statement):
            waits[currency].append((hours, ended, waiting))
        for currency, rows in waits.items():
            half = waiting_median(rows)
            if half is not None:
                yield currency, [Figure(metric, half)]
    days = (period.end - period.first).days
    for currency, opening, placed, closing, current in deep.rows(q.FIRMS):
        yield currency, [
            Figure(m.DSO, closing * days, placed),
            Figure(m.CEI, opening + placed - closing, opening + placed - current),
        ]  # fmt: skip
    for currency, added, count, median in deep.rows(q.AGES):
        yield currency, [Figure(m.AGE_MEAN, added, count), Figure(m.AGE_MEDIAN, median)]


def _hours(deep: q.Deep) -> tuple[int, int, int]:
    """Seconds at desks, agents, accounts."""
    seconds, agents, accounts = deep.rows(q.DESK)[0]
    return seconds, agents, accounts


def _productivity(told: tuple[int, int, int], happened: Happened) -> tuple[Figure, ...]:
    """Per hour: both sides are multiplied by 3600, so that seconds need no rounding."""
    seconds, agents, accounts = told
    if not seconds:
        return ()
    return (
        Figure(m.COLLECTED_PER_HOUR, happened.moved_minor * 3600, seconds),
        Figure(m.RIGHT_PARTY_PER_HOUR, happened.right_party * 3600, seconds),
        Figure(m.PROMISES_PER_HOUR, happened.promises * 3600, seconds),
        Figure(m.ACCOUNTS_PER_AGENT, accounts, agents),
    )


def _increment(rows: list[Any], share: float, tenant: int) -> tuple[Figure, ...]:
    """What worked people paid beyond the control group, for each contact that they had beyond it; `rows` are
    the people of one currency."""
    if not rows:
        return ()
    inside = draws(tenant, np.array([row.person_id for row in rows], dtype=np.int64)) < share
    sides = [[row for row, held in zip(rows, inside, strict=True) if held == side] for side in (False, True)]
    if not all(sides):
        return ()
    paid, contacts = ((sum(row[n] for row in sides[0]), sum(row[n] for row in sides[1])) for n in (2, 3))
    return (m.increment_per_contact(paid, contacts, (len(sides[0]), len(sides[1]))),)


def _cures(rows: Iterable[Any]) -> tuple[Figure, ...]:
    """Of the accounts that were past due at the start."""
    past = [row for row in rows if row.was != "current"]
    count = sum(row[4] for row in past)
    cured = [row for row in past if row.is_now in _CURED]
    return (
        Figure(m.CURE_RATE, sum(row[4] for row in cured), count),
        Figure(m.SELF_CURE_RATE, sum(row[4] for row in cured if not row.attempted_cure), count),
    )


def _matrix(rows: list[Any]) -> tuple[Roll, ...]:
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        moved[row.was, row.is_now] += row[5]
    opening = {was: sum(moved[was, now] for now in ENDS) for was in BUCKETS}
    return tuple(
        Roll(was, tuple(Figure(m.ROLL_RATE, moved[was, now], opening[was]) for now in ENDS))
        for was in BUCKETS if opening[was]
    )  # fmt: skip


def _tracks(
    period: Period, placed: list[Placed], rows: list[Any], names: dict[tuple[str, int], str], currency: str
) -> Iterable[Line]:
    """Each file beside the one before it in its portfolio, at the newest month that both have."""
    paid: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        paid[row.batch_id].append((max(month_number(row.cohort, row.month), 0), row[5]))
    batches: dict[tuple[int, int], tuple[date, int]] = {}
    for one in placed:
        if one.currency == currency:
            since, balance = batches.get((one.portfolio_id, one.batch_id), (one.cohort, 0))
            batches[one.portfolio_id, one.batch_id] = (min(since, one.cohort), balance + one.placed_minor)
    before: dict[int, tuple[int, int]] = {}
    for (portfolio, batch), (cohort, balance) in sorted(
        batches.items(), key=lambda item: (item[1][0], item[0])
    ):
        if portfolio in before:
            other, other_balance = before[portfolio]
            month = month_number(cohort, period.last)
            sums = tuple(sum(minor for at, minor in paid[one] if at <= month) for one in (batch, other))
            track = m.batch_track((sums[0], sums[1]), (balance, other_balance))
            yield Line(names.get(("batch", batch), str(batch)), (track,), id=batch)
        before[portfolio] = (batch, balance)
