"""A platform that is gone after use: what benchmarks measure on."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recupero.kernel import engines, migrate, runtime
from recupero.kernel.config import Config
from recupero.kernel.plugins import Plugins

_SERVERS = ("RECUPERO_DATABASE_URL", "RECUPERO_APP_DATABASE_URL", "RECUPERO_MLFLOW_URL", "RECUPERO_REDIS_URL")


def peak_mib() -> float:
    """The most memory that this process has had, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


@contextmanager
def platform(
    plugins: Plugins | None = None, *, durable: bool = True, copy_of: Path | None = None
) -> Iterator[tuple[runtime.Runtime, engines.Engines]]:
    """A migrated platform with nothing in it, or a copy of one whose engines stand still, and its engines, in
    a folder of their own.

    Always on embedded engines: whatever servers the environment names, a benchmark's rows have no place among
    those of creditors. `durable=False` lets PostgreSQL lose data in a crash of the machine.
    """
    with engines.throwaway_folder("recupero-bench-") as folder:
        if copy_of is not None:
            engines.copy(copy_of, folder)
        with started(folder, plugins, durable=durable) as found:
            yield found


@contextmanager
def started(
    folder: Path, plugins: Plugins | None = None, *, durable: bool = True
) -> Iterator[tuple[runtime.Runtime, engines.Engines]]:
    """The platform of a folder, made there where it has none, which stays after the block."""
    with _no_servers_named(), engines.start(folder, durable=durable) as running:
        config = Config.build(
            running.data_dir, owner_database_url=running.owner_database_url, redis_url=running.redis_url
        )
        migrate.upgrade(config.owner_database_url)
        try:
            yield runtime.start(config, plugins), running
        finally:
            runtime.stop()


@contextmanager
def _no_servers_named() -> Iterator[None]:
    """Also for the processes started meanwhile."""
    named = {name: os.environ.pop(name) for name in _SERVERS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(named)
