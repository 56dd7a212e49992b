"""What many accounts share and is judged once: facts without history, places, and when their law turns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import polars as pl

from recupero.law.batch_known import Common, Question, Setting
from recupero_sdk.law import Event, Facts, RegulationPack, Window
from recupero_sdk.law.compiling import CompiledPack, compiled, decides
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.zones import Whereabouts, load_zone, zone_exists

#: What tells where the debtor may be; rules see only the `Whereabouts` that follow, and the commune.
_PLACES = (
    "region", "timezone", "phone_timezone", "postal_timezone", "commune", "phone_region", "agency_region",
)  # fmt: skip
_TEXTS = ("debt_kind", "creditor_sector", "owner_type", "party", "line_type")
_SETS = (
    "consented_channels", "opted_out_channels", "flags", "written_consents", "permissions", "closed_places",
)  # fmt: skip
_SIGNS = ("employer_contact", "point_refused")
#: Lists of events and windows, as JSON text (see `Event.from_json`, `Window.from_json`).
_DATED = ("events", "closed_windows", "asked_windows")
#: Facts that only conditions ask for (and limitation the kind of debt), and how a condition names them.
_CONDITION_OF = {
    "debt_kind": "debt_kinds", "creditor_sector": "creditor_sectors", "owner_type": "owner_types",
    "party": "parties", "line_type": "line_types",
}  # fmt: skip
_LARGEST = 2**62
#: What `accounts` may say of each account beside its keys, due date and amount.
FACT_COLUMNS = (*_PLACES, *_TEXTS, *_SETS, *_SIGNS, *_DATED)


def settings_of(
    pack: RegulationPack, rows: pl.DataFrame, question: Question, common: Common
) -> tuple[pl.DataFrame, list[Setting]]:
    """The rows with the number of their setting, and the distinct settings.

    Each column is coded as a number of its few values, and the codes are put together to one, so that telling
    the settings apart costs one pass. A setting met in an earlier part keeps its number.
    """
    law = compiled(pack)
    given = set(rows.columns)
    rows = _without_idle_payments(law, _with_every_column(rows))
    kept = [name for name in (*_TEXTS, *_SIGNS, *_DATED) if name in given and _asked(law, name)]
    key = rows.select(
        *kept,
        *(pl.col(name).list.join(",") for name in _SETS if name in given),
        where=_places_of(pack, rows, common),
        due_turn=_due_turn(law, question),
        amount_band=_amount_band(law),
    )
    numbers, firsts = _numbered(key)
    settings = []
    for row in key[firsts].iter_rows(named=True):
        mark = tuple(row.items())
        if mark not in common.settings:
            common.settings[mark] = _setting(pack, row, question, common)
        settings.append(common.settings[mark])
    own = pl.Series("setting", [setting.number for setting in settings], dtype=pl.UInt32)
    return rows.with_columns(setting=own.gather(numbers)), settings


def _setting(pack: RegulationPack, row: dict[str, Any], question: Question, common: Common) -> Setting:
    """A setting not met before, with a number and numbered spots."""
    number = row.pop("where")
    where, commune = common.wheres[number]
    own = tuple(row.items())
    manner = common.manners.setdefault(own, len(common.manners))
    if (manner, commune) not in common.facts:
        common.facts[manner, commune] = facts_of(
            pack.country, row | {"commune": commune} | _split(row), row["due_turn"], row["amount_band"]
        )
    facts, placed = common.facts[manner, commune], all(map(zone_exists, where.zones))
    if (number, facts.due_date) not in common.turns:
        common.turns[number, facts.due_date] = _turns(pack, facts, where, question) if placed else ()
    spots = tuple(enumerate(where.zones, common.spots))
    common.spots += len(spots)
    turns = common.turns[number, facts.due_date]
    return Setting(len(common.settings), manner, facts, where, placed, turns, spots)


def _places_of(pack: RegulationPack, rows: pl.DataFrame, common: Common) -> pl.Series:
    """The number of each row's whereabouts: different evidence often points to the same."""
    law, key = compiled(pack), rows.select(_PLACES)
    numbers, firsts = _numbered(key)
    place_of = list[int]()
    for row in key[firsts].iter_rows(named=True):
        where = law.whereabouts(Facts(pack.country, **row))
        mark = (frozenset(where.zones), where.regions, where.places, row["commune"])
        if mark not in common.where_of:
            common.where_of[mark] = len(common.wheres)
            common.wheres.append((where, row["commune"]))
        place_of.append(common.where_of[mark])
    return pl.Series("where", place_of, dtype=pl.UInt32).gather(numbers)


