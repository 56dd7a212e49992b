"""The written messages are what the README says, and reading them generalises to writers never seen."""

from collections import Counter, defaultdict

import pytest
from recupero_intents import Intents

from recupero_sdk.texts import Example, Guess

MODEL = Intents()
SPANISH = {"CL", "CO", "PE", "MX", "AR", "ES"}


def test_enough_messages_of_enough_writers_with_every_intent_often() -> None:
    written = MODEL.examples()
    assert len(written) >= 3000
    assert len({each.writer for each in written}) >= 60
    assert len({each.text.casefold() for each in written}) == len(written)
    often = Counter(label for each in written for label in each.labels)
    assert len(often) == 25
    assert min(often.values()) >= 60
    assert sum(len(each.labels) > 1 for each in written) > 1000


def test_spanish_of_six_countries_beside_portuguese_and_english() -> None:
    languages = defaultdict[str, set[str]](set)
    for each in MODEL.examples():
        languages[each.language].add(each.writer[:2].upper())
    assert languages == {"es": SPANISH, "pt": {"BR"}, "en": {"GB", "US"}}
    spanish = sum(each.language == "es" for each in MODEL.examples())
    assert spanish > 0.7 * len(MODEL.examples())


@pytest.fixture(scope="module")
def apart() -> tuple[list[Example], list[list[Guess]]]:
    """Every third writer, read by a model that never saw a message of theirs."""
    written = MODEL.examples()
    held = set(sorted({each.writer for each in written})[::3])
    known = [each for each in written if each.writer not in held]
    asked = [each for each in written if each.writer in held]
    training = MODEL.train(
        [each.text for each in known], [each.labels for each in known],
        groups=[each.writer for each in known],
    )  # fmt: skip
    return asked, MODEL.predict(training.fitted, [each.text for each in asked])


def test_the_first_intent_of_strangers_is_mostly_right(
    apart: tuple[list[Example], list[list[Guess]]],
) -> None:
    asked, guesses = apart
    right = sum(guess[0].label in each.labels for each, guess in zip(asked, guesses, strict=True))
    assert right / len(asked) > 0.75


def test_probabilities_mean_what_they_say(apart: tuple[list[Example], list[list[Guess]]]) -> None:
    asked, guesses = apart
    bins = defaultdict[int, list[tuple[float, bool]]](list)
    for each, row in zip(asked, guesses, strict=True):
        for guess in row:
            bins[int(guess.probability * 10)].append((guess.probability, guess.label in each.labels))
    gaps = [abs(sum(p for p, _hit in rows) - sum(hit for _p, hit in rows)) for rows in bins.values()]
    assert sum(gaps) / sum(map(len, bins.values())) < 0.02
    sure = [hit for rows in bins.values() for p, hit in rows if p >= 0.9]
    assert sum(sure) / len(sure) > 0.9
