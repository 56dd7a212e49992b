"""PostgreSQL and Redis for one data directory: embedded ones, or the servers that the environment names.

`start` is for the process that runs the platform, `use` for every other command: it shares engines that run
already. Redis keeps nothing on disk: everything due is found again from PostgreSQL.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from recupero.kernel import embedded, servers
from recupero.kernel.errors import UserError
from recupero.kernel.processes import Keeper

_WAIT = 120.0  # seconds that another command may take to bring the engines up


@dataclass(frozen=True)
class Engines:
    """Addresses of the running engines: the libpq URL of the owning role, and the Redis URL."""

    data_dir: Path
    owner_database_url: str
    redis_url: str
    own: tuple[embedded.Server, ...] = field(default=(), compare=False, repr=False)

    def revive(self) -> list[str]:
        """Start our own engines again that have ended, and name them. Raises UserError if one cannot."""
        return [server.name for server in self.own if server.revive()]


class AlreadyRunning(UserError):
    """Another process runs the engines of this data directory; the message says which."""


def default_data_dir() -> Path:
    """Where data lies unless told otherwise: one folder per checkout, so that two of them never mix.

    Under /var/lib/recupero for root (outside its home), else under the user's XDG data folder.
    """
    here = Path(__file__).resolve().parents[3]
    name = f"{here.name}-{hashlib.sha256(str(here).encode()).hexdigest()[:8]}"
    if os.geteuid() == 0:
        return embedded.SYSTEM_FOLDER / name
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "recupero" / name


@contextmanager
def throwaway_folder(prefix: str = "recupero-") -> Iterator[Path]:
    """A data directory, or several in one folder, for the length of the block, gone with all that the engines
    wrote: those of root may keep their files elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        for home in folder.rglob("engines"):
            if home.is_symlink():
                shutil.rmtree(home.resolve())
        shutil.rmtree(folder)


def copy(kept: Path, folder: Path) -> None:
    """Copy a data directory into an empty folder, servers' files included. Raises UserError where it is not
    there, AlreadyRunning where its engines run. Several may copy it at once."""
    if not (kept / "engines").exists():
        raise UserError("There is no platform in %(folder)s.", folder=kept)
    with _private(), _held(kept, fcntl.LOCK_SH):
        home = embedded.home_of(_prepare(folder))
        others = [str(each) for each in kept.iterdir() if each.name not in ("engines", "engines.lock")]
        for command in ([*others, str(folder)], [f"{kept / 'engines'}/.", str(home)]):
            subprocess.run(["/bin/cp", "-a", *command], check=True)


@contextmanager
def start(
    data_dir: Path, *, environment: Mapping[str, str] | None = None, durable: bool = True
) -> Iterator[Engines]:
    """Run the engines of `data_dir` for the length of the block, alone.

    `RECUPERO_DATABASE_URL` and `RECUPERO_REDIS_URL` in `environment` (default: the process's own) replace
    an embedded engine each. `durable=False` lets PostgreSQL lose data in a crash of the machine, for tests.
    However the calling process ends, its engines end with it. Files made during the block are private.
    Raises AlreadyRunning where another process runs them, UserError where they cannot be had.
    """
    env = os.environ if environment is None else environment
    folder = _prepare(data_dir)
    with _private(), _alone(folder) as register, Keeper() as keeper, ExitStack() as stack:
        database_url, redis_url = servers.urls(env)
        own: list[embedded.Server] = []
        if database_url is None:
            own.append(stack.enter_context(embedded.postgresql(keeper, folder, durable=durable)))
            database_url = own[-1].url
        if redis_url is None:
            own.append(stack.enter_context(embedded.redis(keeper, folder)))
            redis_url = own[-1].url
        servers.check(database_url, redis_url)
        servers.ensure_databases(database_url, env)
        _write(register, ready=True, database=database_url, redis=redis_url, env=env)
        yield Engines(folder, database_url, redis_url, tuple(own))


