"""A message as numbers: runs of letters, words and what stands together, and how it is written; rare pieces
weigh more (TF-IDF with the logarithm of counts; letters, words and looks each of length one).

Read without scikit-learn, whose import takes a worker seconds: only training needs it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RUNS = range(2, 6)  # letters of a run, the borders of its word among them
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_FIRST, _LAST = "^", "$"  # stand for the borders of a message
_STEM = 5  # letters of a word that its endings leave alone
_APART, _MOST_APART = "&", 24  # between words that stand apart; of so many different words of a message
_NAME = re.compile(r"\s[A-ZÀ-Ý]")  # a capital within
_LONG = 6  # pairs of words from which a message is long
MANY = 100  # texts from which pieces that one of them alone has are left out


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces that training saw, each with its place, and how rare each is: part after part those of
    letters, of words and of looks."""

    parts: tuple[Mapping[str, int], ...]
    rarity: Floats

    @classmethod
    def of(cls, parts: Sequence[Sequence[str]], rarity: Floats) -> Self:
        """Pieces in the order of their places."""
        starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        return cls(
            tuple(
                {piece: start + place for place, piece in enumerate(part)}
                for start, part in zip(starts, parts, strict=False)
            ),
            rarity,
        )

    def read(self, text: str) -> tuple[NDArray[np.intp], Floats]:
        """The places of the known pieces of a text, and what each weighs in it."""
        found = [self._part(*each) for each in zip(self.parts, _pieces(text), strict=False)]
        places, values = zip(*found, strict=True)
        return np.concatenate(places), np.concatenate(values)

    def _part(self, known: Mapping[str, int], found: Iterator[str]) -> tuple[NDArray[np.intp], Floats]:
        counts = Counter(known[piece] for piece in found if piece in known)
        places = np.fromiter(counts.keys(), np.intp, len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), float, len(counts)))) * self.rarity[places]
        return places, values / (np.sqrt(values @ values) or 1.0)

    def to_json(self) -> dict[str, Any]:
        """The pieces; `rarity` is kept apart, as numbers."""
        return {"parts": [list(part) for part in self.parts]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any], rarity: Floats) -> Self:
        """The inverse of `to_json`; what was kept before there were looks is read as well."""
        return cls.of(kept["parts"] if "parts" in kept else [kept["letters"], kept["words"]], rarity)


@dataclass(frozen=True, slots=True)
class Counts:
    """Which pieces stand in each of many texts, counted once however often pieces are learned from some of
    them. `table` has a sparse row for each text and holds logarithms of counts."""

    parts: tuple[tuple[str, ...], ...]
    table: Any

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Count the pieces of these texts."""
        from scipy.sparse import hstack

        found = [[Counter(part) for part in _pieces(text)] for text in texts]
        names, tables = zip(*(_counted(list(part)) for part in zip(*found, strict=True)), strict=True)
        return cls(tuple(names), hstack(tables, format="csr"))

    def learn(self, rows: NDArray[np.intp]) -> tuple[Pieces, "Table"]:
        """The pieces of some of the texts, and how they weigh; runs of letters and words apart that occur in
        one text alone are left out."""
        seen = np.bincount(self.table[rows].indices, minlength=self.table.shape[1])
        names = list(chain.from_iterable(self.parts))
        least = np.ones(len(names), dtype=np.intp)
        if len(rows) > MANY:
            least[: len(self.parts[0])] = 2
            least[[_APART in name for name in names]] = 2
        columns = np.flatnonzero(seen >= least)
        rarity = np.log((1 + len(rows)) / (1 + seen[columns])) + 1
        known = [names[place] for place in columns.tolist()]
        ends = np.searchsorted(columns, np.cumsum([0, *(len(part) for part in self.parts)])).tolist()
        parts = [known[start:end] for start, end in pairwise(ends)]
        return Pieces.of(parts, rarity), Table(self.table[:, columns], rarity, tuple(ends))


@dataclass(frozen=True, slots=True)
class Table:
    """All texts over the pieces that were learned from some; `ends` are the borders of the parts."""

    counts: Any
    rarity: Floats
    ends: tuple[int, ...]

    def of(self, rows: NDArray[np.intp]) -> Any:
        """A sparse row for each of these texts, as `Pieces.read` weighs it."""
        from scipy.sparse import diags, hstack

        weighed = (self.counts[rows] @ diags(self.rarity)).tocsr()
        parts = []
        for start, end in pairwise(self.ends):
            part = weighed[:, start:end]
            length = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
            parts.append(diags(1 / np.where(length == 0, 1, length)) @ part)
        return hstack(parts, format="csr")


def _pieces(text: str) -> tuple[Iterator[str], Iterator[str], Iterator[str]]:
    """The pieces of a text, part by part."""
    plain = _plain(text)
    return _letters(plain), chain(_words(plain), _apart(plain)), _looks(text)


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


def _apart(plain: str) -> Iterator[str]:
    """Pairs of stems of one message in whichever order and however far apart."""
    stems = sorted(set(list(dict.fromkeys(word[:_STEM] for word in _WORD.findall(plain)))[:_MOST_APART]))
    yield from (f"{first}{_APART}{second}" for first, second in combinations(stems, 2))


def _looks(text: str) -> Iterator[str]:
    """How a message is written: whether it asks, exclaims, has figures, an address or a name in it, how it
    begins and ends, and how long it is."""
    yield from (f"{mark}{mark in text}" for mark in "?!@")
    yield f"figures{_NUMBER.search(text) is not None}"
    yield f"name{_NAME.search(text) is not None}"
    yield f"begins{text[:1].isupper()}"
    yield f"ends{text.endswith('.')}"
    yield f"words{min(len(text.split()) // 2, _LONG)}"


def _counted(texts: Sequence[Counter[str]]) -> tuple[tuple[str, ...], Any]:
    """The pieces in order, and a sparse row of their counts' logarithms for each text."""
    from scipy.sparse import csr_matrix

    names = sorted({piece for counts in texts for piece in counts})
    places = {piece: place for place, piece in enumerate(names)}
    ends = np.cumsum([0, *(len(counts) for counts in texts)])
    columns = np.fromiter((places[piece] for counts in texts for piece in counts), np.intp, ends[-1])
    values = np.fromiter(chain.from_iterable(counts.values() for counts in texts), float, ends[-1])
    return tuple(names), csr_matrix((1 + np.log(values), columns, ends), shape=(len(texts), len(names)))
