"""Past decisions of a portfolio with what was known when they were made, for asking what another strategy
would have chosen among the same options.

What was open then is read from the decision itself: its alternatives, and the rule that closed each other
channel. About a channel that nobody asked about then, the gate is asked afterwards, by the law of that day,
on the facts that are kept with their dates; of an account whose work has ended since it is not known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.contacts.gate import postal
from recupero.contacts.policies import lawbook
from recupero.contacts.told import Told, standing_on, told_of_all
from recupero.decisions.planning import candidates, reading
from recupero.decisions.planning.candidates import Candidates, Tally
from recupero.decisions.planning.recording import WAIT
from recupero.decisions.strategies.strategy import Strategy
from recupero.kernel.database import scope_of

#: Debtors whom a query picks one by one.
FEW = 200
Option = dict[str, Any]  # channel (None: to wait), at, value_minor, cost_minor, annoyance_minor


@dataclass(slots=True)
class Past:
    """One decision. `alternatives` are those it kept, `closed` the refusing rule by channel; `value_minor`s
    are of then. `owed_minor` is all the debtor owed in the currency, `last_at` and `lately` their contacts
    before. `elsewhere`: another account of the debtor was chosen."""

    id: int
    run_id: int
    debtor_id: int
    person_id: int
    account_id: int
    at: datetime
    choice: str
    channel: str | None
    scheduled_at: datetime | None
    propensity: float
    cost_minor: int
    score: float
    model: str
    strategy_version: int | None
    segment: str | None
    arm: str | None
    alternatives: list[Option]
    closed: dict[str, str]
    elsewhere: bool
    balance_minor: int
    owed_minor: int
    currency: str
    due_date: Any
    stage: str
    country: str
    region: str | None
    postal_code: str | None
    language: str | None
    last_at: datetime | None
    lately: int
    situations: list[str] = field(default_factory=list)
    later: list[Option] = field(default_factory=list)  # what the law says now that nobody asked about then
    unasked: set[str] = field(default_factory=set)  # channels of which nothing is known

    @property
    def offers(self) -> list[Option]:
        """The alternatives without waiting, those of then first."""
        return [*(each for each in self.alternatives if each["channel"] is not None), *self.later]

    def took(self, option: Option) -> bool:
        """Whether the option is what was chosen."""
        if self.choice == WAIT or self.scheduled_at is None:
            return option["channel"] is None
        return bool(self.channel == option["channel"] and self.scheduled_at.isoformat() == option["at"])


_PAST = text("""
SELECT d.id, d.run_id, a.debtor_id, b.person_id, d.account_id, d.at, d.choice, d.channel, d.scheduled_at,
    d.propensity, d.cost_minor, d.score, d.model, d.strategy_version, d.segment, d.arm, d.alternatives,
    d.blocked AS closed, d.reasons @> '[{"code": "better_elsewhere"}]' AS elsewhere, a.currency, a.due_date,
    a.stage, b.country, b.region, b.postal_code, b.language
FROM decisions d
JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id AND a.portfolio_id = :portfolio
JOIN debtors b ON b.tenant_id = a.tenant_id AND b.id = a.debtor_id
WHERE d.tenant_id = :tenant AND d.at > :since AND d.at <= :until
ORDER BY d.id
""")
_CONTACTS = text("""
SELECT debtor_id, array_agg(at ORDER BY at) AS at FROM contacts
WHERE tenant_id = :tenant AND direction = 'outbound' AND state <> 'failed' AND at <= :until
GROUP BY debtor_id
""")
_MONEY = text("""
SELECT a.debtor_id, a.currency, a.id, a.placed_on, a.placed_minor,
    coalesce(array_agg(x.at ORDER BY x.at) FILTER (WHERE x.at IS NOT NULL), '{}') AS at,
    coalesce(array_agg(x.amount_minor ORDER BY x.at) FILTER (WHERE x.at IS NOT NULL), '{}') AS amounts
FROM accounts a
LEFT JOIN allocations x ON x.tenant_id = a.tenant_id AND x.account_id = a.id AND x.at <= :until
WHERE a.tenant_id = :tenant AND a.debtor_id IN (
    SELECT debtor_id FROM accounts WHERE tenant_id = :tenant AND portfolio_id = :portfolio)
GROUP BY a.tenant_id, a.id
""")
_COUNT = text(
    "SELECT count(*) FROM decisions d JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id"
    " WHERE d.tenant_id = :tenant AND a.portfolio_id = :portfolio AND d.at > :since AND d.at <= :until"
)
#: Those of one plan share their moment: it falls out as a whole.
_FITTING = text(
    "SELECT d.at FROM decisions d JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id"
    " WHERE d.tenant_id = :tenant AND a.portfolio_id = :portfolio AND d.at > :since AND d.at <= :until"
    " ORDER BY d.at DESC OFFSET :most LIMIT 1"
)


def count(session: Session, portfolio_id: int, since: datetime, until: datetime) -> int:
    """Decisions on the portfolio's accounts after `since`, until `until`."""
    return int(session.execute(_COUNT, _asked(session, portfolio_id, since, until)).scalar_one())


