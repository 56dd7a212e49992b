"""The network's gradients are those of its loss, and what is unknown teaches nothing."""

import numpy as np
import pytest
from recupero_next_action_neural.model import NextActionNeural, _joined, _parted
from recupero_next_action_neural.network import Sizes, backward, forward, loss, sigmoid, start

from recupero_sdk.models import Columns, at_most


def test_the_gradients_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    debtor, option, target = rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), rng.integers(0, 2, (20, 2))
    weights = start(Sizes(3, 2, 2), rng, np.array([0.3, 0.6]))
    odds, kept = forward(weights, debtor, option)
    gradient = backward(weights, debtor, option, kept, (sigmoid(odds) - target) / target.size)[0]
    for name, weight in weights.items():
        place = np.unravel_index(weight.size // 2, weight.shape)
        losses = []
        for step in (1e-5, -1e-5):
            moved = {**weights, name: weight.copy()}
            moved[name][place] += step
            losses.append(loss(forward(moved, debtor, option)[0], target.astype(float)))
        assert gradient[name][place] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_the_loss_leaves_out_what_is_unknown() -> None:
    odds, target = np.array([[0.0], [9.0]]), np.array([[1.0], [np.nan]])
    assert loss(odds, target) == pytest.approx(np.log(2))


def test_a_payment_is_joined_from_those_reached_and_the_others() -> None:
    told = {
        "paid": np.array([1.0, 0, 1, 0] * 40),
        "reached": np.array([1.0, 1, 0, 0] * 40),
        "harm": np.zeros(160),
    }
    parts = _parted(told, "paid")
    assert list(parts) == ["reached", "of_reached", "of_others", "harm"]
    assert np.nansum(parts["of_reached"]) == np.nansum(parts["of_others"]) == 40
    assert np.isnan(parts["of_reached"]).sum() == np.isnan(parts["of_others"]).sum() == 80
    chances = {
        "reached": np.array([0.5, 0.0]),
        "of_reached": np.array([0.4, 0.9]),
        "of_others": np.array([0.0, 0.1]),
    }
    joined = _joined(chances, "paid")
    assert list(joined) == ["paid", "reached"]
    assert joined["paid"] == pytest.approx([0.2, 0.1])
    few = told | {"reached": np.zeros(160)}
    assert list(_parted(few, "paid")) == list(few)


def test_harm_too_rare_to_learn_is_told_of_contacts_apart_from_waiting() -> None:
    rng = np.random.default_rng(3)
    contact = (rng.random(600) < 0.5) * 1.0
    paid, harm = (rng.random(600) < 0.3) * 1.0, np.zeros(600)
    harm[np.flatnonzero(contact)[:9]] = 1
    columns = Columns({"size": rng.normal(size=600), "action_contact": contact}, 600)
    kind = NextActionNeural()
    fitted = kind.load(kind.dump(kind.train(columns, {"paid": paid, "harm": harm}).fitted))
    asked = Columns({"size": np.zeros(2), "action_contact": np.array([0.0, 1.0])}, 2)
    wait, done = kind.predict(fitted, asked)["harm"]
    assert wait < 0.003
    assert done == pytest.approx(at_most(9) / (contact.sum() + 1))
