"""When a person is reached best: the served `best_time` model by channel, local hour and weekday.

A plan values its moments by it in place of the curve that `timing` learns from the creditor's answers, which
stays the cold start; pages and calls back ask for the best of lawful moments. Where the model fails the
curve is used, with an error in the log and a note in the plan: it stops no plan, and no other tenant.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history import when_features
from recupero.decisions.history.when_features import CHANNELS, Moments, People, Season
from recupero.decisions.learning import serving
from recupero.decisions.learning.serving import Served
from recupero.decisions.planning.timing import HOURS, Timing
from recupero.kernel.database import scope_of
from recupero_sdk.models import Reason

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

KIND = "best_time"
#: A moment is worth at most so much more or less than the channel's mean, whatever the model says.
LEAST, MOST = 0.25, 4.0
#: Moments asked about at a time.
SLICE = 50_000
#: Attempts that say enough of a creditor's people where one debtor is asked about: pages do not wait for all.
NEWEST = 20_000
#: Is opened days later, whenever it was sent: no hour is better than another.
POST = "letter"
_NOBODY = -1  # whose history nobody knows
_DAYS = range(1, 8)


@dataclass(frozen=True, slots=True)
class Times:
    """The served model with what it is asked about, as of a moment."""

    served: Served
    season: Season
    people: People

    def chance(self, debtors: Ints, moments: Moments) -> Floats:
        """The chance that each debtor is reached at each moment. Raises as `serving.chances` does."""
        found = np.empty(len(debtors))
        for start in range(0, len(debtors), SLICE):
            part = slice(start, start + SLICE)
            some = Moments(moments.channel[part], moments.hour[part], moments.weekday[part])
            values = self.columns(debtors[part], some)
            found[part] = serving.chances(self.served, values, len(values["when_hour"]))
        return found

    def columns(self, debtors: Ints, moments: Moments) -> dict[str, Floats]:
        """What the model is asked about each debtor and moment."""
        own = self.people.of(debtors, moments)
        return when_features.encode(moments, self.season.at(moments), own)

    def factors(self, debtors: Ints, moments: Moments) -> Floats:
        """Each chance over the creditor's mean of the channel. Who has no history is asked about once for
        all."""
        asked = np.where(self.people.known(debtors), debtors, _NOBODY)
        key = ((asked * len(CHANNELS) + moments.channel) * 24 + moments.hour) * 8 + moments.weekday
        _unique, first, place = np.unique(key, return_index=True, return_inverse=True)
        some = Moments(moments.channel[first], moments.hour[first], moments.weekday[first])
        found = self.chance(asked[first], some)[place] / self.season.rate(moments.channel)
        found[moments.channel == CHANNELS.index(POST)] = 1.0
        return np.clip(found, LEAST, MOST)

    def curve(self) -> Timing:
        """How somebody of whom nothing is known is reached by channel, weekday and hour, over the channel's
        own mean: which moments of the week ahead are worth asking the law about."""
        hours = list(HOURS)
        shape = (len(CHANNELS), len(hours), len(_DAYS))
        channel, hour, day = (each.ravel() for each in np.indices(shape))
        moments = Moments(channel, np.array(hours)[hour], day + 1)
        chance = self.chance(np.full(len(channel), _NOBODY), moments).reshape(shape)
        chance /= chance.mean(axis=(1, 2), keepdims=True)
        by_hour, by_day = chance.mean(axis=2), chance.mean(axis=1)
        return Timing(
            {
                (name, at): float(by_hour[c, h])
                for c, name in enumerate(CHANNELS)
                for h, at in enumerate(hours)
            },
            {
                (name, at): float(by_day[c, d])
                for c, name in enumerate(CHANNELS)
                for d, at in enumerate(_DAYS)
            },
        )


def read(session: Session, at: datetime, debtors: Sequence[int] | None = None) -> Times | None:
    """The champion of the tenant in scope with what it is asked about, of these debtors or all; None where
    none was ever made. Raises as `serving.champion` does."""
    served = serving.champion(scope_of(session), KIND)
    if served is None:
        return None
    season = when_features.read_season(session, at, None if debtors is None else NEWEST)
    return Times(served, season, when_features.read_people(session, at, debtors))


@dataclass(slots=True)
class Planned:
    """The moments of a plan: by the model where one serves, else by the creditor's own curve `cold`. `curve`
    is the model's of whoever nothing is known; `note` says what failed."""

    cold: Timing
    times: Times | None = None
    curve: Timing | None = None
    note: str | None = None

    @property
    def ahead(self) -> Timing:
        """By which moments of the week ahead are worth asking the law about."""
        return self.curve or self.cold

    def factors(self, options: pl.DataFrame) -> Floats | None:
        """How good each option's moment is (columns `debtor`, `channel`, `weekday` and `hour`); None: ask the
        cold curve. Parts of a plan ask at the same time."""
        times = self.times
        if times is None or not len(options):
            return None
        try:
            return times.factors(options["debtor"].to_numpy(), _moments(options))
        except Exception as error:
            log.exception("model %s failed; hours are valued by the creditor's answers", KIND)
            self.times, self.note = None, _note(error)
            return None


