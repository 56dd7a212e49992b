"""What the phases of a plan take adds up, and costs nothing where nobody watches."""

from collections.abc import Callable

import pytest

from recupero.decisions.planning import phases
from recupero.decisions.planning.phases import REST, WHOLE, phase, watched


def _meter() -> tuple[list[float], Callable[[], phases.Spent]]:
    """Two counters that grow by hand: the second ten times as fast."""
    spent = [0.0]
    return spent, lambda: (spent[0], 10 * spent[0])


def test_each_phase_has_what_was_spent_in_it_and_the_rest_is_told() -> None:
    spent, read = _meter()
    with watched(read) as watch:
        before = read()
        spent[0] += 1
        for some in (2, 3):
            with phase("law"):
                spent[0] += some
        with phase("values"):
            spent[0] += 4
        watch.end(before)
    assert watch.phases == {"law": (5, 50), "values": (4, 40), REST: (1, 10), WHOLE: (10, 100)}


def test_a_phase_that_fails_counts_and_its_error_goes_on() -> None:
    spent, read = _meter()
    with watched(read) as watch, pytest.raises(ValueError, match="no"), phase("law"):
        spent[0] += 2
        raise ValueError("no")
    assert watch.phases == {"law": (2, 20)}


def test_where_nobody_watches_nothing_is_read() -> None:
    with phase("law"):
        pass
    spent, read = _meter()
    with watched(read) as watch:
        pass
    with phase("law"):
        spent[0] += 1
    assert watch.phases == {}


def test_without_a_phase_all_is_the_rest() -> None:
    spent, read = _meter()
    with watched(read) as watch:
        spent[0] += 3
        watch.end((0.0, 0.0))
    assert watch.phases == {REST: (3, 30), WHOLE: (3, 30)}
