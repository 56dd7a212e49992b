"""Phone numbers as Google's metadata (phonenumbers) reads them: E.164, line type, country and zone."""

from dataclasses import dataclass

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberType, timezone

_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """`e164` is None where the text is no valid number. `zone` is None where the number has several."""

    e164: str | None = None
    line_type: str | None = None
    zone: str | None = None
    country: str | None = None


def judge(country: str, value: str) -> Judged:
    """Judge one number as people of the country (ISO 3166-1) write it."""
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return Judged()
    if not phonenumbers.is_valid_number(number):
        return Judged()
    zones = timezone.time_zones_for_number(number)
    return Judged(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        _TYPES[phonenumbers.number_type(number)],
        zones[0] if len(zones) == 1 and "/" in zones[0] and zones[0] != "Etc/Unknown" else None,
        phonenumbers.region_code_for_number(number),
    )


def judge_column(frame: pl.DataFrame, country: str, value: str) -> pl.DataFrame:
    """For two text columns, row by row: `e164`, `line_type`, `zone`. Each distinct pair is judged once."""
    pairs = frame.select(country=pl.col(country), value=pl.col(value))
    distinct = pairs.drop_nulls().unique()
    judged = [judge(*pair) for pair in distinct.iter_rows()]
    known = distinct.with_columns(
        pl.Series("e164", [one.e164 for one in judged], dtype=pl.String),
        pl.Series("line_type", [one.line_type for one in judged], dtype=pl.String),
        pl.Series("zone", [one.zone for one in judged], dtype=pl.String),
    )
    joined = pairs.join(known, on=["country", "value"], how="left", maintain_order="left")
    return joined.select("e164", "line_type", "zone")
