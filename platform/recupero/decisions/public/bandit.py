"""`open_bandit_small`: recommendations logged with their propensities (Saito et al., 2020), read as a log.

The policy of one file is valued on the log of the other, where another policy chose, and held against what it
brought where it chose itself. Propensities go down to 0.000001: the estimates have to survive weights of
thousands and to say by their intervals how little they know. With some 50 clicks a file nothing can be
ranked.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.offpolicy import Estimate, Estimates, Logged
from recupero.decisions.public.files import read_rows
from recupero.kernel.errors import UserError
from recupero_sdk.models import ActionModel

if TYPE_CHECKING:
    import polars as pl

NAME = "open_bandit_small"
_NEEDED = ("row_id", "item_id", "position", "click", "propensity_score")
PRIOR = 1.0  # views that each item of a slot is given beside those counted
MODEL_PRIOR = 200.0  # views by which an item's click rate is held to the slot's


def benchmark(kind: ActionModel, train: Path, test: Path, predictions: Path | None) -> dict[str, Any]:
    """Value the policy that made `train` on the log `test`; nothing is learned, so `kind` is not asked.

    Returns in `metrics` the estimates with their intervals, and what the policy brought on its own log.
    """
    began = time.perf_counter()
    own, log = read_rows(train, _NEEDED), read_rows(test, _NEEDED)
    if predictions is not None:
        _write(predictions, log["row_id"].to_list(), _logged(own, log).weights)
    logged = _logged(own, log)
    found = offpolicy.estimate(logged)
    click = own["click"].to_numpy().astype(np.float64)
    truth = offpolicy.estimate(Logged(np.arange(len(own)), click, np.ones(len(own)), np.ones(len(own)))).ips
    try:
        offpolicy.refuse_without_support(train.name, logged)
        spoken = "the log supports an answer"
    except UserError as error:
        spoken = error.message
    return {
        "name": NAME, "rows_train": len(own), "rows_test": len(log), "found": {"support": spoken},
        "metrics": _told(found, truth, logged), "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def _logged(own: pl.DataFrame, log: pl.DataFrame) -> Logged:
    """The log, asked about the policy of `own`: an item by its slot, whoever looks."""
    items = np.unique(np.concatenate([own["item_id"].to_numpy(), log["item_id"].to_numpy()]))
    slots = np.unique(np.concatenate([own["position"].to_numpy(), log["position"].to_numpy()]))
    policy = _policy(own, items, slots)
    item = np.searchsorted(items, log["item_id"].to_numpy())
    slot = np.searchsorted(slots, log["position"].to_numpy())
    click = log["click"].to_numpy().astype(np.float64)

    def fit(learned: Ints, asked: Ints) -> Floats:
        rates = _rates(item[learned], slot[learned], click[learned], policy.shape)
        expected = (policy * rates).sum(axis=1)[slot[asked]]
        return np.stack([expected, rates[slot[asked], item[asked]]], axis=1)

    rows = np.arange(len(log))
    both = offpolicy.crossed(rows, fit)
    propensity = log["propensity_score"].to_numpy().astype(np.float64)
    return Logged(rows, click, policy[slot, item], propensity, both[:, 0], both[:, 1])


def _policy(own: pl.DataFrame, items: Ints, slots: Ints) -> Floats:
    """Slots × items: how often the policy shows each; where it draws evenly, by that chance."""
    even = own["propensity_score"].n_unique() == 1
    if even:
        return np.full((len(slots), len(items)), 1 / len(items))
    counts = np.full((len(slots), len(items)), PRIOR)
    places = np.searchsorted(slots, own["position"].to_numpy())
    np.add.at(counts, (places, np.searchsorted(items, own["item_id"].to_numpy())), 1.0)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _rates(item: Ints, slot: Ints, click: Floats, shape: tuple[int, ...]) -> Floats:
    """Slots × items: the click rate, held towards that of all."""
    views, clicks, usual = np.zeros(shape), np.zeros(shape), float(click.mean())
    np.add.at(views, (slot, item), 1.0)
    np.add.at(clicks, (slot, item), click)
    return np.asarray((clicks + MODEL_PRIOR * usual) / (views + MODEL_PRIOR))


def _told(found: Estimates, truth: Estimate, logged: Logged) -> dict[str, float]:
    estimates = {"ips": found.ips, "snips": found.snips, "robust": found.robust, "switch": found.switch}
    told = dict[str, float]()
    for name, each in {**estimates, "on_its_own_log": truth}.items():
        if each is not None:
            told |= {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}
    weights = logged.weights
    told |= {"ess": found.ess, "weight": found.weight, "greatest_weight": float(weights.max())}
    return {name: round(value, 6) for name, value in {**told, "n": float(found.n)}.items()}


def _write(file: Path, row_ids: list[int], weights: Floats) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["row_id", "weight"])
        writer.writerows([row_id, f"{each:.6f}"] for row_id, each in zip(row_ids, weights, strict=True))
