"""`recupero up` keeps its processes running, and ends with every one of them, whoever ends it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

import recupero
from recupero.kernel import engines, supervisor
from recupero.kernel.errors import UserError

_BARE = {name: value for name, value in os.environ.items() if not name.startswith("RECUPERO_")}
_BARE["PYTHONPATH"] = str(Path(recupero.__file__).parents[1])

# The real `up` around small processes: "web" answers /readyz, "worker" leaves a grandchild as RQ's do.
_UP = """
import sys
from pathlib import Path
from recupero.kernel import supervisor
from recupero.kernel.supervisor import ProcessSpec

folder, port, web, worker = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
supervisor.up(
    folder,
    lambda engines, listener: [
        ProcessSpec("web", [sys.executable, "-c", web, str(listener)], {"GREETING": "hello"}, (listener,)),
        ProcessSpec("worker", [sys.executable, "-c", worker]),
    ],
    host="127.0.0.1",
    port=port,
    prepare=lambda engines: ["login: ana", engines.owner_database_url],
    say=lambda line: print(line, flush=True),
)
"""
_WEB = """
import http.server, os, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["GREETING"].encode())
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""
_WORKER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print('{"level": "WARNING", "message": "structured"}', flush=True)
print("mail to ana@example.com failed", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data directory that is begun once: each test is a further start."""
    with engines.throwaway_folder() as path:
        yield path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_stops_everything_and_exits_well(folder: Path, number: signal.Signals) -> None:
    platform, said = _start(folder)
    assert "login: ana" in said
    family = _family(platform)
    assert len(family) > 8  # engines, two guards, web, worker and its child
    platform.send_signal(number)
    rest = platform.communicate()[0]
    assert platform.returncode == 0
    assert rest.splitlines()[-1] == "Stopped."
    assert not any(_lives(process) for process in family)


def test_killed_outright_it_leaves_nothing_behind(folder: Path) -> None:
    platform, _ = _start(folder)
    family = _family(platform)
    platform.kill()
    platform.communicate()
    _until(lambda: not any(_lives(process) for process in family))


def test_a_crashed_process_comes_back_and_the_engines_stay(folder: Path) -> None:
    platform, _ = _start(folder)
    first = _named(platform, _WORKER)
    engine = _named(platform, "redis-server")
    first.kill()
    _until(lambda: not _lives(first) and _find(platform, _WORKER) is not None)
    assert _lives(engine)
    platform.send_signal(signal.SIGINT)
    platform.communicate()


@pytest.mark.parametrize("engine", ["postgres -D", "redis-server"])
def test_a_crashed_engine_comes_back_at_the_same_address(folder: Path, engine: str) -> None:
    platform, said = _start(folder)
    url = said.splitlines()[-2]
    first = _named(platform, engine)
    first.kill()
    _until(lambda: not _lives(first) and _find(platform, engine) is not None)
    _until(lambda: _accepts(url))
    platform.send_signal(signal.SIGINT)
    platform.communicate()


def test_output_is_kept_per_process_structured_and_without_personal_data(folder: Path) -> None:
    before = len(_lines(folder / "logs" / "worker.log"))
    platform, _ = _start(folder)
    _until(lambda: len(_lines(folder / "logs" / "worker.log")) == before + 2)
    structured, foreign = _lines(folder / "logs" / "worker.log")[before:]
    assert structured == {"component": "worker", "level": "WARNING", "message": "structured"}
    assert foreign == {"component": "worker", "level": "INFO", "message": "mail to [hidden] failed"}
    platform.send_signal(signal.SIGINT)
    assert "structured" in platform.communicate()[1]


def test_a_process_that_cannot_start_ends_the_start_with_its_last_words(folder: Path) -> None:
    platform, said = _start(
        folder, worker="raise SystemExit('no such module: ana')", web="raise SystemExit(3)"
    )
    _, errors = platform.communicate()
    assert platform.returncode != 0
    assert "keeps ending" in errors
    assert "ready" not in said


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} .*--port"):
            supervisor.up(
                tmp_path, lambda *_: [], host="127.0.0.1", port=port, prepare=lambda _: [], say=lambda _: None
            )
    assert list(tmp_path.iterdir()) == []


def test_a_port_out_of_range_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="Port 70000"), supervisor.listening("127.0.0.1", 70000):
        pass


def test_a_port_is_held_from_the_first_moment_so_that_two_starts_never_share_it() -> None:
    port = _free_port()
    with (
        supervisor.listening("127.0.0.1", port),
        pytest.raises(UserError, match=f"Port {port}"),
        supervisor.listening("127.0.0.1", port),
    ):
        pass
    with supervisor.listening("127.0.0.1", port):
        pass


def _start(folder: Path, *, web: str = _WEB, worker: str = _WORKER) -> tuple["subprocess.Popen[str]", str]:
    """The running platform, and what it said until it was ready (or until it ended)."""
    command = [sys.executable, "-c", _UP, str(folder), str(_free_port()), web, worker]
    platform = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_BARE, start_new_session=True,
        # whoever runs the suite under nohup has hang-ups ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    assert platform.stdout is not None
    said = ""
    for line in platform.stdout:
        said += line
        if line.startswith("Press Ctrl-C"):
            break
    return platform, said


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _family(platform: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(platform.pid).children(recursive=True)


def _find(platform: "subprocess.Popen[str]", part: str) -> psutil.Process | None:
    for process in _family(platform):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if part in " ".join(process.cmdline()):
                return process
    return None


def _named(platform: "subprocess.Popen[str]", part: str) -> psutil.Process:
    found = _find(platform, part)
    assert found is not None
    return found


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about within half a minute")
