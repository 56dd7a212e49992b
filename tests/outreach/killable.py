"""A real worker process for the tests, which can be made to die by SIGKILL at a chosen point.

    main({"data_dir": …, "database": …, "redis": …, "now": …, "log": …, "kill": {"statement": 12}})

`kill` names one of: `statement` (just before the n-th SQL statement of this process), `send` (just before the
n-th batch is handed over), `sent` (just after, before anybody knows). What the connector carries is appended
to `log`, one `key recipient` a line: the provider's own record.
"""

import os
import signal
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sqlalchemy import event

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.config import Config
from recupero.kernel.plugins import Plugins
from recupero.outreach import jobs as outreach_jobs
from recupero.wiring import wire
from recupero_sdk.channels import Capabilities, Message, Receipt, SendOutcome
from recupero_sdk.settings import PluginConfig, Setting

BATCH = 60  # small ones, so that a few hundred actions have many points to die at


class RecordingOutbox:
    """An outbox whose deliveries outlive the process."""

    key = "outbox"
    capabilities = Capabilities(channels=("email", "sms", "whatsapp", "letter"), batch_size=15)
    settings: Sequence[Setting] = ()

    def __init__(self, log: Path, kill: dict[str, int]) -> None:
        self.log, self.kill, self.batches = log, kill, 0

    def check(self, config: PluginConfig) -> str | None:
        return None

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        self.batches += 1
        if self.kill.get("send") == self.batches:
            die()
        with self.log.open("a") as file:
            for message in messages:
                file.write(f"{message.key} {message.recipient}\n")
                file.flush()
        if self.kill.get("sent") == self.batches:
            die()
        return [Receipt(message.key, SendOutcome.SENT, message.key) for message in messages]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(asked: dict[str, Any]) -> None:
    kill: dict[str, int] = asked["kill"]
    outreach_jobs.BATCH = BATCH
    config = Config.build(
        Path(asked["data_dir"]),
        owner_database_url=asked["database"],
        redis_url=asked["redis"],
        testing=True,
    )
    plugins = Plugins.load({"regulation": entry_points(group="recupero.regulations", name="cl")})
    plugins.channels["outbox"] = RecordingOutbox(Path(asked["log"]), kill)
    started = runtime.start(config, plugins)
    wire()
    if "statement" in kill:
        _die_at_statement(started, kill["statement"])
    with clock.simulated(datetime.fromisoformat(asked["now"])):
        jobs.worker().work(burst=True, logging_level="ERROR")
    runtime.stop()


def _die_at_statement(started: runtime.Runtime, number: int) -> None:
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            die()

    event.listen(started.database.engine, "before_cursor_execute", count)
