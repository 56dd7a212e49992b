"""A small network in NumPy: two hidden layers, one output per outcome, trained with Adam until it gets worse.

The first layer reads the debtor and the option apart and multiplies what they say: so the network knows from
its first step that what is done works differently for each debtor. Deterministic for a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

WIDTH, DEEP = 24, 16
BATCH, EPOCHS, PATIENCE = 256, 60, 6
RATE, DECAY = 0.004, 1e-3

Weights = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """Columns of the debtor (first) and of the option, and the number of outcomes."""

    debtor: int
    option: int
    outcomes: int


def start(sizes: Sizes, rng: np.random.Generator, shares: Any) -> Weights:
    """Small random weights; the outputs begin at the outcomes' shares."""

    def drawn(rows: int, columns: int) -> Any:
        return rng.normal(0, np.sqrt(1 / max(rows, 1)), (rows, columns))

    return {
        "debtor": drawn(sizes.debtor, WIDTH), "debtor_bias": np.zeros(WIDTH),
        "option": drawn(sizes.option, WIDTH), "option_bias": np.zeros(WIDTH),
        "deep": drawn(3 * WIDTH, DEEP), "deep_bias": np.zeros(DEEP),
        "out": 0.1 * drawn(DEEP, sizes.outcomes),
        "straight": np.zeros((sizes.debtor + sizes.option, sizes.outcomes)),
        "out_bias": np.log(shares / (1 - shares)),
    }  # fmt: skip


def forward(weights: Weights, debtor: Any, option: Any) -> tuple[Any, dict[str, Any]]:
    """Log-odds, rows × outcomes, and what going back needs."""
    one = np.tanh(debtor @ weights["debtor"] + weights["debtor_bias"])
    two = np.tanh(option @ weights["option"] + weights["option_bias"])
    joined = np.concatenate([one, two, one * two], axis=1)
    deep = np.tanh(joined @ weights["deep"] + weights["deep_bias"])
    both = np.concatenate([debtor, option], axis=1)
    odds = deep @ weights["out"] + both @ weights["straight"] + weights["out_bias"]
    return odds, {"one": one, "two": two, "joined": joined, "deep": deep, "both": both}


def backward(
    weights: Weights, debtor: Any, option: Any, kept: Mapping[str, Any], slope: Any
) -> tuple[Weights, Any, Any]:
    """The gradient of every weight, and of the inputs, for the loss's slope by the log-odds."""
    deep = (slope @ weights["out"].T) * (1 - kept["deep"] ** 2)
    joined = deep @ weights["deep"].T
    parts = [joined[:, place * WIDTH : (place + 1) * WIDTH] for place in range(3)]
    one = (parts[0] + parts[2] * kept["two"]) * (1 - kept["one"] ** 2)
    two = (parts[1] + parts[2] * kept["one"]) * (1 - kept["two"] ** 2)
    gradient = {
        "debtor": debtor.T @ one, "debtor_bias": one.sum(axis=0),
        "option": option.T @ two, "option_bias": two.sum(axis=0),
        "deep": kept["joined"].T @ deep, "deep_bias": deep.sum(axis=0),
        "out": kept["deep"].T @ slope, "straight": kept["both"].T @ slope, "out_bias": slope.sum(axis=0),
    }  # fmt: skip
    straight = slope @ weights["straight"].T
    width = debtor.shape[1]
    by_debtor = one @ weights["debtor"].T + straight[:, :width]
    by_option = two @ weights["option"].T + straight[:, width:]
    return gradient, by_debtor, by_option


def sigmoid(odds: Any) -> Any:
    """Probability of log-odds."""
    return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))


def loss(odds: Any, target: Any) -> float:
    """Mean log-loss over what is known (NaN: unknown)."""
    known = ~np.isnan(target)
    each = np.logaddexp(0, odds) - np.where(known, target, 0.0) * odds
    return float(each[known].mean()) if known.any() else 0.0


def fit(
    sizes: Sizes, learned: tuple[Any, Any, Any], held: tuple[Any, Any, Any], seed: int
) -> tuple[Weights, int]:
    """Train on `learned` (debtor, option, target) until `held` has not got better for some epochs; the best
    weights and the number of epochs."""
    rng = np.random.default_rng(seed)
    debtor, option, target = learned
    known = ~np.isnan(target)
    shares = (np.nansum(target, axis=0) + 0.5) / (known.sum(axis=0) + 1)
    weights = start(sizes, rng, shares)
    first = {name: np.zeros_like(weight) for name, weight in weights.items()}
    second = {name: np.zeros_like(weight) for name, weight in weights.items()}
    best, kept, epochs, step = np.inf, weights, 0, 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(target))
        for begin in range(0, len(order), BATCH):
            rows = order[begin : begin + BATCH]
            odds, inner = forward(weights, debtor[rows], option[rows])
            slope = np.where(known[rows], sigmoid(odds) - np.nan_to_num(target[rows]), 0.0) / len(rows)
            gradient = backward(weights, debtor[rows], option[rows], inner, slope)[0]
            step += 1
            weights = _adam(weights, gradient, first, second, step)
        now = loss(forward(weights, held[0], held[1])[0], held[2])
        if now < best - 1e-6:
            best, kept, epochs = now, weights, epoch + 1
        elif epoch + 1 - epochs >= PATIENCE:
            break
    return kept, epochs


def _adam(weights: Weights, gradient: Weights, first: Weights, second: Weights, step: int) -> Weights:
    """One step (Kingma and Ba, 2015); weights, not biases, are held towards 0 (Loshchilov, Hutter, 2019)."""
    after = {}
    for name, weight in weights.items():
        first[name] = 0.9 * first[name] + 0.1 * gradient[name]
        second[name] = 0.999 * second[name] + 0.001 * gradient[name] ** 2
        change = (first[name] / (1 - 0.9**step)) / (np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
        held = 0.0 if name.endswith("bias") else DECAY * weight
        after[name] = weight - RATE * (change + held)
    return after
