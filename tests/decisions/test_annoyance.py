"""What harm is held to cost is known in the currencies of the house's countries, in minor units."""

from datetime import date

from babel.numbers import get_territory_currencies

from recupero.decisions.strategies import annoyance
from recupero.portals.frame.places import COUNTRIES


def test_it_is_told_in_minor_units() -> None:
    assert [annoyance.usual(each) for each in ("CLP", "BRL", "COP", "JPY", "KWD")] == [
        250_000, 150_000, 110_000_000, 250, 250_000,
    ]  # fmt: skip


def test_every_country_of_the_house_has_its_own_but_for_money_that_does_not_keep() -> None:
    used = {each for country in COUNTRIES for each in get_territory_currencies(country, date(2025, 7, 1))}
    assert used - set(annoyance.WORTH) <= {"VES"}
