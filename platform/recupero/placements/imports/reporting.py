"""Financial files: what debtors paid to the creditor directly, and the creditor's adjustments.

A line is known by account, reference and kind; without a reference by account, day, amount and kind, and by
its place among equal lines of the file. A line that was taken over before counts as a duplicate.
"""

from dataclasses import dataclass

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import events
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.placements.imports import checking, matching
from recupero.placements.imports.copying import copy, fetch
from recupero.placements.imports.extracting import extract
from recupero.placements.imports.fields import PARTS
from recupero.placements.imports.findings import DUPLICATE, QUARANTINED, REJECTED, Checked, Findings
from recupero.placements.imports.reading import ROW
from recupero.placements.imports.setting import Setting
from recupero.placements.imports.spec import Mapping

_ENTRIES = {
    "payment": "payment", "pago": "payment", "pagamento": "payment", "abono": "payment", "p": "payment",
    "reversal": "reversal", "reverso": "reversal", "reversa": "reversal", "estorno": "reversal",
    "r": "reversal",
    "devolucion": "reversal", "devolución": "reversal", "chargeback": "reversal",
    "adjustment": "adjustment", "ajuste": "adjustment", "nota de credito": "adjustment", "a": "adjustment",
}  # fmt: skip
_LINES = {"place": "bigint", "line_key": "text"}


@dataclass
class Prepared(Checked):
    """`lines` has account, entry, amount (minor units), day, reference, part and key of each sound row."""

    lines: pl.DataFrame


def prepare(chunk: pl.DataFrame, mapping: Mapping, setting: Setting) -> Prepared:
    """Check accounts, amounts, days and kinds of entry. A negative payment is a reversal."""
    found, frame = Findings(), extract(chunk, mapping)
    matching.check_key(frame, found)
    frame = checking.currencies(frame, setting, found)
    frame = checking.amount_columns(frame, ["amount"], mapping, found, REJECTED)
    found.add(frame, pl.col("amount").is_null() & ~pl.col("amount?"), REJECTED, "amount", "missing")
    found.add(frame, pl.col("amount") == 0, REJECTED, "amount", "nothing_owed")
    frame = checking.date_column(frame, "paid_on", mapping, found, REJECTED)
    found.add(frame, pl.col("paid_on").is_null() & ~pl.col("paid_on?"), REJECTED, "paid_on", "missing")
    found.add(frame, pl.col("paid_on") > setting.today, REJECTED, "paid_on", "date_future")
    frame = _parts(_entries(frame, found), found)
    rows = frame.select(ROW, pl.col("amount").alias("balance"), "currency").with_columns(
        found.outcomes(frame[ROW])["outcome"]
    )
    return Prepared(chunk, found, rows, _keyed(frame, setting))


def _entries(frame: pl.DataFrame, found: Findings) -> pl.DataFrame:
    said = checking.optional(frame, "entry").str.to_lowercase().str.strip_chars()
    frame = frame.with_columns(
        said.replace_strict(_ENTRIES, default=None, return_dtype=pl.String).alias("entry"), said.alias("said")
    )
    found.add(frame, pl.col("entry").is_null() & pl.col("said").is_not_null(), REJECTED, "entry", "entry")
    back = pl.col("entry").fill_null("payment").eq("payment") & (pl.col("amount") < 0)
    entry = pl.when(back).then(pl.lit("reversal")).otherwise(pl.col("entry").fill_null("payment"))
    return frame.with_columns(entry.alias("entry")).drop("said")


def _parts(frame: pl.DataFrame, found: Findings) -> pl.DataFrame:
    frame = frame.with_columns(
        checking.optional(frame, "part").str.to_lowercase().alias("part"),
        checking.optional(frame, "reference").alias("reference"),
    )
    return checking.leave_out(frame, "part", ~pl.col("part").is_in(PARTS), found, "left_out")


def _keyed(frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    same = ["client_account", "paid_on", "amount", "entry"]
    nth = pl.int_range(pl.len()).over(same).cast(pl.String)
    described = pl.concat_str([*(pl.col(name).cast(pl.String) for name in same), nth], separator="|")
    named = pl.concat_str(["client_account", "reference", "entry"], separator="|")
    key = pl.lit(f"{setting.portfolio_id}|") + pl.coalesce("ref:" + named, described)
    size = pl.when(pl.col("entry") == "adjustment").then("amount").otherwise(pl.col("amount").abs())
    return frame.with_columns(key.alias("line_key"), size.alias("size")).filter(
        pl.col("line_key").is_not_null()
    )


_TAKEN = """
SELECT k.place FROM reported_keys k JOIN imported_lines l ON l.tenant_id = :tenant AND l.line_key = k.line_key
"""


def place(session: Session, prepared: Prepared, setting: Setting, batch_id: int, chunk: int) -> None:
    """Announce the new lines, to be booked in this transaction, and remember those that were."""
    found, lines = prepared.found, matching.match(session, prepared.lines, setting)
    found.add(lines, pl.col("account_id").is_null(), REJECTED, "client_account", "no_account")
    worked = (pl.col("status") == "active") | (pl.col("entry") == "reversal")
    found.add(
        lines, pl.col("account_id").is_not_null() & ~worked, QUARANTINED, "client_account", "account_ended"
    )
    found.add(lines, ~pl.col("line_key").is_first_distinct(), DUPLICATE, "reference", "duplicate_file")
    copy(
        session,
        "reported_keys",
        lines.select(pl.col(ROW).alias("place"), "line_key"),
        _LINES,
        analyse="line_key",
    )
    taken = fetch(session, _TAKEN, {"tenant": setting.tenant_id}, {ROW: pl.Int64})
    found.add(taken, pl.lit(value=True), DUPLICATE, "row", "line_taken")
    new = matching.accepted(prepared, lines)
    if not new.height:
        return
    reported = DirectPaymentsReported(batch_id, _reported(new))
    events.publish(session, reported)
    booked = _without_refused(prepared, new, reported.refused)
    copy(session, "reported_keys", booked.select(pl.col(ROW).alias("place"), "line_key"), _LINES)
    session.execute(
        text("INSERT INTO imported_lines (tenant_id, batch_id, line_key)"
             " SELECT :tenant, :batch, line_key FROM reported_keys"),
        {"tenant": setting.tenant_id, "batch": batch_id},
    )  # fmt: skip


def _without_refused(
    prepared: Prepared, new: pl.DataFrame, refused: dict[int, tuple[str, str]]
) -> pl.DataFrame:
    """The lines that were booked; the others end as rejected, and may come again."""
    if not refused:
        return new
    rows = [(row, name, reason) for row, (name, reason) in refused.items()]
    told = pl.DataFrame(rows, {ROW: pl.Int64, "name": pl.String, "code": pl.String}, orient="row")
    for name in told["name"].unique():
        prepared.found.add(told, pl.col("name") == name, REJECTED, name, pl.col("code"))
    return matching.accepted(prepared, new)


def _reported(new: pl.DataFrame) -> tuple[DirectPayment, ...]:
    columns = (ROW, "account_id", "entry", "size", "currency", pl.col("paid_on").dt.strftime("%Y-%m-%d"),
               "line_key", "reference", "part")  # fmt: skip
    return tuple(DirectPayment(*row) for row in new.select(columns).iter_rows())
