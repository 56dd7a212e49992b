"""Figures add by their counts, and each metric says what it is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.reports.figures import Figure, total
from recupero.reports.metrics import METRICS, PENETRATION, PLACED

counts = st.integers(0, 10**9)


@given(st.lists(st.tuples(counts, counts), max_size=8))
def test_a_rate_of_parts_is_that_of_their_sums(parts: list[tuple[int, int]]) -> None:
    whole = total([Figure(PENETRATION, above, below) for above, below in parts], PENETRATION)
    assert whole.numerator == sum(above for above, _below in parts)
    assert whole.denominator == sum(below for _above, below in parts)


def test_figures_of_different_metrics_do_not_add() -> None:
    with pytest.raises(ValueError, match="cannot add"):
        Figure(PENETRATION, 1, 2) + Figure(PLACED, 1)


def test_nothing_over_nothing_is_no_rate() -> None:
    assert Figure(PENETRATION, 0, 0).value is None


def test_a_rate_over_fewer_than_thirty_is_small() -> None:
    assert Figure(PENETRATION, 1, 29).small
    assert not Figure(PENETRATION, 1, 30).small
    assert not Figure(PLACED, 5).small


def test_every_metric_is_defined_in_full() -> None:
    for metric in METRICS.values():
        assert metric.label
        assert metric.definition.endswith(".")
        assert metric.formula.startswith("8.")
        assert metric.numerator


def test_every_metric_is_worked_out_by_hand_in_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [key for key in METRICS if f'"{key}"' not in tests] == []
