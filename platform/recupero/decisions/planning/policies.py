"""Whose word counts when the options of a plan are ranked: the policy in force in this process.

Everything around the ranking stays what it is: holds, pace, law, shared limits, sending, records. A policy
sees what a plan sees, options and features, and nothing else. Outside of simulations `champion` is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history.features import FeatureTable
from recupero.kernel.errors import UserError
from recupero.outreach.actions.kinds import AGREED

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Context:
    """What a policy is told beside the options: whose they are, the plan's moment, and the features of the
    tenant's accounts at that moment."""

    tenant_id: int
    at: datetime
    table: FeatureTable

    def feature(self, name: str, accounts: Ints) -> Floats:
        """One feature for each of these accounts; NaN where it has none."""
        order = np.argsort(self.table.account_id)
        known = self.table.account_id[order]
        if not len(known):
            return np.full(len(accounts), np.nan)
        place = np.minimum(np.searchsorted(known, accounts), len(known) - 1)
        values: Floats = self.table.values[name][order][place]
        return np.where(known[place] == accounts, values, np.nan)


class Policy(Protocol):
    """Ranks the lawful options of a plan."""

    @property
    def name(self) -> str: ...

    def values(self, options: pl.DataFrame, context: Context) -> Floats:
        """One finite value per option, in any unit of its own; 0 or less is never done. `options` has the
        columns of `candidates.lawful` with `p`, `cost_minor` and the champion's `value_minor`."""
        ...


@dataclass(frozen=True)
class Ranked:
    """A policy that is one function of the options."""

    name: str
    rank: Callable[[pl.DataFrame, Context], Floats]

    def values(self, options: pl.DataFrame, context: Context) -> Floats:
        return self.rank(options, context)


def _as_valued(options: pl.DataFrame) -> Floats:
    """What the champion says of the options already."""
    values: Floats = np.where(options["enough"].to_numpy(), options["value_minor"].to_numpy(), 0.0)
    return values


def _champion(options: pl.DataFrame, context: Context) -> Floats:
    return _as_valued(options)


def _wait(options: pl.DataFrame, context: Context) -> Floats:
    return np.zeros(len(options))


def _propensity(options: pl.DataFrame, context: Context) -> Floats:
    """Whoever is likeliest to pay first, each by the strategy's first channel and at the first moment."""
    values: Floats = options["p"].to_numpy() - 1e-9 * _late(options) - 1e-6 * _rank(options)
    return np.maximum(values, 1e-12)


#: The dunning ladder: days since placement, channel. As accounting systems do it (dunning levels with fixed
#: days overdue and a fixed text and medium each), stretched over half a year of agency work. Ours.
LADDER: tuple[tuple[int, str], ...] = (
    (0, "email"), (7, "sms"), (14, "whatsapp"), (21, "call"), (30, "email"), (45, "sms"), (60, "whatsapp"),
    (75, "call"), (90, "email"), (105, "sms"), (120, "whatsapp"), (135, "call"), (150, "email"), (165, "sms"),
)  # fmt: skip
#: A step whose channel is not open for a debtor takes the first of these that is.
INSTEAD = ("email", "sms", "whatsapp", "call", "letter")


def _cadence(options: pl.DataFrame, context: Context) -> Floats:
    """The newest step of the ladder that an account has reached and not been given; longest overdue first."""
    accounts = options["account"].to_numpy()
    placed = np.nan_to_num(context.feature("days_placed", accounts))
    heard = context.feature("days_since_attempt", accounts)
    days = np.array([day for day, _ in LADDER], dtype=np.float64)
    step = np.maximum(np.searchsorted(days, placed, side="right") - 1, 0)
    overdue = np.floor(placed) - days[step]
    due = np.isnan(heard) | (heard > overdue + 0.9)
    channels = options["channel"].to_numpy()
    wanted = np.array([channel for _, channel in LADDER])[step]
    place = np.array([INSTEAD.index(each) if each in INSTEAD else len(INSTEAD) for each in channels])
    liked = np.where(channels == wanted, len(INSTEAD) + 1, len(INSTEAD) - place)
    values: Floats = 1000 + 10 * overdue + liked - 0.1 * _late(options)
    return np.where(due, values, 0.0)


