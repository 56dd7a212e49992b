"""P(payment within the window): boosted trees and a line, mixed and calibrated on folds, explained."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from recupero_propensity.calibration import Calibration, best, log_loss, log_odds
from recupero_sdk.logistic import Line, chance, straight
from recupero_sdk.models import Columns, Feature, Reason, Training, check_enough, strongest
from recupero_sdk.trees import contributions

MIN_ROWS = 300
#: An account stands here week after week: so many rows are seven or eight payers, with fewer it misleads.
MIN_OF_EACH = 30
FOLDS = 4
MAX_TREES = 400
#: Strength of the ridge of the line, on standardised columns.
HELD = 100.0
#: Shares of the trees in the mixed log-odds that are tried; the rest is the line's.
SHARES = (1.0, 0.75, 0.5, 0.25)


@dataclass(frozen=True)
class Fitted:
    """Trees, line and curve, ready to predict. `names` is the order of the columns, `share` the weight of
    the trees against the line in the log-odds."""

    booster: Any
    names: tuple[str, ...]
    calibration: Calibration
    line: Line | None = None
    share: float = 1.0

    def raw(self, matrix: Any) -> Any:
        """Probabilities before the curve."""

        if self.line is not None and self.share == 0:
            return self.line.chance(matrix)
        trees = self.booster.predict(matrix, num_threads=1)
        if self.line is None:
            return trees
        return _mixed(trees, self.line.log_odds(matrix), self.share)


@dataclass(frozen=True)
class Propensity:
    """A calibrated classifier. `features` empty: it takes every column that it is given."""

    key: str = "propensity"
    target: str = "paid_30d"
    features: Sequence[Feature] = ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on `columns` and a target of 0 and 1; rows that belong together stand together.

        The number of trees, their share beside the line and the curve are those that predict unseen folds
        best. Raises ValueError below 300 rows, or below 30 of either outcome: less says nothing.
        """
        import numpy as np

        y = np.asarray(target, dtype=float)
        check_enough(columns.rows, y, MIN_ROWS, MIN_OF_EACH)
        names = tuple(columns.values)
        matrix = columns.matrix(names)
        of_trees, of_lines, trees = _out_of_fold(matrix, y, seed)
        share = min(SHARES, key=lambda share: log_loss(_mixed(of_trees, of_lines, share), y))
        raw = _mixed(of_trees, of_lines, share)
        calibration = best(raw, y)
        line = straight(matrix, names, y, HELD) if share < 1 else None
        fitted = Fitted(_grow(matrix, y, trees, seed), names, calibration, line, share)
        metrics = {"folds_log_loss": log_loss(calibration.apply(raw), y), "rows": float(columns.rows)}
        parameters = {
            "trees": str(trees), "share_of_trees": str(share), "calibration": calibration.kind,
            "folds": str(FOLDS),
        }  # fmt: skip
        return Training(fitted, {**metrics, "positives": float(y.sum())}, parameters)

    def refit(self, fitted: Fitted, columns: Columns, target: Any, *, seed: int = 0) -> Fitted:
        """The same shape (trees, share, curve) on newer rows: a retraining for a fifth of the price."""
        import numpy as np

        y = np.asarray(target, dtype=float)
        check_enough(columns.rows, y, MIN_ROWS, MIN_OF_EACH)
        matrix = columns.matrix(fitted.names)
        line = straight(matrix, fitted.names, y, HELD) if fitted.line is not None else None
        trees = fitted.booster.num_trees()
        return replace(fitted, booster=_grow(matrix, y, trees, seed), line=line)

    def straight(self, fitted: Fitted, columns: Columns, target: Any) -> Fitted:
        """The line alone through these rows: it goes on where a trend leaves what has been seen."""
        import numpy as np

        y = np.asarray(target, dtype=float)
        check_enough(columns.rows, y, MIN_ROWS, MIN_OF_EACH)
        line = straight(columns.matrix(fitted.names), fitted.names, y, HELD)
        return replace(fitted, line=line, share=0.0, calibration=Calibration("none"))

    def predict(self, fitted: Fitted, columns: Columns) -> Any:
        """One probability per row, in row order."""
        import numpy as np

        if not columns.rows:
            return np.empty(0)
        return fitted.calibration.apply(fitted.raw(columns.matrix(fitted.names)))

    def explain(self, fitted: Fitted, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """The features that moved each row's log-odds most, before calibration, strongest first."""

        matrix = columns.matrix(fitted.names)
        parts = contributions(fitted.booster, matrix)
        if fitted.line is not None:
            parts = fitted.share * parts + (1 - fitted.share) * fitted.line.parts(matrix)
        return strongest(fitted.names, matrix, parts, top)

    def dump(self, fitted: Fitted) -> bytes:
        """JSON: the column names, the curve, the line, and the trees as LightGBM's own text."""
        content = {
            "format": 2,
            "names": fitted.names,
            "calibration": asdict(fitted.calibration),
            "line": None if fitted.line is None else asdict(fitted.line),
            "share": fitted.share,
            "trees": fitted.booster.model_to_string(),
        }
        return json.dumps(content).encode()

    def load(self, blob: bytes) -> Fitted:
        """The inverse of `dump`; format 1 had no line. Raises ValueError on anything else."""
        import lightgbm

        content = json.loads(blob)
        if content.get("format") not in (1, 2):
            raise ValueError("this is not a dumped propensity model of format 1 or 2")
        curve, told = content["calibration"], content.get("line")
        calibration = Calibration(curve["kind"], tuple(curve["first"]), tuple(curve["second"]))
        names = tuple(content["names"])
        line = told and Line(
            names, tuple(told["mean"]), tuple(told["spread"]), tuple(told["weight"]), told["intercept"]
        )
        booster = lightgbm.Booster(model_str=content["trees"])
        return Fitted(booster, names, calibration, line, content.get("share", 1.0))


def _mixed(trees: Any, line: Any, share: float) -> Any:
    """Probabilities of trees and log-odds of the line, mixed in log-odds."""

    if share == 1:
        return trees
    return chance(share * log_odds(trees) + (1 - share) * line)


def _parameters(seed: int) -> dict[str, Any]:
    return {
        "objective": "binary", "learning_rate": 0.05, "num_leaves": 7, "min_data_in_leaf": 60,
        "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 10.0,
        "num_threads": 1, "deterministic": True, "force_col_wise": True, "seed": seed, "verbosity": -1,
    }  # fmt: skip


def _grow(matrix: Any, y: Any, trees: int, seed: int) -> Any:
    import lightgbm

    data = lightgbm.Dataset(matrix, y, params={"verbosity": -1})
    return lightgbm.train(_parameters(seed), data, num_boost_round=trees)


def _out_of_fold(matrix: Any, y: Any, seed: int) -> tuple[Any, Any, int]:
    """Of each row the trees' probability and the line's log-odds by those that never saw its fold, and the
    number of trees to grow in the end."""
    import lightgbm
    import numpy as np

    raw, lines, counts = np.empty(len(y)), np.empty(len(y)), []
    names = tuple(map(str, range(matrix.shape[1])))
    for block in np.array_split(np.arange(len(y)), FOLDS):
        rest = np.setdiff1d(np.arange(len(y)), block, assume_unique=True)
        data = lightgbm.Dataset(matrix[rest], y[rest], params={"verbosity": -1})
        held = data.create_valid(matrix[block], y[block])
        booster = lightgbm.train(
            _parameters(seed), data, num_boost_round=MAX_TREES, valid_sets=[held],
            callbacks=[lightgbm.early_stopping(30, verbose=False)],
        )  # fmt: skip
        raw[block] = booster.predict(matrix[block], num_threads=1)
        lines[block] = straight(matrix[rest], names, y[rest], HELD).log_odds(matrix[block])
        counts.append(booster.best_iteration or MAX_TREES)
    return raw, lines, max(10, int(np.median(counts)))
