"""`recupero demo`: the main job on invented people, without a web server."""

import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import click

from recupero.contacts.replaying import replay_contacts
from recupero.demo import agency as demo
from recupero.demo import load, outcome
from recupero.kernel import clock, command, engines, migrate, runtime
from recupero.kernel.config import Config
from recupero.kernel.errors import UserError
from recupero.tenancy.queries import agency_scopes
from recupero.wiring import wire


@click.command(name="demo")
@click.option("--once", is_flag=True, required=True, help="Run the main job once and exit.")
@click.option("--accounts", default=load.ACCOUNTS, show_default=True, type=click.IntRange(10, 1_000_000))
@click.option("--days", default=load.DAYS, show_default=True, type=click.IntRange(1, 730))
@click.option("--seed", default=load.SEED, show_default=True, type=int)
@command.data_dir_option
@command.json_option
@command.answers
def demo_command(
    once: bool, accounts: int, days: int, seed: int, data_dir: Path | None, as_json: bool
) -> None:
    """Import, plan, carry out, pay, book and report over simulated days, on a fresh data directory."""
    with ExitStack() as stack:
        folder = data_dir or stack.enter_context(engines.throwaway_folder("recupero-demo-"))
        running = stack.enter_context(engines.use(folder, durable=data_dir is not None))
        migrate.upgrade(_config(running).owner_database_url)
        platform = runtime.start(_config(running), waits_for_disk=False)
        stack.callback(runtime.stop)
        wire()
        kept = platform.config.reports_dir if data_dir else Path(tempfile.mkdtemp(prefix="recupero-reports-"))
        result = run_once(platform, accounts=accounts, days=days, seed=seed, reports=kept)
    lawful = result["illegal_contacts"] == 0 and result["ledger_balanced"]
    command.finish(result, as_json=as_json, ok=bool(lawful))


def run_once(
    platform: runtime.Runtime, *, accounts: int, days: int, seed: int, reports: Path
) -> dict[str, Any]:
    """The main job and its summary (the keys of the contracts page). The reports are written to `reports`,
    which outlives a data directory made for the run."""
    if agency_scopes(platform.database):
        raise UserError("demo --once needs a fresh data directory: name an empty one with --data-dir")
    began = monotonic()
    with clock.simulated(load.first_day(clock.now(), days)):
        agency, tenants = demo.create(platform)
        demo.create_users(platform, agency, tenants)
        loaded, _ = load.run(
            platform, agency, tenants, accounts=accounts, days=days, seed=seed,
            say=lambda line: click.echo(line, err=True),
        )  # fmt: skip
        clock.advance(timedelta(hours=1))
        summary = outcome.summary(platform, agency, reports)
    replayed = replay_contacts(platform.database)
    return {
        "accounts_imported": loaded.accepted,
        "rejected": loaded.rejected,
        "quarantined": loaded.quarantined,
        **summary,
        "illegal_contacts": len(replayed.illegal),
        "seconds": round(monotonic() - began, 1),
    }


def _config(running: engines.Engines) -> Config:
    return Config.build(
        running.data_dir, owner_database_url=running.owner_database_url, redis_url=running.redis_url
    )
