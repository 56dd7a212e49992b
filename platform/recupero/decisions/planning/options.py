"""The options of a plan with their values, made for one part of the people after another.

What an option is judged and valued by takes hundreds of bytes; what a plan goes on with, far fewer. Each part
is asked about, valued and cut down to that before the next begins, so that memory grows with the latter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.advice import promise_chances
from recupero.decisions.history import vectors
from recupero.decisions.history.features import FeatureTable
from recupero.decisions.learning import serving, valuing
from recupero.decisions.planning import candidates, choosing, policies, timing
from recupero.decisions.planning.best_time import Planned
from recupero.decisions.planning.candidates import Candidates, Tally
from recupero.decisions.planning.phases import phase
from recupero.decisions.strategies.strategy import Strategy
from recupero.kernel.database import Scope, scope_of
from recupero.law.batch import Known
from recupero.law.service import Packs

if TYPE_CHECKING:
    import polars as pl

#: Accounts that are worked through at a time, and parts that are valued while the law is asked about more.
PART, VALUERS = 20_000, 2
#: What a plan goes on with: to choose within limits, to write down and to schedule.
_KEPT = (
    "account", "debtor", "person", "portfolio", "branch", "currency", "balance_minor", "stage", "language",
    "situations", "template", "channel", "moment", "tone", "led_by", "script_version", "persona",
    "offer_kind",
    "busy",
    "waiting_channel", "waiting_template", "waiting_due", "waiting_proposed", "cost_minor", "value_minor",
    "annoyance_minor", "enough",
)  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """What the options of all parts have in common. `counted` are attempts and answers by channel, `later`
    moments of the week that are worth asking about."""

    session: Session
    at: datetime
    strategies: Mapping[int, Strategy]
    commission: Mapping[int, float]
    carried: tuple[str, ...]
    by_machine: bool
    law: Packs
    times: Planned
    counted: Mapping[str, tuple[int, int]]
    later: Mapping[str, Sequence[datetime]]
    table: FeatureTable
    known: Known = field(default_factory=Known)


def options_of(
    terms: Terms, worked: pl.DataFrame, history: pl.DataFrame, tally: Tally
) -> tuple[Candidates, valuing.Told]:
    """The lawful options of the accounts, sorted by person, with their values, and the refusals; beside them
    which model valued them. Where it fails all are valued in the strategy's order."""
    told = valuing.serving_now(scope_of(terms.session))
    try:
        mine = Tally()
        found = _together(terms, worked, history, mine, told)
    except valuing.Broken as broken:
        told, mine = broken.told, Tally()
        found = _together(terms, worked, history, mine, told)
    tally.blocked.update(mine.blocked)
    context = policies.Context(scope_of(terms.session).tenant(), terms.at, terms.table)
    return Candidates(policies.applied(found.options, context), found.refused), told


def _together(
    terms: Terms, worked: pl.DataFrame, history: pl.DataFrame, tally: Tally, told: valuing.Told
) -> Candidates:
    import polars as pl

    refused, valued = [], list[Future[pl.DataFrame]]()
    with ThreadPoolExecutor(VALUERS) as valuers:
        for some, past in _parts(worked, history):
            with phase("law"):
                found = candidates.lawful(
                    some, past, terms.strategies, terms.carried, terms.at, tally, terms.law,
                    by_machine=terms.by_machine, later=terms.later, known=terms.known,
                )  # fmt: skip
                refused.append(found.refused)
                options = vectors.described(
                    terms.session, found.options, terms.strategies, by_machine=terms.by_machine
                )
            if len(valued) >= VALUERS:
                with phase("values"):
                    valued[-VALUERS].result()  # the law is not asked about more than can be valued
            valued.append(valuers.submit(_valued, terms, scope_of(terms.session), options, told))
            del found, options
        with phase("values"):
            return Candidates(pl.concat(part.result() for part in valued), pl.concat(refused))


def _parts(worked: pl.DataFrame, history: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The accounts in parts, one person's together, each with the history of its people."""
    if len(worked) <= PART:
        yield worked, history
        return
    worked, history = worked.sort("person", maintain_order=True), history.sort("person", maintain_order=True)
    people, heard = worked["person"].to_numpy(), history["person"].to_numpy()
    firsts = people[PART::PART]
    cuts = [0, *np.unique(np.searchsorted(people, firsts)).tolist(), len(people)]
    pasts = [0, *np.searchsorted(heard, people[cuts[1:-1]]).tolist(), len(heard)]
    for place in range(len(cuts) - 1):
        yield worked[cuts[place] : cuts[place + 1]], history[pasts[place] : pasts[place + 1]]


def _valued(terms: Terms, scope: Scope, options: pl.DataFrame, told: valuing.Told) -> pl.DataFrame:
    """The options of a part with their values. Asks nothing of the session, which is in use meanwhile."""
    import polars as pl

    options = timing.timed(options, terms.times.cold, terms.strategies, terms.at, terms.times.factors)
    counted = terms.counted
    if told.alarm:
        options, counted = options.with_columns(p=pl.lit(serving.PRIOR)), {}
    options = choosing.with_values(options, terms.strategies, terms.commission, counted, terms.carried)
    options = promise_chances.followed(options)
    if told.served is None:
        return _cut(options)
    return _cut(valuing.by_model(
        scope, told.served, options, terms.table, terms.strategies, terms.commission, terms.at
    ))  # fmt: skip


def _cut(options: pl.DataFrame) -> pl.DataFrame:
    """Without what the choice and the record do not ask for; another policy than the champion may ask for
    anything."""
    if policies.current() is not policies.CHAMPION:
        return options
    return options.select(name for name in _KEPT if name in options.columns)
