"""The region (ISO 3166-2) that a number's first digits belong to, by the prefixes that law packs list."""

from functools import lru_cache

import phonenumbers
import polars as pl

from recupero.kernel import runtime
from recupero_sdk.law import RegulationPack
from recupero_sdk.law.zones import place_of_phone


def regions(numbers: pl.Series) -> pl.Series:
    """`region` of each number in E.164; null where no pack lists its prefix, or for several regions."""
    found = pl.DataFrame({"number": numbers, "region": pl.Series([None] * len(numbers), dtype=pl.String)})
    for pack in runtime.current().plugins.packs.values():
        if length := _longest(pack):
            found = _of_pack(found, pack, length)
    return found["region"]


def _of_pack(found: pl.DataFrame, pack: RegulationPack, length: int) -> pl.DataFrame:
    """The numbers that begin alike are asked about once."""
    first = pl.col("number").str.slice(0, length)
    ours = pl.col("number").str.starts_with(f"+{pack.manifest.calling_code}")
    beginnings = found.filter(ours).select(first).unique().to_series()
    known = pl.DataFrame(
        {"number": beginnings, "told": [region_of(pack, number) for number in beginnings]},
        schema={"number": pl.String, "told": pl.String},
    )
    told = found.select(number=first).join(known, on="number", how="left", maintain_order="left")["told"]
    return found.with_columns(region=pl.coalesce(told, "region"))


@lru_cache(maxsize=65_536)
def region_of(pack: RegulationPack, number: str) -> str | None:
    """The region of one number in E.164, or of its first digits. Where a country marks mobile numbers with
    digits before the area code (Argentina's 9), the area code after them counts."""
    code = pack.manifest.calling_code or ""
    token = phonenumbers.country_mobile_token(int(code)) if code else ""
    if token and number.startswith(f"+{code}{token}"):
        number = f"+{code}" + number.removeprefix(f"+{code}{token}")
    place = place_of_phone(pack, number)
    return place.region if place else None


def _longest(pack: RegulationPack) -> int:
    """Characters of a number that decide: plus, country code, mobile mark and longest prefix; 0 for none."""
    prefixes = [prefix for region in pack.manifest.regions.values() for prefix in region.phone_prefixes]
    code = pack.manifest.calling_code
    return 2 + len(code) + max(map(len, prefixes)) if code and prefixes else 0
