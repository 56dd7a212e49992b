"""The columnar reading of phone numbers is phonenumbers' own, number by number."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.placements.imports import phones
from tests.thorough import examples

COUNTRIES = ("CL", "CO", "BR", "MX", "AR", "PE", "ES", "EC", "UY", "US", "PT")
CODES = ("56", "57", "55", "52", "54", "51", "34", "593", "598", "1", "351")
_written = st.builds(
    lambda plus, code, digits, cut, mark: _spaced(f"{plus}{code}{digits}", cut, mark),
    st.sampled_from(("", "+", "00", "0", "(0)")),
    st.sampled_from(("", *CODES)),
    st.text("0123456789", min_size=5, max_size=12),
    st.integers(0, 12),
    st.sampled_from((" ", "-", ".", " (", ") ", "")),
)


def _spaced(text: str, cut: int, mark: str) -> str:
    return text[:cut] + mark + text[cut:]


@settings(max_examples=examples(120), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(COUNTRIES), _written), min_size=1, max_size=60))
def test_a_column_is_judged_as_its_numbers_are(numbers: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(numbers, schema={"country": pl.String, "value": pl.String}, orient="row")
    judged = phones.judge_column(frame, "country", "value")
    singly = [phones.judge(*pair) for pair in numbers]
    assert judged.rows() == [(one.e164, one.line_type, one.zone) for one in singly]


@pytest.mark.parametrize(
    ("country", "written", "e164", "line_type", "zone"),
    [
        ("CL", "+56 9 6123 4567", "+56961234567", "fixed_line_or_mobile", "America/Santiago"),
        ("CL", "2 2345 6789", "+56223456789", "fixed_line_or_mobile", "America/Santiago"),
        ("CO", "310 123 4567", "+573101234567", "mobile", "America/Bogota"),
        ("CO", "57 310 1234567", "+573101234567", "mobile", "America/Bogota"),
        ("BR", "(11) 98765-4321", "+5511987654321", "mobile", "America/Sao_Paulo"),
        ("ES", "922 12 34 56", "+34922123456", "fixed_line", "Atlantic/Canary"),
        # In several zones of the country: all are told, with commas between.
        ("US", "208 555 0123", "+12085550123", "fixed_line_or_mobile", "America/Boise,America/Los_Angeles"),
        (
            "MX",
            "649 123 4567",
            "+526491234567",
            "fixed_line_or_mobile",
            "America/Mazatlan,America/Mexico_City",
        ),
        # Neighbours whose clock the data name too are left out.
        ("GB", "07400 123456", "+447400123456", "mobile", "Europe/London"),
        ("CL", "12345", None, None, None),
        ("CL", "no tiene", None, None, None),
    ],
)
def test_numbers_as_people_write_them(
    country: str, written: str, e164: str | None, line_type: str | None, zone: str | None
) -> None:
    frame = pl.DataFrame({"country": [country], "value": [written]})
    row = phones.judge_column(frame, "country", "value").row(0)
    assert row[:2] == (e164, line_type)
    assert row == (lambda one: (one.e164, one.line_type, one.zone))(phones.judge(country, written))
    assert zone is None or row[2] == zone


@pytest.mark.parametrize(("country", "number"), [("ES", "612345678"), ("US", "8002345678")])
def test_a_number_used_all_over_the_country_tells_no_zone(country: str, number: str) -> None:
    judged = phones.judge(country, number)
    assert judged.e164 is not None
    assert judged.zone is None


def test_missing_numbers_stay_missing() -> None:
    frame = pl.DataFrame({"country": ["CO", "CO"], "value": [None, "3101234567"]})
    assert phones.judge_column(frame, "country", "value")["line_type"].to_list() == [None, "mobile"]