def _late(options: pl.DataFrame) -> Floats:
    """Days from the first moment of the plan's options to each one's: fixed ladders take the first hour."""
    import polars as pl

    moment = pl.col("moment")
    late = (moment - moment.min()).dt.total_seconds() / 86400
    result: Floats = options.select(late).to_series().to_numpy().astype(np.float64)
    return result


def _rank(options: pl.DataFrame) -> Floats:
    order = {channel: float(place) for place, channel in enumerate(INSTEAD)}
    return np.array([order.get(channel, float(len(order))) for channel in options["channel"]])


@dataclass(frozen=True)
class Capped:
    """A policy with at most `room()` contacts a plan, its own most valuable ones: so that policies can be
    compared at equal contacts. What agreements ask for counts, and is never left out."""

    inner: Policy
    room: Callable[[], int]

    @property
    def name(self) -> str:
        return self.inner.name

    def values(self, options: pl.DataFrame, context: Context) -> Floats:
        values, most = _kept(options, self.inner.values(options, context)), self.room()
        people, place = np.unique(options["person"].to_numpy(), return_inverse=True)
        best = np.zeros(len(people))
        np.maximum.at(best, place, values)
        if np.count_nonzero(best > 0) <= most:
            return values
        agreed = np.zeros(len(people), dtype=bool)
        agreed[place[options["template"].is_in(AGREED).to_numpy()]] = True
        order = np.lexsort((people, -best, ~agreed))
        allowed = agreed.copy()
        allowed[order[:most]] = True
        return np.where(allowed[place], values, 0.0)


BUILT_IN: Mapping[str, Policy] = {
    each.name: each
    for each in (
        Ranked("champion", _champion), Ranked("cadence", _cadence), Ranked("propensity", _propensity),
        Ranked("wait", _wait),
    )
}  # fmt: skip
CHAMPION = BUILT_IN["champion"]
_in_force: Policy = CHAMPION


def named(name: str) -> Policy:
    """A policy of the platform's own. Raises UserError on a name that is none."""
    if name not in BUILT_IN:
        raise UserError(
            "unknown policy '%(name)s': use %(known)s", field="policy", name=name, known=", ".join(BUILT_IN)
        )
    return BUILT_IN[name]


def current() -> Policy:
    """The policy by which this process plans."""
    return _in_force


@contextmanager
def use(policy: Policy) -> Iterator[None]:
    """Plan by another policy inside the block; for simulations, in a process that plans nothing else."""
    global _in_force
    before, _in_force = _in_force, policy
    try:
        yield
    finally:
        _in_force = before


def applied(options: pl.DataFrame, context: Context) -> pl.DataFrame:
    """The options with the values of the policy in force; as they are under `champion`.

    Raises ValueError where the policy answers what is no value.
    """
    import polars as pl

    policy = current()
    if policy is CHAMPION or not len(options):
        return options
    values = np.asarray(policy.values(options, context), dtype=np.float64)
    if values.shape != (len(options),) or not np.isfinite(values).all():
        raise ValueError(f"the policy {policy.name} answered no value for each of {len(options)} options")
    values = _kept(options, values)
    return options.with_columns(value_minor=pl.Series(values), enough=pl.Series(values > 0, dtype=pl.Boolean))


def _kept(options: pl.DataFrame, values: Floats) -> Floats:
    """What agreements ask for is worth doing to everybody, at least as the champion does it."""
    agreed = options["template"].is_in(AGREED).to_numpy()
    floor = np.maximum(_as_valued(options), 1.0)
    result: Floats = np.where(agreed, np.maximum(values, floor), values)
    return result
