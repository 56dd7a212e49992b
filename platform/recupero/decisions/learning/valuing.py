"""What an option is worth by the model of actions that is served: what it adds to waiting, less what it
costs.

    value = [P(paid | option) − P(paid | waiting)] × left × balance × commission
            − cost − annoyance × max(0, P(harm | option) − P(harm | waiting)) × grown

Harm is a complaint or an opt-out, `annoyance_minor` of the strategy what one is held to be worth. `left` and
`grown` are for what a contact takes from the debtor's later ones (`tiring`). Waiting is worth 0. What an
agreement asks for (a reminder of a promise) is worth at least what it was without the model. Where no model
of actions is served the value stands as it was, and the plan's notes say so; one that raises or answers
nonsense leaves its tenant in the strategy's order, and the log has an error for the alarm.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history import vectors
from recupero.decisions.history.features import FeatureTable
from recupero.decisions.learning import asking, registry, serving
from recupero.decisions.strategies import annoyance
from recupero.decisions.strategies.strategy import Strategy
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.actions.kinds import AGREED
from recupero_sdk.models import ActionModel, Columns, Reason

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

#: The name under which models of actions are registered, whichever plug-in fitted them.
KIND = "next_action"
PAID, HARM = "paid", "harm"
#: Options encoded at a time: a hundred columns of each take 8 bytes a value.
SLICE = 50_000


@dataclass(frozen=True, slots=True)
class Served:
    """A fitted model of actions in memory. `names` is the order of its columns."""

    kind: ActionModel
    fitted: Any
    names: tuple[str, ...]
    name: str
    version: str

    @property
    def asked_as(self) -> str:
        """What it is asked as: see `asking`."""
        return f"{self.name} {self.version}"

    def outcomes(
        self, columns: Mapping[str, Any], rows: int, asked: Sequence[str] | None = None
    ) -> Mapping[str, Floats]:
        """The chances of each outcome, or of those asked for, proven to be one finite number from 0 to 1 per
        row.

        Raises ValueError where they are not, or where the model wants a column that the platform does not
        have.
        """
        answer = asking.asked(self.asked_as, self._answers, self._columns(columns, rows), asked)
        if PAID not in answer:
            raise ValueError(f"the model answered {', '.join(answer) or 'nothing'}, but not {PAID}")
        return answer

    def _answers(self, columns: Columns, asked: Sequence[str] | None) -> dict[str, Floats]:
        """What the model answers, block by block, proven."""
        parts = list[dict[str, Floats]]()
        for some in serving.parts(columns, serving.BLOCK):
            answer = self.kind.predict(self.fitted, some, asked)
            parts.append({
                name: asking.probabilities(column, some.rows, name) for name, column in answer.items()
            })  # fmt: skip
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def explain(self, columns: Mapping[str, Any], rows: int, top: int = 3) -> list[list[Reason]]:
        """The strongest reasons per row. Raises what the model raises, ValueError where it tells nonsense."""
        told = asking.asked(self.asked_as, self.kind.explain, self.fitted, self._columns(columns, rows), top)
        return asking.reasons(told, rows)

    def _columns(self, columns: Mapping[str, Any], rows: int) -> Columns:
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise ValueError(f"the model wants columns that do not exist: {', '.join(missing)}")
        return Columns({name: columns[name] for name in self.names}, rows)


def champion(scope: Scope) -> Served | None:
    """The champion for the tenant in scope: its own, else its agency's; None where none was ever made.

    Raises as `serving.champion` does.
    """
    found = serving.champion_version(scope, KIND)
    return None if found is None else load(found)


def load(version: registry.Version) -> Served:
    """A version in memory; raises as `serving.champion` does."""
    return _loaded(version.name, version.version, version.source)


@lru_cache(maxsize=16)
def _loaded(name: str, number: str, source: str) -> Served:
    version = registry.Version(name, number, "", source)
    model = runtime.current().plugins.actions[registry.kind_of(version)]
    blob, names = registry.read_blob(version)
    return Served(model, asking.asked(f"{name} {number}", model.load, blob), names, name, number)


@dataclass(frozen=True, slots=True)
class Told:
    """Which model values a plan's options. `served` None: they stand as they are without one, and `note` says
    why. `alarm`: that is a fault, and the tenant is to be planned in the strategy's order."""

    served: Served | None
    note: str | None = None
    alarm: bool = False


