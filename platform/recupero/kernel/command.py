"""What every `recupero` command shares: the data directory, JSON on the last line, and exit codes.

0 success, 1 where what the command checks does not hold, 2 on bad usage or bad input (one line to standard
error). Progress and logs go to standard error; standard output is the answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recupero.kernel.errors import UserError
from recupero.kernel.marking import LANGUAGES

if TYPE_CHECKING:
    from recupero.kernel.plugins import Plugins
    from recupero.kernel.runtime import Runtime

Command = TypeVar("Command", bound=Callable[..., Any])


def data_dir_option(command: Command) -> Command:
    """`--data-dir D`: where the embedded engines keep their data."""
    option = click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="RECUPERO_DATA_DIR",
        default=None,
        help="Folder of the embedded engines, keys and files.",
    )
    return option(command)


def locale_option(command: Command) -> Command:
    """`--locale`: the language of what is written, refused where the house does not write it."""
    return click.option(
        "--locale", callback=_locale, help="Language, such as es, en or pt_BR; the creditor's own by default."
    )(command)


def _locale(_context: click.Context, _option: click.Parameter, told: str | None) -> str | None:
    from babel import Locale, UnknownLocaleError  # only here: most commands write in no language

    if told is None:
        return None
    try:
        parsed = Locale.parse(told.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        parsed = None
    if parsed is None or parsed.language not in LANGUAGES:
        raise click.BadParameter(
            f"'{told}' is none that is written here: use {', '.join(LANGUAGES)}, with a country where that"
            " matters (pt_BR)"
        )
    return told


def json_option(command: Command) -> Command:
    """`--json`: one JSON object on the last line of standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")(
        command
    )


def answers(command: Command) -> Command:
    """Turn a UserError into one clear line and exit code 2."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            where = "".join(
                [
                    f"row {error.row}: " if error.row is not None else "",
                    f"{error.field}: " if error.field else "",
                ]
            )
            click.echo(f"{where}{error.message}", err=True)
            sys.exit(2)

    return wrapped  # type: ignore[return-value]  # wraps() keeps the signature


@contextmanager
def opened(data_dir: Path | None, plugins: Plugins | None = None) -> Iterator[Runtime]:
    """The platform for one command: engines running, runtime started. Without `plugins` each kind of plug-in
    is loaded when it is needed. Raises ClaimConflict where two packs name one country, UserError where the
    database lacks what the command asks for."""
    # Only here: a command that needs no database does not wait for what reaches one.
    from sqlalchemy.exc import DBAPIError

    from recupero.kernel import engines, runtime
    from recupero.kernel.config import Config
    from recupero.kernel.plugins import Plugins

    plugins, folder = plugins or Plugins.installed(), data_dir or engines.default_data_dir()
    with engines.use(folder) as running:
        config = Config.build(
            running.data_dir, owner_database_url=running.owner_database_url, redis_url=running.redis_url
        )
        try:
            yield runtime.start(config, plugins)
        except DBAPIError as error:
            if _migrated(config.owner_database_url):
                raise
            raise UserError(
                "the database of %(folder)s is empty, or older than this version: run `recupero db upgrade"
                " --data-dir %(folder)s` first (`recupero up` does so too)", folder=folder,
            ) from error  # fmt: skip
        finally:
            runtime.stop()


def _migrated(owner_url: str) -> bool:
    """Whether the database has every table that this version knows."""
    from sqlalchemy import create_engine

    from recupero.kernel import migrate

    owner = create_engine(owner_url)
    try:
        with owner.connect() as connection:
            return migrate.at_head(connection)
    finally:
        owner.dispose()


def write(out: Path, content: bytes) -> None:
    """Write what a command made. Raises UserError, at the field `out`, where that cannot be."""
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UserError(
            "%(out)s cannot be written: %(why)s", field="out", out=out, why=error.strerror
        ) from None


def finish(result: dict[str, Any], *, as_json: bool, ok: bool = True) -> None:
    """Print the answer (JSON, or a line per key) and exit 0, or 1 where the check does not hold."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, default=str))
    else:
        for key, value in result.items():
            text = (
                json.dumps(value, ensure_ascii=False, default=str)
                if isinstance(value, dict | list)
                else value
            )
            click.echo(f"{key}: {text}")
    if not ok:
        sys.exit(1)
