"""`recupero bench plan`: a whole plan against the champion's bare prediction of the same rows, in the same
run."""

import resource
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from sqlalchemy import create_engine, text

from recupero.kernel import clock, command, events, runtime, throwaway
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.placements import service as placements
from recupero.tenancy import service as tenancy

_NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
_LEARNED_ON = 5_000  # accounts that the model is trained on, whatever is planned
ROUNDS = 3


@click.command("plan")
@click.option(
    "--n", "count", type=click.IntRange(min=1000), default=100_000, show_default=True, help="Accounts."
)
@command.json_option
@command.answers
def plan_bench(count: int, as_json: bool) -> None:
    """Features, scores, law, choice, decisions and actions written; the reference is LightGBM's prediction
    alone."""
    with throwaway.platform(durable=False) as (running, _engines), clock.simulated(_NOW):
        events.wired()
        learned, planned = _tenant(running, "learn", _LEARNED_ON), _tenant(running, "plan", count)
        result = _measure(running, learned, planned, count)
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


def _measure(running: runtime.Runtime, learned: Scope, planned: Scope, count: int) -> dict[str, Any]:
    from recupero.decisions import models, registry, serving
    from recupero.decisions.features import read_features
    from recupero.decisions.service import plan_tenant

    trained = models.train(running.database, learned)
    version = registry.by_alias(trained.name, registry.CHAMPION)
    assert version is not None
    _lend(version, registry.name_of("propensity", agency_id=planned.agency()))
    served = serving.champion(planned)
    assert served is not None
    with running.database.transaction(planned) as session:
        table = read_features(session, clock.now())
    seconds, reference, cpu = [], [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        serving.predict(served, table)
        reference.append(time.perf_counter() - began)
        began = time.process_time()
        result = plan_tenant(running.database, planned)
        cpu.append(time.process_time() - began)
        seconds.append(result.seconds)
        clock.advance(timedelta(days=1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    own, bare = statistics.median(seconds), statistics.median(reference)
    return {
        "n": count, "seconds": round(own, 3), "rate": round(count / own),
        "reference": "prediction by the champion",
        "reference_seconds": round(bare, 3), "reference_rate": round(count / bare),
        "ratio": round(bare / own, 4),
        "own_cpu_seconds": round(statistics.median(cpu), 3),  # without the database's
        "peak_mib": round(peak), "planned": result.planned, "candidates": result.candidates,
        "rounds": seconds,
        "notes": result.notes,
    }  # fmt: skip


def _lend(version: Any, name: str) -> None:
    """Register the trained model under another agency's name, which has no history of its own here."""
    from recupero.decisions import registry

    blob, features = registry.read_blob(version)
    made = registry.register(name, registry.Finished("propensity", blob, features, {}, {}, {}, {}))
    registry.set_alias(name, registry.CHAMPION, made.version)
