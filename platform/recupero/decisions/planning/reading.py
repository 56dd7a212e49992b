"""What planning reads: each open account with its debtor, holds, permissions, points and latest contacts.

One statement for a tenant, like the features. What it says of an account's place, consents and points is what
`contacts.judging.law_facts` says of it; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.contacts.facts import column_of
from recupero.contacts.gate import ASKED, postal
from recupero.contacts.queries import HISTORY, LASTING
from recupero.contacts.told import Told, events_of, standing_on, told_of_all
from recupero.decisions.columns import Ints, moments, narrowed, read, read_frame
from recupero.decisions.history import control
from recupero.decisions.planning.points import read_points, with_points
from recupero.kernel.database import scope_of
from recupero.outreach.actions.states import OPEN
from recupero.placements.lifecycle import ENDED, HOLDS
from recupero_sdk.law.values import CHANNELS, CONTACT_OUTCOMES, DIRECTIONS, PURPOSES, RECIPIENTS

if TYPE_CHECKING:
    import polars as pl

REACH_WINDOW, MONTH = timedelta(days=90), timedelta(days=30)

#: What is stated of the portfolio, else of the creditor, as contacts.standing has it.
STATED = ("creditor_sector", "owner_type", "party")
_STATED = ", ".join(
    f"coalesce(o.law ->> '{name}', t.settings -> 'law' ->> '{name}') AS {name}" for name in STATED
)
# Who the debtor spoke with, or whose message was answered: calls of agents have the connector `agent`.
_KNOWN = "right_party AND state_at <= %(at)s::timestamptz"
_SPOKE = f"""count(*) FILTER (WHERE channel = 'call' AND connector = 'agent' AND {_KNOWN}) AS talked_agent,
        count(*) FILTER (WHERE channel = 'call' AND connector <> 'agent' AND {_KNOWN}) AS talked_voice,
        count(*) FILTER (WHERE channel <> 'call' AND (right_party OR state = 'answered')
            AND state_at <= %(at)s::timestamptz) AS answered_text"""
_ENDED = ", ".join(f"'{status}'" for status in sorted(ENDED))
_OPEN = "state IN ({})".format(", ".join(f"'{state}'" for state in OPEN))
_STRENGTH = ", ".join(f"'{kind}'" for kind in HOLDS)

_ACCOUNTS = f"""
WITH h AS (
    SELECT debtor_id, account_id, min(array_position(ARRAY[{_STRENGTH}], kind)) AS strength FROM holds
    WHERE tenant_id = %(tenant)s AND started_at <= %(at)s::timestamptz
      AND (ended_at IS NULL OR ended_at > %(at)s::timestamptz) AND (until IS NULL OR until >
      %(at)s::timestamptz) /*only debtor_id*/
    GROUP BY debtor_id, account_id
), said AS (
    SELECT DISTINCT ON (debtor_id, channel) debtor_id, channel, kind, at, id FROM permissions
    WHERE tenant_id = %(tenant)s AND at <= %(at)s::timestamptz /*only debtor_id*/
    ORDER BY debtor_id, channel, at DESC, id DESC
), spread AS (
    SELECT DISTINCT ON (debtor_id, c.channel) debtor_id, c.channel, kind
    FROM said JOIN unnest(ARRAY['call','visit','sms','email','whatsapp','letter']) AS c(channel)
        ON said.channel IN (c.channel, 'all')
    ORDER BY debtor_id, c.channel, at DESC, id DESC
), s AS (
    SELECT debtor_id, ',' || coalesce(string_agg(channel, ',') FILTER (WHERE kind = 'consent'), '') AS
    consents,
        ',' || coalesce(string_agg(channel, ',') FILTER (WHERE kind = 'opt_out'), '') AS opt_outs
    FROM spread GROUP BY debtor_id
), c AS (
    SELECT debtor_id, max(at) FILTER (WHERE state <> 'failed') AS last_at,
        count(*) FILTER (WHERE state <> 'failed' AND at > %(month)s::timestamptz) AS lately,
        {_SPOKE}
    FROM contacts WHERE tenant_id = %(tenant)s AND direction = 'outbound' AND at <= %(at)s::timestamptz
        /*with debtor_id*/
    GROUP BY debtor_id
), m AS (
    SELECT account_id, min(due_date) FILTER (WHERE state = 'open') AS promised_for,
        min(due_date) FILTER (WHERE state = 'late') AS late_on,
        max(settled_at) FILTER (WHERE state IN ('broken', 'partly_kept')) AS broken_at
    FROM (
        SELECT account_id, due_date, state, settled_at FROM promises WHERE tenant_id = %(tenant)s
            /*only debtor_id*/
        UNION ALL
        SELECT unnest(p.account_ids), i.due_date, CASE p.state WHEN 'running' THEN i.state ELSE p.state END,
            p.ended_at
        FROM plans p JOIN plan_instalments i ON i.tenant_id = p.tenant_id AND i.plan_id = p.id
        WHERE p.tenant_id = %(tenant)s AND p.state IN ('running', 'broken')
          AND (p.state = 'broken' OR i.state IN ('open', 'late')) /*only p.debtor_id*/
    ) agreed GROUP BY account_id
), w AS (
    SELECT account_id,
        bool_or(state NOT IN ('proposed', 'scheduled') OR decision_id IS NULL) FILTER (WHERE {_OPEN}) AS busy,
        max(channel) FILTER (WHERE {_OPEN}) AS channel, max(template) FILTER (WHERE {_OPEN}) AS template,
        max(due_at) FILTER (WHERE {_OPEN}) AS due_at, bool_or(state = 'proposed') AS proposed,
        max(changed_at) FILTER (WHERE state = 'cancelled') AS declined_at
    FROM actions WHERE tenant_id = %(tenant)s AND ({_OPEN}
        OR (state = 'cancelled' AND reason = 'declined' AND changed_at <= %(at)s::timestamptz))
        /*of account_id*/
    GROUP BY account_id
)
SELECT a.tenant_id AS tenant, a.id AS account, a.debtor_id AS debtor, d.person_id AS person, a.portfolio_id
AS portfolio,
    a.currency, a.balance_minor, a.stage, a.due_date,
    coalesce(o.law ->> 'debt_kind', t.settings -> 'law' ->> 'debt_kind', a.product) AS debt_kind, {_STATED},
    g.law ->> 'region' AS agency_region,
    a.last_payment_date, d.country, d.region, d.timezone, d.postal_code, d.language,
    coalesce(d.timezone, t.timezone) AS clock_zone,
    (ARRAY[{_STRENGTH}])[least(whole.strength, one.strength)] AS hold,
    s.consents, coalesce(s.opt_outs, ',') AS opt_outs,
    c.last_at, coalesce(c.lately, 0) AS lately, coalesce(c.talked_agent, 0) AS talked_agent,
    coalesce(c.talked_voice, 0) AS talked_voice, coalesce(c.answered_text, 0) AS answered_text,
    m.promised_for, m.late_on, m.broken_at,
    coalesce(w.busy, false) AS busy, w.channel AS waiting_channel, w.template AS waiting_template,
    w.due_at AS waiting_due, coalesce(w.proposed, false) AS waiting_proposed, w.declined_at,
    f.channel AS wished_channel, f.from_minute AS wished_from, f.to_minute AS wished_to
