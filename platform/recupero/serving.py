"""The face behind `recupero up`: which processes make a running platform, and what is prepared before."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from recupero.kernel import engines, migrate, supervisor
from recupero.kernel.config import Config
from recupero.kernel.plugins import Plugins
from recupero.kernel.supervisor import ProcessSpec

HOST = "127.0.0.1"

Prepare = Callable[[Config, Callable[[str], None]], Sequence[str]]


def serve(
    data_dir: Path, *, host: str, port: int, workers: int, prepare: Prepare | None, say: Callable[[str], None]
) -> None:
    """Run the platform until Ctrl-C. `prepare` (the demo) runs after the migrations; its lines are shown.

    Raises UserError before anything is started where two packs claim one country.
    """
    for country, why in Plugins.installed().failed_countries().items():
        say(f"{country} is closed to contact: its law failed to load: {why}")
    base_url = os.environ.get("RECUPERO_BASE_URL") or f"http://{host}:{port}"

    def before(running: engines.Engines) -> Sequence[str]:
        config = configure(running, base_url)
        say("Bringing the database to this version's schema …")
        migrate.upgrade(config.owner_database_url)
        return prepare(config, say) if prepare else []

    supervisor.up(
        data_dir,
        lambda running, listener: processes(running, base_url, listener, workers),
        host=host,
        port=port,
        prepare=before,
        say=say,
    )


def configure(running: engines.Engines, base_url: str) -> Config:
    """The settings of this process for running engines."""
    return Config.build(
        running.data_dir,
        owner_database_url=running.owner_database_url,
        redis_url=running.redis_url,
        base_url=base_url,
    )


def processes(running: engines.Engines, base_url: str, listener: int, workers: int) -> list[ProcessSpec]:
    """Web (on the socket with the descriptor `listener`), workers and scheduler, told where everything is."""
    environment = {
        "RECUPERO_DATA_DIR": str(running.data_dir),
        "RECUPERO_DATABASE_URL": running.owner_database_url,
        "RECUPERO_REDIS_URL": running.redis_url,
        "RECUPERO_BASE_URL": base_url,
    }
    counted = environment | {"PROMETHEUS_MULTIPROC_DIR": str(running.data_dir / "metrics")}
    python = [sys.executable, "-m"]
    web = [*python, "gunicorn", "-c", "python:recupero.kernel.web", "-b", f"fd://{listener}"]
    return [
        ProcessSpec("web", [*web, "recupero.app:create_from_environment()"], counted, (listener,)),
        *(
            ProcessSpec(f"worker-{number + 1}", [*python, "recupero.cli", "work"], environment)
            for number in range(workers)
        ),
        ProcessSpec("scheduler", [*python, "recupero.cli", "schedule"], environment),
    ]
