"""What every command shares: a database that is not ready is named, with what to run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.engine import make_url

from recupero.cli import main
from recupero.kernel import command, crypto, runtime
from recupero.kernel.errors import UserError
from tests import engines


def test_a_database_without_tables_is_said_to_need_the_upgrade(
    platform: runtime.Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runtime, "_current", platform)
    monkeypatch.setattr(crypto, "_ring", crypto.keyring())
    there = platform.config.owner_database_url.replace("+psycopg", "")
    name = f"{make_url(there).database}_bare"
    monkeypatch.setenv("RECUPERO_DATABASE_URL", engines.with_database(there, name))
    monkeypatch.setenv("RECUPERO_REDIS_URL", platform.config.redis_url)
    with (
        pytest.raises(UserError, match="recupero db upgrade"),
        command.opened(tmp_path) as opened,
        opened.database.engine.connect() as connection,
    ):
        connection.execute(text("SELECT count(*) FROM agencies"))
    engines.drop(there, name)


_POOLS = """
import recupero.cli, numpy, threadpoolctl
print(*(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"))
"""


def test_linear_algebra_has_one_thread_a_process() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", _POOLS], env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(done.stdout.split()) == {"1"}


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _leaves(found, (*path, name))


def test_every_command_answers_in_json_where_that_is_asked_for() -> None:
    commands = dict(_leaves(main))
    assert len(commands) > 50
    assert [
        name for name, each in commands.items()
        if not any("--json" in option.opts for option in each.params)
    ] == []  # fmt: skip


@pytest.mark.parametrize("told", ["xx", "fr", "-"])
def test_a_language_that_is_not_written_here_is_refused(told: str, tmp_path: Path) -> None:
    out = str(tmp_path / "report.pdf")
    done = CliRunner().invoke(main, ["report", "x", "--period", "2026-01", "--out", out, "--locale", told])
    assert done.exit_code == 2
    assert "use es, en, pt" in " ".join(done.output.split())
