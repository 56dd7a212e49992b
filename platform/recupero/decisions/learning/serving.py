"""The champion at work: loaded once per process, its scores checked, and what happens where it fails.

Planning never stops because of a model: where there is none yet, or it raises, answers nonsense or is gone,
the tenant is planned without it (in the order of its strategy, unless a model of actions values the options),
the plan says so and the log carries an error for the alarm.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.history.features import FeatureTable
from recupero.decisions.learning import asking, registry
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero_sdk.models import Columns, Reason, ScoringModel

log = logging.getLogger(__name__)

FALLBACK = "strategy"
#: Who pays at all: the kind that plans ask first.
KIND = "propensity"
#: Chance of a payment in 30 days before anything is known: a mid value for agency work, ours.
PRIOR = 0.02
#: Rows that a model is asked about at a time, and the blocks in which it is given them. It makes matrices:
#: those of few rows stay in the processor's cache and in memory that the process has; for greater ones the
#: system is asked anew each time, which took as long as to predict.
SLICE, BLOCK = 50_000, 4_000


@dataclass(frozen=True, slots=True)
class Served:
    """A fitted model in memory. `names` is the order of its columns."""

    kind: ScoringModel
    fitted: Any
    names: tuple[str, ...]
    name: str
    version: str

    @property
    def asked_as(self) -> str:
        """What it is asked as: see `asking`."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Scores:
    """One probability per row. `served` None: no model, `note` says why, and `alarm` whether that is a
    fault."""

    probability: Floats
    served: Served | None
    note: str | None = None
    alarm: bool = False

    @property
    def model(self) -> str:
        return self.served.name if self.served else FALLBACK

    @property
    def version(self) -> str:
        return self.served.version if self.served else "0"


def champion(scope: Scope, kind: str = KIND) -> Served | None:
    """The champion for the tenant in scope: its own, else its agency's; None where none was ever made.

    Raises MissingModel where the registry names one that cannot be read, KeyError where no plug-in has this
    kind, and whatever the plug-in raises on loading.
    """
    found = champion_version(scope, kind)
    return None if found is None else _load(kind, found)


def champion_version(scope: Scope, kind: str) -> registry.Version | None:
    """The registered version that serves this scope."""
    agency = scope.agency()
    names = [registry.name_of(kind, agency_id=agency)]
    if len(scope.tenant_ids) == 1:
        names.insert(0, registry.name_of(kind, agency_id=agency, tenant_id=scope.tenant()))
    return registry.first_by_alias(names, registry.CHAMPION)


def load(kind: str, version: registry.Version) -> Served:
    """A version in memory; raises as `champion` does."""
    return _load(kind, version)


@lru_cache(maxsize=32)
def _loaded(kind: str, name: str, number: str, source: str) -> Served:
    model = runtime.current().plugins.models[kind]
    blob, names = registry.read_blob(registry.Version(name, number, "", source))
    return Served(model, asking.asked(f"{name} {number}", model.load, blob), names, name, number)


def _load(kind: str, version: registry.Version) -> Served:
    return _loaded(kind, version.name, version.version, version.source)


def predict(served: Served, table: FeatureTable) -> Floats:
    """The model's probabilities, proven to be one finite number from 0 to 1 per row.

    Raises ValueError where they are not, or where the model wants a feature that the platform does not have.
    """
    return chances(served, table.values, len(table))


def chances(served: Served, values: Mapping[str, Floats], rows: int) -> Floats:
    """The model's probabilities of rows by columns, proven as those of `predict` are."""
    return np.concatenate([
        asking.asked(served.asked_as, _answers, served, some)
        for some in parts(_columns(served, values, rows), SLICE)
    ])  # fmt: skip


def _answers(served: Served, columns: Columns) -> Floats:
    return np.concatenate([
        asking.probabilities(served.kind.predict(served.fitted, some), some.rows)
        for some in parts(columns, BLOCK)
    ])  # fmt: skip


def columns_of(served: Served, table: FeatureTable) -> Columns:
    """The columns that the model was trained on."""
    return _columns(served, table.values, len(table))


def parts(columns: Columns, size: int) -> Iterator[Columns]:
    """The rows in parts of so many; one without a row where there is none."""
    for start in range(0, max(columns.rows, 1), size):
        some = {name: column[start : start + size] for name, column in columns.values.items()}
        yield Columns(some, min(size, columns.rows - start))


def _columns(served: Served, values: Mapping[str, Floats], rows: int) -> Columns:
    missing = [name for name in served.names if name not in values]
    if missing:
        raise ValueError(f"the model wants features that do not exist: {', '.join(missing)}")
    return Columns({name: values[name] for name in served.names}, rows)


def score(scope: Scope, table: FeatureTable, kind: str = KIND) -> Scores:
    """The champion's probabilities for the tenant in scope, or the same prior for all with the reason why."""
    prior = np.full(len(table), PRIOR)
    try:
        served = champion(scope, kind)
        if served is None:
            return Scores(prior, None, f"no {kind} model is registered yet")
        return Scores(predict(served, table) if len(table) else prior, served)
    except Exception as error:
        log.exception("model %s failed for tenant %s, which is planned without it", kind, scope.tenant())
        reason = f"{type(error).__name__}: {error}"
        return Scores(prior, None, f"the {kind} model failed ({reason})", True)


def explain(served: Served, table: FeatureTable, top: int = 3) -> list[list[Reason]]:
    """The model's strongest reasons per row; nothing where it cannot say."""
    return reasons(served, table.values, len(table), top)


def reasons(served: Served, values: Mapping[str, Floats], rows: int, top: int = 3) -> list[list[Reason]]:
    """The strongest reasons of rows by columns, as those of `explain` are."""
    try:
        return proven_reasons(served, values, rows, top)
    except Exception:
        log.exception("model %s could not explain its scores", served.name)
        return [[] for _ in range(rows)]


def proven_reasons(
    served: Served, values: Mapping[str, Floats], rows: int, top: int = 3
) -> list[list[Reason]]:
    """The same. Raises what the model raises, ValueError where it tells nonsense."""
    columns = _columns(served, values, rows)
    told = asking.asked(served.asked_as, served.kind.explain, served.fitted, columns, top)
    return asking.reasons(told, rows)
