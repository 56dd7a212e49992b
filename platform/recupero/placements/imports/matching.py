"""Which placed account a row of a maintenance, financial or recall file is about."""

import polars as pl
from sqlalchemy.orm import Session

from recupero.placements.imports import values
from recupero.placements.imports.copying import copy, fetch
from recupero.placements.imports.findings import ACCEPTED, REJECTED, Checked, Findings
from recupero.placements.imports.reading import PROBLEM, ROW
from recupero.placements.imports.setting import Setting

_KEYS = {"place": "bigint", "client_account": "text"}
# The newest placement of an account is meant.
_MATCH = """
SELECT DISTINCT ON (k.place) k.place, a.id, a.debtor_id, a.status, a.currency, a.close_code
FROM matched_keys k
JOIN accounts a ON a.tenant_id = :tenant AND a.client_account = k.client_account AND a.portfolio_id =
:portfolio ORDER BY k.place, a.placement_number DESC
"""
_SCHEMA = {
    ROW: pl.Int64, "account_id": pl.Int64, "debtor_id": pl.Int64, "status": pl.String,
    "account_currency": pl.String,
    "close_code": pl.String,
}  # fmt: skip


def check_key(frame: pl.DataFrame, found: Findings) -> None:
    """Every row names an account, in a form that no spreadsheet has shortened."""
    account = pl.col("client_account")
    found.add(frame, pl.col(PROBLEM).is_not_null(), REJECTED, "row", pl.col(PROBLEM))
    found.add(frame, account.is_null(), REJECTED, "client_account", "missing")
    found.add(frame, account.str.contains(values.SHORTENED), REJECTED, "client_account", "shortened")


def match(session: Session, rows: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    """`rows` (with `ROW` and `client_account`) with account_id, debtor_id, status, account_currency and
    close_code; null where no such account is placed."""
    copy(
        session,
        "matched_keys",
        rows.select(pl.col(ROW).alias("place"), "client_account"),
        _KEYS,
        analyse="client_account",
    )
    known = fetch(session, _MATCH, {"tenant": setting.tenant_id, "portfolio": setting.portfolio_id}, _SCHEMA)
    return rows.join(known, on=ROW, how="left", maintain_order="left")


def settle(checked: Checked) -> None:
    """Take the findings made since the chunk was prepared into the rows' outcomes."""
    outcomes = checked.found.outcomes(checked.rows[ROW])
    checked.rows = checked.rows.with_columns(outcomes["outcome"])


def accepted(checked: Checked, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of `frame` that stand as accepted now."""
    settle(checked)
    sound = checked.rows.filter(pl.col("outcome") == ACCEPTED).select(ROW)
    return frame.join(sound, on=ROW, how="semi", maintain_order="left")
