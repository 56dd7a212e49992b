"""Numbers tell a region where exactly one region's prefix fits."""

import polars as pl

from recupero.kernel import runtime
from recupero.placements.imports.phone_regions import region_of, regions
from tests.factories import World


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