@contextmanager
def _private() -> Iterator[None]:
    """What is written during the block is its owner's alone. Files for others are written after it."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def use(
    data_dir: Path, *, environment: Mapping[str, str] | None = None, durable: bool = True
) -> Iterator[Engines]:
    """The engines of `data_dir` for one command: the running ones, or else our own for the block.

    Commands share: the one that started the engines stops them after the last has finished.
    """
    env = os.environ if environment is None else environment
    deadline = time.monotonic() + _WAIT
    with _private(), ExitStack() as stack:
        while True:
            try:
                engines = stack.enter_context(_start_and_linger(data_dir, env, durable))
                break
            except AlreadyRunning:
                if time.monotonic() > deadline:
                    raise
            lease = ExitStack()
            lease.enter_context(_lease(data_dir, fcntl.LOCK_SH))
            found = _running(data_dir, env)
            if found is not None:
                stack.push(lease)
                engines = found
                break
            lease.close()
            time.sleep(0.1)
        yield engines


@contextmanager
def _start_and_linger(data_dir: Path, env: Mapping[str, str], durable: bool) -> Iterator[Engines]:
    with ExitStack() as closing, start(data_dir, environment=env, durable=durable) as engines:
        try:
            yield engines
        finally:
            if engines.own:  # nobody may lean on the engines while they stop
                closing.enter_context(_lease(data_dir, fcntl.LOCK_EX))


@contextmanager
def _lease(data_dir: Path, kind: int) -> Iterator[None]:
    with (data_dir / "engines.lease").open("a") as file:
        fcntl.flock(file, kind)
        yield


def _prepare(data_dir: Path) -> Path:
    folder = data_dir.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            "The data directory %(folder)s cannot be made: %(why)s.", folder=folder, why=error.strerror
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(
            "The data directory %(folder)s is not writable for user %(own)s: it belongs to user"
            " %(owner)s. Choose another with --data-dir, or start as that user.",
            folder=folder,
            own=os.geteuid(),
            owner=folder.stat().st_uid,
        )
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[IO[str]]:
    """Hold the folder's lock alone, and tell who does."""
    with _held(folder, fcntl.LOCK_EX) as register:
        _write(register, ready=False)
        try:
            yield register
        finally:
            register.seek(0)
            register.truncate()


@contextmanager
def _held(folder: Path, kind: int) -> Iterator[IO[str]]:
    """Hold the folder's lock, alone or with others who only read it, until the block or the process ends."""
    descriptor = os.open(folder / "engines.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as register:
        try:
            fcntl.flock(register, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(register)
            raise AlreadyRunning(
                "The data directory %(folder)s is in use by process %(pid)s (%(command)s). Stop that"
                " process first, or choose another directory with --data-dir.",
                folder=folder,
                pid=holder.get("pid", "?"),
                command=holder.get("command", "?"),
            ) from None
        yield register


def _write(
    register: IO[str],
    *,
    ready: bool,
    database: str | None = None,
    redis: str | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Tell other commands who runs the engines and where; addresses from the environment stay there."""
    named = servers.urls(env or {})
    facts = {
        "pid": os.getpid(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
        "ready": ready,
        "database": None if named[0] else database,
        "redis": None if named[1] else redis,
    }
    register.seek(0)
    register.truncate()
    json.dump(facts, register)
    register.flush()


def _read(register: IO[str]) -> dict[str, str]:
    register.seek(0)
    text = register.read()
    try:
        facts: dict[str, str] = json.loads(text)
    except json.JSONDecodeError:  # the holder is writing at this moment
        return {}
    return facts


def _running(data_dir: Path, env: Mapping[str, str]) -> Engines | None:
    """The engines that another process runs, or None while it is still starting or has just stopped. Raises
    UserError where the environment names other servers than that process has."""
    with (data_dir / "engines.lock").open("r") as register:
        try:
            fcntl.flock(register, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            facts = _read(register)
    if not facts.get("ready"):
        return None
    own, named = (facts.get("database"), facts.get("redis")), servers.urls(env)
    if any(mine and other and mine != other for mine, other in zip(own, named, strict=True)):
        raise UserError(
            "Process %(pid)s runs %(folder)s with servers of its own, and RECUPERO_DATABASE_URL or"
            " RECUPERO_REDIS_URL names others: unset them, or name another folder with --data-dir.",
            pid=facts["pid"],
            folder=data_dir,
        )
    database, redis = own[0] or named[0], own[1] or named[1]
    if not database or not redis:
        raise UserError(
            "Process %(pid)s runs %(folder)s with servers named by RECUPERO_DATABASE_URL or"
            " RECUPERO_REDIS_URL: set them here to the same addresses.",
            pid=facts["pid"],
            folder=data_dir,
        )
    return Engines(data_dir, database, redis)
