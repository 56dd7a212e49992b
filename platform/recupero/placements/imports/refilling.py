"""Regions and zones of telephone numbers that were taken in before the platform, or a pack, knew of them."""

from dataclasses import dataclass

import polars as pl
from sqlalchemy import BigInteger, String, bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from recupero.kernel.database import Database, Scope
from recupero.placements.imports import phone_regions, phones
from recupero.placements.tables import ContactPoint

BATCH = 20_000
_FILL = text(
    "UPDATE contact_points SET region = coalesce(contact_points.region, told.region),"
    " timezone = coalesce(contact_points.timezone, told.zone)"
    " FROM unnest(:ids, :regions, :zones) AS told(id, region, zone)"
    " WHERE tenant_id = :tenant AND contact_points.id = told.id"
).bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)),
    *(bindparam(name, type_=ARRAY(String)) for name in ("regions", "zones")),
)


@dataclass(frozen=True, slots=True)
class Refilled:
    """How many numbers without a region or a zone were looked at, and of how many more is known now."""

    looked_at: int = 0
    filled: int = 0

    def __add__(self, other: "Refilled") -> "Refilled":
        return Refilled(self.looked_at + other.looked_at, self.filled + other.filled)


def refill(database: Database, scope: Scope, batch: int = BATCH) -> Refilled:
    """Give every number of the one tenant in scope its region and zones, as an import does today.

    Each batch is committed for itself: what is cut short is run again, and goes on with those that lack one.
    """
    total, after = Refilled(), 0
    while True:
        done, last = _batch(database, scope, after, batch)
        total += done
        if last is None:
            return total
        after = last


def _batch(database: Database, scope: Scope, after: int, batch: int) -> tuple[Refilled, int | None]:
    """The next numbers without a region or a zone, and the id of the last; None where there are no more."""
    point = ContactPoint
    with database.transaction(scope) as session:
        rows = session.execute(
            select(point.id, point.value, point.region, point.timezone)
            .where(point.tenant_id == scope.tenant(), point.kind == "phone")
            .where(or_(point.region.is_(None), point.timezone.is_(None)), point.id > after)
            .order_by(point.id)
            .limit(batch)
        ).all()
        numbers = pl.Series([row.value for row in rows], dtype=pl.String)
        told = zip(rows, phone_regions.regions(numbers), map(phones.zones, numbers), strict=True)
        known = [
            (row.id, region, zone)
            for row, region, zone in told
            if (row.region is None and region) or (row.timezone is None and zone)
        ]
        if known:
            filled = zip(("ids", "regions", "zones"), map(list, zip(*known, strict=True)), strict=True)
            session.execute(_FILL, {**dict(filled), "tenant": scope.tenant()})
    return Refilled(len(rows), len(known)), rows[-1].id if rows else None
