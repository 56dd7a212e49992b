"""Check the rows of a placement chunk by columns, and turn their text into typed values.

Rejected: a required value is missing or wrong. Quarantined: it could be placed, but a person should look
first. Warning: an optional value was left out, the row is taken. docs/placement-files.md has the whole list.
"""

import re
from datetime import date, timedelta
from functools import cache
from typing import Final

import polars as pl
from babel import Locale

from recupero.kernel.money import is_currency, minor_units
from recupero.placements.imports import identities, values
from recupero.placements.imports.extracting import columns_of
from recupero.placements.imports.fields import FLAGS, PARTS, TEST
from recupero.placements.imports.findings import QUARANTINED, REJECTED, WARNING, Findings
from recupero.placements.imports.reading import PROBLEM
from recupero.placements.imports.setting import Setting, language_of
from recupero.placements.imports.spec import Mapping

EARLIEST: Final = date(1950, 1, 1)
_LONGEST = {"client_account": 64, "client_reference": 64, "name": 200}
_LONG = 200
_OPTIONAL_TEXTS = ("product", "original_creditor", "client_reference", "postal_code", "consent_source")
_PERSON = ("person", "persona", "natural", "persona natural", "fisica", "física", "pf", "individual",
"pessoa física",
           "pessoa fisica", "p", "n")  # fmt: skip
_FIRM = ("firm", "empresa", "juridica", "jurídica", "pj", "company", "business", "persona juridica",
         "persona jurídica", "pessoa jurídica", "pessoa juridica", "sociedad", "e", "j")  # fmt: skip


def check_placement(raw: pl.DataFrame, mapping: Mapping, setting: Setting, found: Findings) -> pl.DataFrame:
    """Typed columns for every row of `raw` (text by field, as `extracting.extract` makes it), with what is
    wrong noted in `found`. Amounts are Int64 minor units of the row's `currency`; `balance` is null where the
    total cannot be read. Contact points stay text: `points.py` reads them."""
    found.add(raw, pl.col(PROBLEM).is_not_null(), REJECTED, "row", pl.col(PROBLEM))
    absent = [name for name in _OPTIONAL_TEXTS if name not in raw.columns]
    frame = raw.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
    frame = texts(frame, found, ("client_account", "name"))
    found.add(
        frame,
        pl.col("client_account").str.contains(values.SHORTENED),
        REJECTED,
        "client_account",
        "shortened",
    )
    frame = places(frame, setting, found)
    frame = _dates(frame, mapping, setting, found)
    frame = _balances(frame, mapping, setting, found)
    frame = flags(frame, found)
    frame = people(frame, mapping, found)
    return _placement_number(frame, setting, found)


def texts(frame: pl.DataFrame, found: Findings, needed: tuple[str, ...]) -> pl.DataFrame:
    """Check the plain texts: the needed ones are there, none is a formula or too long."""
    for name in needed:
        found.add(frame, pl.col(name).is_null(), REJECTED, name, "missing")
    for name in _text_fields(frame):
        text, outcome = pl.col(name), REJECTED if name in needed else WARNING
        formula = text.str.contains(r"^[=@\t]")
        long = text.str.len_chars() > _LONGEST.get(name, _LONG)
        found.add(frame, formula, outcome, name, "formula")
        found.add(frame, long, outcome, name, "too_long")
        if outcome == WARNING:
            frame = frame.with_columns(pl.when(~(formula | long)).then(text).alias(name))
    return frame


