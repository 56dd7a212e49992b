"""A logistic line over debtor and option that little data cannot lead astray.

Three groups of columns are held back apart: what the option is and how often the debtor was contacted lately
(little: it is what a plan may choose, and many rows tell of it), what the debtor is, and products of both.
How strongly the last two are held back is what predicts unseen rows best: with few rows what an action does
to one debtor falls back on what it does to all. Beyond the values that it has seen a column counts no
further, since a plan asks about days and histories of which the log has none yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recupero_sdk.logistic import log_loss, ridge, unseen
from recupero_sdk.models import ACTION, ASSISTANT

FREE, HELD = 10.0, (50.0, 400.0, 1500.0)  # penalties in rows: of options, and to choose from
PRODUCTS_HELD = 3.0  # times as strongly as the debtor's own
MOST_DEBTOR, MOST_FLAGS = 8, 6  # columns that enter products
FOLDS = 2
MOST = 5.0  # spreads from the mean beyond which a value counts no further
EDGES = (0.005, 0.995)  # of the values seen: beyond them a column counts no further
OPTION, DEBTOR, PRODUCT, LEFT_OUT = range(4)  # kinds of columns, by how they are held back
OUT = 1e9  # penalty that leaves a column out
WEEKS = (7, 30, 90)
HOUR = f"{ACTION}hour"
HOURS = (HOUR, "evening", "midday")
#: What is held of harm until rows say otherwise: its odds grow as one more than the contacts of 30 days.
PRESSURE = 1.0
LONG_AGO = 60.0  # days since a contact where there was none
#: The share of a debtor's messages that were read, and the days since the last was, by channel.
READ, SINCE_READ = "read_", "days_since_read_"
UNTOLD = 0.3  # share that is held to be read where nobody ever told
RECENT = 20.0  # days in which what was read or opened last counts for less by the factor e


def is_option(name: str) -> bool:
    """Whether the column tells of the option and not of the debtor."""
    return name.startswith((ASSISTANT, ACTION))


def derived(matrix: Any, names: Sequence[str], usual: Any = None) -> dict[str, Any]:
    """What is made of several columns, of those that are there: contacts by whatever channel in 7, 30 and 90
    days, those by the option's own channel, the time since the last one and since the page was opened, the
    part of the day, and of messages by the option's own channel how many were read and how lately (where the
    names hold that: lines from before do not). Columns without unknowns, by names of our own. A share of
    which nobody tells counts as the `usual` one (one value per column): any other would prefer the channels
    that were never tried, or those that were."""
    place = {name: number for number, name in enumerate(names)}
    zero = np.zeros(len(matrix))

    def told(name: str, unknown: float = 0.0) -> Any:
        return np.nan_to_num(matrix[:, place[name]], nan=unknown) if name in place else zero

    channels = [name[len(ACTION) :] for name in names if f"attempts_{name[len(ACTION) :]}_90d" in place]
    found = {
        f"contacts_{days}d": np.log1p(sum((told(f"attempts_{each}_{days}d") for each in channels), zero))
        for days in WEEKS
    }
    by_this = (told(f"attempts_{each}_90d") * told(f"{ACTION}{each}") for each in channels)
    found["contacts_by_this"] = np.log1p(sum(by_this, zero))
    found["since_contact"] = np.log1p(np.maximum(told(f"{ACTION}days_since_contact", LONG_AGO), 0))
    found["opened_lately"] = told("link_opened") * np.exp(-told("days_since_opened", 90.0) / RECENT)
    hour = told(HOUR)
    found |= {"evening": (hour >= 16) * 1.0, "midday": ((hour >= 12) & (hour < 16)) * 1.0}
    if read := [name[len(READ) :] for name in names if name.startswith(READ)]:
        # The chance of being reached has that of being read as a factor, so its log adds to the log-odds.
        shares = (
            np.log(told(f"{READ}{each}", _usual(usual, place[f"{READ}{each}"]))) * told(f"{ACTION}{each}")
            for each in read
        )
        since = (np.exp(-told(f"{SINCE_READ}{each}", np.inf) / RECENT) for each in read)
        lately = (each * told(f"{ACTION}{name}") for each, name in zip(since, read, strict=True))
        found |= {"share_read": sum(shares, zero), "read_lately": sum(lately, zero)}
    return found


def _usual(usual: Any, place: int) -> float:
    """The mean share read, which is above zero where anybody was told of one."""
    return UNTOLD if usual is None or not usual[place] > 0 else float(usual[place])


def _wide(matrix: Any, names: Sequence[str], usual: Any) -> Any:
    """The columns, and beside them what is made of them."""
    return np.column_stack([matrix, *derived(matrix, names, usual).values()])


@dataclass(frozen=True)
class Line:
    """A fitted line. `low`, `high`: the edges of what was seen; `pairs` are places of columns multiplied;
    the last of the weights is the constant."""

    names: tuple[str, ...]
    low: Any
    high: Any
    middle: Any
    spread: Any
    pairs: tuple[tuple[int, int], ...]
    weights: Any

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        return _multiplied(self._scaled(matrix), self.pairs) @ self.weights[:-1] + self.weights[-1]

    def _scaled(self, matrix: Any) -> Any:
        columns = _wide(matrix, self.names, self.middle)
        columns = np.where(np.isnan(columns), self.middle, np.clip(columns, self.low, self.high))
        return np.clip((columns - self.middle) / self.spread, -MOST, MOST)

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {"names": self.names, "pairs": self.pairs, **arrays}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Line:
        """The inverse of `to_json`."""
        arrays = {name: np.array(kept[name]) for name in _ARRAYS}
        pairs = tuple((one, other) for one, other in kept["pairs"])
        return cls(tuple(kept["names"]), pairs=pairs, **arrays)


_ARRAYS = ("low", "high", "middle", "spread", "weights")


def draw_line(
    matrix: Any,
    y: Any,
    names: Sequence[str],
    *,
    beforehand: Any = None,
    left_out: Sequence[str] = (),
    free: bool = True,
) -> Line:
    """Fit a line; rows of a person are to stand together, so that folds of rows in a row are other people.

    `beforehand`: log-odds of the rows that are known before, to which the line adds. Much is known by them,
    so that of the option only what is done stays free. `left_out`: columns that count nothing. Not `free`:
    what the option is, is held back as what the debtor is."""
    columns = _wide(matrix, names, _Seen.of(matrix).middle)
    seen = _Seen.of(columns)
    plain = Line(tuple(names), seen.low, seen.high, seen.middle, seen.spread, (), np.empty(0))
    scaled = plain._scaled(matrix)
    every = (*names, *derived(matrix[:0], names))
    option = np.array([is_option(name) or place >= len(names) for place, name in enumerate(every)])
    pairs = _pairs(scaled, y, option, seen.flags, seen.varied)
    loose = (option if beforehand is None else option & seen.flags) & free
    kinds = [
        LEFT_OUT if name in left_out else OPTION if loose[at] else DEBTOR for at, name in enumerate(every)
    ]
    kinds += [PRODUCT] * len(pairs)
    design, known = _multiplied(scaled, pairs), 0.0 if beforehand is None else beforehand
    held = min(HELD, key=lambda each: _unseen_loss(design, y, _penalty(kinds, each), known))
    weights = np.append(*ridge(design, y, _penalty(kinds, held), beforehand=known))
    return replace(plain, pairs=pairs, weights=weights)


@dataclass(frozen=True)
class _Seen:
    """Of each column what was seen of it: its edges, mean and spread (1 where it never varied, `varied` the
    bare one), and whether it is a flag. A column that was never known counts as zeros."""

    low: Any
    high: Any
    middle: Any
    spread: Any
    varied: Any
    flags: Any

    @classmethod
    def of(cls, columns: Any) -> _Seen:
        columns = np.where(~np.isnan(columns).all(axis=0), columns, 0.0)
        low, high = np.nanquantile(columns, EDGES, axis=0)
        flags = np.array([bool(np.isin(column[~np.isnan(column)], (0.0, 1.0)).all()) for column in columns.T])
        low, high = np.where(flags, 0.0, low), np.where(flags, 1.0, high)
        columns = np.clip(columns, low, high)
        varied = np.nanstd(columns, axis=0)
        spread = np.where(varied > 1e-9, varied, 1.0)
        return cls(low, high, np.nanmean(columns, axis=0), spread, varied, flags)


def _penalty(kinds: Sequence[int], held: float) -> Any:
    """By kind of column: option, debtor, product, left out."""
    return np.array([FREE, held, PRODUCTS_HELD * held, OUT])[list(kinds)]


def _pairs(scaled: Any, y: Any, option: Any, flags: Any, spread: Any) -> tuple[tuple[int, int], ...]:
    """The debtor's columns that go with the outcome most, each with what an option is."""
    apart = y - y.mean()
    strength = np.abs(apart @ scaled) / np.sqrt(len(y))
    debtor = [place for place in np.argsort(-strength, kind="stable") if not option[place]][:MOST_DEBTOR]
    varied = np.where(option & flags, spread, 0.0)
    kinds = [place for place in np.argsort(-varied, kind="stable")[:MOST_FLAGS] if varied[place] > 0]
    return tuple((int(one), int(other)) for one in sorted(debtor) for other in sorted(kinds))


