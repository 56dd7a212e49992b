"""The fitted model that comes along is what training on the written messages makes, and nothing else."""

import numpy as np
import pytest
from recupero_intents import Intents
from recupero_intents.__main__ import fit

from recupero_sdk.texts import Shipped, digest

MODEL = Intents()


def test_training_again_reads_alike() -> None:
    assert isinstance(MODEL, Shipped)
    blob = MODEL.shipped(digest(MODEL.examples()))
    assert blob is not None, "the written messages changed: run python -m recupero_intents"
    shipped, again = MODEL.load(blob), fit(MODEL).fitted
    assert shipped.labels == again.labels
    np.testing.assert_allclose(shipped.weights, again.weights, atol=1e-4)
    assert (shipped.scale, shipped.shift) == pytest.approx((again.scale, again.shift), abs=1e-4)
    said = [each.text for each in MODEL.examples()[::25]]
    for one, other in zip(MODEL.predict(shipped, said), MODEL.predict(again, said), strict=True):
        chances = {guess.label: guess.probability for guess in other}
        assert all(guess.probability == pytest.approx(chances[guess.label], abs=1e-3) for guess in one)


def test_it_stands_for_its_own_examples_alone() -> None:
    others = digest(MODEL.examples()[1:])
    assert others != digest(MODEL.examples())
    assert MODEL.shipped(others) is None
