"""What a model that reads messages implements: texts in, labels with probabilities out."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from recupero_sdk.models import Training


@dataclass(frozen=True, slots=True)
class Guess:
    """One label that a text may have, and how probable it is (0 to 1)."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Example:
    """One message that somebody labelled. `writer` keeps a person's messages together, so that none of them
    stands on both sides of a split; `source` says where it comes from (written, corrected)."""

    text: str = field(repr=False)
    labels: tuple[str, ...]
    language: str
    writer: str
    source: str = "written"


def digest(examples: Iterable[Example]) -> str:
    """What a set of examples is known by: twelve hexadecimal digits that change with each text, its labels
    and its writer."""
    told = hashlib.sha256(b"1")
    for one in examples:
        told.update(f"{one.writer}\t{' '.join(one.labels)}\t{one.text}\n".encode())
    return told.hexdigest()[:12]


@runtime_checkable
class TextModel(Protocol):
    """A kind of model for texts. `key` is its name in the registry, `languages` what it reads (ISO 639-1).

    `examples` are messages that it brings along, so that it can be trained before an agency has any of its
    own; empty where it brings none.
    """

    key: str
    languages: Sequence[str]

    def examples(self) -> Sequence[Example]:
        """The labelled messages that come with the plug-in."""
        ...

    def train(
        self,
        texts: Sequence[str],
        labels: Sequence[Sequence[str]],
        *,
        groups: Sequence[str] = (),
        seed: int = 0,
    ) -> Training:
        """Fit on texts with one or several labels each. Raises ValueError on too few texts or labels.

        `groups`, where given, names the writer of each text: what one of them wrote says nothing about how
        well the others' are read, so probabilities must be learned from writers apart.
        """
        ...

    def predict(self, fitted: Any, texts: Sequence[str]) -> list[list[Guess]]:
        """For each text, in order, every label it was trained on with its probability, most probable first.

        Where each training text had one label the probabilities of a text add up to 1; else each label is
        judged for itself.
        """
        ...

    def dump(self, fitted: Any) -> bytes:
        """The fitted object as bytes that `load` reads in another process (no pickle)."""
        ...

    def load(self, blob: bytes) -> Any:
        """The inverse of `dump`."""
        ...


@runtime_checkable
class Shipped(Protocol):
    """What a model of texts may have beside `TextModel`: itself, fitted on its examples, so that nobody has
    to train it before its first message."""

    def shipped(self, learned: str) -> bytes | None:
        """The fitted model, as `dump` wrote it, of the examples with this `digest`; None without one."""
        ...
