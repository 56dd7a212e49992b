"""Child processes that never outlive us, however we end.

A `Keeper` starts each child in a session of its own, so that a Ctrl-C in the terminal reaches only us and
we stop the children in good order. Beside them runs a guard (this file, run as a script): when we vanish
without a word, as by SIGKILL, it stops every session that we had started, grandchildren included.
"""

import os
import pwd
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import psutil

GRACE = 20.0  # seconds from the friendly signal to SIGKILL
_KILL_GRACE = 5.0
_POLL = 0.05


class Keeper:
    """The children of one owner; leaving the `with` block stops them all.

    `grace` is the number of seconds a child has after its stop signal before its session is killed.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self.grace = grace
        self._owner = os.getpid()
        self._stopped = False
        self._children: dict[int, tuple[subprocess.Popen[bytes], int]] = {}
        self._guard = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve()), str(grace)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def spawn(
        self,
        command: list[str],
        *,
        cwd: Path,
        output: IO[bytes] | int,
        stop_signal: int = signal.SIGTERM,
        account: pwd.struct_passwd | None = None,
        environment: Mapping[str, str] | None = None,
        inherits: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start `command`, its output and errors into `output`, as the OS user `account` where given.

        `inherits` are file descriptors that stay open in the child.
        """
        child = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherits,
            env=None if environment is None else dict(environment),
            **({} if account is None else as_account(account)),
        )
        self._children[child.pid] = (child, stop_signal)
        self._tell(f"add {child.pid} {int(stop_signal)}")
        return child

    def children(self) -> "list[subprocess.Popen[bytes]]":
        return [child for child, _ in self._children.values()]

    def forget(self, child: subprocess.Popen[bytes]) -> None:
        """After `child` has ended by itself: end what it left behind in its session, and let go of it."""
        stop_sessions({child.pid: signal.SIGTERM}, grace=1.0, reap=child.poll)
        self._children.pop(child.pid, None)
        self._tell(f"drop {child.pid}")

    def stop(self) -> None:
        """Stop every child and the guard. Does nothing in a process that was forked from the owner."""
        if os.getpid() != self._owner or self._stopped:
            return
        self._stopped = True
        leaders = {pid: stop_signal for pid, (_, stop_signal) in self._children.items()}
        stop_sessions(leaders, self.grace, self._reap)
        self._children.clear()
        self._tell("end")
        self._guard.communicate()

    def _reap(self) -> None:
        for child, _ in self._children.values():
            child.poll()

    def _tell(self, line: str) -> None:
        pipe = self._guard.stdin
        if pipe is None:
            raise RuntimeError("the guard has no pipe")
        with suppress(BrokenPipeError):  # a guard that was killed is missed only when we vanish too
            pipe.write(f"{line}\n".encode())
            pipe.flush()


def as_account(account: pwd.struct_passwd) -> dict[str, Any]:
    """Arguments with which root has `subprocess` run a program as another OS user."""
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def stop_sessions(
    leaders: Mapping[int, int], grace: float, reap: Callable[[], object] = lambda: None
) -> None:
    """End whole sessions: each leader (pid → signal) gets its signal, and is trusted to end its own children.

    What a leader leaves behind gets SIGTERM, what lives after `grace` seconds SIGKILL.
    """
    for pid, stop_signal in leaders.items():
        _send(pid, stop_signal)
    told = set(leaders)
    deadline = time.monotonic() + grace
    while members := _members(leaders):
        late = time.monotonic() - deadline
        if late > _KILL_GRACE:
            return
        orphans = {pid for pid, session in members.items() if session not in members} - told
        for pid in members if late > 0 else orphans:
            _send(pid, signal.SIGKILL if late > 0 else signal.SIGTERM)
        told |= orphans
        reap()
        time.sleep(_POLL)
    reap()


def _members(sessions: Iterable[int]) -> dict[int, int]:
    """The living processes of the sessions: pid → session."""
    wanted = set(sessions)
    found = {pid: _session(pid) for pid in psutil.pids()} if wanted else {}
    return {pid: session for pid, session in found.items() if session in wanted and _runs(pid)}


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _guard(grace: float) -> None:
    """Keep the list that the owner tells on standard input; stop all of it when the owner is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    owner, leaders = os.getppid(), dict[int, int]()
    buffer = b""
    while os.getppid() == owner:
        if not select.select([0], [], [], 1.0)[0]:
            continue
        chunk = os.read(0, 4096)
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            if line == b"end":
                return
            _note(leaders, line.decode().split())
        if not chunk:
            break
    stop_sessions(leaders, grace)


def _note(leaders: dict[int, int], words: list[str]) -> None:
    if words[0] == "add":
        leaders[int(words[1])] = int(words[2])
    else:
        leaders.pop(int(words[1]), None)


if __name__ == "__main__":
    _guard(float(sys.argv[1]))
