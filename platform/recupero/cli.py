"""The command line: `recupero …`. Each room brings its own commands in its `cli.py`."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import click

from recupero import serving
from recupero.contacts.cli import replay
from recupero.decisions.bench import plan_bench
from recupero.decisions.cli import decisions, models, plan
from recupero.demo import load as demo_agency
from recupero.demo.cli import demo_command
from recupero.kernel import audit, command, engines, logs, migrate
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.kernel.plugins import Plugins
from recupero.kernel.workers import schedule as run_schedule
from recupero.kernel.workers import work as process_jobs
from recupero.kernel.workers import work_many as run_workers
from recupero.law.cli import law_commands
from recupero.law.service import Packs
from recupero.ledger.cli import ledger
from recupero.outreach.bench import execute_bench
from recupero.placements.bench import import_bench
from recupero.placements.cli import import_command
from recupero.reports.cli import report
from recupero.tenancy import queries as tenancy
from recupero.tenancy import rotation
from recupero.wiring import wire


@click.group()
@click.version_option(package_name="recupero")
def main() -> None:
    """Recupero, the collection platform."""
    logs.configure()
    wire()


@main.group()
def bench() -> None:
    """Benchmarks, each with its reference measured in the same run."""


def _installed_packs() -> Packs:
    plugins = Plugins.load()
    return Packs.of(plugins.packs.values(), plugins.failed_countries())


bench.add_command(execute_bench)
bench.add_command(import_bench)
bench.add_command(plan_bench)
main.add_command(demo_command)
main.add_command(import_command)
law = law_commands(_installed_packs)
law.add_command(replay)
main.add_command(law)
main.add_command(ledger)
main.add_command(decisions)
main.add_command(models)
main.add_command(plan)
main.add_command(report)


@main.group()
def db() -> None:
    """The database's schema."""


@db.command()
@command.data_dir_option
@command.json_option
@command.answers
def upgrade(data_dir: Path | None, as_json: bool) -> None:
    """Bring the database to this version's schema."""
    with engines.use(data_dir or engines.default_data_dir()) as running:
        revision = migrate.upgrade(_owner(running))
        problems = migrate.check(_owner(running))
    command.finish({"revision": revision, "problems": problems}, as_json=as_json, ok=not problems)


@db.command()
@command.data_dir_option
@command.json_option
@command.answers
def check(data_dir: Path | None, as_json: bool) -> None:
    """Prove migrations, row-level security, roles and key discipline."""
    with engines.use(data_dir or engines.default_data_dir()) as running:
        problems = migrate.check(_owner(running))
    command.finish({"problems": problems}, as_json=as_json, ok=not problems)


@main.command()
@click.option("--burst", is_flag=True, help="Stop when nothing is left to do.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@command.data_dir_option
@command.answers
def work(burst: bool, workers: int, data_dir: Path | None) -> None:
    """Carry out jobs."""
    with command.opened(data_dir) as platform:
        wire()
        if workers == 1:
            process_jobs(burst=burst)
        else:
            sys.exit(run_workers(workers, platform.config.data_dir, burst=burst))


@main.command()
@command.data_dir_option
@command.answers
def schedule(data_dir: Path | None) -> None:
    """Ask for periodic jobs at their times and send again what was lost."""
    with command.opened(data_dir):
        wire()
        run_schedule()


@main.command()
@click.option("--demo", is_flag=True, help="Load the demo agency if this data directory has none yet.")
@click.option("--host", default=serving.HOST, show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@command.data_dir_option
@command.answers
def up(demo: bool, host: str, port: int, workers: int, data_dir: Path | None) -> None:
    """Start PostgreSQL, Redis, web, workers and scheduler; Ctrl-C stops them all."""
    serving.serve(
        data_dir or engines.default_data_dir(),
        host=host,
        port=port,
        workers=workers,
        prepare=demo_agency.prepare if demo else None,
        say=lambda line: click.echo(line, err=True),
    )


@main.group()
def plugin() -> None:
    """Plug-ins."""


@plugin.command(name="list")
@command.json_option
@command.answers
def list_plugins(as_json: bool) -> None:
    """Installed plug-ins, what they register, and why one failed."""
    states = [asdict(state) for state in Plugins.load().states]
    if as_json:
        command.finish({"plugins": states}, as_json=True)
        return
    for state in states:
        outcome = f"FAILED: {state['error']}" if state["error"] else ", ".join(state["keys"])
        click.echo(f"{state['kind']:<11}{state['name']:<14}{state['version']:<12}{outcome}")


@plugin.command(name="check")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@command.answers
def check_plugin(path: Path) -> None:
    """Run the tests of the plug-in distribution at PATH with the conformance kit; exit 1 where one fails."""
    if not (path / "pyproject.toml").exists() or not (path / "tests").is_dir():
        raise UserError(f"{path} is no plug-in: it needs a pyproject.toml and a folder tests")
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--rootdir",
        str(path),
        "-c",
        str(path / "pyproject.toml"),
    ]
    done = subprocess.run([*pytest, "--import-mode=importlib", str(path / "tests")], check=False)
    sys.exit(0 if done.returncode == 0 else 1)


@main.group()
def keys() -> None:
    """The keys that personal data is encrypted with."""


@keys.command()
@command.data_dir_option
@command.json_option
@command.answers
def rotate(data_dir: Path | None, as_json: bool) -> None:
    """Make a new key and re-encrypt every personal field under it."""
    with command.opened(data_dir) as platform:
        command.finish({"rewritten": rotation.rotate(platform.database, platform.config)}, as_json=as_json)


@main.group(name="audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command()
@command.data_dir_option
@command.json_option
@command.answers
def verify(data_dir: Path | None, as_json: bool) -> None:
    """Walk every agency's hash chain."""
    problems: list[str] = []
    events = 0
    with command.opened(data_dir) as platform:
        for agency in tenancy.agency_scopes(platform.database):
            with platform.database.transaction(Scope(agency.agency_id)) as session:
                problems += [f"agency {agency.agency_id}: {problem}" for problem in audit.verify(session)]
                events += audit.count(session)
    command.finish({"events": events, "problems": problems}, as_json=as_json, ok=not problems)


def _owner(running: engines.Engines) -> str:
    return running.owner_database_url.replace("postgresql://", "postgresql+psycopg://", 1)


if __name__ == "__main__":
    main()