def _numbered(key: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The number of each line's combination of values, and the first line of each number."""
    code, size = pl.Series("code", [0], dtype=pl.UInt64).new_from_index(0, key.height), 1
    for column in key.get_columns():
        if column.null_count() == column.len():
            continue
        values = column.cast(pl.String).cast(pl.Categorical).to_physical().cast(pl.UInt64)
        many = int(cast("int", values.max())) + 2
        if size * many > _LARGEST:
            dense, first = _dense(code)
            code, size = dense.cast(pl.UInt64), first.len()
        code, size = code * many + values.fill_null(many - 1), size * many
    return _dense(code)


def _dense(code: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The codes numbered from 0 in the order they are met, and the first line of each number."""
    lines = pl.DataFrame({"code": code}).with_row_index("line")
    found = lines.group_by("code", maintain_order=True).agg(pl.col("line").first()).with_row_index("number")
    numbers = lines.join(found.select("code", "number"), on="code", how="left", maintain_order="left")
    return numbers["number"], found["line"]


def _split(row: Mapping[str, Any]) -> dict[str, Any]:
    """The sets of a row, taken apart again."""
    joined = {name: row[name] for name in _SETS if name in row}
    return {name: None if text is None else text.split(",") if text else [] for name, text in joined.items()}


def _with_every_column(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with nulls for what is not said of the accounts."""
    types: dict[str, Any] = dict.fromkeys((*_PLACES, *_TEXTS), pl.String) | dict.fromkeys(_DATED, pl.String)
    types |= dict.fromkeys(_SETS, pl.List(pl.String)) | dict.fromkeys(_SIGNS, pl.Boolean)
    types |= {"amount": pl.Decimal(scale=6)}
    lacking = [pl.lit(None, type_).alias(name) for name, type_ in types.items() if name not in rows.columns]
    account = [] if "account_key" in rows.columns else [pl.col("debt").alias("account_key")]
    signs = [pl.col(name).fill_null(value=False) for name in _SIGNS if name in rows.columns]
    return rows.with_columns(*lacking, *account, *signs)


def _asked(law: CompiledPack, name: str) -> bool:
    """Whether some rule asks for this fact; others are left out, so that settings stay few."""
    return any(_asks(article.rule, name) for article in law.articles if decides(article.rule))


def _without_idle_payments(law: CompiledPack, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without the payments, where no deciding rule asks for them: the days on which debts were paid
    are many, and would tell apart accounts that are alike."""
    told = rows["events"].unique().drop_nulls()
    if told.is_empty() or any(
        decides(article.rule) and _minds_payments(article.rule) for article in law.articles
    ):
        return rows
    kept = [json.dumps([event for event in json.loads(text) if event["kind"] != "payment"]) for text in told]
    return rows.with_columns(events=pl.col("events").replace_strict(told, kept))


def _minds_payments(rule: Rule) -> bool:
    if rule.kind == "limitation" and rule.parameters.unless_contact is not None:
        return True
    return '"payment"' in rule.parameters.model_dump_json()


def _asks(rule: Rule, name: str) -> bool:
    conditions = [condition for condition in (rule.when, *rule.unless) if condition is not None]
    if name in _CONDITION_OF and any(getattr(condition, _CONDITION_OF[name]) for condition in conditions):
        return True
    if name == "debt_kind":
        return rule.kind == "limitation" or (
            rule.kind == "channel_ban" and bool(rule.parameters.except_debt_kinds)
        )
    if name == "events":
        return rule.kind in ("pause", "prior_notice", "channel_gate", "opt_out", "limitation")
    if name == "closed_windows":
        return rule.kind == "inconvenient"
    if name == "asked_windows":
        return rule.kind == "hours" and rule.parameters.widened_by_request
    return name in _SIGNS


def _due_turn(law: CompiledPack, question: Question) -> pl.Expr:
    """The due date where it lies ahead and some rule minds it; all beyond the horizon are alike."""
    minded = law.minds_reminders and question.purpose in (None, "collection")
    if not minded:
        return pl.lit(None, pl.Date)
    first = question.at.astimezone(UTC).date() - 2 * DAY
    last = first + question.horizon + 5 * DAY
    due = pl.col("due_date")
    return pl.when(due > first).then(pl.min_horizontal(due, pl.lit(last)))


def _amount_band(law: CompiledPack) -> pl.Expr:
    """The greatest threshold of the rules' conditions that the amount reaches; -1 below all of them."""
    thresholds = sorted(
        {
            bound
            for article in law.articles
            for condition in (article.rule.when, *article.rule.unless)
            if condition is not None
            for bound in (condition.amount_from, condition.amount_below)
            if bound is not None
        }
    )
    band = cast("pl.Expr", pl.when(pl.col("amount").is_not_null()).then(pl.lit("-1")))
    for bound in thresholds:
        band = pl.when(pl.col("amount") >= bound).then(pl.lit(str(bound))).otherwise(band)
    return band if thresholds else pl.lit(None, pl.String)


def facts_of(
    country: str, row: Mapping[str, Any], due_date: date | None, amount: Decimal | str | None = None
) -> Facts:
    """The facts that one row states; what it leaves out is not known."""
    given: dict[str, Any] = {name: row.get(name) for name in (*_PLACES, *_TEXTS)}
    for name in _SETS:
        given[name] = frozenset(row.get(name) or ())
    if row.get("consented_channels") is None:
        given["consented_channels"] = None
    for name in _SIGNS:
        given[name] = bool(row.get(name))
    for name in _DATED:
        make = Event.from_json if name == "events" else Window.from_json
        given[name] = tuple(map(make, json.loads(row.get(name) or "[]")))
    amount = row.get("amount") if amount is None else amount
    known = None if amount is None else Decimal(amount)
    return Facts(country=country, due_date=due_date, amount=known, **given)


def _turns(
    pack: RegulationPack, facts: Facts, where: Whereabouts, question: Question
) -> tuple[datetime, ...]:
    """Moments after the one asked about from which other rules may hold for a setting, in order.

    Local midnights of the days on which the law changes or a reminder falls due, in each zone; and the next
    midnight where a rule counts days, because it may block tomorrow what it leaves free today.
    """
    law, at = compiled(pack), question.at.astimezone(UTC)
    until, found = at + question.horizon, set[datetime]()
    days = list(law.changes_in(where.places))
    if facts.due_date is not None:
        days.append(facts.due_date)
    for zone in map(load_zone, where.zones):
        tomorrow = at.astimezone(zone).date() + DAY
        near = [day for day in days if tomorrow <= day <= tomorrow + question.horizon + DAY]
        near += [tomorrow] if law.counts_days else []
        found.update(instant(day, 0, zone) for day in near)
    return tuple(sorted(turn for turn in found if at < turn <= until))
