"""The embedded engines start, are shared, refuse strangers, and survive every kind of end."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

import recupero
from recupero.kernel import engines
from recupero.kernel.errors import UserError

# Addresses of other servers in the environment must not reach these tests.
_BARE = {name: value for name, value in os.environ.items() if not name.startswith("RECUPERO_")}
_BARE["PYTHONPATH"] = str(Path(recupero.__file__).parents[1])

_KEEP = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer"
_HOLDER = """
import sys, time
from pathlib import Path
from recupero.kernel import engines
with engines.start(Path(sys.argv[1]), durable=False) as running:
    print(running.owner_database_url, running.redis_url, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data directory that is begun once: each test is a further start."""
    with engines.throwaway_folder() as path:
        yield path


@pytest.fixture
def fresh() -> Iterator[Path]:
    with engines.throwaway_folder() as path:
        yield path


def test_a_second_start_keeps_postgresql_and_forgets_redis(folder: Path) -> None:
    with engines.start(folder, environment=_BARE, durable=False) as running:
        _execute(running.owner_database_url, _KEEP)
        _redis(running).set("gone", 1)
    with engines.start(folder, environment=_BARE, durable=False) as running:
        assert _execute(running.owner_database_url, "SELECT answer FROM kept") == [(42,)]
        assert _redis(running).get("gone") is None


def test_databases_are_utf8_and_sort_alike_everywhere(folder: Path) -> None:
    query = "SELECT pg_encoding_to_char(encoding), datlocale FROM pg_database WHERE datname = %s"
    with engines.start(folder, environment=_BARE, durable=False) as running:
        for name in ("recupero", "mlflow"):
            assert _execute(running.owner_database_url, query, name) == [("UTF8", "C.UTF-8")]


def test_a_throwaway_folder_leaves_nothing_wherever_the_files_lay() -> None:
    with engines.throwaway_folder() as folder:
        inner = folder / "inner"
        with engines.start(inner, environment=_BARE, durable=False):
            home = (inner / "engines").resolve()
            assert (home / "postgresql" / "PG_VERSION").exists()
    assert not folder.exists()
    assert not home.exists()


def test_a_folder_with_spaces_and_a_long_name_serves(fresh: Path) -> None:
    deep = fresh / ("a folder with spaces, and a quote'" + "x" * 90)
    fresh.chmod(0o711)
    with engines.start(deep, environment=_BARE, durable=False) as running:
        assert _execute(running.owner_database_url, "SELECT 1") == [(1,)]
        assert _redis(running).ping()


def test_two_data_directories_run_side_by_side(fresh: Path) -> None:
    fresh.chmod(0o711)
    with (
        engines.start(fresh / "one", environment=_BARE, durable=False) as one,
        engines.start(fresh / "two", environment=_BARE, durable=False) as two,
    ):
        _execute(one.owner_database_url, "CREATE TABLE mine ()")
        assert _execute(two.owner_database_url, "SELECT to_regclass('mine')") == [(None,)]
        assert one.redis_url != two.redis_url


def test_a_second_start_on_the_same_folder_says_who_runs_it(folder: Path) -> None:
    with (
        engines.start(folder, environment=_BARE, durable=False),
        pytest.raises(engines.AlreadyRunning, match=rf"process {os.getpid()} .*--data-dir"),
        engines.start(folder, environment=_BARE, durable=False),
    ):
        pass


def test_a_copy_of_a_folder_at_rest_goes_its_own_way(folder: Path, fresh: Path) -> None:
    look = "SELECT to_regclass('copied')::text, to_regclass('later')::text"
    with pytest.raises(UserError, match="no platform in"):
        engines.copy(fresh, fresh / "copy")
    with engines.start(folder, environment=_BARE, durable=False) as running:
        _execute(running.owner_database_url, "CREATE TABLE copied ()")
        with pytest.raises(engines.AlreadyRunning):
            engines.copy(folder, fresh)
    engines.copy(folder, fresh)
    with engines.start(fresh, environment=_BARE, durable=False) as running:
        _execute(running.owner_database_url, "CREATE TABLE later ()")
        assert _execute(running.owner_database_url, look) == [("copied", "later")]
    with engines.start(folder, environment=_BARE, durable=False) as running:
        assert _execute(running.owner_database_url, look) == [("copied", None)]


@pytest.mark.parametrize("opened", [engines.start, engines.use])
def test_what_a_command_writes_meanwhile_is_private(folder: Path, opened: Callable[..., Any]) -> None:
    before = os.umask(0o022)
    try:
        with opened(folder, environment=_BARE, durable=False):
            (folder / "during").mkdir(exist_ok=True)
            (folder / "during" / "file").write_text("x")
        (folder / "after").write_text("x")
        modes = [(folder / name).stat().st_mode & 0o777 for name in ("during", "during/file", "after")]
        assert [oct(mode) for mode in modes] == ["0o700", "0o600", "0o644"]
    finally:
        os.umask(before)
        shutil.rmtree(folder / "during", ignore_errors=True)
        (folder / "after").unlink(missing_ok=True)


def test_a_command_uses_the_engines_that_run_already(folder: Path) -> None:
    with (
        engines.start(folder, environment=_BARE, durable=False) as owner,
        engines.use(folder, environment=_BARE, durable=False) as guest,
    ):
        assert guest == owner


@pytest.mark.parametrize(
    "named",
    [
        {"RECUPERO_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x"},
        {"RECUPERO_REDIS_URL": "redis://127.0.0.1:9"},
    ],
)
def test_a_command_is_not_sent_to_other_servers_than_it_names(folder: Path, named: dict[str, str]) -> None:
    with (
        engines.start(folder, environment=_BARE, durable=False),
        pytest.raises(UserError, match="names others"),
        engines.use(folder, environment=_BARE | named),
    ):
        pass


def test_the_command_that_started_the_engines_waits_for_its_guests(folder: Path) -> None:
    ready, leave = threading.Event(), threading.Event()

    def guest() -> None:
        with engines.use(folder, environment=_BARE, durable=False) as shared:
            ready.set()
            leave.wait()
            answers.append(_execute(shared.owner_database_url, "SELECT 7"))

    answers: list[object] = []
    thread = threading.Thread(target=guest)
    with engines.use(folder, environment=_BARE, durable=False):
        thread.start()
        ready.wait()
        threading.Timer(0.3, leave.set).start()  # after the owner has begun to leave
    thread.join()
    assert answers == [[(7,)]]


def test_killed_owner_leaves_no_server_and_the_next_start_recovers(folder: Path) -> None:
    holder, database = _hold(folder)
    _execute(database, _KEEP)
    servers_ = _server_pids(folder)
    holder.kill()
    holder.wait()
    _until(lambda: not any(map(psutil.pid_exists, servers_)))
    with engines.start(folder, environment=_BARE, durable=False) as running:
        assert _execute(running.owner_database_url, "SELECT answer FROM kept") == [(42,)]


def test_servers_that_outlived_owner_and_guard_are_taken_down_first(folder: Path) -> None:
    holder, database = _hold(folder)
    _execute(database, _KEEP)
    left_over = _servers(folder)
    for guard in psutil.Process(holder.pid).children():
        if "processes.py" in " ".join(guard.cmdline()):
            guard.kill()
    holder.kill()
    holder.wait()
    assert len(left_over) == 2
    assert all(map(psutil.pid_exists, left_over))
    with engines.start(folder, environment=_BARE, durable=False) as running:
        assert _execute(running.owner_database_url, "SELECT answer FROM kept") == [(42,)]
        assert not set(left_over) & set(_server_pids(folder))


def test_a_stale_postmaster_file_with_a_foreign_pid_is_no_obstacle(folder: Path) -> None:
    with engines.start(folder, environment=_BARE, durable=False):
        pass
    (folder / "engines" / "postgresql" / "postmaster.pid").write_text(f"{os.getppid()}\n")
    with engines.start(folder, environment=_BARE, durable=False) as running:
        assert _execute(running.owner_database_url, "SELECT 1") == [(1,)]


def test_another_user_of_the_machine_is_turned_away(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can try the door as another user")
    with engines.start(folder, environment=_BARE, durable=False) as running:
        host = running.owner_database_url.partition("host=")[2]
        path = running.redis_url.removeprefix("unix://")
        knock = f"socket.socket(socket.AF_UNIX).connect({path!r})"
        assert "Permission denied" in _as_nobody(
            "psycopg", f"psycopg.connect(host={host!r}, user='postgres')"
        )
        assert "Permission denied" in _as_nobody("socket", knock)


def test_the_database_turns_away_another_user_even_at_an_open_door(fresh: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can try the door as another user")
    with engines.start(fresh, environment=_BARE, durable=False) as running:
        host = Path(running.owner_database_url.partition("host=")[2])
        for path in (fresh, *host.parents, host):
            if path.is_relative_to(fresh):
                path.chmod(0o755)
        answer = _as_nobody("psycopg", f"psycopg.connect(host={str(host)!r}, user='postgres')")
        assert "Peer authentication failed" in answer


def test_nothing_of_a_row_reaches_the_server_log(folder: Path) -> None:
    insert = "INSERT INTO people VALUES ('ana@example.com')"
    with engines.start(folder, environment=_BARE, durable=False) as running:
        _execute(running.owner_database_url, "CREATE TABLE people (email text PRIMARY KEY)")
        _execute(running.owner_database_url, insert)
        with pytest.raises(psycopg.errors.UniqueViolation):
            _execute(running.owner_database_url, insert)
    log = (folder / "logs" / "postgresql.log").read_text()
    assert "duplicate key" in log
    assert "ana@example.com" not in log


def test_servers_named_by_the_environment_are_used_and_their_databases_made(fresh: Path) -> None:
    fresh.chmod(0o711)
    with engines.start(fresh / "real", environment=_BARE, durable=False) as real:
        named = _BARE | {
            "RECUPERO_DATABASE_URL": real.owner_database_url.replace(
                "postgresql://postgres@/recupero", "postgresql+psycopg://postgres@/elsewhere"
            ),
            "RECUPERO_REDIS_URL": real.redis_url,
        }
        with engines.start(fresh / "mine", environment=named) as running:
            assert _execute(running.owner_database_url, "SELECT current_database()") == [("elsewhere",)]
            assert running.redis_url == real.redis_url
            assert not (fresh / "mine" / "engines").exists()
            stranger = engines.use(fresh / "mine", environment=_BARE)
            with pytest.raises(UserError, match="RECUPERO_DATABASE_URL"), stranger:
                pass


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("RECUPERO_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "PostgreSQL cannot be reached"),
        ("RECUPERO_DATABASE_URL", "not an address", "RECUPERO_DATABASE_URL is not an address"),
        ("RECUPERO_REDIS_URL", "redis://127.0.0.1:1/0", "Redis cannot be reached"),
        ("RECUPERO_REDIS_URL", "not an address", "RECUPERO_REDIS_URL is not an address"),
    ],
)
def test_a_server_that_cannot_be_had_is_a_clear_error(
    folder: Path, name: str, value: str, message: str
) -> None:
    with (
        pytest.raises(UserError, match=message),
        engines.start(folder, environment=_BARE | {name: value}, durable=False),
    ):
        pass


def test_an_unusable_data_directory_is_a_clear_error(fresh: Path) -> None:
    (fresh / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made"), engines.start(fresh / "file" / "data"):
        pass


def _hold(folder: Path) -> tuple["subprocess.Popen[str]", str]:
    command = [sys.executable, "-c", _HOLDER, str(folder)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_BARE)
    assert holder.stdout is not None
    return holder, holder.stdout.readline().split()[0]


def _server_pids(folder: Path) -> list[int]:
    """The processes of both servers: they work in the data directory."""
    return list(_parents(folder))


def _servers(folder: Path) -> list[int]:
    """The two servers alone, without PostgreSQL's own processes, which come and go."""
    parents = _parents(folder)
    return [pid for pid, parent in parents.items() if parent not in parents]


def _parents(folder: Path) -> dict[int, int]:
    home = str((folder / "engines").resolve())
    working = psutil.process_iter(["cwd", "ppid"])
    return {one.pid: one.info["ppid"] for one in working if (one.info["cwd"] or "").startswith(home)}


def _as_nobody(module: str, expression: str) -> str:
    """What the other OS user is told. The modules are loaded first: the installation may be closed to it."""
    script = f"import os, {module}\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n{expression}"
    tried = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert tried.returncode != 0
    return tried.stderr


def _execute(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def _redis(running: engines.Engines) -> "redis.Redis":
    return redis.Redis.from_url(running.redis_url)


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about within half a minute")
