"""National ids: the columnar reading is python-stdnum's own, id by id."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.placements.imports import identities, sealing
from recupero.placements.normalise import name_key, national_id_key

_COUNTRIES = ("CL", "CO", "BR", "AR", "PE", "MX", "ES", "EC", "UY", "PT", "US", "PY")
_written = st.one_of(
    st.from_regex(r"[0-9]{1,3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9kK]", fullmatch=True),
    st.from_regex(r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}/?[0-9]{4}-?[0-9]{2}", fullmatch=True),
    st.text("0123456789.-K kABCXYZ/", min_size=1, max_size=20),
    st.text("0123456789", min_size=3, max_size=14),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_COUNTRIES), _written), min_size=1, max_size=50))
def test_a_column_is_judged_as_its_ids_are(ids: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(ids, schema={"country": pl.String, "value": pl.String}, orient="row")
    judged = identities.judge_column(frame, "country", "value")
    singly = [identities.judge(*pair) for pair in ids]
    assert judged.rows() == [(one.compact, one.kind, one.problem) for one in singly]


@pytest.mark.parametrize(
    ("country", "written", "compact", "kind", "problem"),
    [
        ("CL", "12.345.678-5", "123456785", "person", None),
        ("CL", "012345678-5", "123456785", "person", None),
        ("CL", "12.345.678-9", "123456789", "person", "id_checksum"),
        ("CL", "76.086.428-5", "760864285", "firm", None),
        ("BR", "390.533.447-05", "39053344705", "person", None),
        ("BR", "1.234.567-97", "00123456797", "person", None),
        ("BR", "390.533.447-06", "39053344706", "person", "id_checksum"),
        ("BR", "16.727.230/0001-97", "16727230000197", "firm", None),
        ("CO", "900.123.456-8", "9001234568", "firm", None),
        ("CO", "900.123.456-1", "9001234561", "firm", "id_checksum"),
        ("CO", "1.020.304.050", "1020304050", "person", None),
        ("AR", "20-05536168-2", "20055361682", "person", None),
        ("AR", "20-05536168-3", "20055361683", "person", "id_checksum"),
        ("PE", "20512333797", "20512333797", "firm", None),
        ("PE", "20512333798", "20512333798", "firm", "id_checksum"),
        ("MX", "GODE561231GR8", "GODE561231GR8", "person", None),
        ("MX", "BOXW310820HNERXN09", "BOXW310820HNERXN09", "person", None),
        ("ES", "54362315K", "54362315K", "person", None),
        ("ES", "X-5253868-R", "X5253868R", "person", None),
        ("ES", "54362315Z", "54362315Z", "person", "id_checksum"),
        ("CL", "no tiene", "NOTIENE", None, "id_length"),
    ],
)
def test_ids_of_the_countries(
    country: str, written: str, compact: str, kind: str | None, problem: str | None
) -> None:
    frame = pl.DataFrame({"country": [country], "value": [written]})
    assert identities.judge_column(frame, "country", "value").row(0) == (compact, kind, problem)


def test_one_person_is_found_however_the_id_is_written() -> None:
    assert national_id_key("CL", "12.345.678-5") == national_id_key("CL", "0012345678-5") == "CL:123456785"
    assert national_id_key("BR", "1234567-97") == national_id_key("BR", "001.234.567-97")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(max_codepoint=0x24F), max_size=30), min_size=1, max_size=20))
def test_names_are_compared_by_columns_as_they_are_singly(names: list[str]) -> None:
    column = pl.Series("name", names, dtype=pl.String)
    assert sealing.name_keys(column).to_list() == [name_key(name) for name in names]


def test_names_are_the_same_in_any_order_case_and_accent() -> None:
    assert name_key("PÉREZ, Ana  maría") == name_key("Ana Maria Perez") == "ana maria perez"
