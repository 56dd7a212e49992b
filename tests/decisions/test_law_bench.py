"""The benchmark of the law judges every account it says it does, and measures what it says."""

import click
import pytest

from recupero.decisions.law_bench import CHANNELS, accounts, places_of
from recupero.law.batch import ACCOUNT_COLUMNS
from tests.law import packs


def test_accounts_are_made_alike_in_every_run_and_in_every_part() -> None:
    places = places_of(packs.all_packs(), "CL")
    whole, part = accounts(1, 400, places), accounts(201, 400, places)
    assert whole[200:].equals(part)
    assert set(ACCOUNT_COLUMNS) <= set(whole.columns)
    assert set(whole["country"]) == {"CL"}
    assert 0.4 < whole["consented_channels"].is_null().mean() < 0.6  # type: ignore[operator]  # a share
    assert len(CHANNELS) == 5


def test_without_a_country_all_countries_with_a_pack_share_by_their_people() -> None:
    rows = accounts(1, 20_000, places_of(packs.all_packs()))
    assert set(packs.COUNTRIES) <= set(rows["country"])
    counted = dict(rows["country"].value_counts().iter_rows())
    assert counted["US"] > counted["BR"] > counted["MX"] > counted["CL"] > 0


def test_a_country_without_a_pack_is_named_with_those_that_have_one() -> None:
    with pytest.raises(click.BadParameter, match=r"no regulation pack for XX; there are .*CL"):
        places_of(packs.all_packs(), "XX")
