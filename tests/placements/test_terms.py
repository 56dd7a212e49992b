"""Terms are refused with the name of what is wrong, and a schedule of commission is kept as it was stated."""

from typing import Any

import pytest

from recupero.kernel.errors import UserError
from recupero.placements.terms import check_terms

SCHEDULE: dict[str, Any] = {
    "rates": [
        {"rate": 1000, "settlement": True},
        {"rate": 1500, "from_age_days": 0, "to_age_days": 90, "placement_number": 1, "legal": False},
    ],
    "minimum_minor": 100,
    "maximum_minor": 9_000,
    "tax_rate": 1900,
    "parts": ["principal", "interest"],
}


def test_a_schedule_is_kept_beside_the_other_terms() -> None:
    terms = {"commission_rate": 1800, "commission": SCHEDULE}
    assert check_terms(terms) == terms


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rates": [{"from_age_days": 3}]}, "rates.0.rate"),
        ({"rates": [{"rate": 10}, {"rate": 10_001}]}, "rates.1.rate"),
        ({"rates": [{"rate": 10, "colour": 1}]}, "rates.0.terms"),
        ({"rates": [{"rate": 10, "from_age_days": 90, "to_age_days": 90}]}, "rates.0.to_age_days"),
        ({"rates": [{"rate": 10, "legal": 1}]}, "rates.0.legal"),
        ({"rates": [{"rate": True}]}, "rates.0.rate"),
        ({"tax_rate": -1}, "tax_rate"),
        ({"minimum_minor": 10_000}, "commission"),
        ({"parts": []}, "parts"),
        ({"parts": ["principal", "profit"]}, "parts"),
        ({"bonus": 1}, "terms"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        check_terms({"commission": {**SCHEDULE, **change}})
    assert caught.value.field == field


def test_a_schedule_that_is_no_object_is_refused() -> None:
    with pytest.raises(UserError, match="object"):
        check_terms({"commission": [1]})


def test_everything_wrong_with_the_rows_is_told_at_once() -> None:
    rates = [{"rate": -1, "legal": "x"}, {"rate": 10}, {"rate": 10, "from_age_days": -5}]
    with pytest.raises(UserError) as caught:
        check_terms({"commission": {"rates": rates, "tax_rate": -1}})
    fields = {caught.value.field, *(one.field for one in caught.value.others)}
    assert fields == {"rates.0.rate", "rates.0.legal", "rates.2.from_age_days", "tax_rate"}
