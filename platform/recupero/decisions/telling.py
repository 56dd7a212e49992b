"""Decisions in the words of whoever reads them. The words are those of the pages, which stand above this
room: they are handed over when the platform is put together."""

from collections.abc import Callable

from recupero.decisions.tables import Decision

#: Sentences of a decision, in the reader's language, amounts in the account's currency.
Speaker = Callable[[Decision, str], list[str]]
_speakers: list[Speaker] = []


def speak_by(speaker: Speaker) -> None:
    """Let this say what decisions are."""
    _speakers[:] = [speaker]


def words(decision: Decision, currency: str) -> list[str]:
    """Why, what it is worth, under which law, what was second best and what would change it: a sentence
    each."""
    return _speakers[0](decision, currency)
