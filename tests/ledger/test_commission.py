"""Fees follow the creditor's schedule, sum to the fee on the whole, and never exceed what was paid."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.ledger.commission import Charged, Earning, FeeTerms, Line, commission, fee_terms, share

PARTS = ("cost", "fee", "tax", "interest", "principal")
LINES: list[Line] = [(account, part) for account in (1, 2, 3) for part in PARTS]
SCHEDULE: dict[str, Any] = {
    "commission_rate": 2500,
    "commission": {
        "rates": [
            {"rate": 1000, "settlement": True},
            {"rate": 4000, "legal": True},
            {"rate": 1500, "to_age_days": 90},
            {"rate": 1800, "from_age_days": 90, "to_age_days": 180, "from_balance_minor": 100_000},
            {"rate": 3500, "placement_number": 2},
        ],
        "tax_rate": 1900,
    },
}


def earning(**facts: Any) -> Earning:
    usual = {
        "due_date": date(2026, 1, 1),
        "on": date(2026, 2, 1),
        "placed_minor": 50_000,
        "placement_number": 1,
        "legal": False,
        "settled": False,
    }
    return Earning(**{**usual, **facts})


@pytest.mark.parametrize(
    ("facts", "rate"),
    [
        ({}, 1500),
        ({"on": date(2026, 3, 31)}, 1500),  # 89 days old
        ({"on": date(2026, 4, 1)}, 2500),  # 90 days old, but a small balance: the flat rate
        ({"on": date(2026, 4, 1), "placed_minor": 100_000}, 1800),
        ({"on": date(2026, 6, 30), "placed_minor": 100_000}, 2500),  # 180 days: past the band
        ({"on": date(2026, 12, 1), "placement_number": 2}, 3500),
        ({"legal": True}, 4000),
        ({"legal": True, "settled": True}, 1000),  # the first row that fits
        ({"on": date(2025, 12, 1)}, 1500),  # paid before it was due: no age
    ],
)
def test_the_first_row_that_fits_gives_the_rate(facts: dict[str, Any], rate: int) -> None:
    assert fee_terms(SCHEDULE, earning(**facts)).rate == rate
    assert fee_terms(SCHEDULE, earning(**facts)).tax == 1900


def test_without_a_schedule_the_flat_rate_holds() -> None:
    assert fee_terms({"commission_rate": 1250}, earning()) == FeeTerms(rate=1250)
    assert fee_terms({}, earning()) == FeeTerms()


def test_a_worked_payment_with_tax() -> None:
    """1,000 of principal and 33 of interest at 15%: fee 154.95 rounds to 155, tax at 19% 29.45 to 29."""
    charged = commission(
        {(1, "principal"): 1000, (1, "interest"): 33}, {1: FeeTerms(rate=1500, tax=1900)}, LINES
    )
    assert charged == {(1, "interest"): Charged(5, 1), (1, "principal"): Charged(150, 28)}


def test_minimum_and_maximum_apply_once_to_a_payment() -> None:
    terms = FeeTerms(rate=1000, minimum=500, maximum=2_000)
    over = commission({(1, "principal"): 30_000, (2, "principal"): 10_000}, {1: terms, 2: terms}, LINES)
    assert sum(charged.fee for charged in over.values()) == 2_000
    small = commission({(1, "principal"): 1_000, (2, "principal"): 1_000}, {1: terms, 2: terms}, LINES)
    assert sum(charged.fee for charged in small.values()) == 500
    assert FeeTerms(rate=1000, minimum=500).fee(300) == 300


def test_parts_that_earn_nothing_are_left_out() -> None:
    terms = FeeTerms(rate=2000, parts=("principal",))
    charged = commission({(1, "cost"): 400, (1, "principal"): 1000}, {1: terms}, LINES)
    assert charged == {(1, "cost"): Charged(0, 0), (1, "principal"): Charged(200, 0)}


FEE_TERMS = st.builds(
    FeeTerms,
    rate=st.integers(0, 10_000),
    minimum=st.integers(0, 10**6),
    maximum=st.none() | st.integers(0, 10**7),
    tax=st.integers(0, 3_000),
)


@given(st.dictionaries(st.sampled_from(LINES), st.integers(1, 10**9)), FEE_TERMS)
def test_the_lines_sum_to_the_fee_on_the_whole_and_never_exceed_it(
    lines: dict[Line, int], terms: FeeTerms
) -> None:
    charged = commission(lines, dict.fromkeys((1, 2, 3), terms), LINES)
    whole = terms.fee(sum(lines.values()))
    assert sum(one.fee for one in charged.values()) == whole <= sum(lines.values())
    assert sum(one.tax for one in charged.values()) == share(whole, terms.tax)
    assert all(one.fee >= 0 and one.tax >= 0 for one in charged.values())


@given(FEE_TERMS)
def test_terms_are_kept_with_a_payment_as_they_are(terms: FeeTerms) -> None:
    assert FeeTerms.from_json(terms.to_json()) == terms


def test_a_fee_is_rounded_half_up_to_the_minor_unit() -> None:
    assert [share(amount, 1250) for amount in (3, 4, 100, 101)] == [0, 1, 13, 13]
