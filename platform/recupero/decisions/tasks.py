"""What kinds of models can learn here: each outcome with its columns, its history and the rows of today."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from recupero.decisions import dataset
from recupero.decisions.columns import Floats
from recupero.decisions.dataset import Dataset
from recupero.decisions.features import FEATURES, Spec, read_features


@dataclass(frozen=True, slots=True)
class Task:
    """An outcome that kinds of models name as their `target`. `says` is for the card, `chooses` whether its
    answers decide what is done; `build` reads its history, `today` the columns of what it is asked about now.
    """

    target: str
    says: str
    chooses: bool
    features: tuple[Spec, ...]
    build: Callable[[Session, datetime], Dataset]
    today: Callable[[Session, datetime], dict[str, Floats]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.features)


def _accounts(session: Session, at: datetime) -> dict[str, Floats]:
    return read_features(session, at).values


TASKS: dict[str, Task] = {
    each.target: each
    for each in (
        Task(
            dataset.TARGET,
            "The chance that an account brings a payment within 30 days. It ranks work; it never decides"
            " whether a contact is lawful, and a hold or an opt-out always stands above it.",
            True, FEATURES, dataset.build, _accounts,
        ),
    )
}  # fmt: skip