def fitting(session: Session, portfolio_id: int, since: datetime, until: datetime, most: int) -> datetime:
    """The earliest moment from `since` on after which at most so many of those decisions were made."""
    asked = _asked(session, portfolio_id, since, until) | {"most": most}
    last = session.execute(_FITTING, asked).scalar_one_or_none()
    return since if last is None else last


def read(session: Session, portfolio_id: int, since: datetime, until: datetime) -> list[Past]:
    """Those decisions, of the tenant in scope, in order."""
    asked = _asked(session, portfolio_id, since, until)
    contacts = {row.debtor_id: row.at for row in session.execute(_CONTACTS, asked)}
    money: defaultdict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in session.execute(_MONEY, asked):
        money[row.debtor_id, row.currency].append(row)
    stated, found = told_of_all(session), []
    for one in session.execute(_PAST, asked).mappings():
        known: dict[str, Any] = dict(one)
        theirs = money[one["debtor_id"], one["currency"]]
        told = stated.get(one["debtor_id"], ())
        known |= _owed(theirs, one["account_id"], one["at"])
        known |= _approached(contacts.get(one["debtor_id"], []), one["at"])
        past = Past(**known, situations=_situations(told, one["account_id"], one["at"]))
        past.region = past.region or postal(past.country, past.postal_code).region
        found.append(past)
    return found


def _owed(accounts: Sequence[Any], account_id: int, at: datetime) -> dict[str, int]:
    """What the account, and all of them, came to at a moment: placed less allocated."""
    left = {
        row.id: row.placed_minor - sum(row.amounts[: bisect_right(row.at, at)])
        for row in accounts
        if row.placed_on <= at.date()
    }
    return {"balance_minor": left.get(account_id, 0), "owed_minor": sum(left.values())}


def _approached(contacts: Sequence[datetime], at: datetime) -> dict[str, Any]:
    """The newest contact before a moment, and how many there were in 30 days."""
    end = bisect_right(contacts, at)
    return {
        "last_at": contacts[end - 1] if end else None,
        "lately": end - bisect_right(contacts, at - timedelta(days=30)),
    }  # fmt: skip


def _situations(stated: Sequence[Told], account_id: int, at: datetime) -> list[str]:
    told = [one for one in stated if one.account_id in (None, account_id)]
    return sorted(standing_on(told, "situation", at.date()))


def _asked(session: Session, portfolio_id: int, since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "tenant": scope_of(session).tenant(), "portfolio": portfolio_id, "since": since, "until": until
    }  # fmt: skip


#: Decisions of a moment by channel, and whether a machine would lead its calls.
_Ways = defaultdict[tuple[str, bool], list[Past]]


def ask_the_law(
    session: Session,
    rows: Sequence[tuple[Past, Strategy]],
    carried: Collection[str],
    *,
    by_machine: bool,
) -> None:
    """Ask about the channels that the strategies want and the decisions say nothing of, and note the answer
    with each: an alternative without a value, the rule that refuses, or that nothing is known any more."""
    asked: defaultdict[datetime, _Ways] = defaultdict(lambda: defaultdict(list))
    for past, strategy in rows:
        told = {each["channel"] for each in past.offers} | set(past.closed)
        for channel in strategy.channels:
            if channel in carried and channel not in told:
                past.unasked.add(channel)
                asked[past.at][channel, strategy.machine_calls(by_machine=by_machine)].append(past)
    for at, ways in asked.items():
        _answer(session, at, ways)


def _answer(session: Session, at: datetime, ways: _Ways) -> None:
    """The law's answer at a moment; what is known of its accounts is read once."""
    import polars as pl

    some = {past.account_id: past.debtor_id for each in ways.values() for past in each}
    people = sorted(set(some.values()))
    debtors = people if len(people) <= FEW else None  # many are read like all: in columns
    ahead = pl.col("due_date") > pl.lit(at).dt.date()
    accounts = reading.read_accounts(session, at, debtors).with_columns(
        branch=pl.lit(0, pl.Int64),
        template=pl.when(ahead).then(pl.lit("reminder")).otherwise(pl.lit("follow_up")),
    )
    accounts = accounts.filter(pl.col("account").is_in(list(some)))
    history = reading.read_history(session, at, debtors)
    law = lawbook(session).of(scope_of(session).tenant(), at)
    for (channel, machine), rows in ways.items():
        mine = accounts.filter(pl.col("account").is_in([past.account_id for past in rows]))
        found = candidates.lawful(
            mine, history, {0: Strategy(channels=(channel,))}, (channel,), at, Tally(), law,
            by_machine=machine,
        )  # fmt: skip
        _note(channel, rows, found)


def _note(channel: str, rows: Sequence[Past], found: Candidates) -> None:
    first = found.options.sort("moment").unique("account", keep="first", maintain_order=True)
    open_at: Mapping[int, datetime] = dict(first.select("account", "moment").iter_rows())
    refused: Mapping[int, str] = dict(found.refused.select("account", "rule").iter_rows())
    for past in rows:
        if past.account_id in open_at:
            moment = open_at[past.account_id].isoformat()
            past.later.append({"channel": channel, "at": moment, "value_minor": None, "cost_minor": 0})
            past.unasked.discard(channel)
        elif past.account_id in refused:
            past.closed[channel] = refused[past.account_id]
            past.unasked.discard(channel)
