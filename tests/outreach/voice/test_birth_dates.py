"""A date of birth is understood as people say it, in three languages; what is no whole date is none."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.outreach.voice.birth_dates import birth_date

TODAY = date(2026, 3, 10)
BORN = date(1985, 4, 2)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("dos de abril de mil novecientos ochenta y cinco", BORN),
        ("el 2 de abril del 85", BORN),
        ("2 del 4 del 85", BORN),
        ("cero dos cero cuatro ochenta y cinco", BORN),
        ("02 04 1985", BORN),
        ("02041985", BORN),
        ("nací el primero de enero de 1990", date(1990, 1, 1)),
        ("veintitrés de agosto del setenta y ocho", date(1978, 8, 23)),
        ("April second nineteen eighty five", BORN),
        ("the second of April 1985", BORN),
        ("April 2nd, 1985", BORN),
        ("twenty first of March two thousand and one", date(2001, 3, 21)),
        ("oh two oh four eighty five", BORN),
        ("dois de abril de mil novecentos e oitenta e cinco", BORN),
        ("primeiro de janeiro de dois mil", date(2000, 1, 1)),
        ("2 do 4 de 85", BORN),
        ("el 31 de febrero de 1985", None),
        ("2 de abril", None),
        ("en abril", None),
        ("2 de abril de 2030", None),
        ("no le voy a decir", None),
        ("", None),
    ],
)
def test_what_is_said(said: str, told: date | None) -> None:
    assert birth_date(said, TODAY) == told


@given(st.dates(date(1926, 3, 11), TODAY), st.sampled_from(["%d%m%Y", "%d/%m/%Y", "%d %m %y", "%d-%m-%Y"]))
def test_whatever_day_is_keyed_is_read_back(born: date, form: str) -> None:
    assert birth_date(born.strftime(form), TODAY) == born


@given(st.text(max_size=60))
def test_any_words_are_read_without_an_error(said: str) -> None:
    found = birth_date(said, TODAY)
    assert found is None or found <= TODAY
