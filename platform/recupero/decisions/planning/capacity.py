"""What a plan may use of what is scarce: a portfolio's channel and money a day, people's minutes, providers.

Each is a resource of `allocation`, named `kind:key:…`. People's minutes are counted by the hour, in all and
apart by language and training: a call in Portuguese takes of both, so that nobody who speaks it is counted
twice. Where nobody speaks a language, or is trained, anybody takes the call, as `understanding.desk` has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history.vectors import VOICE
from recupero.decisions.planning.allocation import NONE
from recupero.decisions.strategies.strategy import Strategy
from recupero.kernel.database import scope_of
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.channels.connectors import connectors
from recupero.outreach.channels.pacing import limits_of
from recupero.outreach.understanding import desk
from recupero.outreach.understanding.hours import Hours, hours

if TYPE_CHECKING:
    import polars as pl

#: Minutes that an agent needs for one call from the queue, with dialling and notes, and the part of working
#: time that goes to calls: mid values of ours.
CALL_MINUTES, ON_CALLS = 6.0, 0.75
#: Lawful hours of a day in which a provider's account is kept busy.
PROVIDER_HOURS = 8
#: Who is trained for debtors with stated situations (illness, dependants and their like).
SITUATIONS = "hardship"
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class People:
    """Agents who may call for a creditor: when they work, and how many, in all and of each skill
    (`language:pt`, `trained:hardship`). Someone who works for three creditors is a third here."""

    hours: Hours
    count: float
    skilled: Mapping[str, float]

    def minutes(self, hour: datetime, people: float) -> float:
        """Minutes for calls that so many of them have in the hour that begins at `hour`."""
        return people * self.hours.within(hour, AN_HOUR).total_seconds() / 60 * ON_CALLS


@dataclass(frozen=True)
class Capacity:
    """What limits a plan of one creditor. `people` None: nobody works for it yet, and calls are not limited
    by their time. `providers`: connector and actions a day by channel."""

    strategies: Mapping[int, Strategy]
    zone: str
    people: People | None = None
    providers: Mapping[str, tuple[str, float]] | None = None


@dataclass(frozen=True)
class Resources:
    """What options use, as `allocation` takes it, with the names and the room of the resources."""

    uses: Ints
    amount: Floats
    names: tuple[str, ...]
    room: Floats

    def left(self, market: Mapping[str, Sequence[float]], options: pl.DataFrame) -> tuple[Resources, Ints]:
        """With the room that an earlier plan left of those it knew. What it planned for the same accounts and
        still waits is given back: these rows of the options."""
        import polars as pl

        room = np.array(
            [market.get(name, (0.0, most))[1] for name, most in zip(self.names, self.room, strict=True)]
        )
        waiting = options.with_row_index("row").filter(
            (pl.col("waiting_channel") == pl.col("channel"))
            & (pl.col("waiting_template") == pl.col("template"))
            & ~pl.col("busy")
        )
        off = (pl.col("moment") - pl.col("waiting_due")).abs()
        first = waiting.sort("account", off).unique("account", keep="first", maintain_order=True)
        own = first["row"].to_numpy().astype(np.int64)
        uses, amount = self.uses[own].ravel(), self.amount[own].ravel()
        np.add.at(room, uses[uses >= 0], amount[uses >= 0])
        return Resources(self.uses, self.amount, self.names, room), own


def capacity_of(session: Session, strategies: Mapping[int, Strategy], *, by_people: bool) -> Capacity:
    """Of the tenant in scope, by portfolio; `by_people`: whether agents make any of the
    calls. A machine that calls takes nobody's time."""
    tenant_id, clocks = scope_of(session).tenant(), hours(session)
    agents = desk.workers(session, tenant_id) if by_people else []
    providers = {}
    for channel, connector in connectors(session).items():
        if connector.ready and (speed := limits_of(connector.loaded(), connector.config).per_second):
            providers[channel] = (connector.key, speed * 3600 * PROVIDER_HOURS)
    return Capacity(strategies, clocks.zone.key, _people(clocks, agents) if agents else None, providers)


def _people(clocks: Hours, agents: Sequence[Any]) -> People:
    skilled: dict[str, float] = {}
    part = {agent.id: 1 / max(1, len(agent.tenant_ids or ())) for agent in agents}
    for agent in agents:
        for skill in (*(f"language:{each}" for each in agent.languages or [agent.locale[:2]]),
                      *(f"trained:{each}" for each in agent.skills)):  # fmt: skip
            skilled[skill] = skilled.get(skill, 0.0) + part[agent.id]
    return People(clocks, sum(part.values()), skilled)


