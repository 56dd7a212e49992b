"""Terms of interest are refused with the name of what is wrong."""

from typing import Any

import pytest

from recupero.kernel.errors import UserError
from recupero.placements.terms import check_terms


@pytest.mark.parametrize(
    "terms",
    [
        {"accrual": {"rate": 1200}},
        {"accrual": {"rate": "contract", "day_count": "30/360", "from": "due", "stopped_by": ["dispute"],
                     "rates": {"ordinary_rate": 800}, "late_fee_minor": 500, "late_fee_after_days": 30}},
        {"allocation_order": ["principal", "interest", "fee", "cost", "tax"]},
    ],
)  # fmt: skip
def test_sound_terms_are_kept(terms: dict[str, Any]) -> None:
    assert check_terms(terms) == terms


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"accrual": 1200}, "accrual"),
        ({"accrual": {}}, "accrual"),
        ({"accrual": {"rate": -1}}, "rate"),
        ({"accrual": {"rate": True}}, "rate"),
        ({"accrual": {"rate": 1, "day_count": "act/act"}}, "day_count"),
        ({"accrual": {"rate": 1, "from": "birth"}}, "from"),
        ({"accrual": {"rate": 1, "stopped_by": ["weather"]}}, "stopped_by"),
        ({"accrual": {"rate": 1, "stopped_by": [["dispute"]]}}, "stopped_by"),
        ({"accrual": {"rate": 1, "rates": {"ordinary_rate": "8"}}}, "rate"),
        ({"accrual": {"rate": 1, "late_fee_after_days": 0}}, "late_fee_after_days"),
        ({"accrual": {"rate": 1, "compound": True}}, "terms"),
        ({"allocation_order": ["principal"]}, "allocation_order"),
        ({"allocation_order": ["principal", "principal", "fee", "cost", "tax"]}, "allocation_order"),
    ],
)
def test_others_are_refused(terms: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as refused:
        check_terms(terms)
    assert refused.value.field == field
