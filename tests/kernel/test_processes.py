"""Children stop when their owner stops, however it ends, and take their own children with them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import recupero
from recupero.kernel.processes import Keeper

# A child that leaves a grandchild in a process group of its own, as RQ's workers do; "deaf" ignores SIGTERM.
_CHILD = """
import os, signal, subprocess, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
open(sys.argv[1], "w").write(f"{os.getpid()} {grandchild.pid}\\n")
time.sleep(600)
"""
_OWNER = """
import signal, subprocess, sys, time
from pathlib import Path
from recupero.kernel.processes import Keeper
with Keeper(grace=1.0) as keeper:
    keeper.spawn([sys.executable, "-c", sys.argv[1], sys.argv[2], *sys.argv[3:]], cwd=Path("/"), output=2)
    signal.pause()
"""


def test_leaving_the_block_ends_children_and_grandchildren(tmp_path: Path) -> None:
    with Keeper() as keeper:
        pids = _spawn_family(keeper, tmp_path / "pids")
    assert not any(map(_lives, pids))


def test_a_child_deaf_to_the_friendly_signal_is_killed(tmp_path: Path) -> None:
    with Keeper(grace=0.3) as keeper:
        pids = _spawn_family(keeper, tmp_path / "pids", "deaf")
    assert not any(map(_lives, pids))


def test_a_crashed_child_is_forgotten_with_what_it_left_behind(tmp_path: Path) -> None:
    with Keeper() as keeper:
        child, grandchild = _spawn_family(keeper, tmp_path / "pids")
        os.kill(child, signal.SIGKILL)
        popen = keeper.children()[0]
        popen.wait()
        keeper.forget(popen)
        assert not _lives(grandchild)
        assert keeper.children() == []


def test_a_fork_of_the_owner_stops_nothing(tmp_path: Path) -> None:
    with Keeper() as keeper:
        pids = _spawn_family(keeper, tmp_path / "pids")
        if os.fork() == 0:
            keeper.stop()
            os._exit(0)
        os.wait()
        assert all(map(_lives, pids))


@pytest.mark.parametrize("temper", ["kind", "deaf"])
def test_when_the_owner_is_killed_the_guard_ends_everything(tmp_path: Path, temper: str) -> None:
    note = tmp_path / "pids"
    environment = os.environ | {"PYTHONPATH": str(Path(recupero.__file__).parents[1])}
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, _CHILD, str(note), temper], env=environment)
    pids = _read_pids(note)
    owner.kill()
    owner.wait()
    _until(lambda: not any(map(_lives, pids)))


def _spawn_family(keeper: Keeper, note: Path, *temper: str) -> list[int]:
    keeper.spawn([sys.executable, "-c", _CHILD, str(note), *temper], cwd=note.parent, output=2)
    return _read_pids(note)


def _read_pids(note: Path) -> list[int]:
    _until(lambda: note.exists() and note.read_text().endswith("\n"))
    return [int(word) for word in note.read_text().split()]


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about within half a minute")
