"""A newer version and what serves are asked about rows that neither has learned from, or about none."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recupero.decisions.columns import Floats
from recupero.decisions.history.dataset import others
from recupero.decisions.learning import contest, registry
from recupero.decisions.learning.registry import Version

LAST_DAY = datetime(2026, 3, 31, tzinfo=UTC)
DAY = timedelta(days=1).total_seconds()


def _champion(**notes: str) -> Version:
    return Version("propensity-agency-1", "1", "run", "models:/1", (registry.CHAMPION,), notes=notes)


@given(
    days=st.lists(st.integers(-90, 60), min_size=400, max_size=600),
    people=st.integers(2, 500),
    seed=st.integers(0, 9),
)
def test_nobody_is_asked_about_what_either_has_learned_from(days: list[int], people: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    moment = LAST_DAY.timestamp() + np.array(days, dtype=np.float64) * DAY
    owner = rng.integers(1, people + 1, len(days))
    target = (rng.random(len(days)) < 0.5).astype(np.float64)
    counts = rng.random(len(days)) < 0.9
    found = contest.against(_champion(window_to="2026-03-31"), owner, moment, target, counts)
    if found is None:
        return
    assert (moment[found.test] >= LAST_DAY.timestamp() + DAY).all()  # later than the champion's last day
    assert not set(owner[found.test]) & set(owner[found.train])
    assert moment[found.train].max() < moment[found.test].min()
    assert counts[found.train | found.test].all()
    assert found.test.sum() >= contest.LEAST_ROWS
    assert min(target[found.test].sum(), (1 - target[found.test]).sum()) >= contest.LEAST_OF_EITHER
    assert (found.test == contest.asked_about(owner, moment, found.border) & counts).all()


def test_too_little_that_is_later_says_nothing() -> None:
    owner = np.arange(1, 1001)
    target = np.tile([0.0, 1.0], 500)
    early = np.full(1000, LAST_DAY.timestamp())
    champion = _champion(window_to="2026-03-31")
    assert contest.against(champion, owner, early, target) is None  # its last day is its own
    late = early + DAY + np.arange(1000)
    assert contest.against(champion, owner, late, target) is not None
    assert contest.against(champion, owner, late, np.zeros(1000)) is None  # nobody paid
    assert contest.against(champion, owner[:60], late[:60], target[:60]) is None


def test_what_a_run_does_not_tell_is_held_to_be_later() -> None:
    owner = np.arange(1, 1001)
    moment = np.asarray(LAST_DAY.timestamp() + np.arange(1000) * DAY)
    found = contest.against(_champion(), owner, moment, np.tile([0.0, 1.0], 500))
    assert found is not None
    assert found.border == moment[500]
    assert others(owner)[found.test].all()


def test_the_better_answers_are_told_with_their_interval() -> None:
    rng = np.random.default_rng(2)
    truth: Floats = rng.uniform(0.05, 0.95, 2000)
    target = (rng.random(2000) < truth).astype(np.float64)
    found = contest.in_shadow([truth, np.full(2000, 0.5)], target, np.arange(2000), 0)
    assert 0 < found["gain_low"] < found["gain"] < found["gain_high"]
    assert found["shadow_rows"] == 2000
    words = contest.told(found, _champion())
    assert words.startswith("log-loss saved on 2000 rows, later than what version 1 learned from, 0.1")
