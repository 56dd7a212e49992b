"""What every command shares: a database that is not ready is named, with what to run."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

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
