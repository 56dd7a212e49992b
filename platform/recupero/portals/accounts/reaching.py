"""The ways and hours to reach a debtor as pages show them: in the order in which they are used, with how
likely each reaches them and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts.proving import AccountWeek
from recupero.decisions.history.point_features import POINT_FEATURES
from recupero.decisions.planning import best_time
from recupero.kernel import clock
from recupero.placements.tables import ContactPoint
from recupero.portals.words.language import number
from recupero.portals.words.words_of_models import BECAUSE
from recupero_sdk.models import Reason

_FEATURES = {spec.name: spec for spec in POINT_FEATURES}


@dataclass(frozen=True, slots=True)
class Why:
    """A reason in words; `speaks_for` whether it makes reaching them likelier."""

    words: str
    speaks_for: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A contact point. `first`: of several of its kind it is used before the others. `chance` that an
    attempt reaches the right person, where a model says so."""

    point: ContactPoint
    first: bool
    chance: float | None
    why: Sequence[Why]


def ways(points: Iterable[ContactPoint]) -> list[Way]:
    """Points that are used, the best first, then those that are known to be wrong."""
    ranked = sorted(points, key=lambda point: (point.status == "invalid", *point.place))
    found = []
    for point in ranked:
        same = [one for one in ranked if one.kind == point.kind]
        usable = point.status != "invalid"
        chance = point.score if usable else None
        found.append(
            Way(point, usable and len(same) > 1 and same[0] is point, chance, _why(point) if chance else [])
        )
    return found


def _why(point: ContactPoint) -> list[Why]:
    return [
        Why(f"{_(spec.label)}: {_value(spec.unit, value)}", contribution > 0)
        for feature, value, contribution in point.score_reasons or ()
        if (spec := _FEATURES.get(feature)) is not None
    ]


def _value(unit: str, value: Any) -> str:
    return str(_("yes")) if unit == "0 or 1" else number(round(value))


@dataclass(frozen=True, slots=True)
class BestHour:
    """The best lawful hour of the coming days by one channel; `at` in the debtor's zone, `usual` the mean
    chance."""

    channel: str
    at: datetime
    chance: float
    usual: float
    why: Sequence[str]


def best_hours(session: Session, debtor_id: int, week: AccountWeek) -> list[BestHour]:
    """The best lawful hour by each channel that has a point, the best channel first; nothing where no model
    serves or nobody is contacted. Needs one tenant and its agency in scope."""
    if week.unknown or week.closed:
        return []
    zone, now = ZoneInfo(week.zone), clock.now()
    asked = [
        (one.channel, at)
        for one, point in week.channels
        if point is not None and one.channel != "letter"  # it has no hour
        for day in one.days
        for at in best_time.hours_of(day.stretches, zone, now)
    ]
    return [
        BestHour(best.channel, best.at.astimezone(zone), best.chance, best.usual, _because(best.reasons))
        for best in best_time.best_of(session, debtor_id, zone, asked, now)
    ]


def _because(reasons: Iterable[Reason]) -> list[str]:
    """What speaks for an hour, each thing once."""
    known = [str(word) for each in reasons if each.contribution > 0 and (word := BECAUSE.get(each.feature))]
    return list(dict.fromkeys(known))
