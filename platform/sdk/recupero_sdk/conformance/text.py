"""What a model that reads messages must prove. Its tests subclass `TextConformance`:

class TestConformance(TextConformance):
    model = Intents()
    readme = ROOT / "README.md"

The messages are made up by the kit in a language of its own: two words tell the label, the others do not.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import ClassVar

import pytest

from recupero_sdk.models import Training
from recupero_sdk.texts import Guess, TextModel

LABELS = ("pays", "asks", "stops")
_TELLS = {
    "pays": ("lutram", "ovrenti"), "asks": ("quelpas", "brindo"), "stops": ("zarnok", "mixtule"),
}  # fmt: skip
_FILL = ("da", "lo", "miru", "sen", "tova", "pel", "ankor", "due", "rast", "olm")


class TextConformance:
    """What every model of texts proves, one method each; a failure message says what to do."""

    model: ClassVar[TextModel]
    readme: ClassVar[Path]

    def messages(self, count: int = 240, seed: int = 1) -> tuple[list[str], list[tuple[str, ...]]]:
        """Messages with one label each that a model of texts can find."""
        rng = random.Random(seed)  # noqa: S311 - invented words
        texts, labels = list[str](), list[tuple[str, ...]]()
        for number in range(count):
            label = LABELS[number % len(LABELS)]
            words = [rng.choice(_TELLS[label]), *rng.sample(_FILL, 4)]
            rng.shuffle(words)
            texts.append(" ".join(words))
            labels.append((label,))
        return texts, labels

    def several(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """Messages that say two things at once."""
        texts, labels = self.messages()
        pairs = [(first, first + 121) for first in range(110)]
        joined = [f"{texts[a]} {texts[b]}" for a, b in pairs]
        both = [tuple(sorted({*labels[a], *labels[b]})) for a, b in pairs]
        return texts + joined, labels + both

    def trained(self) -> Training:
        return self.model.train(*self.messages(), seed=7)

    def test_it_is_a_model_of_texts(self) -> None:
        assert isinstance(self.model, TextModel), "implement key, languages and the five methods"
        assert self.model.key.isidentifier(), "key: a short word such as intents"
        assert self.model.languages, "languages: say which it reads"

    def test_its_examples_are_labelled_and_keep_writers_apart(self) -> None:
        examples = self.model.examples()
        assert all(example.text.strip() and example.labels for example in examples), (
            "examples: each has a text and a label"
        )
        assert all(example.writer for example in examples), "examples: each has a writer"
        spoken = {example.language for example in examples}
        assert spoken <= set(self.model.languages), "examples: only in the model's languages"

    def test_it_finds_what_is_there_to_find(self) -> None:
        texts, labels = self.messages(seed=2)
        found = [row[0].label for row in self.model.predict(self.trained().fitted, texts)]
        right = sum(guess == label for guess, (label,) in zip(found, labels, strict=True))
        assert right / len(texts) > 0.9, "predict: words that tell the label must be found"

    def test_probabilities_are_sorted_and_add_up_to_one(self) -> None:
        texts, _labels = self.messages(seed=2)
        for row in self.model.predict(self.trained().fitted, [*texts, "", "🙂", "x" * 5000]):
            _sorted(row)
            assert {guess.label for guess in row} == set(LABELS), "predict: name every label"
            assert sum(guess.probability for guess in row) == pytest.approx(1), "predict: they add up to 1"

    def test_a_text_that_says_nothing_is_doubted(self) -> None:
        fitted = self.trained().fitted
        (told,) = self.model.predict(fitted, [f"{_TELLS['pays'][0]} {_TELLS['pays'][1]}"])
        (empty,) = self.model.predict(fitted, ["wxyz"])
        assert empty[0].probability < told[0].probability, "predict: be less sure of a text of unknown words"

    def test_several_labels_are_judged_each_for_itself(self) -> None:
        texts, labels = self.several()
        fitted = self.model.train(texts, labels, seed=7).fitted
        (row,) = self.model.predict(fitted, ["lutram sen zarnok ovrenti mixtule"])
        _sorted(row)
        said = {guess.label: guess.probability for guess in row}
        assert min(said["pays"], said["stops"]) > said["asks"], "predict: both that were said come first"

    def test_the_same_seed_trains_the_same_model(self) -> None:
        texts, _labels = self.messages(seed=2)
        first, second = (self.model.predict(self.trained().fitted, texts) for _ in range(2))
        assert first == second, "train: the same texts and seed must give the same guesses"

    def test_no_text_is_no_guess(self) -> None:
        assert self.model.predict(self.trained().fitted, []) == []

    def test_what_is_dumped_is_loaded_without_pickle(self) -> None:
        fitted, (texts, _labels) = self.trained().fitted, self.messages(seed=2)
        blob = self.model.dump(fitted)
        assert not blob.startswith(b"\x80"), "dump: no pickle; whoever reads it would run what it says"
        again = self.model.predict(self.model.load(blob), texts)
        for kept, first in zip(again, self.model.predict(fitted, texts), strict=True):
            assert [guess.label for guess in kept] == [guess.label for guess in first]
            assert [guess.probability for guess in kept] == pytest.approx(
                [guess.probability for guess in first], abs=1e-6
            ), "load(dump(x)) must guess as x does"

    def test_too_few_texts_are_refused_in_words(self) -> None:
        with pytest.raises(ValueError, match=r"\d"):
            self.model.train(*self.messages(2))

    def test_one_label_alone_is_refused(self) -> None:
        texts, _labels = self.messages()
        with pytest.raises(ValueError, match=r"\d"):
            self.model.train(texts, [("pays",)] * len(texts))

    def test_the_readme_says_what_it_reads(self) -> None:
        assert self.model.key in self.readme.read_text(encoding="utf-8").lower(), "README: say what it is for"


def _sorted(row: list[Guess]) -> None:
    chances = [guess.probability for guess in row]
    assert chances == sorted(chances, reverse=True), "predict: most probable first"
    assert all(0 <= chance <= 1 for chance in chances), "predict: probabilities lie between 0 and 1"
