"""A worker process for the tests that contacts one person again and again, and can be made to die by SIGKILL.

    python -m tests.contacts.racer '{"database": …, "agency": 1, "accounts": [[2, 7], …], "weeks": 4, …}'

It goes through the simulated weeks, several tries a day: reserve, commit, hand over (a line in `log`: the
provider's own record), confirm. `die` names the SQL statement before which the process kills itself, or
`sent`: just after the n-th hand-over, before anybody knows.
"""

import json
import os
import random
import signal
import sys
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from sqlalchemy import event

from recupero.contacts import service
from recupero.contacts.service import Result, Wish
from recupero.kernel import clock, runtime
from recupero.kernel.config import Config
from recupero.kernel.database import Scope
from recupero.kernel.plugins import Plugins
from recupero_sdk.law import Channel

CHANNELS = ("call", "email", "sms", "whatsapp")
ENDS = ("delivered", "delivered", "answered", "no_answer", "failed", "unknown")


def main(asked: dict[str, Any]) -> None:
    chance = random.Random(asked["seed"])
    config = Config.build(
        Path(asked["data_dir"]), owner_database_url=asked["database"], redis_url=asked["redis"], testing=True
    )
    plugins = Plugins.load({"regulation": entry_points(group="recupero.regulations")})
    started = runtime.start(config, plugins)
    if "statement" in asked["die"]:
        _die_at_statement(started, asked["die"]["statement"])
    with clock.simulated(datetime.fromisoformat(asked["now"])):
        contact_for_weeks(asked, chance)
    runtime.stop()


def contact_for_weeks(asked: dict[str, Any], chance: random.Random) -> None:
    """Try the person a few times on every day of the weeks, by whichever creditor, debt and channel."""
    sent = 0
    for _day in range(asked["weeks"] * 7):
        for _try in range(chance.randint(1, 3)):
            tenant, account = chance.choice(asked["accounts"])
            scope = Scope(asked["agency"], (tenant,))
            contact_id = _reserve(scope, account, cast(Channel, chance.choice(CHANNELS)))
            if contact_id is None:
                continue
            sent += 1
            with Path(asked["log"]).open("a") as file:
                file.write(f"{contact_id}\n")
            if asked["die"].get("sent") == sent:
                os.kill(os.getpid(), signal.SIGKILL)
            state = chance.choice(ENDS)
            with runtime.current().database.transaction(scope) as session:
                service.confirm(session, [Result(contact_id, state)])
        clock.advance(timedelta(hours=chance.choice((20, 24, 26))))


def _reserve(scope: Scope, account: int, channel: Channel) -> int | None:
    with runtime.current().database.transaction(scope) as session:
        return service.reserve(session, [Wish(account, channel, None)])[0].contact_id


def _die_at_statement(started: runtime.Runtime, number: int) -> None:
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(started.database.engine, "before_cursor_execute", count)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
