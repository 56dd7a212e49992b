"""Who bears which word in their name, filed as people come in and are named anew."""

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.placements import names
from recupero.placements.imports import sealing
from recupero.placements.imports.copying import copy
from recupero.placements.tables import NameList

_COLUMNS = {"word": "bytea", "debtors": "bytea"}
_INSERT = text(
    "INSERT INTO name_words (tenant_id, word, debtors) SELECT :tenant, word, debtors FROM filed_words"
)


def file(session: Session, named: pl.DataFrame) -> None:
    """File debtors of the tenant in scope, new or newly named: `id`, and the `words` of the name as
    `sealing.name_keys` makes them."""
    one_each = named.select("id", pl.col("words").str.split(" ")).explode("words").unique()
    of_word = (
        one_each.filter(pl.col("words") != "")
        .sort("id")
        .group_by("words")
        .agg(pl.col("id").cast(pl.String).alias("debtors"))
        .with_columns(pl.col("debtors").list.join(","))
    )
    if not of_word.height:
        return
    rows = of_word.select(sealing.indexed(of_word["words"].alias("word")), sealing.sealed(of_word["debtors"]))
    copy(session, "filed_words", rows.sort("word"), _COLUMNS)
    session.execute(_INSERT, {"tenant": scope_of(session).tenant()})
    if fresh := set(of_word["words"]) - names.known_words(session):
        session.add(NameList(tenant_id=scope_of(session).tenant(), words="\n".join(sorted(fresh))))
        session.flush()