def resources(options: pl.DataFrame, capacity: Capacity) -> Resources:
    """What each option (portfolio, channel, moment, cost_minor; for calls language and situations) uses."""
    uses, amounts, names, room = [], [], list[str](), list[float]()
    for kind, number, amount, found in _kinds(options, capacity):
        uses.append(np.where(number >= 0, number + len(names), NONE))
        amounts.append(amount)
        names += [f"{kind}:{name}" for name, _most in found]
        room += [most for _name, most in found]
    if not uses:
        nothing = np.full((len(options), 1), NONE, dtype=np.int64)
        return Resources(nothing, np.zeros((len(options), 1)), (), np.empty(0))
    return Resources(np.stack(uses, 1).astype(np.int64), np.stack(amounts, 1), tuple(names), np.array(room))


_Kind = tuple[str, Ints, Floats, list[tuple[str, float]]]


def _kinds(options: pl.DataFrame, capacity: Capacity) -> Iterator[_Kind]:
    import polars as pl

    day = pl.col("moment").dt.convert_time_zone(capacity.zone).dt.date().cast(pl.String)
    ones = np.ones(len(options))
    strategies, providers = capacity.strategies, capacity.providers or {}
    daily = {f"{key}:{channel}": float(most) for key, each in strategies.items()
             for channel, most in each.daily.items()}  # fmt: skip
    if daily:
        # A daily limit on calls is on what agents do.
        named = pl.when(~_voiced(options)).then(pl.format("{}:{}", "portfolio", "channel"))
        yield _kind("daily", options, named, day, daily, ones)
    budget = {
        str(key): float(each.budget_minor)
        for key, each in strategies.items()
        if each.budget_minor is not None
    }
    if budget:
        cost = options["cost_minor"].to_numpy().astype(np.float64)
        yield _kind("budget", options, pl.col("portfolio").cast(pl.String), day, budget, cost)
    if providers:
        carrier = (
            pl.when(~_by_agents(options))
            .then("channel")
            .replace_strict(
                {channel: key for channel, (key, _most) in providers.items()},
                default=None,
                return_dtype=pl.String,
            )
        )
        yield _kind("provider", options, carrier, day, dict(providers.values()), ones)
    if capacity.people is not None and (options["channel"] == CALL).any():
        yield from _minutes(options, capacity.people)


def _voiced(options: pl.DataFrame) -> Any:
    """A machine leads the call."""
    import polars as pl

    if "led_by" not in options.columns:
        return pl.lit(value=False)
    return (pl.col("led_by") == VOICE).fill_null(value=False)


def _by_agents(options: pl.DataFrame) -> Any:
    """An agent makes the call."""
    import polars as pl

    return (pl.col("channel") == CALL) & ~_voiced(options)


def _minutes(options: pl.DataFrame, people: People) -> Iterator[_Kind]:
    import polars as pl

    is_call = _by_agents(options)
    spoken = pl.format("language:{}", pl.col("language").str.slice(0, 2))
    trained = pl.when(pl.col("situations").list.len() > 0).then(pl.lit(f"trained:{SITUATIONS}"))
    counts = {"people": people.count, **people.skilled}
    hour = pl.col("moment").dt.truncate("1h")
    minutes = np.full(len(options), CALL_MINUTES)
    for skill in (pl.lit("people"), spoken, trained):
        rows = options.select(
            skill=pl.when(is_call).then(skill).replace_strict(
                {name: name for name in counts}, default=None, return_dtype=pl.String
            ),
            hour=hour,
        )  # fmt: skip
        known = rows.filter(pl.col("skill").is_not_null()).unique(maintain_order=True).sort("skill", "hour")
        found = [
            (f"{name}:{at:%Y-%m-%dT%H:%MZ}", people.minutes(at, counts[name]))
            for name, at in known.iter_rows()
        ]
        if found:
            yield "minutes", _numbered(rows, known), minutes, found


def _kind(
    kind: str, options: pl.DataFrame, key: Any, slot: Any, most: Mapping[str, float], amount: Floats
) -> _Kind:
    """The options' numbers among those pairs of key and slot whose key has a limit."""
    import polars as pl

    rows = options.select(key=key, slot=slot)
    known = rows.filter(pl.col("key").is_in(list(most))).unique().sort("key", "slot")
    return (
        kind,
        _numbered(rows, known),
        amount,
        [(f"{name}:{at}", most[name]) for name, at in known.iter_rows()],
    )


def _numbered(rows: pl.DataFrame, known: pl.DataFrame) -> Ints:
    import polars as pl

    number = rows.join(
        known.with_columns(number=pl.int_range(pl.len(), dtype=pl.Int64)), on=rows.columns, how="left",
        maintain_order="left",
    )["number"]  # fmt: skip
    return number.fill_null(NONE).to_numpy()
