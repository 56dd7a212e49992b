"""`recupero bench plan`: a whole plan, every permitted option valued by the served models, against the bare
predictions of the same rows by the same models, in the same run."""

from __future__ import annotations

import pickle
import resource
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import create_engine, text

from recupero.kernel import clock, command, events, runtime, throwaway
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.placements import service as placements
from recupero.tenancy import service as tenancy
from recupero_sdk.models import Columns

if TYPE_CHECKING:
    from recupero.decisions.features import FeatureTable

_NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
_LEARNED_ON = 5_000  # accounts that the model is trained on, whatever is planned
TAUGHT = 6_000  # options that the model of actions is fitted on
ROUNDS = 3


@click.command("plan")
@click.option(
    "--n", "count", type=click.IntRange(min=1000), default=100_000, show_default=True, help="Accounts."
)
@command.json_option
@command.answers
def plan_bench(count: int, as_json: bool) -> None:
    """Features, scores of all permitted options, law, choice, decisions and actions written; the reference is
    the models' prediction alone."""
    with throwaway.platform(durable=False) as (running, engines), clock.simulated(_NOW):
        events.wired()
        learned, planned = _tenant(running, "learn", _LEARNED_ON), _tenant(running, "plan", count)
        result = _measure(running, learned, planned, count, engines.data_dir / "asked")
    command.finish(result, as_json=as_json)


def _tenant(running: runtime.Runtime, slug: str, count: int) -> Scope:
    """An agency of one creditor with `count` made-up accounts placed two months ago."""
    from recupero.decisions.filling import Filling, fill

    with running.database.transaction(PLATFORM) as session:
        tenancy.create_agency(
            session, slug=slug, name=slug, country="CL", locale="es", timezone="America/Santiago",
            contact_phone="+56 2 2345 6789", contact_email="bench@example.com",
        )  # fmt: skip
        agency = scope_of(session)
    with running.database.transaction(agency) as session:
        made = tenancy.create_tenant(
            session, slug=slug, name=slug, country="CL", currency="CLP", locale="es",
            timezone="America/Santiago", actor="system",
        )  # fmt: skip
        scope = Scope(agency.agency_id, (made.id,))
    with running.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name="bench", country="CL", currency="CLP", product="loan", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
        fill(session, portfolio.id, Filling(count, clock.now() - timedelta(days=60)))
    owner = create_engine(running.config.owner_database_url)
    with owner.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    owner.dispose()
    return scope


def _measure(
    running: runtime.Runtime, learned: Scope, planned: Scope, count: int, kept: Path
) -> dict[str, Any]:
    from recupero.decisions import models, registry
    from recupero.decisions.service import plan_tenant

    trained = models.train(running.database, learned)
    version = registry.by_alias(trained.name, registry.CHAMPION)
    assert version is not None
    _lend(version, registry.name_of("propensity", agency_id=planned.agency()))
    asked = _options(running, planned)
    _teach(planned, asked)
    # Beside a plan they would take as much memory as the plan.
    with kept.open("wb") as file:
        pickle.dump(asked, file, protocol=5)
    del asked
    seconds, reference, cpu = [], [], []
    for _ in range(ROUNDS):
        with kept.open("rb") as file:
            reference.append(_bare(planned, pickle.load(file)))  # noqa: S301 - written above
        began = time.process_time()
        result = plan_tenant(running.database, planned)
        cpu.append(time.process_time() - began)
        seconds.append(result.seconds)
        clock.advance(timedelta(days=1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    own, bare = statistics.median(seconds), statistics.median(reference)
    return {
        "n": count, "seconds": round(own, 3), "rate": round(count / own),
        "reference": "prediction by the champions of the same rows",
        "reference_seconds": round(bare, 3), "reference_rate": round(count / bare),
        "ratio": round(bare / own, 4), "times_the_prediction": round(own / bare, 2),
        "own_cpu_seconds": round(statistics.median(cpu), 3),  # without the database's
        "peak_mib": round(peak), "planned": result.planned, "candidates": result.candidates,
        "rounds": seconds,
        "notes": result.notes,
    }  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a plan asks its models about: the accounts, and the options and the waiting of each."""

    table: FeatureTable
    options: Any
    waiting: Any
    at: datetime


def _options(running: runtime.Runtime, planned: Scope) -> Asked:
    """The permitted options of the plan of now; nothing is written."""
    from recupero.decisions.service import PlanResult, think

    at = clock.now()
    with running.database.transaction(planned) as session:
        thought = think(session, at, PlanResult(planned.tenant()))
    options = thought.found.options  # without what only judging and valuing them asked for
    known = thought.worked.drop([name for name in options.columns if name != "account"], strict=False)
    options = options.join(known, on="account", how="left", maintain_order="left")
    return Asked(thought.table, options, options.unique("account", maintain_order=True), at)


def _teach(planned: Scope, asked: Asked) -> None:
    """Register a model of actions that was fitted on some of the plan's own options with invented outcomes:
    who pays hangs on age and channel, so that there is something to find."""
    import numpy as np

    from recupero.decisions import registry, valuing

    kind = runtime.current().plugins.actions[valuing.KIND]
    random = np.random.default_rng(0)
    some = asked.options.sample(min(len(asked.options), TAUGHT), seed=0)
    columns = valuing.columns_of(some, asked.table, asked.at)
    chance = 0.05 + 0.2 * (columns["days_past_due"] < 120) * (some["channel"] == "email").to_numpy()
    outcomes = {
        name: (random.random(len(some)) < share).astype(np.float64)
        for name, share in (("paid", chance), ("harm", 0.03), ("reached", 2 * chance))
    }
    names = tuple(columns)
    training = kind.train(
        Columns(columns, len(some)), outcomes, propensity=np.full(len(some), 0.25),
        groups=some["person"].to_numpy(),
    )  # fmt: skip
    name = registry.name_of(valuing.KIND, agency_id=planned.agency())
    finished = registry.Finished(kind.key, kind.dump(training.fitted), names, {}, {}, {}, {})
    made = registry.register(name, finished)
    registry.set_alias(name, registry.CHAMPION, made.version)


def _bare(planned: Scope, asked: Asked) -> float:
    """Seconds that the served models take for their predictions alone: every account by the one, every option
    and every waiting by the other. Their columns are ready beforehand."""
    from recupero.decisions import serving, valuing

    accounts, actions = serving.champion(planned), valuing.champion(planned)
    assert accounts is not None
    assert actions is not None
    ready = serving.columns_of(accounts, asked.table)
    began = time.perf_counter()
    accounts.kind.predict(accounts.fitted, ready)
    spent = time.perf_counter() - began
    for options in (asked.waiting, asked.options):
        for start in range(0, len(options), valuing.SLICE):
            some = options[start : start + valuing.SLICE]
            columns = valuing.columns_of(some, asked.table, asked.at)
            ready = Columns({name: columns[name] for name in actions.names}, len(some))
            began = time.perf_counter()
            actions.kind.predict(actions.fitted, ready)
            spent += time.perf_counter() - began
    return spent


def _lend(version: Any, name: str) -> None:
    """Register the trained model under another agency's name, which has no history of its own here."""
    from recupero.decisions import registry

    blob, features = registry.read_blob(version)
    made = registry.register(name, registry.Finished("propensity", blob, features, {}, {}, {}, {}))
    registry.set_alias(name, registry.CHAMPION, made.version)
