"""`recupero db`, `keys`, `audit`: looking after what is stored."""

from pathlib import Path

import click

from recupero.kernel import audit as trail
from recupero.kernel import command, engines, migrate
from recupero.kernel.database import Scope
from recupero.tenancy import queries as tenancy
from recupero.tenancy import rotation


@click.group()
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


@click.group()
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


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command()
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
                problems += [f"agency {agency.agency_id}: {problem}" for problem in trail.verify(session)]
                events += trail.count(session)
    command.finish({"events": events, "problems": problems}, as_json=as_json, ok=not problems)


def _owner(running: engines.Engines) -> str:
    return running.owner_database_url.replace("postgresql://", "postgresql+psycopg://", 1)
