"""The gate over columns, for planning: many accounts, one moment, several channels; answers as `judge`.

What does not depend on history is worked out once per distinct setting (place, consents, flags) with the
single form's own checks. What counts history is worked out with group-by, see `batch_history`. Where the
law changes within the horizon, or treats reminders apart, accounts are judged one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from recupero.law.batch_history import History
from recupero.law.service import Packs, judge_contact
from recupero_sdk.law import (
    HORIZON,
    Channel,
    Facts,
    PastContact,
    Proposal,
    Purpose,
    Recipient,
    RegulationPack,
)
from recupero_sdk.law.checks import Case
from recupero_sdk.law.engine import Plan, compiled, purpose_of
from recupero_sdk.law.moments import DAY, ceil_minute
from recupero_sdk.law.opening import open_stretches
from recupero_sdk.law.zones import UnknownZoneError, Whereabouts, load_zone

_TIME = pl.Datetime("us", "UTC")
_PLACE = ("region", "timezone", "phone_timezone", "postal_timezone", "commune")
_LISTS = ("consented_channels", "opted_out_channels", "flags")
_SETTING = (*_PLACE, *_LISTS, "employer_contact", "debt_kind")
#: Columns of `accounts`: keys of any type, texts that may be null, lists of text, a flag and a date.
ACCOUNT_COLUMNS = ("account", "person", "debt", "creditor", "country", *_SETTING, "due_date")
#: Columns of `history`: keys as in `accounts`, `at` in UTC, and texts.
HISTORY_COLUMNS = ("person", "debt", "creditor", "at", "channel", "direction", "outcome")
_ANSWER: dict[str, Any] = {
    "channel": pl.String,
    "allowed": pl.Boolean,
    "first_refusal": pl.String,
    "next_lawful_at": _TIME,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every account: may it be contacted at this moment, and when else."""

    at: datetime
    recipient: Recipient = "debtor"
    purpose: Purpose | None = None
    horizon: timedelta = HORIZON

    def proposal(self, channel: Channel) -> Proposal:
        return Proposal(self.at, channel, self.recipient, self.purpose)


def judge_many(
    packs: Packs,
    accounts: pl.DataFrame,
    history: pl.DataFrame,
    channels: Sequence[Channel],
    question: Question,
) -> pl.DataFrame:
    """One row per account and channel: account, channel, allowed, first_refusal, next_lawful_at (UTC).

    `history` holds contacts of these persons up to the moment asked about; later ones are left out. Raises
    `ValueError` where a column is missing.
    """
    _require(accounts, ACCOUNT_COLUMNS, "accounts")
    _require(history, HISTORY_COLUMNS, "history")
    rows = accounts.select(ACCOUNT_COLUMNS).with_row_index("row")
    past = history.select(HISTORY_COLUMNS).with_columns(pl.col("at").cast(_TIME))
    past = past.filter(pl.col("at") <= question.at)
    answers = [_answer(packs, part, past, channels, question) for part in rows.partition_by("country")]
    empty = pl.DataFrame(schema={"row": pl.UInt32, "account": accounts.schema["account"], **_ANSWER})
    order = pl.Enum(list(channels))
    answer = pl.concat([empty, *answers], how="vertical_relaxed")
    return answer.sort("row", pl.col("channel").cast(order)).drop("row")


