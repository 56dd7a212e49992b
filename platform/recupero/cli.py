"""The command line: `recupero …`. Each room brings its own commands in its `cli.py`."""

from pathlib import Path

import click

from recupero.kernel import command, engines, migrate


@click.group()
@click.version_option(package_name="recupero")
def main() -> None:
    """Recupero, the collection platform."""


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


def _owner(running: engines.Engines) -> str:
    return running.owner_database_url.replace("postgresql://", "postgresql+psycopg://", 1)


if __name__ == "__main__":
    main()