class Broken(Exception):
    """The served model raised or answered nonsense; `told` says so."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.note)
        self.told = told


def serving_now(scope: Scope) -> Told:
    """The champion for the tenant in scope, or why there is none."""
    try:
        served = champion(scope)
    except Exception as error:  # noqa: BLE001 - kept as the note, and logged for the alarm
        return _failed(scope, error)
    if served is None:
        return Told(None, f"no {KIND} model is registered yet: values are not uplifts")
    return Told(served)


def _failed(scope: Scope, error: Exception) -> Told:
    log.error(
        "model %s failed for tenant %s; planned in the strategy's order", KIND, scope.tenant(), exc_info=error
    )
    reason = f"{type(error).__name__}: {error}"
    return Told(None, f"the {KIND} model failed ({reason}): planned in the strategy's order", alarm=True)


def by_model(
    scope: Scope,
    served: Served,
    options: pl.DataFrame,
    table: FeatureTable,
    strategies: Mapping[int, Strategy],
    commission: Mapping[int, float],
    at: datetime,
) -> pl.DataFrame:
    """The options of a tenant, which have their value without a model, with `value_minor` and `enough` by
    this one; beside them `paid`, `paid_waiting` and `harm`, its chances. Raises Broken where it fails."""
    try:
        return _with_values(served, options, table, strategies, commission, at)
    except Exception as error:
        raise Broken(_failed(scope, error)) from error


def _with_values(
    served: Served,
    options: pl.DataFrame,
    table: FeatureTable,
    strategies: Mapping[int, Strategy],
    commission: Mapping[int, float],
    at: datetime,
) -> pl.DataFrame:
    import polars as pl

    from recupero.decisions.learning import tiring  # polars takes a while to import

    usual = {each: annoyance.usual(each) for each in options["currency"].unique()}
    per_branch = pl.DataFrame(
        [(branch, commission[branch], each.annoyance_minor) for branch, each in strategies.items()],
        orient="row",
        schema={"branch": pl.Int64, "commission": pl.Float64, "annoyance": pl.Float64},
    )
    told = options.with_columns(**_chances(served, options, table, at)).join(
        per_branch, on="branch", how="left", maintain_order="left"
    )
    added = pl.col("paid") - pl.col("paid_waiting")
    added = pl.when(added > 0).then(added * tiring.left()).otherwise(added)
    held = pl.col("annoyance").fill_null(pl.col("currency").replace_strict(usual, return_dtype=pl.Float64))
    harm = held * pl.col("harm") * tiring.grown()
    worth = added * pl.col("balance_minor") * pl.col("commission") - pl.col("cost_minor") - harm
    agreed = pl.col("template").is_in(AGREED)
    worth = pl.when(worth > 0).then(worth * pl.col("patience")).otherwise(worth)
    value = pl.when(agreed).then(pl.max_horizontal(worth, "value_minor")).otherwise(worth)
    found = told.with_columns(value_minor=value, annoyance_minor=harm)
    found = found.with_columns(enough=pl.col("value_minor") > pl.col("minimum"))
    return found.drop("commission", "annoyance")


def _chances(
    served: Served, options: pl.DataFrame, table: FeatureTable, at: datetime
) -> dict[str, pl.Series]:
    """Of each option the chance of a payment, that of waiting, and by how much harm gets likelier."""
    import polars as pl

    accounts = options["account"].to_numpy()
    unique, place = np.unique(accounts, return_inverse=True)
    first = np.unique(accounts, return_index=True)[1]
    idle = _outcomes(served, _waiting(options[first]), table, at)
    acting = _outcomes(served, options, table, at)
    paid_waiting = idle[PAID][place] if len(unique) else np.empty(0)
    none = np.zeros(len(options))
    harm = np.maximum(acting.get(HARM, none) - idle[HARM][place], 0.0) if HARM in idle else none
    return {
        "paid": pl.Series(acting[PAID]), "paid_waiting": pl.Series(paid_waiting), "harm": pl.Series(harm)
    }  # fmt: skip


def _waiting(options: pl.DataFrame) -> pl.DataFrame:
    """The same accounts, of whom none is contacted."""
    import polars as pl

    nothing = [pl.lit(None, options.schema[name]).alias(name) for name in ("channel", "moment", "template")]
    return options.with_columns(*nothing)


def _outcomes(served: Served, options: pl.DataFrame, table: FeatureTable, at: datetime) -> dict[str, Floats]:
    parts: list[Mapping[str, Floats]] = []
    for start in range(0, max(len(options), 1), SLICE):
        some = options[start : start + SLICE]
        parts.append(served.outcomes(columns_of(some, table, at), len(some), (PAID, HARM)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def columns_of(options: pl.DataFrame, table: FeatureTable, at: datetime) -> dict[str, Floats]:
    """The three vectors of options, by the names of their columns. `table` is sorted by account."""
    import polars as pl

    places: Ints = np.searchsorted(table.account_id, options["account"].to_numpy())
    debtors = {name: column[places] for name, column in table.values.items()}
    return {**debtors, **vectors.encode(options.with_columns(at=pl.lit(at, pl.Datetime("us", "UTC"))))}
