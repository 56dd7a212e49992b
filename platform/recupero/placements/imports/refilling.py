"""Regions of telephone numbers that were taken in before the platform, or a pack, knew of them."""

from dataclasses import dataclass

import polars as pl
from sqlalchemy import BigInteger, String, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from recupero.kernel.database import Database, Scope
from recupero.placements.imports import phone_regions
from recupero.placements.tables import ContactPoint

BATCH = 20_000
_FILL = text(
    "UPDATE contact_points SET region = told.region"
    " FROM unnest(:ids, :regions) AS told(id, region)"
    " WHERE tenant_id = :tenant AND contact_points.id = told.id AND contact_points.region IS NULL"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("regions", type_=ARRAY(String)))


@dataclass(frozen=True, slots=True)
class Refilled:
    """How many numbers without a region were looked at, and how many have one now."""

    looked_at: int = 0
    filled: int = 0

    def __add__(self, other: "Refilled") -> "Refilled":
        return Refilled(self.looked_at + other.looked_at, self.filled + other.filled)


def refill(database: Database, scope: Scope, batch: int = BATCH) -> Refilled:
    """Give every number of the one tenant in scope its region, as an import does today.

    Each batch is committed for itself: what is cut short is run again, and goes on with those that have none.
    """
    total, after = Refilled(), 0
    while True:
        done, last = _batch(database, scope, after, batch)
        total += done
        if last is None:
            return total
        after = last


def _batch(database: Database, scope: Scope, after: int, batch: int) -> tuple[Refilled, int | None]:
    """The next numbers without a region, and the id of the last; None where there are no more."""
    point = ContactPoint
    with database.transaction(scope) as session:
        rows = session.execute(
            select(point.id, point.value)
            .where(point.tenant_id == scope.tenant(), point.kind == "phone", point.region.is_(None))
            .where(point.id > after)
            .order_by(point.id)
            .limit(batch)
        ).all()
        numbers = pl.Series([row.value for row in rows], dtype=pl.String)
        told = zip((row.id for row in rows), phone_regions.regions(numbers), strict=True)
        known = [(number, region) for number, region in told if region is not None]
        if known:
            ids, regions = zip(*known, strict=True)
            session.execute(_FILL, {"ids": list(ids), "regions": list(regions), "tenant": scope.tenant()})
    return Refilled(len(rows), len(known)), rows[-1].id if rows else None
