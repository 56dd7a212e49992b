"""What accrues and the order of allocation hold from a day on; what held before is kept for its days."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recupero.placements.dated_terms import changed, in_force, versions

ONE, TWO, THREE = ({"accrual": {"rate": rate}} for rate in (100, 200, 300))
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
DAY = timedelta(days=1)


def test_a_change_holds_from_its_day_on() -> None:
    terms = changed({**ONE, "max_instalments": 3}, {**TWO, "max_instalments": 6}, APRIL)
    assert terms == {**TWO, "max_instalments": 6, "before": [{"until": "2026-04-01", **ONE}]}
    assert (in_force(terms, APRIL - DAY), in_force(terms, APRIL)) == (ONE, TWO)


def test_other_terms_leave_the_dates_alone() -> None:
    terms = changed(ONE, TWO, APRIL)
    assert changed(terms, {**TWO, "max_instalments": 4}, MAY)["before"] == terms["before"]


def test_before_anything_accrued_nothing_did() -> None:
    terms = changed({"commission_rate": 1}, {**ONE, "commission_rate": 1}, APRIL)
    assert in_force(terms, APRIL - DAY) == {}
    assert in_force(terms, APRIL) == ONE


def test_a_change_to_come_is_replaced_by_a_newer_one() -> None:
    terms = changed(changed(ONE, TWO, MAY), THREE, APRIL)
    assert [(one.until, one.terms) for one in versions(terms)] == [(APRIL, ONE), (None, THREE)]


def test_undoing_a_change_from_its_own_day_is_as_if_it_had_not_been() -> None:
    terms = changed(changed(ONE, TWO, APRIL), ONE, APRIL)
    assert {in_force(terms, day)["accrual"]["rate"] for day in (MARCH, APRIL, MAY)} == {100}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), max_size=8))
def test_after_any_changes_each_day_has_the_newest_that_holds_on_it(told: list[tuple[int, int]]) -> None:
    terms: dict[str, Any] = {}
    wanted: dict[int, int] = dict.fromkeys(range(-1, 62), -1)
    for day, rate in told:
        if wanted[61] != rate:  # the same again is no change
            wanted = {at: rate if at >= day else was for at, was in wanted.items()}
        terms = changed(terms, {"accrual": {"rate": rate}}, MARCH + timedelta(days=day))
    for at, rate in wanted.items():
        accrual = in_force(terms, MARCH + timedelta(days=at)).get("accrual", {"rate": -1})
        assert accrual["rate"] == rate
    ends = [one.until for one in versions(terms)[:-1] if one.until]
    assert ends == sorted(set(ends))
