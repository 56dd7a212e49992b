"""What was found on the rows of a chunk: outcomes and the reasons for them."""

from dataclasses import dataclass, field

import polars as pl

from recupero.placements.imports.reading import ROW

ACCEPTED, REJECTED, QUARANTINED, DUPLICATE, WARNING = (
    "accepted", "rejected", "quarantined", "duplicate", "warning",
)  # fmt: skip
OUTCOMES = (ACCEPTED, REJECTED, QUARANTINED, DUPLICATE)
_SCHEMA = {ROW: pl.Int64, "outcome": pl.String, "field": pl.String, "reason": pl.String}
#: The strongest finding of a row decides: what cannot be read is rejected before it is called a duplicate.
_STRENGTH = {WARNING: 0, QUARANTINED: 1, DUPLICATE: 2, REJECTED: 3}


@dataclass
class Findings:
    """Collects findings; each names row, outcome, field and a reason code."""

    frames: list[pl.DataFrame] = field(default_factory=list)

    def add(
        self, frame: pl.DataFrame, where: pl.Expr, outcome: str, name: str, reason: str | pl.Expr
    ) -> None:
        """Note `reason` (a code, or a column of codes) on each row of `frame` where the condition holds."""
        code = pl.lit(reason) if isinstance(reason, str) else reason
        hits = frame.filter(where.fill_null(value=False)).select(
            ROW, pl.lit(outcome).alias("outcome"), pl.lit(name).alias("field"), code.alias("reason")
        )
        if hits.height:
            self.frames.append(hits)

    def table(self) -> pl.DataFrame:
        """All findings by row."""
        return pl.concat([pl.DataFrame(schema=_SCHEMA), *self.frames]).sort(ROW, maintain_order=True)

    def waive(self) -> None:
        """A person has looked: what was quarantined is only told of."""
        self.frames = [
            frame.with_columns(pl.col("outcome").replace(QUARANTINED, WARNING)) for frame in self.frames
        ]

    def outcomes(self, rows: pl.Series) -> pl.DataFrame:
        """For each row its `outcome`, in the order given."""
        strength = pl.col("outcome").replace_strict(_STRENGTH, return_dtype=pl.Int8)
        worst = self.table().select(ROW, strength.alias("worst")).group_by(ROW).agg(pl.col("worst").max())
        names = {0: ACCEPTED, 1: QUARANTINED, 2: DUPLICATE, 3: REJECTED}
        joined = rows.to_frame(ROW).join(worst, on=ROW, how="left", maintain_order="left")
        named = pl.col("worst").fill_null(0).replace_strict(names, return_dtype=pl.String)
        return joined.select(ROW, named.alias("outcome"))


@dataclass
class Checked:
    """A chunk of any kind of file on its way in: as it came, what was found, and of every row its `ROW`,
    `outcome`, `balance` (minor units; null where unreadable or of no matter) and `currency`."""

    raw: pl.DataFrame
    found: Findings
    rows: pl.DataFrame
