"""How good a probability is: AUC, Brier, log-loss, calibration; and how far two score columns lie apart."""

import numpy as np

from recupero.decisions.columns import Floats

_EDGE = 1e-6
BINS = 10


def auc(score: Floats, target: Floats) -> float:
    """Area under the ROC curve by ranks, ties counted half; NaN where only one outcome occurs."""
    positives = float(target.sum())
    negatives = len(target) - positives
    if not positives or not negatives:
        return float("nan")
    _unique, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[target > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier(probability: Floats, target: Floats) -> float:
    """Mean squared error of the probability (Brier, 1950)."""
    return float(np.mean((probability - target) ** 2))


def row_log_loss(probability: Floats, target: Floats) -> Floats:
    """Negative log-likelihood of each row, natural logarithm."""
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


def calibration_curve(probability: Floats, target: Floats) -> list[dict[str, float]]:
    """Tenths of the rows by rising probability: rows, mean predicted, share that happened."""
    order = np.argsort(probability, kind="stable")
    return [
        {
            "rows": float(len(part)),
            "predicted": float(probability[part].mean()),
            "happened": float(target[part].mean()),
        }
        for part in np.array_split(order, BINS)
        if len(part)
    ]


def calibration_error(probability: Floats, target: Floats) -> float:
    """Mean distance of predicted and happened over the tenths, weighted by rows."""
    curve = calibration_curve(probability, target)
    return sum(abs(bin_["predicted"] - bin_["happened"]) * bin_["rows"] for bin_ in curve) / len(target)


def summary(probability: Floats, target: Floats) -> dict[str, float]:
    """All of the above under the names that runs and cards use. An AUC that does not exist is left out."""
    found = {
        "auc": auc(probability, target),
        "brier": brier(probability, target),
        "log_loss": float(row_log_loss(probability, target).mean()),
        "calibration_error": calibration_error(probability, target),
        "calibration_error_by_width": calibration_error_by_width(probability, target),
        "base_rate": float(target.mean()),
        "rows": float(len(target)),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def gain(
    new: Floats, old: Floats, target: Floats, groups: Floats | np.ndarray, seed: int = 0
) -> dict[str, float]:
    """Mean log-loss that `new` saves over `old` on the same rows, with a 90% interval.

    Bootstrap over `groups` (rows of one account belong together), 400 draws. Positive means better.
    """
    saved = row_log_loss(old, target) - row_log_loss(new, target)
    _unique, place = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(place, saved), np.bincount(place).astype(float)
    weights = np.random.default_rng(seed).poisson(1.0, (400, len(sums)))
    means = (weights @ sums) / np.maximum(weights @ counts, 1)
    low, high = np.quantile(means, (0.05, 0.95))
    return {"gain": float(saved.mean()), "gain_low": float(low), "gain_high": float(high)}


def stability_index(before: Floats, after: Floats) -> float:
    """Population stability index over the tenths of `before`: under 0.1 calm, over 0.25 drifted."""
    edges = np.unique(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, column), minlength=len(edges) + 1) / len(column), 1e-4)
        for column in (before, after)
    ]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def calibration_error_by_width(probability: Floats, target: Floats) -> float:
    """Mean distance of predicted and happened over ten bins of equal width, weighted by rows."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = np.bincount(place, probability, BINS) - np.bincount(place, target, BINS)
    return float(np.abs(gaps).sum() / len(target))


def age_bands(age: Floats) -> np.ndarray:
    """The band of each age in years: under 30, to 44, to 59, 60 and over; `unknown` where it is not known."""
    bands = np.array(["under 30", "30 to 44", "45 to 59", "60 and over"])
    found = bands[np.searchsorted([30, 45, 60], np.nan_to_num(age), side="right")]
    return np.where(np.isfinite(age), found, "unknown")


def by_group(probability: Floats, target: Floats, group: np.ndarray) -> dict[str, dict[str, float]]:
    """Figures of each group: rows, mean predicted, share that happened, how far the two lie apart, AUC where
    both outcomes occur, and the share of the group among the best tenth over its share of all rows."""
    order = np.argsort(-probability, kind="stable")
    best = np.zeros(len(target), dtype=bool)
    best[order[: max(1, len(target) // BINS)]] = True
    found = {}
    for name in np.unique(group):
        mine = group == name
        figures = {
            "rows": float(mine.sum()),
            "predicted": float(probability[mine].mean()),
            "happened": float(target[mine].mean()),
            "off_by": float(probability[mine].mean() - target[mine].mean()),
            "auc": auc(probability[mine], target[mine]),
            "chosen_share": float(best[mine].mean() / best.mean()),
        }
        found[str(name)] = {key: value for key, value in figures.items() if np.isfinite(value)}
    return found
