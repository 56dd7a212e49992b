"""The running platform of this process: configuration, connections, plug-ins."""

from dataclasses import dataclass

from redis import Redis

from recupero.kernel import crypto
from recupero.kernel.config import Config
from recupero.kernel.database import Database
from recupero.kernel.plugins import Plugins


@dataclass
class Runtime:
    """Made once per process by `start`; rooms reach it through `current()`."""

    config: Config
    database: Database
    redis: Redis
    plugins: Plugins

    def close(self) -> None:
        self.database.dispose()
        self.redis.close()


_current: Runtime | None = None


def start(config: Config, plugins: Plugins | None = None, *, waits_for_disk: bool = True) -> Runtime:
    """Open connections (`waits_for_disk` as for `Database`), load keys and plug-ins, and make this the
    process's runtime.

    Raises `plugins.ClaimConflict` where two plug-ins claim one key.
    """
    global _current
    crypto.use_keyring(crypto.Keyring.load_or_create(config.key_file))
    _current = Runtime(
        config=config,
        database=Database(config.database_url, waits_for_disk=waits_for_disk),
        redis=Redis.from_url(config.redis_url),
        plugins=plugins or Plugins.load(),
    )
    return _current


def stop() -> None:
    """Close the connections of this process's runtime."""
    global _current
    if _current is not None:
        _current.close()
        _current = None


def current() -> Runtime:
    if _current is None:
        raise RuntimeError("recupero.kernel.runtime.start() comes first")
    return _current