FROM accounts a
JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
JOIN tenants t ON t.id = a.tenant_id
JOIN agencies g ON g.id = t.agency_id
JOIN portfolios o ON o.tenant_id = a.tenant_id AND o.id = a.portfolio_id
LEFT JOIN h whole ON whole.debtor_id = a.debtor_id AND whole.account_id IS NULL
LEFT JOIN h one ON one.debtor_id = a.debtor_id AND one.account_id = a.id
LEFT JOIN s ON s.debtor_id = a.debtor_id
LEFT JOIN c ON c.debtor_id = a.debtor_id
LEFT JOIN m ON m.account_id = a.id
LEFT JOIN w ON w.account_id = a.id
LEFT JOIN contact_preferences f ON f.tenant_id = a.tenant_id AND f.debtor_id = a.debtor_id
WHERE a.tenant_id = %(tenant)s AND a.balance_minor > 0
  AND a.status NOT IN ({_ENDED}) /*only a.debtor_id*/
"""  # noqa: S608 - constants of ours


def read_accounts(session: Session, at: datetime, debtors: Sequence[int] | None = None) -> pl.DataFrame:
    """One row per open account of the tenant in scope, or of these debtors; texts not known are null.

    `hold` is the strongest hold; `busy` an action that is under way or that somebody else asked for;
    `waiting_proposed` that what waits needs a yes, `declined_at` when somebody last said no;
    `control` that the person is left alone on purpose; `consents` (words after commas) is null where nothing
    was ever said. Times are UTC.
    """
    import polars as pl

    times = ("last_at", "broken_at", "waiting_due", "declined_at")
    dates = ("due_date", "last_payment_date", "promised_for", "late_on")
    schema: dict[str, type[pl.DataType]] = {
        "tenant": pl.Int64, "account": pl.Int64, "debtor": pl.Int64, "person": pl.Int64,
        "portfolio": pl.Int64,
        "currency": pl.String, "balance_minor": pl.Int64, "stage": pl.String, "due_date": pl.String,
        "debt_kind": pl.String,
        **dict.fromkeys((*STATED, "agency_region", "last_payment_date"), pl.String),
        "country": pl.String, "region": pl.String, "timezone": pl.String, "postal_code": pl.String,
        "language": pl.String, "clock_zone": pl.String,
        "hold": pl.String, "consents": pl.String, "opt_outs": pl.String,
    }  # fmt: skip
    schema |= {
        "last_at": pl.String, "lately": pl.Int64, "talked_agent": pl.Int64, "talked_voice": pl.Int64,
        "answered_text": pl.Int64, "promised_for": pl.String, "late_on": pl.String,
        "broken_at": pl.String,
        "busy": pl.String, "waiting_channel": pl.String, "waiting_template": pl.String,
        "waiting_due": pl.String,
        "waiting_proposed": pl.String, "declined_at": pl.String,
        "wished_channel": pl.String, "wished_from": pl.Int64, "wished_to": pl.Int64,
    }  # fmt: skip
    arguments = {"tenant": scope_of(session).tenant(), "at": at, "month": at - MONTH, "debtors": debtors}
    frame = read_frame(session, narrowed(_ACCOUNTS, debtors), schema, arguments).sort("account")
    frame = with_points(frame, read_points(session, debtors))
    frame = _placed(frame).with_columns(
        *(
            pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC")
            for name in times
        ),
        *(pl.col(name).str.to_date("%Y-%m-%d") for name in dates),
        *((pl.col(name) == "t").alias(name) for name in ("busy", "waiting_proposed")),
    )
    return control.marked(session, _told(frame, told_of_all(session), at))


def _told(frame: pl.DataFrame, stated: Mapping[int, list[Told]], at: datetime) -> pl.DataFrame:
    """With situations, permissions and dated events (JSON text), as `contacts.told` has them."""
    import polars as pl

    rows = frame.select("account", "debtor", "last_payment_date").filter(
        pl.col("last_payment_date").is_not_null() | pl.col("debtor").is_in(list(stated))
    )
    day, found = at.date(), []
    for account, debtor, paid_on in rows.iter_rows():
        mine = [one for one in stated.get(debtor, ()) if one.account_id in (None, account)]
        situations, allowed = (sorted(standing_on(mine, kind, day)) for kind in ("situation", "permission"))
        found.append((account, situations, allowed, column_of(events_of(mine, paid_on))))
    words = pl.List(pl.String)
    schema: dict[str, Any] = {
        "account": pl.Int64, "situations": words, "permissions": words, "events": pl.String
    }  # fmt: skip
    table = pl.DataFrame(found, schema=schema, orient="row")
    return frame.join(table, on="account", how="left", maintain_order="left")


def _placed(frame: pl.DataFrame) -> pl.DataFrame:
    """With what the postcode tells of the debtor's place: the region where none is stated, zone and area."""
    import polars as pl

    known = frame.select("country", "postal_code").unique().drop_nulls()
    places = [postal(country, code) for country, code in known.iter_rows()]
    told = known.with_columns(
        pl.Series("postal_region", [place.region for place in places], dtype=pl.String),
        pl.Series("postal_zone", [place.timezone for place in places], dtype=pl.String),
        pl.Series("postal_area", [place.area for place in places], dtype=pl.String),
    )
    frame = frame.join(told, on=["country", "postal_code"], how="left", maintain_order="left")
    return frame.with_columns(region=pl.coalesce("region", "postal_region")).drop("postal_region")