def _multiplied(scaled: Any, pairs: Sequence[tuple[int, int]]) -> Any:
    parts = [scaled]
    if pairs:
        first, second = (list(side) for side in zip(*pairs, strict=True))
        parts.append(scaled[:, first] * scaled[:, second])
    return np.column_stack(parts)


def _unseen_loss(design: Any, y: Any, penalty: Any, known: Any) -> float:
    def fitted(x: Any, told: Any, before: Any) -> tuple[Any, float]:
        return ridge(x, told, penalty, beforehand=before)

    return log_loss(known + unseen(design, y, fitted, known, FOLDS), y)


@dataclass(frozen=True)
class Pressure:
    """The chance of harm of contacts, by how often the debtor was contacted lately and by which channel: a
    few columns held to a prior, since a handful of cases is all that there is at first."""

    names: tuple[str, ...]
    flags: tuple[int, ...]
    weights: Any

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        return _pressing(matrix, self.names, self.flags) @ self.weights[:-1] + self.weights[-1]

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {"names": self.names, "flags": self.flags, "weights": self.weights.tolist()}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Pressure:
        """The inverse of `to_json`."""
        return cls(tuple(kept["names"]), tuple(kept["flags"]), np.array(kept["weights"]))


def draw_pressure(matrix: Any, y: Any, names: Sequence[str], flags: Sequence[int]) -> Pressure:
    """Fit it on contacts."""
    design, towards = _pressing(matrix, names, flags), _held_weights(flags)[:-1]
    penalty = np.full(design.shape[1], FREE)
    return Pressure(tuple(names), tuple(flags), np.append(*ridge(design, y, penalty, towards=towards)))


def held_pressure(matrix: Any, y: Any, names: Sequence[str], flags: Sequence[int]) -> Pressure:
    """What is held of harm, at the level of these contacts, where they have too little of it to fit."""
    weights = _held_weights(flags)
    share = (float(np.sum(y)) + 0.5) / (len(y) + 1)
    weights[-1] = np.log(share / np.exp(_pressing(matrix, names, flags) @ weights[:-1]).mean())
    return Pressure(tuple(names), tuple(flags), weights)


def _held_weights(flags: Sequence[int]) -> Any:
    weights = np.zeros(len(WEEKS) + len(flags) + 1)
    weights[WEEKS.index(30)] = PRESSURE
    return weights


def _pressing(matrix: Any, names: Sequence[str], flags: Sequence[int]) -> Any:
    found = derived(matrix, names)
    contacts = [found[f"contacts_{days}d"] for days in WEEKS]
    return np.column_stack([*contacts, np.nan_to_num(matrix[:, list(flags)])])
