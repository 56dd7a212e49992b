"""Recall files: the creditor takes accounts back."""

from dataclasses import dataclass

import polars as pl
from sqlalchemy.orm import Session

from recupero.placements import service
from recupero.placements.imports import matching
from recupero.placements.imports.extracting import extract
from recupero.placements.imports.findings import DUPLICATE, REJECTED, Checked, Findings
from recupero.placements.imports.reading import ROW
from recupero.placements.imports.setting import Setting
from recupero.placements.imports.spec import Mapping
from recupero.placements.lifecycle import ENDED


@dataclass
class Prepared(Checked):
    """`wanted` has the account named by each row."""

    wanted: pl.DataFrame


def prepare(chunk: pl.DataFrame, mapping: Mapping, setting: Setting) -> Prepared:
    """Check that every row names an account, once."""
    found, frame = Findings(), extract(chunk, mapping)
    matching.check_key(frame, found)
    again = pl.col("client_account").is_not_null() & ~pl.col("client_account").is_first_distinct()
    found.add(frame, again, DUPLICATE, "client_account", "duplicate_file")
    rows = frame.select(ROW).with_columns(
        found.outcomes(frame[ROW])["outcome"], pl.lit(None, dtype=pl.Int64).alias("balance"),
        pl.lit(setting.currency).alias("currency"),
    )  # fmt: skip
    return Prepared(chunk, found, rows, frame.select(ROW, "client_account").drop_nulls())


def place(session: Session, prepared: Prepared, setting: Setting, batch_id: int, chunk: int) -> None:
    """Recall the accounts that are still worked; one recalled before counts as a duplicate."""
    rows = matching.match(session, prepared.wanted, setting)
    prepared.found.add(rows, pl.col("account_id").is_null(), REJECTED, "client_account", "no_account")
    recalled = pl.col("status") == "recalled"
    prepared.found.add(rows, recalled, DUPLICATE, "client_account", "line_taken")
    ended = pl.col("status").is_in(list(ENDED)) & ~recalled
    prepared.found.add(rows, ended, REJECTED, "client_account", "account_ended")
    service.recall_accounts(session, matching.accepted(prepared, rows)["account_id"].to_list())