def _text_fields(frame: pl.DataFrame) -> list[str]:
    plain = ("client_account", "name", *_OPTIONAL_TEXTS, "employer", "legal_status", "score", "contract_rate",
             "reference_name")  # fmt: skip
    return [name for name in (*plain, *columns_of(frame, "address")) if name in frame.columns]


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, from the Unicode CLDR through Babel."""
    codes = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha() and code != "ZZ")


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def places(frame: pl.DataFrame, setting: Setting, found: Findings) -> pl.DataFrame:
    """Country (the portfolio's where the file names none), region, zone and language."""
    country = optional(frame, "country").str.to_uppercase().fill_null(setting.country)
    frame = frame.with_columns(country.alias("country"))
    known = pl.col("country").is_in(list(countries()))
    found.add(frame, ~known, QUARANTINED, "country", "country")
    frame = frame.with_columns(
        pl.when(known).then("country").otherwise(pl.lit(setting.country)).alias("country")
    )
    region = optional(frame, "region").str.to_uppercase()
    full = (
        pl.when(region.str.contains("^[A-Z0-9]{1,3}$"))
        .then(pl.col("country") + "-" + region)
        .otherwise(region)
    )
    frame = frame.with_columns(full.alias("region"), optional(frame, "timezone").alias("timezone"))
    frame = leave_out(
        frame, "region", ~pl.col("region").str.contains("^[A-Z]{2}-[A-Z0-9]{1,3}$"), found, "region"
    )
    frame = leave_out(frame, "timezone", ~pl.col("timezone").is_in(list(_zones())), found, "timezone")
    language = optional(frame, "language").str.to_lowercase().str.slice(0, 2)
    spoken = pl.when(language.is_in(["es", "en", "pt"])).then(language)
    by_country = pl.col("country").replace_strict(
        {code: language_of(code) for code in countries()}, return_dtype=pl.String
    )
    return frame.with_columns(spoken.fill_null(by_country).alias("language"))


def _dates(frame: pl.DataFrame, mapping: Mapping, setting: Setting, found: Findings) -> pl.DataFrame:
    needed = ("due_date", "delinquency_date")
    past = ("open_date", "charge_off_date", "last_payment_date", "birth_date", "consent_date")
    for name in (*needed, *past, "limitation_date"):
        frame = date_column(frame, name, mapping, found, REJECTED if name in needed else WARNING)
    for name in past:
        frame = leave_out(frame, name, pl.col(name) > setting.today, found, "date_future")
    found.add(frame, pl.col("delinquency_date") > setting.today, REJECTED, "delinquency_date", "date_future")
    too_far = pl.col("due_date") > setting.today + timedelta(days=5 * 366)
    found.add(frame, too_far, REJECTED, "due_date", "due_future")
    due = pl.coalesce("due_date", "delinquency_date")
    given = pl.any_horizontal(pl.col(f"{name}?") for name in needed)
    found.add(frame, due.is_null() & ~given, REJECTED, "due_date", "missing")
    of_age = setting.today.replace(year=setting.today.year - 18, day=min(setting.today.day, 28))
    found.add(frame, pl.col("birth_date") > of_age, QUARANTINED, "birth_date", "minor")
    frame = frame.with_columns(
        due.alias("due_date"), pl.coalesce("delinquency_date", "due_date").alias("delinquency_date")
    )
    found.add(frame, pl.col("open_date") > due, WARNING, "open_date", "date_order")
    return frame


def date_column(
    frame: pl.DataFrame, name: str, mapping: Mapping, found: Findings, outcome: str
) -> pl.DataFrame:
    """Replace the text of a date field by its date, and say in `name?` whether there was any text."""
    if name not in frame.columns:
        return frame.with_columns(
            pl.lit(None, dtype=pl.Date).alias(name), pl.lit(value=False).alias(f"{name}?")
        )
    frame = frame.with_columns(
        values.date_of(pl.col(name), mapping.dates).alias(name), pl.col(name).is_not_null().alias(f"{name}?")
    )
    earliest = date(1900, 1, 1) if name == "birth_date" else EARLIEST
    found.add(frame, pl.col(name).is_null() & pl.col(f"{name}?"), outcome, name, "date")
    past = pl.col(name) < earliest
    found.add(frame, past, outcome, name, "date_past")
    return frame.with_columns(pl.when(~past).then(pl.col(name)).alias(name))


def leave_out(frame: pl.DataFrame, name: str, wrong: pl.Expr, found: Findings, reason: str) -> pl.DataFrame:
    """Clear an optional value where it is wrong, with a warning."""
    found.add(frame, wrong, WARNING, name, reason)
    return frame.with_columns(pl.when(~wrong.fill_null(value=False)).then(pl.col(name)).alias(name))


def amount_columns(
    frame: pl.DataFrame, names: list[str], mapping: Mapping, found: Findings, outcome: str
) -> pl.DataFrame:
    """Replace the text of amounts by minor units of the row's `currency`, with their further columns added
    and their `minus` columns taken off. Unreadable ones become null, noted under `outcome`."""
    for name in names:
        pieces = [
            column
            for column in frame.columns
            if column == name or column.startswith((f"{name}+", f"{name}-"))
        ]
        if not pieces:
            frame = frame.with_columns(pl.lit(None, dtype=pl.Int64).alias(name))
            continue
        for piece in pieces:
            frame = _amount_column(frame, piece, name, mapping, found, outcome)
        total = pl.sum_horizontal(
            pl.col(piece) * (-1 if piece.startswith(f"{name}-") else 1) for piece in pieces
        )
        readable = pl.all_horizontal(pl.col(piece).is_not_null() | ~pl.col(f"{piece}?") for piece in pieces)
        any_text = pl.any_horizontal(
            pl.col(f"{piece}?") for piece in pieces if not piece.startswith(f"{name}-")
        )
        frame = frame.with_columns(pl.when(readable & any_text).then(total).alias(name))
    return frame


def _amount_column(
    frame: pl.DataFrame, piece: str, name: str, mapping: Mapping, found: Findings, outcome: str
) -> pl.DataFrame:
    frame = frame.with_columns(
        pl.col(piece).is_not_null().alias(f"{piece}?"),
        values.digits_of(pl.col(piece), mapping.decimal).alias(piece),
    )
    digits = {code: minor_units(code) for code in frame["currency"].unique()}
    places = pl.col("currency").replace_strict(digits, return_dtype=pl.Int64)
    minor = pl.coalesce(
        pl.when(places == number).then(values.minor_of(pl.col(piece), number))
        for number in set(digits.values())
    )
    fine = pl.any_horizontal(
        (places == number) & values.too_fine(pl.col(piece), number) for number in set(digits.values())
    ) & pl.lit(not mapping.round)
    frame = frame.with_columns(minor.alias(piece), fine.fill_null(value=False).alias(f"{piece}!"))
    found.add(frame, pl.col(piece).is_null() & pl.col(f"{piece}?"), outcome, name, "amount")
    found.add(frame, pl.col(f"{piece}!"), outcome, name, "decimals")
    return frame.with_columns(pl.when(~pl.col(f"{piece}!")).then(pl.col(piece)).alias(piece)).drop(
        f"{piece}!"
    )


def currencies(frame: pl.DataFrame, setting: Setting, found: Findings) -> pl.DataFrame:
    """The row's currency: the portfolio's where the file names none."""
    text = optional(frame, "currency").str.to_uppercase().fill_null(setting.currency)
    frame = frame.with_columns(text.alias("currency"))
    known = [code for code in frame["currency"].unique() if is_currency(code)]
    found.add(frame, ~pl.col("currency").is_in(known), REJECTED, "currency", "currency")
    differs = pl.col("currency").is_in(known) & (pl.col("currency") != setting.currency)
    found.add(frame, differs, QUARANTINED, "currency", "currency_differs")
    return frame.with_columns(
        pl.when(pl.col("currency").is_in(known))
        .then("currency")
        .otherwise(pl.lit(setting.currency))
        .alias("currency")
    )


def _balances(frame: pl.DataFrame, mapping: Mapping, setting: Setting, found: Findings) -> pl.DataFrame:
    """Parts and total: the parts add up to the total; a total without parts is principal."""
    frame = currencies(frame, setting, found)
    frame = amount_columns(frame, ["total", *PARTS], mapping, found, REJECTED)
    frame = amount_columns(frame, ["last_payment"], mapping, found, WARNING)
    parts_given = pl.any_horizontal(pl.col(name).is_not_null() for name in PARTS)
    parts_sum = pl.sum_horizontal(pl.col(name) for name in PARTS)
    balance = pl.coalesce("total", pl.when(parts_given).then(parts_sum))
    frame = frame.with_columns(
        balance.alias("balance"), parts_given.alias("parts?"),
        pl.when(parts_given).then(pl.col("principal").fill_null(0)).otherwise(pl.col("total")).alias("principal"),
        *(pl.col(name).fill_null(0) for name in PARTS[1:]),
    )  # fmt: skip
    nothing = ~pl.any_horizontal(pl.col(name) for name in _stated(frame))
    found.add(frame, pl.col("balance").is_null() & nothing, REJECTED, "total", "missing")
    found.add(frame, pl.col("balance") < 0, REJECTED, "total", "negative")
    found.add(frame, pl.col("balance") == 0, REJECTED, "total", "nothing_owed")
    differs = pl.col("total").is_not_null() & pl.col("parts?") & (parts_sum != pl.col("total"))
    found.add(frame, differs & (pl.col("total") > 0), QUARANTINED, "total", "parts_total")
    for name in PARTS:
        found.add(frame, (pl.col(name) < 0) & (pl.col("balance") > 0), QUARANTINED, name, "negative")
    return frame


def _stated(frame: pl.DataFrame) -> list[str]:
    """The columns that say whether a balance or a part of it was given at all."""
    return [
        name for name in frame.columns if re.fullmatch(rf"(?:total|{'|'.join(PARTS)})(?:[+-]\d+)?\?", name)
    ]


def flags(frame: pl.DataFrame, found: Findings) -> pl.DataFrame:
    """Yes-or-no columns; one that is neither counts as not said, with a warning."""
    known = {*FLAGS, TEST}
    names = [name for name in frame.columns if name in known or name.startswith(("consent_", "opt_out_"))]
    for name in names:
        if name in {"consent_date", "consent_source"} or frame.schema[name] != pl.String:
            continue
        frame = frame.with_columns(values.flag_of(pl.col(name)).alias(name), pl.col(name).alias("\x00flag"))
        found.add(frame, pl.col(name).is_null() & pl.col("\x00flag").is_not_null(), WARNING, name, "flag")
        frame = frame.drop("\x00flag")
    return frame


def people(frame: pl.DataFrame, mapping: Mapping, found: Findings) -> pl.DataFrame:
    """National id (compact form) and whether a person or a firm owes."""
    stated = optional(frame, "kind").str.to_lowercase()
    kind = (
        pl.when(stated.is_in(_PERSON)).then(pl.lit("person")).when(stated.is_in(_FIRM)).then(pl.lit("firm"))
    )
    if "national_id" not in frame.columns:
        return frame.with_columns(
            pl.lit(None, dtype=pl.String).alias("national_id"), kind.fill_null("person").alias("kind")
        )
    if "national_id" not in mapping.optional:
        found.add(frame, pl.col("national_id").is_null(), REJECTED, "national_id", "missing")
    shortened = pl.col("national_id").str.contains(values.SHORTENED)
    found.add(frame, shortened, REJECTED, "national_id", "shortened")
    judged = identities.judge_column(frame, "country", "national_id")
    frame = frame.with_columns(
        judged["compact"].alias("national_id"), judged["problem"], judged["kind"].alias("by_id")
    )
    found.add(frame, pl.col("problem").is_not_null(), QUARANTINED, "national_id", pl.col("problem"))
    return frame.with_columns(pl.coalesce(kind, "by_id", pl.lit("person")).alias("kind")).drop(
        "problem", "by_id"
    )


def _placement_number(frame: pl.DataFrame, setting: Setting, found: Findings) -> pl.DataFrame:
    text = optional(frame, "placement_number")
    number = text.cast(pl.Int64, strict=False)
    frame = frame.with_columns(number.alias("placement_number"), text.is_not_null().alias("\x00given"))
    wrong = pl.col("\x00given") & ~pl.col("placement_number").is_between(1, 9).fill_null(value=False)
    found.add(frame, wrong, REJECTED, "placement_number", "number")
    return frame.with_columns(
        pl.when(wrong)
        .then(None)
        .otherwise(pl.col("placement_number"))
        .fill_null(setting.placement_number)
        .alias("placement_number")
    ).drop("\x00given")


def optional(frame: pl.DataFrame, name: str) -> pl.Expr:
    """The text column of a field, or nulls where the mapping does not name it."""
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String)
