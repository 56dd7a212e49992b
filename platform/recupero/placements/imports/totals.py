"""Counts and balance sums by outcome: they add up to the file's, or nothing is loaded."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from recupero.kernel.errors import UserError
from recupero.kernel.money import minor_units
from recupero.placements.imports import values
from recupero.placements.imports.findings import OUTCOMES
from recupero.placements.imports.spec import Control, Mapping


@dataclass
class Totals:
    """`excluded` rows are those that the mapping's filter does not mean; they count in none of the sums."""

    counts: Counter[str] = field(default_factory=Counter)
    balances: dict[str, Counter[str]] = field(default_factory=dict)
    file_balances: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    excluded: int = 0
    warnings: int = 0
    unreadable: int = 0
    declared_rows: int | None = None
    declared_balance: int | None = None

    def add_file(self, rows: pl.DataFrame) -> None:
        """Count the rows of a chunk as they were read: `balance` and `currency`, before any outcome is
        known.
        """
        self.rows += rows.height
        self.unreadable += rows["balance"].null_count()
        for currency, balance in rows.group_by("currency").agg(pl.col("balance").sum()).iter_rows():
            self.file_balances[currency] += balance

    def add_outcomes(self, rows: pl.DataFrame) -> None:
        """Count the same rows again by `outcome`."""
        grouped = rows.group_by("currency", "outcome").agg(pl.len().alias("n"), pl.col("balance").sum())
        for currency, outcome, number, balance in grouped.iter_rows():
            self.counts[outcome] += number
            self.balances.setdefault(currency, Counter())[outcome] += balance

    def declare(
        self, records: pl.DataFrame, control: Control | None, mapping: Mapping, currency: str
    ) -> None:
        """Take what the file's own control record says. Raises UserError where it cannot be read."""
        if control is None or not records.height:
            return
        record = records.row(0, named=True)
        if control.rows is not None:
            self.declared_rows = _whole(record[control.rows])
        if control.balance is not None:
            self.declared_balance = _amount(records[control.balance][0], mapping, currency)

    def check(self, currency: str, control: Control | None) -> None:
        """Raises UserError where the file's control record does not agree with its rows."""
        if control is not None and self.declared_rows is None and self.declared_balance is None:
            raise UserError("the file has no control record: is it whole?", field="control")
        if self.declared_rows is not None and self.declared_rows != self.rows:
            raise UserError(
                "the control record declares %(declared)s rows, the file has %(found)s: is it whole?",
                field="control", declared=self.declared_rows, found=self.rows,
            )  # fmt: skip
        summed = self.file_balances[currency]
        if self.declared_balance is not None and self.declared_balance != summed:
            raise UserError(
                "the control record declares a balance of %(declared)s, the rows add up to %(found)s"
                " (minor units of %(currency)s): is the file whole?",
                field="control", declared=self.declared_balance, found=summed, currency=currency,
            )  # fmt: skip
        if sum(self.counts.values()) != self.rows:
            raise AssertionError(f"{self.rows} rows were read, {sum(self.counts.values())} have an outcome")

    def as_json(self) -> dict[str, Any]:
        """What is stored with the batch and answered by the command."""
        currencies = sorted(set(self.file_balances) | set(self.balances))
        return {
            "rows": {"file": self.rows, **{outcome: self.counts[outcome] for outcome in OUTCOMES}},
            "balance_minor": {
                code: {
                    "file": self.file_balances[code],
                    **{outcome: self.balances.get(code, Counter())[outcome] for outcome in OUTCOMES},
                }
                for code in currencies
            },
            "excluded": self.excluded,
            "unreadable_balances": self.unreadable,
            "declared": {"rows": self.declared_rows, "balance_minor": self.declared_balance},
        }


def _whole(text: str | None) -> int:
    if text is None or not text.strip().isdecimal():
        raise UserError("the control record has no number of rows", field="control")
    return int(text)


def _amount(text: str | None, mapping: Mapping, currency: str) -> int:
    digits = values.digits_of(pl.col("text"), mapping.decimal)
    minor = pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(
        values.minor_of(digits, minor_units(currency))
    )
    value: int | None = minor.item()
    if value is None:
        raise UserError("the control record has no readable sum", field="control")
    return value
