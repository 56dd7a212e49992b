"""What is known of an hour and a weekday at which somebody may be reached: how the creditor's people answer
then, and how this person did. For attempts of the past (to learn from) and for moments to come: both by the
same arithmetic.

What a creditor's people did counts once it is certain, a week later; what the person did, as soon as it is
known. Shares are shrunk: a person's at one time of the day towards the person's own, that towards the
creditor's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, narrowed, read
from recupero.decisions.history.attempts import MADE, MADE_TO_ONE, WINDOW, Rows, rows_of
from recupero.decisions.history.feature_list import Spec
from recupero.decisions.history.known_results import RESULTS, known
from recupero.kernel.database import scope_of
from recupero.kernel.marking import N_

CHANNELS = ("call", "sms", "whatsapp", "email", "letter")
#: Times of the day: they begin at these local hours, the first at midnight.
PARTS = (0, 11, 14, 17)
#: For so long what a creditor's people did is counted.
SEASON = timedelta(days=90)
#: Attempts that weigh as much as what is assumed: of a channel, of an hour or weekday of it, and of one
#: person.
CHANNEL_PRIOR, WHEN_PRIOR, OWN_PRIOR = 50.0, 100.0, 2.0
USUAL = 0.05  # share reached before anything is known: ours

_CREDITOR = "attempts of the creditor in 90 days"
_CERTAIN = "attempts that were a week old"
_OWN = "attempts at the person within a year, calls apart from what is written"
_KNOWN = "attempts before the moment, results by the time they became known"
_MOMENT = "the attempt's moment in the debtor's zone"
_ACTED, _BEFORE = "contacts and visits", "before the moment"


def _spec(name: str, label: str, meaning: str, unit: str, source: str, as_of: str) -> Spec:
    return Spec(name, label, meaning, unit, source, as_of, "")


_MADE = "known when it is made"
WHEN_FEATURES: tuple[Spec, ...] = (
    _spec("when_called", N_("A call"), "1 for a call", "0 or 1", "the attempt", _MADE),
    _spec("when_texted", N_("A short message"), "1 for a short message", "0 or 1", "the attempt", _MADE),
    _spec("when_mailed", N_("An e-mail"), "1 for an e-mail", "0 or 1", "the attempt", _MADE),
    _spec("when_hour", N_("Hour of the day"), "local hour", "hour", _MOMENT, _MADE),
    _spec("when_weekday", N_("Day of the week"), "1 Monday to 7 Sunday", "day", _MOMENT, _MADE),
    _spec("creditor_rate", N_("How this channel reaches people"),
          "share that reached the right person by the channel", "0 to 1", _CREDITOR, _CERTAIN),
    _spec("creditor_hour", N_("How people answer at this hour"),
          "that share at the hour over that of all hours", "ratio", _CREDITOR, _CERTAIN),
    _spec("creditor_weekday", N_("How people answer on this weekday"),
          "that share on the weekday over that of all days", "ratio", _CREDITOR, _CERTAIN),
    _spec("own_attempts", N_("Attempts at this person"), "attempts", "count", _OWN, _KNOWN),
    _spec("own_rate", N_("How often this person is reached"), "share that reached them", "0 to 1", _OWN,
          _KNOWN),
    _spec("own_attempts_then", N_("Attempts at this time of the day"),
          "attempts in the same part of the day (to 11, to 14, to 17, later)", "count", _OWN, _KNOWN),
    _spec("own_rate_then", N_("How often at this time of the day"),
          "share that reached them in the same part of the day", "0 to 1", _OWN, _KNOWN),
    _spec("own_acts", N_("Wrote, called or came by themselves"),
          "messages and calls of theirs and visits to their page, within a year", "count", _ACTED, _BEFORE),
    _spec("own_acts_then", N_("Did so at this time of the day"), "those in the same part of the day", "count",
          _ACTED, _BEFORE),
)  # fmt: skip
WHEN_NAMES: tuple[str, ...] = tuple(spec.name for spec in WHEN_FEATURES)


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments at which somebody may be reached: channel as its place in `CHANNELS`, local hour and
    weekday."""

    channel: Ints
    hour: Ints
    weekday: Ints

    @property
    def part(self) -> Ints:
        """The part of the day, as its place in `PARTS`."""
        return np.searchsorted(PARTS, self.hour, side="right") - 1


@dataclass(frozen=True, slots=True)
class Own:
    """What the person of each row did: in all, and in the row's part of the day."""

    attempts: Floats
    reached: Floats
    attempts_then: Floats
    reached_then: Floats
    acts: Floats
    acts_then: Floats


