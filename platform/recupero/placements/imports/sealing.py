"""Personal data of a chunk, encrypted and indexed before it leaves the process."""

import json

import polars as pl

from recupero.kernel import crypto
from recupero.placements import normalise
from recupero.placements.imports.reading import PROBLEM, ROW
from recupero.placements.imports.setting import Setting


def sealed(column: pl.Series) -> pl.Series:
    """The column encrypted, as PostgreSQL reads bytea in a CSV."""
    return _hex(column.name, crypto.keyring().encrypt_many(column.to_list()))


def indexed(column: pl.Series) -> pl.Series:
    """Blind indexes of a column of normalised values, as PostgreSQL reads bytea in a CSV."""
    return _hex(column.name, crypto.keyring().blind_indexes(column.to_list()))


def _hex(name: str, values: list[bytes | None]) -> pl.Series:
    texts = pl.Series(name, values, dtype=pl.Binary).bin.encode("hex")
    return pl.select(("\\x" + pl.lit(texts)).alias(name)).to_series()


def name_keys(names: pl.Series) -> pl.Series:
    """`normalise.name_key` of a column, as expressions; a test holds the two together."""
    plain = pl.col(names.name).str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    words = plain.str.replace_all("[^0-9a-z]+", " ").str.strip_chars().str.split(" ")
    return names.to_frame().select(words.list.sort().list.join(" ").alias("name_index")).to_series()


def identities(frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    """Who each row is about: country and national id, or the creditor's own reference where there is no id;
    as `identity`, the blind index that the database knows."""
    by_id = pl.col("country") + ":" + pl.col("national_id")
    reference = pl.coalesce("client_reference", "client_account")
    by_reference = pl.lit(normalise.unidentified_key(setting.tenant_id, "")) + reference
    keys = frame.select(pl.coalesce(by_id, by_reference).alias("identity")).to_series()
    return frame.with_columns(indexed(keys))


def debtors(accepted: pl.DataFrame) -> pl.DataFrame:
    """One sealed row per identity, from the first of its rows; the `words` of the name are in the clear."""
    first = accepted.unique("identity", keep="first", maintain_order=True)
    names = name_keys(first["name"])
    birth = first.select(pl.col("birth_date").dt.strftime("%Y-%m-%d")).to_series()
    by_id = pl.when(pl.col("national_id").is_not_null()).then("identity").alias("national_id_index")
    return first.select(
        "identity", "kind", sealed(first["name"]), names.alias("words"), indexed(names),
        sealed(first["national_id"]), by_id, "client_reference", sealed(birth), "country", "region",
        "timezone",
        "postal_code", "language",
    )  # fmt: skip


def points(found: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Sealed contact points of the accepted rows, each once per identity, sorted as the index is."""
    of = found.join(accepted.select(ROW, "identity"), on=ROW, maintain_order="left")
    of = of.unique(["identity", "key"], keep="first", maintain_order=True)
    return of.select(
        "identity", "kind", sealed(of["value"]), indexed(of["key"].alias("value_index")), "line_type",
        "timezone",
        "region",
        "at_work",
    ).sort("value_index")  # fmt: skip


def raw_rows(chunk: pl.DataFrame) -> pl.DataFrame:
    """The rows as they came, as sealed JSON by row number."""
    texts = [json.dumps(row, ensure_ascii=False) for row in chunk.drop(ROW, PROBLEM).iter_rows(named=True)]
    return chunk.select(ROW, sealed(pl.Series("raw", texts, dtype=pl.String)))