def waiting(accounts: pl.DataFrame) -> set[int]:
    """Accounts with an action that an earlier plan scheduled and nobody has begun."""
    import polars as pl

    return set(
        accounts.filter(pl.col("waiting_channel").is_not_null() & ~pl.col("busy"))["account"].to_list()
    )


_WORDS: dict[str, tuple[str, ...]] = {
    "channel": CHANNELS, "direction": DIRECTIONS, "outcome": CONTACT_OUTCOMES, "recipient": RECIPIENTS,
    "purpose": PURPOSES,
}  # fmt: skip
_WORD_BITS = 11  # seven for the first letter, four for the length: no two words of a column share both
_PACKED = " | ".join(
    f"(coalesce(ascii(p.{name}) | (octet_length(p.{name}) << 7), 0)::bigint << {place * _WORD_BITS})"
    for place, name in enumerate(_WORDS)
)
_OF_TENANT = "p.person_id IN (SELECT person_id FROM debtors WHERE tenant_id = %(tenant)s /*only id*/)"
_HISTORY = """
SELECT p.person_id, p.tenant_id,
    CASE WHEN p.tenant_id = %(tenant)s THEN coalesce(p.account_id, 0) ELSE 0 END, {packed}, p.at
FROM person_contacts p
WHERE p.agency_id = %(agency)s AND p.at <= %(at)s::timestamptz
  AND (p.at > %(since)s::timestamptz OR p.purpose = ANY(%(lasting)s)) AND {whose}
"""