def planned(session: Session, at: datetime, cold: Timing, debtors: Sequence[int] | None = None) -> Planned:
    """The moments of a plan, `cold` until a model serves."""
    try:
        with session.begin_nested():
            times = read(session, at, debtors)
        return Planned(cold) if times is None else Planned(cold, times, times.curve())
    except Exception as error:
        log.exception("model %s failed; hours are valued by the creditor's answers", KIND)
        return Planned(cold, note=_note(error))


def _note(error: Exception) -> str:
    why = f"{type(error).__name__}: {error}"
    return f"the {KIND} model failed ({why}): hours are valued by the creditor's own answers"


def _moments(options: pl.DataFrame) -> Moments:
    import polars as pl

    places = {channel: place for place, channel in enumerate(CHANNELS)}
    channel = options["channel"].replace_strict(places, return_dtype=pl.Int64).to_numpy()
    return Moments(channel, options["hour"].to_numpy(), options["weekday"].to_numpy())


@dataclass(frozen=True, slots=True)
class Best:
    """The best of some moments by one channel. `usual` is the mean chance of all of them."""

    channel: str
    at: datetime
    chance: float
    usual: float
    reasons: Sequence[Reason]


def best_of(
    session: Session, debtor_id: int, zone: ZoneInfo, asked: Sequence[tuple[str, datetime]], now: datetime
) -> list[Best]:
    """Of channels and moments (lawful ones, as the caller knows) the best moment of each channel, the best
    channel first. Nothing where no model serves or, with an error in the log, where it fails."""
    timed = [(channel, at) for channel, at in asked if channel in CHANNELS and channel != POST]
    known = [(channel, at, at.astimezone(zone)) for channel, at in timed]
    try:
        with session.begin_nested():
            times = read(session, now, [debtor_id])
        if times is None or not known:
            return []
        moments = Moments(
            np.array([CHANNELS.index(channel) for channel, _at, _local in known]),
            np.array([local.hour for _channel, _at, local in known]),
            np.array([local.isoweekday() for _channel, _at, local in known]),
        )
        values = times.columns(np.full(len(known), debtor_id), moments)
        chance = serving.chances(times.served, values, len(known))
        reasons = serving.reasons(times.served, values, len(known))
    except Exception:
        log.exception("model %s failed; no best moment is named", KIND)
        return []
    found = []
    for channel in dict.fromkeys(channel for channel, _at, _local in known):
        mine = [place for place, each in enumerate(known) if each[0] == channel]
        top = max(mine, key=lambda place: (chance[place], -place))
        found.append(
            Best(channel, known[top][1], float(chance[top]), float(chance[mine].mean()), reasons[top])
        )
    return sorted(found, key=lambda best: -best.chance)


def hours_of(stretches: Sequence[tuple[datetime, datetime]], zone: ZoneInfo, now: datetime) -> list[datetime]:
    """The whole local hours that lie in the stretches and are to come, between the first and the last of a
    day that is worked."""
    found, hour = [], timedelta(hours=1)
    for starts, ends in stretches:
        at = max(starts, now).astimezone(zone)
        if at.minute or at.second or at.microsecond:
            at = at.replace(minute=0, second=0, microsecond=0) + hour
        while at + hour <= ends:
            if at.hour in HOURS:
                found.append(at)
            at += hour
    return found
