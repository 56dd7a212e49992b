"""Numbers tell a region where exactly one region's prefix fits."""

import polars as pl
from sqlalchemy import select, update

from recupero.kernel import runtime
from recupero.placements.imports.phone_regions import region_of, regions
from recupero.placements.imports.refilling import Refilled, refill
from recupero.placements.tables import ContactPoint
from tests.factories import World
from tests.outreach.placed import place


def test_a_column_tells_the_regions_of_its_numbers(world: World) -> None:
    told = {
        "+12125550123": "US-NY", "+34912345678": "ES-MD", "+5511987654321": "BR-SP", "+56223456789": "CL-RM",
        "+34612345678": None, "+56961234567": None, "+447911123456": None,
    }  # fmt: skip
    numbers = pl.Series([*told, None], dtype=pl.String)
    assert regions(numbers).to_list() == [*told.values(), None]
    packs = runtime.current().plugins.packs.values()
    one_by_one = [next((r for p in packs if (r := region_of(p, number))), None) for number in told]
    assert one_by_one == list(told.values())


def test_the_area_code_of_an_argentine_mobile_counts(world: World) -> None:
    pack = runtime.current().plugins.packs["AR"]
    assert region_of(pack, "+543514567890") == region_of(pack, "+5493514567890") == "AR-X"


def test_numbers_taken_in_before_get_their_region_and_zones_batch_by_batch(world: World) -> None:
    scope, other = world.tenant(), world.tenant()
    points = [one.points["phone"] for one in place(scope, 4, kinds=("phone",))]
    place(other, 1, kinds=("phone",))
    database = runtime.current().database
    numbers = dict(zip(points, ("+56223456789", "+56961234567", "+12085550123", "+34612345678"), strict=True))
    with database.transaction(scope) as session:
        for point, number in numbers.items():
            session.execute(update(ContactPoint).where(ContactPoint.id == point).values(value=number))
    assert refill(database, scope, batch=2) == Refilled(looked_at=4, filled=3)
    assert refill(database, scope) == Refilled(looked_at=2, filled=0)
    with database.transaction(scope) as session:
        found = session.execute(
            select(ContactPoint.region, ContactPoint.timezone).order_by(ContactPoint.id)
        ).all()
    assert found == [
        ("CL-RM", "America/Santiago"), (None, "America/Santiago"),
        ("US-ID", "America/Boise,America/Los_Angeles"), (None, None),
    ]  # fmt: skip
