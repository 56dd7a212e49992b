"""Phone numbers as Google's metadata (phonenumbers) reads them: E.164, line type and zone.

`judge` asks phonenumbers for one number. `judge_column` reads the plain cases of a column with the same
metadata as expressions (a thousand times more numbers a second) and asks `judge` about the rest; a test holds
the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import phonenumbers
import polars as pl
from babel.core import get_global
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType, timezone
from phonenumbers.tzdata import TIMEZONE_DATA

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
# The order in which phonenumbers decides on a type; lines and mobiles come after these.
_SPECIAL = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_COUNTRY_OF: Mapping[str, str] = get_global("zone_territories")
_PLAIN = r"^\+?[0-9 ().-]{6,24}$"
_JUDGED = {"e164": pl.String, "line_type": pl.String, "zone": pl.String}


@dataclass(frozen=True, slots=True)
class Judged:
    """`e164` is None where the text is no valid number. `zone` has commas between where the number may be in
    several; it is None where the number does not tell.
    """

    e164: str | None = None
    line_type: str | None = None
    zone: str | None = None


def judge(country: str, value: str) -> Judged:
    """Judge one number as people of the country (ISO 3166-1) write it."""
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return Judged()
    if not phonenumbers.is_valid_number(number):
        return Judged()
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Judged(e164, _TYPES[phonenumbers.number_type(number)], _zone(number))


def zones(e164: str) -> str | None:
    """The `zone` of a number that has been judged."""
    return _zone(phonenumbers.parse(e164))


def _zone(number: Any) -> str | None:
    """The zones that a number's first digits belong to. Digits that are used all over a country of several
    zones (mobiles, free numbers) tell nothing of the place, and must not contradict what is known of it.
    """
    zones = timezone.time_zones_for_number(number)
    if zones == ("Etc/Unknown",):
        return None
    home = _at_home(number, zones)
    anywhere = _at_home(number, TIMEZONE_DATA.get(str(number.country_code), ()))
    return None if len(home) > 1 and home == anywhere else ",".join(home)


def _at_home(number: Any, zones: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the zones that are in the number's country: the data name neighbours too, as Guernsey's for
    British mobiles. All where none is.
    """
    country = phonenumbers.region_code_for_number(number)
    return tuple(zone for zone in zones if _COUNTRY_OF.get(zone) == country) or zones


def judge_column(frame: pl.DataFrame, country: str, value: str) -> pl.DataFrame:
    """For two text columns, row by row: `e164`, `line_type`, `zone`, null where `judge` says None."""
    pairs = frame.select(country=pl.col(country), value=pl.col(value)).with_row_index("place")
    parts = [_judge_country(part, str(key[0])) for key, part in pairs.drop_nulls().group_by("country")]
    judged = pl.concat([pl.DataFrame(schema={"place": pl.UInt32, **_JUDGED}), *parts])
    return pairs.select("place").join(judged, on="place", how="left", maintain_order="left").drop("place")


def _judge_country(pairs: pl.DataFrame, country: str) -> pl.DataFrame:
    plan = _plan(country)
    if plan is None:
        return _one_by_one(pairs, country)
    read = pairs.with_columns(plan.national().alias("national"))
    plain = read.filter(pl.col("national").is_not_null()).with_columns(plan.line_type().alias("line_type"))
    valid = pl.col("line_type").is_not_null()
    e164 = pl.when(valid).then(pl.lit(f"+{plan.code}") + pl.col("national"))
    plain = plain.with_columns(e164.alias("e164"), plan.zone_prefix().alias("prefix"))
    zones = plan.zones(plain.filter(valid))
    plain = plain.join(zones, on=["line_type", "prefix"], how="left", maintain_order="left")
    rest = _one_by_one(read.filter(pl.col("national").is_null()), country)
    return pl.concat([plain.select("place", *_JUDGED), rest])


def _one_by_one(pairs: pl.DataFrame, country: str) -> pl.DataFrame:
    distinct = pairs.select("value").unique()
    judged = [judge(country, value) for value in distinct["value"]]
    known = distinct.with_columns(
        pl.Series(name, [getattr(one, name) for one in judged], dtype=pl.String) for name in _JUDGED
    )
    return pairs.select("place", "value").join(known, on="value", maintain_order="left").drop("value")


