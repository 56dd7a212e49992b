"""What kinds of models can learn here: each outcome with its columns, its history and the rows of today."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats
from recupero.decisions.history import attempts, dataset, offer_history, promises, when_features
from recupero.decisions.history.dataset import Dataset
from recupero.decisions.history.feature_list import FEATURES, Spec
from recupero.decisions.history.features import read_features
from recupero.decisions.history.point_features import POINT_FEATURES, read_attempts


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
        Task(
            "right_party_7d",
            "The chance that an attempt through a number or an address reaches the right person in a week. It"
            " says which of a person's points is used first; one found wrong is never used, whatever it"
            " says.",
            False, POINT_FEATURES,
            lambda session, at: attempts.build(session, at, read_attempts),
            lambda session, at: attempts.lately(session, at, read_attempts),
        ),
        Task(
            promises.TARGET,
            "The chance that a promise to pay is kept (three days of grace, 95 % of the amount), as of when"
            " it was made. It orders reminders and says what to expect; nothing is refused or taken because"
            " of it.",
            False, promises.FEATURES, promises.build, promises.today,
        ),
        Task(
            "reached_7d",
            "The chance that an attempt by a channel at a local hour and weekday reaches the person in a"
            " week. It says which of the lawful moments is best; it never makes one lawful.",
            False, when_features.WHEN_FEATURES,
            lambda session, at: attempts.build(session, at, when_features.read_attempts),
            lambda session, at: attempts.lately(session, at, when_features.read_attempts),
        ),
        Task(
            offer_history.TARGET,
            "The chance that an offer (a plan, a settlement, the whole by a day) is taken and kept. It says"
            " which offer within the creditor's limits is put first; it never allows one beyond them.",
            False, offer_history.FEATURES, offer_history.build, offer_history.today,
        ),
    )
}  # fmt: skip