def read_history(session: Session, at: datetime, debtors: Sequence[int] | None = None) -> pl.DataFrame:
    """Contacts with the tenant's people (or these debtors), by whichever tenant of the agency: see
    `read_contacts`."""
    return read_contacts(session, at, narrowed(_OF_TENANT, debtors), {"debtors": debtors})


def read_contacts(session: Session, at: datetime, whose: str, arguments: Mapping[str, Any]) -> pl.DataFrame:
    """Contacts up to a moment that `whose`, a condition on `person_contacts p` with `arguments`, picks, in
    the columns the gate asks for.

    Read as numbers, which takes a fraction of the time of texts: `debt` is the account, 0 where it is none
    of the tenant in scope, and a word comes as its first letter and length. Raises ValueError where a word
    is none that the law knows.
    """
    import polars as pl

    scope = scope_of(session)
    given = {
        "agency": scope.agency(), "tenant": scope.tenant(), "since": at - HISTORY, "at": at,
        "lasting": list(LASTING),
    }  # fmt: skip
    names = ("person", "creditor", "debt", "words", "at")
    query = _HISTORY.format(packed=_PACKED, whose=whose)
    columns, _floats = read(session, query, names, (), {**given, **arguments})
    packed = columns.pop("words")
    words = {
        name: _word(name, (packed >> place * _WORD_BITS) % 2**_WORD_BITS, known)
        for place, (name, known) in enumerate(_WORDS.items())
    }
    past = pl.DataFrame({**columns, "at": moments(columns["at"]), **words})
    return past.with_columns(
        asked=((pl.col("purpose") == ASKED) & (pl.col("direction") == "outbound")).fill_null(value=False)
    )


def _word(name: str, codes: Ints, words: tuple[str, ...]) -> pl.Series:
    """A column of words by first letter and length; null where there is none."""
    import polars as pl

    unknown = len(words) + 1
    place = np.full(2**_WORD_BITS, unknown, dtype=np.uint32)
    place[0] = len(words)
    place[[ord(word[0]) | len(word) << 7 for word in words]] = range(len(words))
    found = place[codes]
    if (found == unknown).any():
        raise ValueError(f"person_contacts.{name} holds a word that is none of {', '.join(words)}")
    return pl.Series(name, [*words, None], dtype=pl.Enum(words)).gather(found)


# By quarter of an hour first, so that few moments are put into a zone: no zone's clock lies otherwise.
_HOURS = """
WITH q AS (
    SELECT c.channel, d.timezone, date_part('epoch', c.at)::bigint / 900 AS quarter, count(*) AS attempts,
        count(*) FILTER (WHERE c.state = 'answered' OR c.right_party) AS answers
    FROM contacts c
    JOIN debtors d ON d.tenant_id = c.tenant_id AND d.id = c.debtor_id
    WHERE c.tenant_id = %(tenant)s AND c.direction = 'outbound' AND c.at <= %(at)s::timestamptz
      AND c.at > %(since)s::timestamptz
    GROUP BY 1, 2, 3
)
SELECT q.channel, extract(isodow FROM x.moment)::int AS weekday, extract(hour FROM x.moment)::int AS hour,
    sum(q.attempts)::bigint AS attempts, sum(q.answers)::bigint AS answers
FROM q
JOIN tenants t ON t.id = %(tenant)s
CROSS JOIN LATERAL (
    SELECT to_timestamp(q.quarter * 900) AT TIME ZONE coalesce(q.timezone, t.timezone) AS moment
) x
GROUP BY 1, 2, 3
"""


def read_hours(session: Session, at: datetime) -> dict[tuple[str, int, int], tuple[int, int]]:
    """Attempts and answers of the last 90 days by channel, weekday (1 Monday) and hour of the debtors."""
    import polars as pl

    schema: dict[str, type[pl.DataType]] = {
        "channel": pl.String, **dict.fromkeys(("weekday", "hour", "attempts", "answers"), pl.Int64),
    }  # fmt: skip
    arguments = {"tenant": scope_of(session).tenant(), "at": at, "since": at - REACH_WINDOW}
    rows = read_frame(session, _HOURS, schema, arguments).iter_rows()
    return {(channel, day, hour): (attempts, answers) for channel, day, hour, attempts, answers in rows}


def reach_of(hours: Mapping[tuple[str, int, int], tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Attempts and answers by channel, of what `read_hours` counted."""
    found: dict[str, tuple[int, int]] = {}
    for (channel, _day, _hour), (attempts, answers) in hours.items():
        before = found.get(channel, (0, 0))
        found[channel] = (before[0] + attempts, before[1] + answers)
    return found