@cache
def _plan(country: str) -> "_Plan | None":
    """The metadata of a country that has a calling code for itself; None where codes are shared."""
    code = phonenumbers.country_code_for_region(country)
    if code == 0 or len(COUNTRY_CODE_TO_REGION_CODE[code]) != 1:
        return None
    return _Plan(str(code), PhoneMetadata.metadata_for_region(country))


@dataclass(frozen=True)
class _Plan:
    """A country's numbering plan as expressions over `value`, then over `national` (the national number)."""

    code: str
    metadata: Any

    def national(self) -> pl.Expr:
        """The national number of the plain cases: written with the country's own code (with or without +) or
        without any; no prefix for long-distance or international calls. Null where phonenumbers must look."""
        value = pl.col("value")
        digits = value.str.replace_all("[^0-9]", "")
        after = digits.str.strip_prefix(self.code)
        coded = digits.str.starts_with(self.code)
        bare = self._matches(digits, self.metadata.general_desc)
        shaped = digits.str.contains(f"^(?:{self.metadata.general_desc.national_number_pattern})$")
        international = pl.lit(value=False)
        if self.metadata.international_prefix:
            international = digits.str.contains(f"^(?:{self.metadata.international_prefix})")
        read = (
            pl.when(value.str.starts_with("+")).then(pl.when(coded).then(after))
            .when(international).then(None)
            .when(bare).then(digits)
            .when(coded & ~shaped & self._matches(after, self.metadata.general_desc)).then(after)
        )  # fmt: skip
        odd = read.str.starts_with("0")
        if self.metadata.national_prefix_for_parsing:
            odd |= read.str.contains(f"^(?:{self.metadata.national_prefix_for_parsing})")
        return pl.when(value.str.contains(_PLAIN) & ~value.str.contains(r".\+|[(]0") & ~odd).then(read)

    def line_type(self) -> pl.Expr:
        """The type by the plan's patterns, null where the number is not valid."""
        number = pl.col("national")
        fixed = self._matches(number, self.metadata.fixed_line)
        mobile = self._matches(number, self.metadata.mobile)
        same = bool(self.metadata.same_mobile_and_fixed_line_pattern)
        either = fixed if same else fixed & mobile
        decided = [(getattr(self.metadata, name), name.removesuffix("_number")) for name in _SPECIAL]
        types = [pl.when(self._matches(number, desc)).then(pl.lit(word)) for desc, word in decided]
        types += [
            pl.when(either).then(pl.lit("fixed_line_or_mobile")),
            pl.when(fixed).then(pl.lit("fixed_line")),
            pl.when(mobile & pl.lit(not same)).then(pl.lit("mobile")),
        ]
        return pl.when(self._matches(number, self.metadata.general_desc)).then(pl.coalesce(types))

    def zone_prefix(self) -> pl.Expr:
        """As many first digits as the zone data look at: with the line type, they decide on the zone."""
        longest = max(len(prefix) for prefix in TIMEZONE_DATA if prefix.startswith(self.code))
        return pl.col("national").str.slice(0, longest - len(self.code))

    def zones(self, valid: pl.DataFrame) -> pl.DataFrame:
        """`zone` by `line_type` and `prefix`, from one number of each group."""
        groups = valid.group_by("line_type", "prefix").agg(pl.col("e164").first())
        zones = [_zone(phonenumbers.parse(number)) for number in groups["e164"]]
        return groups.with_columns(pl.Series("zone", zones, dtype=pl.String)).drop("e164")

    @staticmethod
    def _matches(number: pl.Expr, desc: Any) -> pl.Expr:
        """Whether the whole number fits a description of the metadata; a description without pattern fits
        none.
        """
        if desc is None or desc.national_number_pattern is None:
            return pl.lit(value=False)
        fits = number.str.contains(f"^(?:{desc.national_number_pattern})$")
        if desc.possible_length:
            fits &= number.str.len_bytes().is_in(list(desc.possible_length))
        return fits.fill_null(value=False)