@dataclass(frozen=True, slots=True)
class Counted:
    """Attempts and those that reached somebody of each row's creditor: by its channel, hour and weekday."""

    channel: tuple[Floats, Floats]
    hour: tuple[Floats, Floats]
    weekday: tuple[Floats, Floats]


def encode(moments: Moments, counted: Counted, own: Own) -> dict[str, Floats]:
    """The columns, by their names."""
    attempts, reached = counted.channel
    rate = (reached + CHANNEL_PRIOR * USUAL) / (attempts + CHANNEL_PRIOR)
    own_rate = (own.reached + OWN_PRIOR * rate) / (own.attempts + OWN_PRIOR)
    kind = [moments.channel == CHANNELS.index("call"), np.isin(moments.channel, (1, 2)), moments.channel == 3]
    columns = (
        *kind, moments.hour, moments.weekday, rate, _over(counted.hour, rate), _over(counted.weekday, rate),
        own.attempts, own_rate, own.attempts_then,
        (own.reached_then + OWN_PRIOR * own_rate) / (own.attempts_then + OWN_PRIOR), own.acts, own.acts_then,
    )  # fmt: skip
    return {
        name: np.asarray(column, dtype=np.float64) for name, column in zip(WHEN_NAMES, columns, strict=True)
    }


def _over(counted: tuple[Floats, Floats], rate: Floats) -> Floats:
    attempts, reached = counted
    return (reached / rate + WHEN_PRIOR) / (attempts + WHEN_PRIOR)


# -- attempts of the past
# --------------------------------------------------------------------------------------

_LOCAL = "extract({what} FROM {at} AT TIME ZONE coalesce(d.timezone, t.timezone))::int"
_HOUR, _DAY = (_LOCAL.format(what=what, at="a.moment") for what in ("hour", "isodow"))
_SAME = " + ".join(f"(x.hour >= {hour})::int" for hour in PARTS[1:])
_THERE = " + ".join(f"(p.hour >= {hour})::int" for hour in PARTS[1:])
#: An attempt, of which it was not known by a moment that it had failed.
_TRIED = "e.direction = 'outbound' AND NOT (e.state = 'failed' AND e.state_at <= {moment})"
_SEEN = known("e", "p.moment")
_PLACE = f"array_position(ARRAY[{', '.join(repr(one) for one in CHANNELS)}], {{channel}}::text) - 1"
_RAW = (
    "tenant", "channel", "hour", "weekday", "attempts", "reached", "attempts_then", "reached_then", "acts",
    "acts_then",
)  # fmt: skip
_ATTEMPTS = f"""
WITH asked AS ({MADE}), p AS (
    SELECT a.*, {_HOUR} AS hour, {_DAY} AS weekday, coalesce(d.timezone, t.timezone) AS zone
    FROM asked a
    JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
    JOIN tenants t ON t.id = a.tenant_id
), o AS (
    SELECT p.number, sum(x.tried) AS attempts, count(*) FILTER (WHERE x.reached) AS reached,
        sum(x.tried) FILTER (WHERE {_SAME} = {_THERE}) AS attempts_then,
        count(*) FILTER (WHERE x.reached AND {_SAME} = {_THERE}) AS reached_then
    FROM p JOIN {RESULTS} e ON e.tenant_id = p.tenant_id AND e.debtor_id = p.debtor_id AND e.at < p.moment
        AND e.at > p.moment - interval '365 days' AND (e.channel = 'call') = (p.channel = 'call')
        AND e.direction = 'outbound'
    CROSS JOIN LATERAL (SELECT e.right_party AND {_SEEN} AS reached,
        e.latest::int - (e.state = 'failed' AND {_SEEN})::int AS tried,
        extract(hour FROM e.at AT TIME ZONE p.zone)::int AS hour) x
    GROUP BY p.number
), w AS (
    SELECT tenant_id, debtor_id, at FROM contacts WHERE tenant_id = ANY (%(tenants)s::bigint[])
        AND direction = 'inbound'
    UNION ALL SELECT tenant_id, debtor_id, at FROM link_visits WHERE tenant_id = ANY (%(tenants)s::bigint[])
), v AS (
    SELECT p.number, count(*) AS acts, count(*) FILTER (WHERE {_SAME} = {_THERE}) AS acts_then
    FROM p JOIN w ON w.tenant_id = p.tenant_id AND w.debtor_id = p.debtor_id AND w.at < p.moment
        AND w.at > p.moment - interval '365 days'
    CROSS JOIN LATERAL (SELECT extract(hour FROM w.at AT TIME ZONE p.zone)::int AS hour) x
    GROUP BY p.number
)
SELECT p.account_id, p.moment, p.target::bigint, p.tenant_id::float8,
({_PLACE.format(channel="p.channel")})::float8,
    p.hour::float8, p.weekday::float8, coalesce(o.attempts, 0)::float8, coalesce(o.reached, 0)::float8,
    coalesce(o.attempts_then, 0)::float8, coalesce(o.reached_then, 0)::float8, coalesce(v.acts, 0)::float8,
    coalesce(v.acts_then, 0)::float8
FROM p LEFT JOIN o ON o.number = p.number LEFT JOIN v ON v.number = p.number
WHERE p.channel = ANY (ARRAY[{", ".join(repr(one) for one in CHANNELS)}])
ORDER BY p.number
"""  # noqa: S608 - constants of ours


