"""A message as numbers: runs of letters, words and pairs of words, rare ones weighing more (TF-IDF with the
logarithm of counts; letters and words each of length one).

Read without scikit-learn, whose import takes a worker seconds: only training needs it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RUNS = range(2, 6)  # letters of a run, the borders of its word among them
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_FIRST, _LAST = "^", "$"  # stand for the borders of a message
_STEM = 5  # letters of a word that its endings leave alone


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces that training saw, each with its place, and how rare each is: first those of letters, then
    those of words."""

    letters: Mapping[str, int]
    words: Mapping[str, int]
    rarity: Floats

    @classmethod
    def of(cls, letters: Sequence[str], words: Sequence[str], rarity: Floats) -> Self:
        """Pieces in the order of their places."""
        places = {piece: place for place, piece in enumerate(letters)}
        return cls(places, {piece: len(letters) + place for place, piece in enumerate(words)}, rarity)

    def read(self, text: str) -> tuple[NDArray[np.intp], Floats]:
        """The places of the known pieces of a text, and what each weighs in it."""
        plain = _plain(text)
        parts = [self._part(self.letters, _letters(plain)), self._part(self.words, _words(plain))]
        places, values = zip(*parts, strict=True)
        return np.concatenate(places), np.concatenate(values)

    def _part(self, known: Mapping[str, int], found: Iterator[str]) -> tuple[NDArray[np.intp], Floats]:
        counts = Counter(known[piece] for piece in found if piece in known)
        places = np.fromiter(counts.keys(), np.intp, len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), float, len(counts)))) * self.rarity[places]
        return places, values / (np.sqrt(values @ values) or 1.0)

    def to_json(self) -> dict[str, Any]:
        """The pieces; `rarity` is kept apart, as numbers."""
        return {"letters": list(self.letters), "words": list(self.words)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any], rarity: Floats) -> Self:
        """The inverse of `to_json`."""
        return cls.of(kept["letters"], kept["words"], rarity)


@dataclass(frozen=True, slots=True)
class Counts:
    """Which pieces stand in each of many texts, counted once however often pieces are learned from some of
    them. `table` has a sparse row for each text and holds logarithms of counts."""

    letters: tuple[str, ...]
    words: tuple[str, ...]
    table: Any

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Count the pieces of these texts."""
        from scipy.sparse import hstack

        plain = [_plain(text) for text in texts]
        letters, of_letters = _counted([Counter(_letters(text)) for text in plain])
        words, of_words = _counted([Counter(_words(text)) for text in plain])
        return cls(letters, words, hstack([of_letters, of_words], format="csr"))

    def learn(self, rows: NDArray[np.intp]) -> tuple[Pieces, "Table"]:
        """The pieces of some of the texts, and how they weigh; runs of letters that occur in one text alone
        are left out."""
        cut = len(self.letters)
        seen = np.bincount(self.table[rows].indices, minlength=self.table.shape[1])
        least = np.where(np.arange(len(seen)) < cut, 2 if len(rows) > 100 else 1, 1)
        columns = np.flatnonzero(seen >= least)
        rarity = np.log((1 + len(rows)) / (1 + seen[columns])) + 1
        names = (*self.letters, *self.words)
        edge = int(np.searchsorted(columns, cut))
        known = [names[place] for place in columns.tolist()]
        return Pieces.of(known[:edge], known[edge:], rarity), Table(self.table[:, columns], rarity, edge)


@dataclass(frozen=True, slots=True)
class Table:
    """All texts over the pieces that were learned from some."""

    counts: Any
    rarity: Floats
    edge: int

    def of(self, rows: NDArray[np.intp]) -> Any:
        """A sparse row for each of these texts, as `Pieces.read` weighs it."""
        from scipy.sparse import diags, hstack

        weighed = (self.counts[rows] @ diags(self.rarity)).tocsr()
        parts = []
        for part in (weighed[:, : self.edge], weighed[:, self.edge :]):
            length = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
            parts.append(diags(1 / np.where(length == 0, 1, length)) @ part)
        return hstack(parts, format="csr")


def _plain(text: str) -> str:
    """In small letters without accents; one number is like another."""
    letters = unicodedata.normalize("NFKD", text.lower())
    if not letters.isascii():
        letters = "".join(one for one in letters if not unicodedata.combining(one))
    return _NUMBER.sub("0", letters)


def _letters(plain: str) -> Iterator[str]:
    """Runs of letters within words, blanks at their borders; a word shorter than a run is one run."""
    for word in plain.split():
        padded = f" {word} "
        for size in _RUNS:
            yield from (padded[start : start + size] for start in range(max(1, len(padded) - size + 1)))
            if len(padded) <= size:
                break


def _words(plain: str) -> Iterator[str]:
    """Words, runs of two and three of them, and their stems alone and in pairs; the borders of the message
    belong to runs, so that what is asked first or last is known."""
    words = _WORD.findall(plain)
    bound = [_FIRST, *words, _LAST]
    stems = [word[:_STEM] for word in bound]
    yield from words
    yield from (" ".join(run) for run in pairwise(bound))
    yield from (" ".join(run) for run in zip(bound, bound[1:], bound[2:], strict=False))
    yield from (f"{word}~" for word in stems[1:-1])
    yield from (f"{first} {second}~" for first, second in pairwise(stems))


def _counted(texts: Sequence[Counter[str]]) -> tuple[tuple[str, ...], Any]:
    """The pieces in order, and a sparse row of their counts' logarithms for each text."""
    from scipy.sparse import csr_matrix

    names = sorted({piece for counts in texts for piece in counts})
    places = {piece: place for place, piece in enumerate(names)}
    ends = np.cumsum([0, *(len(counts) for counts in texts)])
    columns = np.fromiter((places[piece] for counts in texts for piece in counts), np.intp, ends[-1])
    values = np.fromiter(chain.from_iterable(counts.values() for counts in texts), float, ends[-1])
    return tuple(names), csr_matrix((1 + np.log(values), columns, ends), shape=(len(texts), len(names)))
