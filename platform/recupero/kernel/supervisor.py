"""What stands behind `recupero up`: engines, then web, workers and scheduler, until somebody says stop.

Ctrl-C, SIGTERM and a closed terminal stop everything in good order: web and workers finish what they hold,
then the engines go. When this process is killed outright, the guards of `kernel.processes` do the same.
A process that crashes comes back after a pause that doubles each time.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recupero.kernel import engines, logs
from recupero.kernel.errors import UserError
from recupero.kernel.processes import Keeper

log = logging.getLogger(__name__)

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TICK = 0.2  # seconds between looks at the children
_PATIENCE = 20.0  # seconds between words to somebody who waits
_LONGEST_PAUSE = 30.0
_STEADY = 60.0  # seconds after which a process counts as started well, and its pauses begin anew
_HOPELESS = 4  # crashes of one process before the platform was ever ready
_LOG_LIMIT = 10_000_000  # bytes of one log file; one older file is kept


@dataclass(frozen=True)
class ProcessSpec:
    """One process to keep running: its name in logs, its command, and additions to its environment.

    `inherits` are open file descriptors that it takes over, as the listening socket of the web process.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    inherits: tuple[int, ...] = ()


def up(
    data_dir: Path,
    processes: Callable[[engines.Engines, int], Sequence[ProcessSpec]],
    *,
    host: str,
    port: int,
    prepare: Callable[[engines.Engines], Sequence[str]],
    say: Callable[[str], None],
) -> None:
    """Run the platform until it is told to stop.

    `prepare` (migrations, demo) runs once the engines answer, and returns the lines to show at the end, as
    logins. `processes` gets the engines and the descriptor of the socket that listens on `port`, so that no
    other start can take the port in between; the first of them answers /readyz there, and the others are
    started when it does, since all at once would make everybody wait. Then the address is shown.
    Raises UserError before anything is started where the port is taken or the data directory in use.
    """
    logs.configure()
    with listening(host, port) as descriptor, stoppable(say):
        say(f"Data directory: {data_dir}")
        say("Waiting for PostgreSQL and Redis …")
        with engines.start(data_dir) as running:
            closing = prepare(running)
            address = f"http://{_reachable(host)}:{port}"
            run(
                processes(running, descriptor),
                log_dir=running.data_dir / "logs",
                ready_url=f"{address}/readyz",
                on_ready=lambda: _announce(say, address, closing),
                revive=running.revive,
                say=say,
            )


def run(
    processes: Sequence[ProcessSpec],
    *,
    log_dir: Path,
    ready_url: str,
    on_ready: Callable[[], None],
    revive: Callable[[], Sequence[str]],
    say: Callable[[str], None],
) -> None:
    """Keep `processes` running until KeyboardInterrupt (see `stoppable`), which passes through.

    The first answers `ready_url`; when that says 200 the others are started and `on_ready` is called, once.
    `revive` starts ended engines again, and names them. Raises UserError, with the last words of the log,
    where the first process keeps crashing before that.
    """
    log_dir.mkdir(mode=0o700, exist_ok=True)
    with Keeper() as keeper:
        crew = [_Member(spec, keeper, log_dir) for spec in processes]
        say(f"Starting {', '.join(member.spec.name for member in crew)} …")
        first, *others = crew
        first.start()
        ready, patience = False, time.monotonic() + _PATIENCE
        while True:
            time.sleep(_TICK)
            for name in revive():
                log.error("an engine had ended and runs again", extra={"component": name})
            first.look_after(give_up=not ready)
            if ready:
                for member in others:
                    member.look_after(give_up=False)
                continue
            state = _state(ready_url)
            if state == "ready":
                ready = True
                for member in others:
                    member.start()
                on_ready()
            elif time.monotonic() > patience:
                say(f"Not ready yet: {state} (logs: {log_dir})")
                patience += _PATIENCE


