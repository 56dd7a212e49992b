"""`hillstrom_email`: an e-mail or none, and which, to 64,000 customers at random (Hillstrom, 2008).

The one public set here where it is known what another choice would have brought. It stands for "contact or
not, with which message"; visits decide.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.measures import offpolicy
from recupero.decisions.public.files import read_rows
from recupero.decisions.public.trials import Learned, Trial, learn, logged, robust, under_cap
from recupero.kernel.errors import UserError
from recupero_sdk.models import ActionModel

if TYPE_CHECKING:
    import polars as pl

NAME, OUTCOME = "hillstrom_email", "visit"
SEGMENTS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
ARMS = (
    {"action_contact": 0.0, "action_mens": 0.0, "action_womens": 0.0},
    {"action_contact": 1.0, "action_mens": 1.0, "action_womens": 0.0},
    {"action_contact": 1.0, "action_mens": 0.0, "action_womens": 1.0},
)
PROPENSITY = 1 / 3
CAPS = (0.1, 0.3, 0.5)
_WORDS = {"zip_code": ("Urban", "Rural"), "channel": ("Web", "Multichannel")}
_NEEDED = ("row_id", "recency", "history", "mens", "womens", "newbie", *_WORDS)


def benchmark(kind: ActionModel, train: Path, test: Path, predictions: Path | None) -> dict[str, Any]:
    """Learn on one file; of the other say for each customer which e-mail, and whom first.

    Returns `metrics` where the test file has the outcome, `seconds`, and in `found` what was decided and why.
    Raises UserError for a file that is not this set.
    """
    began = time.perf_counter()
    old, new = read_rows(train, _NEEDED), read_rows(test, _NEEDED)
    learned = learn(kind, _trial(old, train))
    people = _people(new)
    chances = learned.chances(people, ARMS)
    choice, gain = learned.choice(chances), _gain(learned, chances)
    if predictions is not None:
        _write(predictions, new["row_id"].to_list(), choice, gain)
    scored = {OUTCOME, "segment"} <= set(new.columns)
    found = _scored(_trial(new, test), choice, gain, chances, learned.single) if scored else {}
    blend = {name: value for name, value in learned.metrics.items() if "_value_" in name}
    return {
        "name": NAME, "rows_train": len(old), "rows_test": len(new), "kind": kind.key,
        "metrics": {name: round(value, 6) for name, value in found.items()},
        "found": {
            "actions": learned.said(), "best_single": SEGMENTS[learned.single],
            "ranked_by": dict(learned.parameters),
            "extra_visits_per_1000_by_ranking": {name: round(value, 3) for name, value in blend.items()},
        },
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def _gain(learned: Learned, chances: Floats) -> Floats:
    """What acting adds for each: by the action chosen for them."""
    choice = learned.choice(chances)
    best = np.where(choice == 0, learned.single, choice)
    return np.asarray(chances[np.arange(len(chances)), best] - chances[:, 0])


def _people(frame: pl.DataFrame) -> dict[str, Floats]:
    """The customers' columns; classes of the spend are left out, since the amount is there."""
    import polars as pl

    numbers = {name: pl.col(name).cast(pl.Float64) for name in ("recency", "mens", "womens", "newbie")}
    numbers["history_log"] = pl.col("history").cast(pl.Float64).log1p()
    numbers["both"] = numbers["mens"] * numbers["womens"]
    for column, words in _WORDS.items():
        for word in words:
            numbers[f"{column}={word}"] = (pl.col(column) == word).cast(pl.Float64)
    told = frame.select(**numbers)
    return {name: told[name].fill_null(float("nan")).to_numpy() for name in numbers}


def _trial(frame: pl.DataFrame, file: Path) -> Trial:
    arms = {name: place for place, name in enumerate(SEGMENTS)}
    if not {OUTCOME, "segment"} <= set(frame.columns) or set(frame["segment"]) - set(arms):
        raise UserError(
            "%(file)s has no outcome to learn from: it needs segment (%(known)s) and visit",
            field="--train", file=file, known=", ".join(SEGMENTS),
        )  # fmt: skip
    arm = np.array([arms[name] for name in frame["segment"]], dtype=np.int64)
    outcome = frame[OUTCOME].to_numpy().astype(np.float64)
    return Trial(_people(frame), ARMS, arm, np.full(len(arm), PROPENSITY), outcome)


def _scored(trial: Trial, choice: Ints, gain: Floats, chances: Floats, single: int) -> dict[str, float]:
    """Extra visits per 1,000 customers, doubly robust, with their 95 % intervals: under each cap over as many
    at random with the best single action, and over both e-mails at random; without a cap over that action."""
    found = dict[str, float]()
    nobody, everybody = np.zeros(len(trial), dtype=np.int64), np.full(len(trial), single)
    acts = np.where(choice == 0, single, choice)
    for cap in CAPS:
        chosen = nobody.copy()
        first = under_cap(gain - gain.min() + 1e-9, int(cap * len(trial)))
        chosen[first] = acts[first]
        idle = robust(trial, nobody, chances).value
        over = robust(trial, chosen, chances).value - idle
        usual = robust(trial, everybody, chances).value - idle
        both = np.mean([robust(trial, np.full(len(trial), arm), chances).value for arm in (1, 2)])
        found[f"cap_{cap:.0%}_over_random"] = 1000 * (over - cap * usual)
        found[f"cap_{cap:.0%}_over_random_any_email"] = 1000 * (over - cap * (float(both) - idle))
        found |= _told(f"cap_{cap:.0%}_over_nobody", trial, chosen, nobody, chances)
    found |= _told("uncapped_over_best_single", trial, choice, everybody, chances)
    return found | _told("uncapped_over_nobody", trial, choice, nobody, chances)


def _told(name: str, trial: Trial, first: Ints, second: Ints, chances: Floats) -> dict[str, float]:
    """The first choice over the second per 1,000 customers; the value alone where they part for too few."""
    value = robust(trial, first, chances).value - robust(trial, second, chances).value
    found = offpolicy.difference(logged(trial, first, chances), logged(trial, second, chances))
    interval = {} if found is None else {f"{name}_low": 1000 * found.low, f"{name}_high": 1000 * found.high}
    return {name: 1000 * value, **interval}


def _write(file: Path, row_ids: list[int], choice: Ints, gain: Floats) -> None:
    """One line a row: the policy's probabilities (one of them is 1) and whom first under a cap."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["row_id", "p_none", "p_mens", "p_womens", "score"])
        for row_id, arm, score in zip(row_ids, choice.tolist(), gain.tolist(), strict=True):
            writer.writerow([row_id, *(int(arm == each) for each in range(3)), f"{score:.9f}"])
