"""Contact points of a chunk: every phone, e-mail and address as a row of its own, checked."""

import polars as pl

from recupero.placements.imports import phone_regions, phones, values
from recupero.placements.imports.extracting import columns_of
from recupero.placements.imports.findings import WARNING, Findings
from recupero.placements.imports.reading import ROW

SCHEMA = {
    ROW: pl.Int64, "kind": pl.String, "value": pl.String, "key": pl.String, "line_type": pl.String,
    "timezone": pl.String, "region": pl.String, "at_work": pl.Boolean,
}  # fmt: skip
_SEVERAL = r"[;/|]| y | e |,"


def contact_points(frame: pl.DataFrame, found: Findings) -> pl.DataFrame:
    """Rows of `SCHEMA` for the text columns `phone`, `work_phone`, `email` and `address` of `frame`, which
    has `country` too. A cell may hold several phones or e-mails. What is no valid number or address is left
    out with a warning; `key` is the normalised form that blind indexes are made of."""
    parts = [pl.DataFrame(schema=SCHEMA)]
    for name in ("phone", "work_phone"):
        parts += [_phones(frame, column, name, found) for column in columns_of(frame, name)]
    parts += [_emails(frame, column, found) for column in columns_of(frame, "email")]
    parts += [_addresses(frame, column) for column in columns_of(frame, "address")]
    return pl.concat(parts).unique([ROW, "key"], keep="first", maintain_order=True)


def _phones(frame: pl.DataFrame, column: str, name: str, found: Findings) -> pl.DataFrame:
    single = _split(frame, column)
    judged = phones.judge_column(single, "country", "value")
    single = single.with_columns(judged["e164"], judged["line_type"], judged["zone"].alias("timezone"))
    single = single.with_columns(phone_regions.regions(single["e164"]))
    found.add(single, pl.col("e164").is_null(), WARNING, name, "phone")
    return _rows(single.filter(pl.col("e164").is_not_null()), "phone", pl.col("e164"),
    "phone:" + pl.col("e164"),
                 at_work=name == "work_phone")  # fmt: skip


def _emails(frame: pl.DataFrame, column: str, found: Findings) -> pl.DataFrame:
    single = _split(frame, column).with_columns(values.email_of(pl.col("value")).alias("email"))
    found.add(single, pl.col("email").is_null(), WARNING, "email", "email")
    return _rows(
        single.filter(pl.col("email").is_not_null()), "email", pl.col("email"), "email:" + pl.col("email")
    )


def _addresses(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    single = frame.select(ROW, pl.col(column).alias("value")).drop_nulls()
    words = pl.col("value").str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    key = words.str.replace_all("[^0-9a-z]+", " ").str.strip_chars()
    return _rows(single, "address", pl.col("value"), "address:" + key)


def _split(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row per number or address in the cell."""
    single = frame.select(ROW, "country", pl.col(column).alias("value")).drop_nulls("value")
    several = pl.col("value").str.contains(_SEVERAL)
    cut = pl.col("value").str.replace_all(_SEVERAL, "\n").str.split("\n")
    exploded = single.filter(several).with_columns(cut).explode("value")
    exploded = exploded.with_columns(pl.col("value").str.strip_chars()).filter(
        pl.col("value").str.len_bytes() > 0
    )
    return pl.concat([single.filter(~several), exploded])


def _rows(
    frame: pl.DataFrame, kind: str, value: pl.Expr, key: pl.Expr, *, at_work: bool = False
) -> pl.DataFrame:
    nothing = pl.lit(None, dtype=pl.String)
    return frame.select(
        ROW, pl.lit(kind).alias("kind"), value.alias("value"), key.alias("key"),
        (pl.col("line_type") if kind == "phone" else nothing).alias("line_type"),
        (pl.col("timezone") if kind == "phone" else nothing).alias("timezone"),
        (pl.col("region") if kind == "phone" else nothing).alias("region"),
        pl.lit(at_work).alias("at_work"),
    )  # fmt: skip
