"""The fitted model that comes along is what training on the written messages makes, and nothing else."""

import numpy as np
import pytest
from recupero_intents import Intents
from recupero_intents.__main__ import fit
from recupero_intents.model import Fitted

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


@pytest.fixture(scope="module")
def shipped() -> Fitted:
    blob = MODEL.shipped(digest(MODEL.examples()))
    assert blob is not None
    return MODEL.load(blob)


@pytest.mark.parametrize(
    ("promise", "refusal"),
    [
        ("voy a pagar cuatrocientos mil", "no voy a pagar cuatrocientos mil"),
        ("te voy a pagar 90 lucas", "no te voy a pagar 90 lucas"),
        ("vou pagar trezentos reais", "não vou pagar trezentos reais"),
        ("I will pay three hundred", "I will not pay three hundred"),
    ],
)
def test_a_sum_that_will_be_paid_is_no_refusal_to_pay_it(shipped: Fitted, promise: str, refusal: str) -> None:
    kept, refused = (
        {guess.label: guess.probability for guess in row}
        for row in MODEL.predict(shipped, [promise, refusal])
    )
    assert max(kept, key=lambda label: kept[label]) == "will_pay"
    assert kept["refuses"] < 0.2
    assert refused["refuses"] > max(0.2, refused["will_pay"])


def test_it_stands_for_its_own_examples_alone() -> None:
    others = digest(MODEL.examples()[1:])
    assert others != digest(MODEL.examples())
    assert MODEL.shipped(others) is None
