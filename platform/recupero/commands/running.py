"""`recupero up`, `work`, `schedule`: the processes of a running platform."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from recupero import serving
from recupero.demo import marks
from recupero.kernel import command, engines, job_requests, runtime
from recupero.kernel.config import Config
from recupero.kernel.plugins import Plugins
from recupero.kernel.workers import schedule as run_schedule
from recupero.kernel.workers import work as process_jobs
from recupero.kernel.workers import work_many as run_workers


@click.command()
@click.option("--burst", is_flag=True, help="Stop when nothing is left to do.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@command.data_dir_option
@command.json_option
@command.answers
def work(burst: bool, workers: int, data_dir: Path | None, as_json: bool) -> None:
    """Carry out jobs."""
    began = time.monotonic()
    with command.opened(data_dir, Plugins.load()) as platform:
        if workers == 1:
            process_jobs(burst=burst)
            code = 0
        else:
            code = run_workers(workers, platform.config.data_dir, burst=burst)
        left = job_requests.counts()
    _ended(began, as_json, workers=workers, left=left)
    sys.exit(code)


@click.command()
@command.data_dir_option
@command.json_option
@command.answers
def schedule(data_dir: Path | None, as_json: bool) -> None:
    """Ask for periodic jobs at their times and send again what was lost."""
    began = time.monotonic()
    with command.opened(data_dir, Plugins.load()):
        run_schedule()
    _ended(began, as_json)


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo agency if this data directory has none yet.")
@click.option("--host", default=serving.HOST, show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@command.data_dir_option
@command.json_option
@command.answers
def up(demo: bool, host: str, port: int, workers: int, data_dir: Path | None, as_json: bool) -> None:
    """Start PostgreSQL, Redis, web, workers and scheduler; Ctrl-C stops them all."""
    began, folder = time.monotonic(), data_dir or engines.default_data_dir()
    serving.serve(
        folder,
        host=host,
        port=port,
        workers=workers,
        prepare=_demo if demo else None,
        say=lambda line: click.echo(line, err=True),
    )
    _ended(began, as_json, data_dir=str(folder))


def _ended(began: float, as_json: bool, **told: Any) -> None:
    """What a process that runs until it is stopped answers at its end, where JSON is asked for."""
    if as_json:
        command.finish({**told, "seconds": round(time.monotonic() - began, 1)}, as_json=True)


def _demo(config: Config, say: Callable[[str], None]) -> Sequence[str]:
    if marks.state(config.data_dir) != "loaded":
        # Only here: simulation and learning take seconds to import, and a second start needs neither.
        from recupero.demo import load
        from recupero.wiring import wire

        wire()
        load.prepare(runtime.start(config, waits_for_disk=False), say)
        runtime.stop()
    return marks.closing_lines(config.data_dir)