@contextmanager
def stoppable(say: Callable[[str], None]) -> Iterator[None]:
    """Make the first SIGINT, SIGTERM or SIGHUP end the block, by KeyboardInterrupt, and ignore further ones.

    Leaves quietly afterwards: being told to stop is no failure. An ignored hang-up stays ignored (nohup).
    """

    def stop(number: int, frame: object) -> None:
        for other in caught:
            signal.signal(other, signal.SIG_IGN)
        say("\nStopping …")
        raise KeyboardInterrupt

    caught = [n for n in _STOP_SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in caught}
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def listening(host: str, port: int) -> Iterator[int]:
    """A socket that listens at `host` and `port`: its descriptor. Raises UserError where it cannot be had.

    Whoever connects before the web process takes over waits in the queue.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a port"
            raise UserError(
                "Port %(port)s at %(host)s cannot be used (%(why)s). Choose another: --port N, or"
                " make run PORT=N.",
                port=port,
                host=host,
                why=reason,
            ) from error
        yield listener.fileno()


class _Member:
    """One process of the crew: its log, its crashes and its pauses."""

    def __init__(self, spec: ProcessSpec, keeper: Keeper, log_dir: Path) -> None:
        self.spec = spec
        self.keeper = keeper
        self.log = log_dir / f"{spec.name}.log"
        self.child: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        self.started = self.due = 0.0

    def start(self) -> None:
        self.child = self.keeper.spawn(
            self.spec.command,
            cwd=self.log.parent,
            output=subprocess.PIPE,
            environment={**os.environ, **self.spec.environment},
            inherits=self.spec.inherits,
        )
        self.started = time.monotonic()
        threading.Thread(target=_pump, args=(self.spec.name, self.child, self.log), daemon=True).start()

    def look_after(self, *, give_up: bool) -> None:
        """Start the process again when it has ended and its pause is over."""
        if self.child is None:
            if time.monotonic() >= self.due:
                self.start()
            return
        if self.child.poll() is None:
            return
        self.crashes = 1 if time.monotonic() - self.started > _STEADY else self.crashes + 1
        if give_up and self.crashes >= _HOPELESS:
            raise UserError(
                "The process %(name)s keeps ending: %(words)s (see %(log)s)",
                name=self.spec.name,
                words=self._last_words(),
                log=self.log,
            )
        pause = min(0.5 * 2.0 ** (self.crashes - 1), _LONGEST_PAUSE)
        facts = {"component": self.spec.name, "exit_status": self.child.returncode, "again_in_seconds": pause}
        log.error("a process has ended", extra=facts)
        self.keeper.forget(self.child)
        self.child, self.due = None, time.monotonic() + pause

    def _last_words(self) -> str:
        return " ".join(self.log.read_text(errors="replace").splitlines()[-3:])[-600:]


def _pump(name: str, child: "subprocess.Popen[bytes]", path: Path) -> None:
    """Carry a child's output, line by line, to its log file and to our standard error, until it ends."""
    if child.stdout is None:
        raise RuntimeError("the child has no pipe")
    file = path.open("a")
    for raw in child.stdout:
        line = _line(name, raw.decode(errors="replace").rstrip("\n"))
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        _show(line)
        if file.tell() > _LOG_LIMIT:
            file.close()
            path.replace(path.with_suffix(".log.1"))
            file = path.open("a")
    file.close()


def _line(name: str, text: str) -> dict[str, object]:
    """A child's line with the process's name: structured already, or the words of a program not ours."""
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        line = {"level": "INFO", "message": logs.redact(text)}
    return {"component": name, **line}


def _show(line: Mapping[str, object]) -> None:
    """All lines where logs are collected; on a terminal only what a person should look at."""
    if not sys.stderr.isatty():
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
    elif line.get("level") in {"WARNING", "ERROR", "CRITICAL"}:
        sys.stderr.write(logs.plain(line) + "\n")
    sys.stderr.flush()


def _state(url: str) -> str:
    """`ready`, or what the web process says is missing."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own http address
            return "ready"
    except urllib.error.HTTPError as error:
        return error.read(2000).decode(errors="replace").strip()
    except OSError:
        return "the web process does not answer"


def _reachable(host: str) -> str:
    """The address to open for a server that listens on `host`."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{name}]" if ":" in name else name


def _announce(say: Callable[[str], None], address: str, closing: Sequence[str]) -> None:
    say(f"\nRecupero is ready: {address}")
    for line in closing:
        say(line)
    say("Press Ctrl-C to stop.")
