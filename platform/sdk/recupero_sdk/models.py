"""What a scoring model implements.

A model kind knows how to train itself on columns and to predict on columns. The core reads the features,
calls `train` inside an MLflow run, registers what comes back and serves the version that is `champion`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Feature:
    """One input column: what it means, its unit, and as of which moment it is known."""

    name: str
    meaning: str
    unit: str
    as_of: str = "decision"


@dataclass(frozen=True, slots=True)
class Columns:
    """A table by columns: each value is an array or list of the same length, NaN where unknown."""

    values: Mapping[str, Any]
    rows: int

    def check(self, names: Sequence[str]) -> None:
        """Raises ValueError naming the columns of `names` that are missing."""
        missing = [name for name in names if name not in self.values]
        if missing:
            raise ValueError(f"the columns {', '.join(missing)} are missing")

    def matrix(self, names: Sequence[str]) -> Any:
        """A numpy array of numbers, rows by columns in the order of `names`. Raises as `check` does."""
        import numpy as np

        self.check(names)
        matrix = np.empty((self.rows, len(names)))
        for place, name in enumerate(names):
            matrix[:, place] = self.values[name]
        return matrix


@dataclass(frozen=True, slots=True)
class Training:
    """What training gives back: the fitted object, its metrics and the parameters worth noting."""

    fitted: Any
    metrics: Mapping[str, float]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a score is as it is: the feature, its value and how far it moved the score (log-odds)."""

    feature: str
    value: float
    contribution: float


def strongest(names: Sequence[str], values: Any, parts: Any, top: int) -> list[list[Reason]]:
    """The `top` columns that moved each row most, strongest first; of equal ones the earlier. `values` and
    `parts` (log-odds) are numpy arrays, rows by columns in the order of `names`."""
    import numpy as np

    order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :top]
    return [
        [Reason(names[j], float(values[i, j]), float(parts[i, j])) for j in row]
        for i, row in enumerate(order)
    ]


def check_enough(rows: int, target: Any, least: int, of_each: int) -> None:
    """For kinds that learn outcomes of 0 and 1: raises ValueError where there is not one target per row, or
    there are fewer than `least` rows, or than `of_each` of either outcome."""
    if len(target) != rows:
        raise ValueError(f"the target has {len(target)} values for {rows} rows")
    positives = int(sum(target))
    if rows < least or min(positives, rows - positives) < of_each:
        raise ValueError(
            f"{rows} rows with {positives} positive are too few to learn from:"
            f" at least {least} rows and {of_each} of each outcome are needed"
        )


def at_most(cases: float) -> float:
    """How many cases there may be on average where so many were seen: the upper end of a one-sided 95%
    interval of a Poisson mean, by Byar's approximation (Breslow and Day, Statistical Methods in Cancer
    Research II, 1987, p. 69). 0 cases: 3."""
    more = cases + 1
    return float(more * (1 - 1 / (9 * more) + 1.645 / (3 * more**0.5)) ** 3)


@runtime_checkable
class ScoringModel(Protocol):
    """A kind of model. `target` names the outcome column it learns, `key` its name in the registry.

    The platform keeps history of `paid_30d` (1: a payment within 30 days) and of `promise_kept` (1: a promise
    to pay was kept), `offer_kept`, `right_party_7d` and `reached_7d`; kinds of another target are for
    benchmarks.

    `features` are those it learns from; empty means all that the platform has.
    """

    key: str
    target: str
    features: Sequence[Feature]

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on rows known up to now; `target` has one number per row. Raises ValueError on too few rows.

        Rows that belong together (one account at several moments) stand together.
        """
        ...

    def predict(self, fitted: Any, columns: Columns) -> Any:
        """One score per row (a probability for classifiers), finite, in row order."""
        ...

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """The strongest reasons per row, strongest first."""
        ...

    def dump(self, fitted: Any) -> bytes:
        """The fitted object as bytes that `load` reads in another process (no pickle)."""
        ...

    def load(self, blob: bytes) -> Any:
        """The inverse of `dump`."""
        ...


@runtime_checkable
class Beforehand(Protocol):
    """A kind of scoring model that says something before it has learned from anything."""

    def beforehand(self, columns: Columns) -> Any:
        """One probability per row by what holds in general, finite, in row order."""
        ...


#: How the columns of an option begin that tell who acts and what is done; all others tell of the debtor.
ASSISTANT, ACTION = "assistant_", "action_"


@runtime_checkable
class ActionModel(Protocol):
    """A kind of model that says what becomes of an option: this debtor, this assistant, this action.

    `outcomes` are those it can learn, the one that matters first: ("paid", "harm", "reached"). Each row
    of the columns is an option: the debtor's columns by their names, then those of who acts (`assistant_…`)
    and of what is done (`action_…`). Doing nothing is an option, too: those of its `action_…` that are flags
    (0 or 1 in every row) are 0 or NaN.
    """

    key: str
    outcomes: Sequence[str]

    def train(
        self,
        columns: Columns,
        outcomes: Mapping[str, Any],
        *,
        propensity: Any = None,
        groups: Any = None,
        seed: int = 0,
    ) -> Training:
        """Fit on what was done and what came of it: per outcome and row 0 or 1, NaN where unknown. Told are
        also outcomes that the kind does not learn (`read`: who read what was sent), for it to learn by.

        `propensity` is the probability with which each row's option was chosen (1 for all where None),
        `groups` the person of each row: one person's rows never stand on both sides of a fold. Raises
        ValueError on too few rows of the first outcome; an outcome too rare to learn is its share for all.
        """
        ...

    def predict(
        self, fitted: Any, columns: Columns, outcomes: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        """Per outcome learned one probability per row, finite, in row order; of those asked for, where
        `outcomes` names some."""
        ...

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """The strongest reasons per row for the first outcome, strongest first."""
        ...

    def dump(self, fitted: Any) -> bytes:
        """The fitted object as bytes that `load` reads in another process (no pickle)."""
        ...

    def load(self, blob: bytes) -> Any:
        """The inverse of `dump`."""
        ...
