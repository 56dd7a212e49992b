"""`recupero bench plan`: a whole plan, every permitted option valued by the served models, against the bare
predictions of the same rows by the same models, in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection, create_engine, text

from recupero.decisions.planning import phases
from recupero.kernel import clock, command, events, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.placements import service as placements
from recupero.tenancy import bench as tenancy_bench
from recupero_sdk.models import Columns

if TYPE_CHECKING:
    from recupero.decisions.history.features import FeatureTable
    from recupero.kernel.engines import Engines

_NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
_LEARNED_ON = 5_000  # accounts that the model is trained on at most
TAUGHT = 6_000  # options that the model of actions is fitted on
#: What the vectors of an option say of its account beside the features.
_OF_ACCOUNTS = ("clock_zone", "last_at", "talked_agent", "talked_voice", "answered_text")


@click.command("plan")
@click.option(
    "--n", "count", type=click.IntRange(min=300), default=100_000, show_default=True, help="Accounts."
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True,
    help="Plans, one simulated day after the other; medians are told.",
)  # fmt: skip
@click.option(
    "--all-models", is_flag=True,
    help="Let models of points and of hours serve, too; the reference is without them.",
)  # fmt: skip
@command.json_option
@command.answers
def plan_bench(count: int, rounds: int, all_models: bool, as_json: bool) -> None:
    """Features, scores of all permitted options, law, choice, decisions and actions written; the reference is
    the models' prediction alone."""
    began = time.perf_counter()
    with throwaway.platform(durable=False) as (running, engines), clock.simulated(_NOW):
        events.wired()
        learned = _tenant(running, "learn", min(count, _LEARNED_ON))
        planned = _tenant(running, "plan", count)
        _learn(running, learned, planned)
        _teach(planned, _options(running, planned))
        if all_models:
            _teach_places_and_times(planned)
        ready = time.perf_counter() - began
        result = _measure(running, planned, count, rounds, _meter(engines))
    command.finish({**result, "setup_seconds": round(ready, 1)}, as_json=as_json)


def _tenant(running: runtime.Runtime, slug: str, count: int) -> Scope:
    """An agency of one creditor with `count` made-up accounts placed two months ago."""
    from recupero.decisions.filling import Filling, fill

    scope = tenancy_bench.creditor(running, tenancy_bench.agency(running, slug), slug)
    with running.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name="bench", country="CL", currency="CLP", product="loan", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
        portfolio_id = portfolio.id
    owner = create_engine(running.config.owner_database_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection, _unheeded(connection):
        with running.database.transaction(scope) as session:
            fill(session, portfolio_id, Filling(count, clock.now() - timedelta(days=60)))
        connection.execute(text("ANALYZE"))
    owner.dispose()
    return scope


@contextmanager
def _unheeded(owner: Connection) -> Iterator[None]:
    """Without the triggers of the tables that are filled: keys are right by construction, and the upkeep of
    reports, which nobody reads here, would take most of the filling."""
    from recupero.decisions.filling import FILLED

    for table in FILLED:
        owner.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    yield
    for table in FILLED:
        owner.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))


def _meter(engines: Engines) -> Callable[[], phases.Spent]:
    """What reads the time, and the processor time of this process and of PostgreSQL's, in seconds."""
    import psutil

    server = next(each for each in engines.own if each.name == "postgresql")
    assert server.child is not None
    postgres = psutil.Process(server.child.pid)

    def read() -> phases.Spent:
        database = [_cpu(each) for each in (postgres, *postgres.children(recursive=True))]
        return time.perf_counter(), time.process_time(), sum(database)

    return read


def _cpu(process: Any) -> float:
    """Processor time of a process and of those that it started and that have ended, in seconds."""
    import psutil

    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:  # ended since it was listed: its parent has its time
        return 0.0


def _measure(
    running: runtime.Runtime, planned: Scope, count: int, rounds: int, meter: Callable[[], phases.Spent]
) -> dict[str, Any]:
    from recupero.decisions.learning import serving
    from recupero.decisions.service import plan_tenant

    seconds, reference, in_blocks, spent = [], [], [], []
    for _ in range(rounds):
        asked = _options(running, planned)  # the rows of this very plan
        reference.append(_bare(planned, asked))
        in_blocks.append(_bare(planned, asked, serving.BLOCK))
        del asked
        with phases.watched(meter) as watch:
            began = meter()
            result = plan_tenant(running.database, planned)
            watch.end(began)
        spent.append(watch.phases)
        seconds.append(result.seconds)
        clock.advance(timedelta(days=1))
    peak = throwaway.peak_mib()
    own, bare = statistics.median(seconds), statistics.median(reference)
    table = _phases(spent)
    return {
        "n": count, "seconds": round(own, 3), "rate": round(count / own),
        "reference": "prediction by the champions of the same rows",
        "reference_seconds": round(bare, 3), "reference_rate": round(count / bare),
        "ratio": round(bare / own, 4), "times_the_prediction": round(own / bare, 2),
        "reference_in_blocks_seconds": round(statistics.median(in_blocks), 3),
        "own_cpu_seconds": table[phases.WHOLE]["own_cpu"],
        "database_cpu_seconds": table[phases.WHOLE]["database_cpu"], "phases": table,
        "peak_mib": round(peak), "planned": result.planned, "candidates": result.candidates,
        "rounds": seconds,
        "notes": result.notes,
    }  # fmt: skip