def _require(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    if missing := [column for column in columns if column not in frame.columns]:
        raise ValueError(f"{name} lacks the column {', '.join(missing)}")


def _answer(
    packs: Packs, rows: pl.DataFrame, past: pl.DataFrame, channels: Sequence[Channel], question: Question
) -> pl.DataFrame:
    country = rows["country"][0]
    if packs.closed_because(country) is not None:
        return _closed(rows, channels, f"{country}-COVERAGE")
    pack = packs.by_country[country]
    if _law_moves(pack, question) or _minds_reminders(pack):
        return _one_by_one(packs, rows, past, channels, question)
    rows, settings = _settings(rows)
    judged = [_Setting.of(pack, setting) for setting in settings.iter_rows(named=True)]
    mine = past.join(rows.select("person").unique(), on="person", how="semi")
    past_contacts = History(mine, question.at)
    answers = [_by_channel(pack, rows, judged, past_contacts, channel, question) for channel in channels]
    return pl.concat(answers, how="vertical_relaxed")


def _closed(rows: pl.DataFrame, channels: Sequence[Channel], rule: str) -> pl.DataFrame:
    answer = rows.select("row", "account").join(pl.DataFrame({"channel": list(channels)}), how="cross")
    return answer.with_columns(
        allowed=pl.lit(value=False),
        first_refusal=pl.lit(rule),
        next_lawful_at=pl.lit(None, dtype=_TIME),
    )


def _law_moves(pack: RegulationPack, question: Question) -> bool:
    """Whether deciding rules come or go around the moments asked about, in any zone."""
    first = question.at.astimezone(UTC).date() - 2 * DAY
    last = first + question.horizon + 4 * DAY
    covers = pack.manifest.covers_from
    if covers is not None and first <= covers:
        return True
    return any(first <= day <= last for day in compiled(pack).deciding_changes)


def _minds_reminders(pack: RegulationPack) -> bool:
    """Whether a deciding rule tells reminders from collection, so that the due date moves the answer."""
    return compiled(pack).minds_reminders


def _settings(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with the number of their setting, and the distinct settings."""
    rows = rows.with_columns(pl.col(name).list.unique().list.sort().list.join(",") for name in _LISTS)
    settings = rows.select(_SETTING).unique(maintain_order=True).with_row_index("setting")
    return rows.join(settings, on=list(_SETTING), how="left", nulls_equal=True), settings


def _channels(text: str | None) -> frozenset[Any]:
    return frozenset(text.split(",")) if text else frozenset()


@dataclass(frozen=True, slots=True)
class _Setting:
    """Facts shared by many accounts, and the zones and regions that follow from them."""

    number: int
    facts: Facts
    where: Whereabouts

    @classmethod
    def of(cls, pack: RegulationPack, row: dict[str, Any]) -> _Setting:
        consented = row["consented_channels"]
        facts = Facts(
            country=pack.country,
            **{name: row[name] for name in _PLACE},
            consented_channels=None if consented is None else _channels(consented),
            opted_out_channels=_channels(row["opted_out_channels"]),
            flags=_channels(row["flags"]),
            employer_contact=bool(row["employer_contact"]),
            debt_kind=row["debt_kind"],
        )
        return cls(row["setting"], facts, compiled(pack).whereabouts(facts))

    @property
    def place(self) -> str:
        """Settings with the same place have the same open stretches."""
        return "|".join((*self.where.zones, "", *sorted(self.where.places), "", self.facts.commune or ""))


@dataclass(frozen=True, slots=True)
class _Still:
    """What one setting and channel give without history: places in the plan of the first rules refusing."""

    setting: _Setting
    plan: Plan
    by_facts: int | None
    by_clock: int | None


def _still(pack: RegulationPack, setting: _Setting, proposal: Proposal) -> _Still | None:
    """The history-free judgement; None where a zone does not exist."""
    refused: dict[str, list[int]] = {"facts": [], "clock": []}
    plan = None
    where = setting.where
    for name in where.zones:
        try:
            zone = load_zone(name)
        except UnknownZoneError:
            return None
        local = proposal.at.astimezone(zone)
        purpose = purpose_of(setting.facts, proposal, local.date())
        plan = compiled(pack).plan(local.date(), proposal.channel, purpose, where.places)
        at = proposal.at.astimezone(UTC)
        case = Case(setting.facts, proposal, [], at, zone, local, local.date(), where.regions, purpose)
        for place, check in plan.deciding:
            if check.basis != "history" and check.refusal(case):
                refused[check.basis].append(place)
    if plan is None:
        return None
    return _Still(setting, plan, min(refused["facts"], default=None), min(refused["clock"], default=None))


def _by_channel(
    pack: RegulationPack,
    rows: pl.DataFrame,
    settings: list[_Setting],
    past: History,
    channel: Channel,
    question: Question,
) -> pl.DataFrame:
    """The answer for one channel: settings with the same deciding rules are answered together."""
    proposal = question.proposal(channel)
    profiles: dict[tuple[int, ...], list[_Still]] = {}
    lost = []
    for setting in settings:
        still = _still(pack, setting, proposal)
        if still is None:
            lost.append(setting.number)
            continue
        key = tuple(id(still.plan.articles[place]) for place, _check in still.plan.deciding)
        profiles.setdefault(key, []).append(still)
    answers = [_profile(pack, rows, stills, past, proposal, question.horizon) for stills in profiles.values()]
    unplaced = rows.filter(pl.col("setting").is_in(lost))
    answers.append(_closed(unplaced, [channel], f"{pack.country}-COVERAGE"))
    return pl.concat(answers, how="vertical_relaxed")


def _profile(
    pack: RegulationPack,
    rows: pl.DataFrame,
    stills: list[_Still],
    past: History,
    proposal: Proposal,
    horizon: timedelta,
) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "setting": [still.setting.number for still in stills],
            "place": [still.setting.place for still in stills],
            "zones": [list(still.setting.where.zones) for still in stills],
            "by_facts": [still.by_facts for still in stills],
            "by_clock": [still.by_clock for still in stills],
        },
        schema_overrides={"setting": pl.UInt32, "by_facts": pl.Int32, "by_clock": pl.Int32},
    )
    mine = rows.join(frame, on="setting", how="inner")
    plan = stills[0].plan
    mine = mine.join(past.blocks(mine, plan, proposal), on="row", how="left")
    names = [plan.at_rest[place].rule_id for place in range(len(plan.at_rest))]
    stretches = _stretches(pack, stills, proposal, horizon)
    return _conclude(mine, stretches, names, proposal, horizon)


def _stretches(
    pack: RegulationPack, stills: list[_Still], proposal: Proposal, horizon: timedelta
) -> pl.DataFrame:
    """Open stretches of every place, ends in order, one minute more than the horizon so that it is inside."""
    until = proposal.at.astimezone(UTC) + horizon + timedelta(minutes=1)
    places = {still.setting.place: still.setting.facts for still in stills}
    found = [
        (place, starts, ends)
        for place, facts in places.items()
        for starts, ends in open_stretches(pack, facts, proposal, until)
    ]
    schema: dict[str, Any] = {"place": pl.String, "starts": _TIME, "ends": _TIME}
    return pl.DataFrame(found, schema=schema, orient="row").sort("ends")


def _conclude(
    rows: pl.DataFrame, stretches: pl.DataFrame, names: list[str], proposal: Proposal, horizon: timedelta
) -> pl.DataFrame:
    """First refusing rule and next lawful moment from what facts, clock and history each said."""
    at = proposal.at.astimezone(UTC)
    first = pl.min_horizontal("by_facts", "by_clock", "by_history")
    rows = rows.with_columns(
        first=first,
        moment=pl.max_horizontal(pl.lit(ceil_minute(at), dtype=_TIME), _ceil_minute(pl.col("blocked_until"))),
    )
    rows = rows.sort("moment").join_asof(
        stretches,
        left_on="moment",
        right_on="ends",
        by="place",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    later = pl.max_horizontal("moment", _ceil_minute(pl.col("starts")))
    reachable = pl.col("by_facts").is_null() & pl.col("starts").is_not_null() & (later <= at + horizon)
    return rows.select(
        "row",
        "account",
        channel=pl.lit(proposal.channel),
        allowed=pl.col("first").is_null(),
        first_refusal=pl.col("first").replace_strict(
            dict(enumerate(names)), default=None, return_dtype=pl.String
        ),
        next_lawful_at=pl.when(pl.col("first").is_null())
        .then(pl.lit(at, dtype=_TIME))
        .when(reachable)
        .then(later),
    )


def _ceil_minute(moment: pl.Expr) -> pl.Expr:
    whole = moment.dt.truncate("1m")
    return pl.when(whole == moment).then(moment).otherwise(whole + timedelta(minutes=1))


def _one_by_one(
    packs: Packs, rows: pl.DataFrame, past: pl.DataFrame, channels: Sequence[Channel], question: Question
) -> pl.DataFrame:
    """The same answer from the single form, account by account."""
    by_person: dict[Any, list[dict[str, Any]]] = {}
    mine = past.join(rows.select("person").unique(), on="person", how="semi")
    for contact in mine.iter_rows(named=True):
        by_person.setdefault(contact["person"], []).append(contact)
    answers = []
    for row in rows.iter_rows(named=True):
        history = [_past(contact, row) for contact in by_person.get(row["person"], [])]
        for channel in channels:
            verdict = judge_contact(packs, _facts(row), history, question.proposal(channel))
            lawful = verdict.next_lawful_at
            lawful = lawful.astimezone(UTC) if lawful else None
            answers.append(
                (row["row"], row["account"], channel, verdict.allowed, verdict.first_refusal, lawful)
            )
    schema = {"row": pl.UInt32, "account": rows.schema["account"], **_ANSWER}
    return pl.DataFrame(answers, schema=schema, orient="row")


def _facts(row: dict[str, Any]) -> Facts:
    consented = row["consented_channels"]
    return Facts(
        country=row["country"],
        **{name: row[name] for name in _PLACE},
        consented_channels=None if consented is None else frozenset(consented),
        opted_out_channels=frozenset(row["opted_out_channels"] or ()),
        flags=frozenset(row["flags"] or ()),
        employer_contact=bool(row["employer_contact"]),
        due_date=row["due_date"],
        debt_kind=row["debt_kind"],
    )


def _past(contact: dict[str, Any], row: dict[str, Any]) -> PastContact:
    return PastContact(
        at=contact["at"],
        channel=contact["channel"],
        direction=contact["direction"],
        outcome=contact["outcome"],
        same_debt=contact["debt"] == row["debt"],
        same_creditor=contact["creditor"] == row["creditor"],
    )