def read_attempts(session: Session, since: datetime, until: datetime, most: int) -> Rows:
    """Attempts with what was known of their moments when they were made."""
    rows = rows_of(session, _ATTEMPTS, _RAW, since - SEASON - WINDOW, until, most)
    raw = {name: rows.values[name] for name in _RAW}
    channel, hour, weekday = (raw[name].astype(np.int64) for name in ("channel", "hour", "weekday"))
    key = raw["tenant"].astype(np.int64) * len(CHANNELS) + channel
    counted = Counted(
        *(_before(each, rows.moment, rows.target) for each in (key, key * 24 + hour, key * 8 + weekday))
    )
    own = Own(*(raw[name] for name in _RAW[4:]))
    values = encode(Moments(channel, hour, weekday), counted, own)
    kept = rows.moment > since.timestamp()
    return Rows(
        rows.account_id[kept], rows.moment[kept], rows.target[kept],
        {name: column[kept] for name, column in values.items()},
    )  # fmt: skip


def _before(key: Ints, moment: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Of each row the rows of the same key, and those of them that reached somebody, in the season before it
    that were certain by then."""
    step = (
        float(moment.max() - moment.min() + (SEASON + WINDOW).total_seconds() * 2 + 1) if len(moment) else 1.0
    )
    _unique, place = np.unique(key, return_inverse=True)
    line = place * step + (moment - (moment.min() if len(moment) else 0.0))
    order = np.argsort(line, kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(target[order])])
    ends = np.searchsorted(line[order], line - WINDOW.total_seconds(), side="right")
    starts = np.searchsorted(line[order], line - (SEASON + WINDOW).total_seconds(), side="right")
    first = np.searchsorted(line[order], place * step, side="left")  # nothing of the key before
    ends, starts = np.maximum(ends, first), np.maximum(starts, first)
    return (ends - starts).astype(np.float64), reached[ends] - reached[starts]


# -- moments to come
# -------------------------------------------------------------------------------------------

_SEASON = f"""
WITH asked AS ({MADE_TO_ONE})
SELECT ({_PLACE.format(channel="a.channel")})::bigint AS channel, {_HOUR}::bigint AS hour, {_DAY}::bigint AS
weekday,
    count(*) AS attempts, sum(a.target)::bigint AS reached
FROM asked a
JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
JOIN tenants t ON t.id = a.tenant_id
WHERE a.channel = ANY (ARRAY[{", ".join(repr(one) for one in CHANNELS)}])
GROUP BY 1, 2, 3
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class Season:
    """Attempts and those that reached somebody: `counts[0]` and `counts[1]` by channel, hour and weekday."""

    counts: Floats

    def rate(self, channel: Ints) -> Floats:
        """The shrunk share that each channel reaches."""
        attempts, reached = self.counts.sum(axis=(2, 3))
        rates: Floats = (reached + CHANNEL_PRIOR * USUAL) / (attempts + CHANNEL_PRIOR)
        return rates[channel]

    def at(self, moments: Moments) -> Counted:
        """The counts of each moment."""
        by_hour, by_day = self.counts.sum(axis=3), self.counts.sum(axis=2)
        whole = by_hour.sum(axis=2)
        c, h, d = moments.channel, moments.hour, moments.weekday
        return Counted(
            (whole[0, c], whole[1, c]), (by_hour[0, c, h], by_hour[1, c, h]),
            (by_day[0, c, d], by_day[1, c, d]),
        )  # fmt: skip


def read_season(session: Session, at: datetime, newest: int | None = None) -> Season:
    """What the people of the tenant in scope did in the season before a moment, as far as it was certain: of
    all attempts, or of the newest so many, which takes a tenth of a second however many there are."""
    arguments = {
        "tenant": scope_of(session).tenant(), "since": at - SEASON - WINDOW, "until": at - WINDOW,
        "most": newest or 10_000_000, "debtors": [] if newest else None,
    }  # fmt: skip
    names = ("channel", "hour", "weekday", "attempts", "reached")
    found, _none = read(session, _SEASON, names, (), arguments)
    counts = np.zeros((2, len(CHANNELS), 24, 8))
    for place, name in enumerate(("attempts", "reached")):
        np.add.at(counts[place], (found["channel"], found["hour"], found["weekday"]), found[name])
    return Season(counts)


_BY_PART = ",\n    ".join(
    f"count(*) FILTER (WHERE x.called = {called} AND {_SAME} = {part}{also})::bigint"
    for called in ("true", "false")
    for also in ("", " AND x.reached")
    for part in range(len(PARTS))
)
# The hour is worked out once for each contact, not in each count: OFFSET 0 keeps it apart.
_PEOPLE = f"""
SELECT x.debtor_id,
    {_BY_PART}
FROM (
    SELECT e.debtor_id, e.channel = 'call' AS called, {_LOCAL.format(what="hour", at="e.at")} AS hour,
        e.right_party AND e.state_at <= %(at)s::timestamptz AS reached
    FROM contacts e
    JOIN debtors d ON d.tenant_id = e.tenant_id AND d.id = e.debtor_id
    JOIN tenants t ON t.id = e.tenant_id
    WHERE e.tenant_id = %(tenant)s AND e.at < %(at)s::timestamptz
        AND e.at > %(at)s::timestamptz - interval '365 days'
        AND {_TRIED.format(moment="%(at)s::timestamptz")} /*of e.account_id*/
    OFFSET 0
) x
GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - constants of ours
_ACTS = f"""
SELECT x.debtor_id, {", ".join(f"count(*) FILTER (WHERE {_SAME} = {part})" for part in range(len(PARTS)))}
FROM (
    SELECT w.debtor_id, {_LOCAL.format(what="hour", at="w.at")} AS hour
    FROM (
        SELECT tenant_id, debtor_id, at FROM contacts WHERE tenant_id = %(tenant)s AND direction = 'inbound'
            AND at > %(at)s::timestamptz - interval '365 days' /*of account_id*/
        UNION ALL SELECT tenant_id, debtor_id, at FROM link_visits WHERE tenant_id = %(tenant)s
            AND at > %(at)s::timestamptz - interval '365 days' /*only debtor_id*/
    ) w
    JOIN debtors d ON d.tenant_id = w.tenant_id AND d.id = w.debtor_id
    JOIN tenants t ON t.id = w.tenant_id
    WHERE w.at < %(at)s::timestamptz OFFSET 0
) x
GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class People:
    """What debtors did by parts of the day. `tried` by debtor, called or written, attempts or reached, and
    part; `acts` by debtor and part. Both end with a row of zeros for whoever did nothing."""

    debtors: Ints
    tried: Floats
    acting: Ints
    acts: Floats

    def known(self, debtors: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Who of them has a history."""
        return np.isin(debtors, self.debtors) | np.isin(debtors, self.acting)

    def of(self, debtors: Ints, moments: Moments) -> Own:
        """What the debtor of each moment did."""
        written = (moments.channel != CHANNELS.index("call")).astype(np.int64)
        tried, acts = self.tried[_place(self.debtors, debtors)], self.acts[_place(self.acting, debtors)]
        row, part = np.arange(len(debtors)), moments.part
        mine = tried[row, written]
        return Own(
            mine[:, 0].sum(axis=1), mine[:, 1].sum(axis=1), mine[row, 0, part], mine[row, 1, part],
            acts.sum(axis=1), acts[row, part],
        )  # fmt: skip


def _place(known: Ints, asked: Ints) -> Ints:
    """Of each asked its place among the known, or the place after the last."""
    place = np.searchsorted(known, asked)
    found = place < len(known)
    found[found] = known[place[found]] == asked[found]
    return np.where(found, place, len(known))


def read_people(session: Session, at: datetime, debtors: Sequence[int] | None = None) -> People:
    """What the debtors of the tenant in scope, or these, did within a year before a moment."""
    arguments = {"tenant": scope_of(session).tenant(), "at": at, "debtors": debtors}
    parts = len(PARTS)
    tried = _counts(session, _PEOPLE, 4 * parts, debtors, arguments)
    acts = _counts(session, _ACTS, parts, debtors, arguments)
    return People(tried[0], tried[1].reshape(-1, 2, 2, parts), acts[0], acts[1])


def _counts(
    session: Session,
    statement: str,
    width: int,
    debtors: Sequence[int] | None,
    arguments: Mapping[str, object],
) -> tuple[Ints, Floats]:
    names = [f"n{place}" for place in range(width)]
    found, _none = read(session, narrowed(statement, debtors), ("debtor_id", *names), (), arguments)
    table = np.zeros((len(found["debtor_id"]) + 1, width))
    for place, name in enumerate(names):
        table[:-1, place] = found[name]
    return found["debtor_id"], table