def _phases(spent: Sequence[Mapping[str, phases.Spent]]) -> dict[str, dict[str, float]]:
    """Medians by phase: seconds, and those of processor time of the plan's own process and of the
    database's."""
    names = ("seconds", "own_cpu", "database_cpu")
    return {
        phase: {
            name: round(statistics.median(each.get(phase, (0.0,) * len(names))[place] for each in spent), 2)
            for place, name in enumerate(names)
        }
        for phase in spent[-1]
    }


@dataclass(frozen=True)
class Asked:
    """What a plan asks its models about: the accounts by their features, the options, the accounts that have
    some, and what is known of these beside."""

    table: FeatureTable
    options: Any
    waiting: Any
    known: Any
    at: datetime

    def columns(self, options: Any) -> dict[str, Any]:
        """The columns of some of the options, or of the waiting of accounts."""
        from recupero.decisions.learning import valuing

        told = options.join(self.known, on="account", how="left", maintain_order="left")
        return valuing.columns_of(told, self.table, self.at)


def _learn(running: runtime.Runtime, learned: Scope, planned: Scope) -> None:
    """Register a model of who pays for the tenant that is planned, fitted on the other's history."""
    from recupero.decisions.history import dataset, feature_list
    from recupero.decisions.learning import models

    kind = models.kind_of("propensity")
    with running.database.transaction(learned) as session:
        data = dataset.build(session, clock.now())
    training = kind.train(Columns(data.values, len(data)), data.target)
    _serve(planned, kind.key, kind.dump(training.fitted), feature_list.NAMES)


def _teach_places_and_times(planned: Scope) -> None:
    """Register models of points and of hours that were fitted on invented attempts."""
    import numpy as np

    from recupero.decisions.advice import point_ranking
    from recupero.decisions.history.point_features import POINT_NAMES
    from recupero.decisions.history.when_features import WHEN_NAMES
    from recupero.decisions.learning import models
    from recupero.decisions.planning import best_time

    random = np.random.default_rng(0)
    for key, names in ((point_ranking.KIND, POINT_NAMES), (best_time.KIND, WHEN_NAMES)):
        columns = {name: random.integers(0, 20, TAUGHT).astype(np.float64) for name in names}
        likely = sum(columns.values()) / (20 * len(names))
        reached = (random.random(TAUGHT) < likely).astype(np.float64)
        kind = models.kind_of(key)
        training = kind.train(Columns(columns, TAUGHT), reached)
        _serve(planned, key, kind.dump(training.fitted), names)


def _serve(planned: Scope, kind: str, blob: bytes, names: Sequence[str]) -> None:
    from recupero.decisions.learning import registry

    name = registry.name_of(kind, agency_id=planned.agency())
    made = registry.register(name, registry.Finished(kind, blob, names, {}, {}, {}, {}))
    registry.set_alias(name, registry.CHAMPION, made.version)


def _options(running: runtime.Runtime, planned: Scope) -> Asked:
    """The permitted options of the plan of now; nothing is written."""
    from recupero.decisions.service import PlanResult, think

    at = clock.now()
    with running.database.transaction(planned) as session:
        thought = think(session, at, PlanResult(planned.tenant()))
    options = thought.found.options  # without what only judging and valuing them asked for
    known = thought.worked.select("account", *_OF_ACCOUNTS)
    return Asked(thought.table, options, options.unique("account", maintain_order=True), known, at)


def _teach(planned: Scope, asked: Asked) -> None:
    """Register a model of actions that was fitted on some of the plan's own options with invented outcomes:
    who pays hangs on age and channel, so that there is something to find."""
    import numpy as np

    from recupero.decisions.learning import valuing

    kind = runtime.current().plugins.actions[valuing.KIND]
    random = np.random.default_rng(0)
    some = asked.options.sample(min(len(asked.options), TAUGHT), seed=0)
    columns = asked.columns(some)
    chance = 0.05 + 0.2 * (columns["days_past_due"] < 120) * (some["channel"] == "email").to_numpy()
    outcomes = {
        name: (random.random(len(some)) < share).astype(np.float64)
        for name, share in (("paid", chance), ("harm", 0.03), ("reached", 2 * chance))
    }
    training = kind.train(
        Columns(columns, len(some)), outcomes, propensity=np.full(len(some), 0.25),
        groups=some["person"].to_numpy(),
    )  # fmt: skip
    _serve(planned, kind.key, kind.dump(training.fitted), tuple(columns))


def _bare(planned: Scope, asked: Asked, rows: int | None = None) -> float:
    """Seconds that the served models take for their predictions alone, as many rows at a time as there are,
    or so many: every account by the one, every option and every waiting by the other. Their columns are ready
    beforehand."""
    from recupero.decisions.learning import serving, valuing

    accounts, actions = serving.champion(planned), valuing.champion(planned)
    assert accounts is not None
    assert actions is not None
    spent = _predicting(accounts, serving.columns_of(accounts, asked.table), rows)
    for options in (asked.waiting, asked.options):
        for start in range(0, len(options), valuing.SLICE):
            some = options[start : start + valuing.SLICE]
            columns = asked.columns(some)
            ready = Columns({name: columns[name] for name in actions.names}, len(some))
            spent += _predicting(actions, ready, rows)
    return spent


def _predicting(served: Any, ready: Columns, rows: int | None) -> float:
    """Seconds for the predictions of a model, all at once or so many rows at a time."""
    spent, rows = 0.0, rows or ready.rows
    for start in range(0, ready.rows, rows):
        part = {name: column[start : start + rows] for name, column in ready.values.items()}
        some = Columns(part, min(rows, ready.rows - start))
        began = time.perf_counter()
        served.kind.predict(served.fitted, some)
        spent += time.perf_counter() - began
    return spent
