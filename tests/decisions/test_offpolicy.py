"""Off-policy estimates find the truth of made-up logs, their intervals hold it, and they refuse to guess."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.offpolicy import Logged
from recupero.kernel.errors import UserError


def _world(rng: np.random.Generator, n: int, steep: float, base: float = 0.2) -> Logged:
    """A log that contacts by a score, asked what contacting everybody would bring; the model is 10 % off."""
    x = rng.normal(size=n)
    share = np.clip(1 / (1 + np.exp(1 - steep * x)), 0.01, 0.99)
    contacted = rng.random(n) < share
    quiet, told = base * np.exp(0.4 * x), base * np.exp(0.4 * x + 0.5)
    reward = (rng.random(n) < np.minimum(np.where(contacted, told, quiet), 1)).astype(float)
    chance, propensity = contacted.astype(float), np.where(contacted, share, 1 - share)
    return Logged(
        np.arange(n), reward, chance, propensity, 0.9 * told, np.where(contacted, 0.9 * told, quiet)
    )


def _truth(base: float = 0.2) -> float:
    x = np.random.default_rng(99).normal(size=400_000)
    return float(np.minimum(base * np.exp(0.4 * x + 0.5), 1).mean())


@pytest.mark.parametrize("n, steep, base", [(400, 0.0, 0.2), (400, 1.0, 0.2), (2000, 1.0, 0.02)])
def test_intervals_hold_the_truth_as_often_as_they_say(n: int, steep: float, base: float) -> None:
    rng, truth, logs = np.random.default_rng(3), _truth(base), 300
    held = dict.fromkeys(("ips", "snips", "robust"), 0)
    for _ in range(logs):
        found = offpolicy.estimate(_world(rng, n, steep, base))
        for name in held:
            interval = getattr(found, name)
            held[name] += interval.low <= truth <= interval.high
    assert all(0.925 <= count / logs <= 0.99 for count in held.values()), held


def test_all_estimates_agree_with_the_truth_of_a_great_log() -> None:
    found = offpolicy.estimate(_world(np.random.default_rng(1), 60_000, 1.0))
    for each in (found.ips, found.snips, found.robust, found.switch):
        assert each is not None
        assert each.value == pytest.approx(_truth(), abs=0.01)
    assert found.weight == pytest.approx(1, abs=0.02)
    assert found.best is found.robust


def test_a_good_model_makes_the_interval_narrower() -> None:
    found = offpolicy.estimate(_world(np.random.default_rng(1), 5000, 1.0))
    assert found.robust is not None
    assert found.robust.high - found.robust.low < found.ips.high - found.ips.low


def test_decisions_on_one_person_count_as_one() -> None:
    one = _world(np.random.default_rng(1), 500, 0.0)
    columns = [np.tile(column, 4) for column in (one.person, one.reward, one.chance, one.propensity)]
    alone, again = offpolicy.estimate(one).snips, offpolicy.estimate(Logged(*columns)).snips
    assert (again.value, again.low, again.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_extreme_weights_widen_the_interval_and_break_nothing() -> None:
    n = 4000
    reward, propensity = np.zeros(n), np.full(n, 1 / 30)
    reward[:20], propensity[5] = 1.0, 1e-6
    found = offpolicy.estimate(Logged(np.arange(n), reward, np.full(n, 1 / 30), propensity))
    assert found.ess < 2
    assert found.snips.high - found.snips.low > 0.5
    assert np.isfinite([found.ips.low, found.ips.high]).all()


def test_where_nobody_was_seen_to_pay_the_interval_is_no_point() -> None:
    rewards = np.zeros(200)
    rewards[0] = 1.0
    chance = (np.arange(200) >= 100).astype(float)
    found = offpolicy.estimate(Logged(np.arange(200), rewards, chance, np.full(200, 0.5)))
    assert found.snips.value == 0
    assert found.snips.high > 0.02


def test_the_difference_of_a_policy_and_itself_is_nothing() -> None:
    log = _world(np.random.default_rng(1), 500, 1.0)
    found = offpolicy.difference(log, log)
    assert found is not None
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_policies_that_choose_alike_bring_the_same_whatever_their_models_say() -> None:
    log = _world(np.random.default_rng(1), 500, 1.0)
    alike = np.zeros(500, dtype=np.int64)
    one, other = (replace(log, expected=np.full(500, each), choice=alike) for each in (0.2, 0.6))
    found = offpolicy.difference(one, other)
    assert found is not None
    assert (found.value, found.low, found.high) == (0, 0, 0)
    half = np.arange(500) % 2  # every other person gets something else of the second policy
    parts = replace(other, choice=half, chance=np.where(half, 1.0 - other.chance, other.chance))
    found = offpolicy.difference(one, parts)
    assert found is not None
    assert one.modelled is not None
    off = log.reward - one.modelled
    more = np.where(half, 0.2 - 0.6 + (one.weights - parts.weights) * off, 0.0)
    assert found.value == pytest.approx(more.mean())


def _two(rng: np.random.Generator, n: int, share: float, rate: float) -> tuple[Logged, Logged]:
    """Two policies on a log of three actions at chances of 0.6, 0.2 and 0.2: one never moves from the first
    action, the other gives the second, which brings 1.3 times as much, to a share of the people."""
    differ, chances = rng.random(n) < share, np.array([0.6, 0.2, 0.2])
    action = rng.choice(3, n, p=chances)
    paid = (rng.random(n) < rate * np.array([1.0, 1.3, 0.8])[action]).astype(float)
    people, propensity = np.arange(n), chances[action]
    chosen = (np.where(differ, 1, 0), np.zeros(n, dtype=np.int64))
    moving, still = (Logged(people, paid, (action == each).astype(float), propensity) for each in chosen)
    return moving, still


@pytest.mark.parametrize(("n", "share", "rate"), [(2000, 0.5, 0.2), (4000, 0.15, 0.2), (8000, 0.5, 0.04)])
def test_a_difference_holds_the_truth_as_often_as_it_says(n: int, share: float, rate: float) -> None:
    rng, truth, held, told = np.random.default_rng(3), share * rate * 0.3, 0, 0
    for _ in range(300):
        found = offpolicy.difference(*_two(rng, n, share, rate))
        if found is not None:
            told += 1
            held += found.low <= truth <= found.high
    assert told > 200
    assert 0.925 <= held / told <= 0.985


@pytest.mark.parametrize(("n", "share", "rate"), [(2000, 0.005, 0.2), (1000, 0.02, 0.5), (2000, 0.5, 0.004)])
def test_where_two_policies_part_for_too_few_who_paid_there_is_no_proof(
    n: int, share: float, rate: float
) -> None:
    moving, still = _two(np.random.default_rng(3), n, share, rate)
    assert offpolicy.rewarded_apart(moving, still) < offpolicy.LEAST_REWARDED
    assert offpolicy.difference(moving, still) is None


def test_one_great_payment_is_no_proof() -> None:
    moving, still = _two(np.random.default_rng(3), 2000, 0.5, 0.2)
    assert offpolicy.difference(moving, still) is not None
    rich = moving.reward.copy()
    rich[np.flatnonzero((moving.weights > still.weights) & (rich > 0))[0]] = 10_000.0
    pair = [Logged(each.person, rich, each.chance, each.propensity) for each in (moving, still)]
    assert offpolicy.difference(*pair) is None


def _refused(chance: Floats, propensity: Floats) -> str:
    with pytest.raises(UserError) as told:
        n = len(chance)
        offpolicy.refuse_without_support("it", Logged(np.arange(n), np.ones(n), chance, propensity))
    return told.value.message


def test_without_support_it_says_nothing() -> None:
    certain = np.ones(100)
    assert "nothing else could have been chosen" in _refused(np.zeros(100), certain)
    assert "a longer window helps" in _refused((np.arange(100) < 20).astype(float), np.full(100, 0.2))
    half = (np.arange(4000) % 2).astype(float)  # the policy's other half is nowhere in the log
    assert "of its choices were never made" in _refused(half, np.full(4000, 0.999))
    with pytest.raises(UserError, match="30 days"):
        offpolicy.refuse_without_support("it", Logged(np.empty(0, int), *[np.empty(0)] * 3))


_MANY = np.arange(1_000)


@pytest.mark.parametrize(
    ("person", "chance", "propensity", "says"),
    [
        (_MANY, np.zeros(1_000), np.ones(1_000), "nothing else could have been chosen"),
        (_MANY, _MANY % 2, np.ones(1_000), "nothing else could have been chosen"),
        (_MANY, np.ones(1_000), np.full(1_000, 1e-12), "cannot be right"),
        (_MANY, np.ones(1_000), np.where(_MANY == 3, 1e-9, 1.0), "effective number of decisions is 1 "),
        (_MANY, _MANY % 50 == 0, np.full(1_000, 0.02), "effective number of decisions is 20 "),
        (_MANY * 0, _MANY % 2, np.full(1_000, 0.5), "effective number of decisions is 1 "),
        (_MANY[:0], _MANY[:0], _MANY[:0], "30 days old"),
    ],
    ids=["certain", "half certain", "tiny", "one tiny", "few", "one person", "no rows"],
)
def test_a_log_without_a_tale_to_tell_is_refused_in_words(
    person: Ints, chance: Floats, propensity: Floats, says: str
) -> None:
    logged = Logged(person, np.ones(len(person)), chance.astype(float), propensity.astype(float))
    with pytest.raises(UserError) as refused:
        offpolicy.refuse_without_support("it", logged)
    assert says in refused.value.message.replace("\n", " ")


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5, np.nan, np.inf])
@pytest.mark.parametrize("column", ["chance", "propensity", "reward", "expected"])
def test_no_number_of_a_log_may_be_nonsense(wrong: float, column: str) -> None:
    columns = {name: np.full(3, 0.5) for name in ("reward", "chance", "propensity", "expected", "modelled")}
    columns[column][1] = wrong
    fine = np.isfinite(wrong) and (
        column in ("reward", "expected") or (0 <= wrong <= 1 and (column == "chance" or wrong > 0))
    )
    if fine:
        Logged(np.arange(3), **columns)
    else:
        with pytest.raises(ValueError, match="needs"):
            Logged(np.arange(3), **columns)


def test_a_log_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="propensities above 0"):
        Logged(np.arange(2), np.ones(2), np.ones(2), np.array([0.5, 0.0]))
    with pytest.raises(ValueError, match="empty"):
        offpolicy.estimate(Logged(np.empty(0, int), *[np.empty(0)] * 3))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 60), scale=st.floats(0.1, 1e6))
def test_an_interval_holds_its_estimate_and_scales_with_money(seed: int, n: int, scale: float) -> None:
    log = _world(np.random.default_rng(seed), n, 1.0)
    other = Logged(log.person, log.reward * scale, log.chance, log.propensity)
    plain, scaled = offpolicy.estimate(Logged(log.person, log.reward, log.chance, log.propensity)), None
    scaled = offpolicy.estimate(other)
    for one, two in ((plain.ips, scaled.ips), (plain.snips, scaled.snips)):
        assert one.low <= one.value <= one.high
        assert two.low == pytest.approx(one.low * scale, rel=1e-6, abs=1e-6 * scale)
        assert two.high == pytest.approx(one.high * scale, rel=1e-6, abs=1e-6 * scale)


def test_models_never_see_the_person_they_predict() -> None:
    person = np.repeat(np.arange(50), 3)

    def spy(learned: np.ndarray, asked: np.ndarray) -> np.ndarray:
        assert not set(person[learned]) & set(person[asked])
        return person[asked].astype(float)

    assert offpolicy.crossed(person, spy).tolist() == person.tolist()
