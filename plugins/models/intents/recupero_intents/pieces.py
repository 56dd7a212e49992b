"""A message as numbers: runs of letters, words and pairs of words, rare ones weighing more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_LETTERS = {
    "analyzer": "char_wb", "ngram_range": (2, 5), "sublinear_tf": True, "strip_accents": "unicode",
}  # fmt: skip
_WORDS = {
    "analyzer": "word", "ngram_range": (1, 2), "sublinear_tf": True, "strip_accents": "unicode",
    "token_pattern": r"\w+",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces that training saw and how rare each is: first those of letters, then those of words."""

    letters: tuple[str, ...]
    words: tuple[str, ...]
    rarity: NDArray[np.float64]

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Self:
        """The pieces of these texts; runs of letters that occur once are left out."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        letters = TfidfVectorizer(**_LETTERS, min_df=2 if len(texts) > 100 else 1).fit(texts)
        words = TfidfVectorizer(**_WORDS).fit(texts)
        return cls(
            tuple(letters.get_feature_names_out()), tuple(words.get_feature_names_out()),
            np.concatenate([letters.idf_, words.idf_]),
        )  # fmt: skip

    def table(self, texts: Sequence[str]) -> Any:
        """A sparse row for each text."""
        from scipy.sparse import hstack

        cut = len(self.letters)
        parts = [
            _reader(_LETTERS, self.letters, self.rarity[:cut]).transform(texts),
            _reader(_WORDS, self.words, self.rarity[cut:]).transform(texts),
        ]
        return hstack(parts, format="csr")

    def to_json(self) -> dict[str, Any]:
        """The pieces; `rarity` is kept apart, as numbers."""
        return {"letters": self.letters, "words": self.words}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any], rarity: NDArray[np.float64]) -> Self:
        """The inverse of `to_json`."""
        return cls(tuple(kept["letters"]), tuple(kept["words"]), rarity)


def _reader(settings: Mapping[str, Any], pieces: Sequence[str], rarity: NDArray[np.float64]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    reader = TfidfVectorizer(**settings, vocabulary={piece: place for place, piece in enumerate(pieces)})
    reader.idf_ = rarity
    return reader
