"""`recupero bench fairness`: ten actions of one creditor beside very many of another.

The ten become due when the others' batches fill the queues already. What is measured is from then to the last
of the ten going out, in turn with the same ten beside one action. One worker, so that it is the worst case.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import click
from sqlalchemy import func, insert, join, literal, select, true, update

from recupero.kernel import clock, command, jobs
from recupero.kernel.bulk import among, refresh_statistics
from recupero.kernel.database import PLATFORM
from recupero.outreach.actions.states import WAITING
from recupero.outreach.benches.bench import Bench, neighbour, platform_with
from recupero.outreach.channels.connectors import OUTBOX
from recupero.outreach.tables import Action
from recupero_sdk.channels import Capabilities, Channel, Message, Receipt
from recupero_sdk.settings import PluginConfig, Setting

FEW = 10
#: Nobody's ten may be delayed by more, whatever others have due.
MOST = timedelta(minutes=1)


@dataclass
class SlowOutbox:
    """The outbox at the speed of a provider. When the first message goes out the few become due; it notes
    how long the last of them took then, and how many others went before it. `left` is called when
    they went."""

    outbox: Channel
    seconds_each: float
    prefix: str  # how the keys of the few begin
    arrive: Callable[[], None]
    key: str = OUTBOX
    settings: Sequence[Setting] = ()
    took: float = 0.0
    waited: float = 0.0
    before: int = 0
    few_sent: int = 0
    others: int = 0
    left: Callable[[], None] | None = None
    _arrived: float = 0.0

    def __post_init__(self) -> None:
        self.capabilities: Capabilities = self.outbox.capabilities

    def check(self, config: PluginConfig) -> str | None:
        """Nothing is to be set up."""
        return None

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Carry them out at the speed that is set."""
        if not self._arrived:
            self._arrived = time.perf_counter()
            self.arrive()
        time.sleep(self.seconds_each * len(messages))
        if messages[0].key.startswith(self.prefix):
            self.few_sent += len(messages)
            self.waited, self.before = time.perf_counter() - self._arrived, self.others
        else:
            self.others += len(messages)
        receipts = self.outbox.send(messages, config)
        if self.left and self.few_sent == FEW:
            self.left()
        return receipts


def measure(count: int, seconds_each: float, rounds: int, accounts: int) -> dict[str, Any]:
    """Medians over rounds: the few alone, and beside `count` actions of another creditor, which are those of
    `accounts` accounts at most. Where these have several each, a round ends when the few went."""
    people = min(count, accounts)
    many = (people + 1) * rounds
    with platform_with(many) as bench:
        few = neighbour(bench, 2 * FEW * rounds, many)
        alone, beside = list[SlowOutbox](), list[SlowOutbox]()
        for _ in range(rounds):
            alone.append(_round(bench, few, 1, seconds_each))
            beside.append(_round(bench, few, people, seconds_each, copies=count // people - 1))
    waits = [outbox.waited for outbox in alone], [outbox.waited for outbox in beside]
    seconds = statistics.median(outbox.took for outbox in beside)
    return {
        "n": count, "accounts": people, "seconds": round(seconds, 3),
        "rate": round(statistics.median(outbox.others / outbox.took for outbox in beside), 1),
        "seconds_each": seconds_each, "few": FEW, "reference": "the same few beside one action",
        "alone_seconds": round(statistics.median(waits[0]), 3),
        "beside_seconds": round(statistics.median(waits[1]), 3),
        "delay_seconds": round(max(waits[1]) - min(waits[0]), 3),
        "others_before": max(outbox.before for outbox in beside),
        "most_seconds": MOST.total_seconds(),
        "arrived": sum(outbox.few_sent for outbox in (*alone, *beside)), "wanted": FEW * 2 * rounds,
    }  # fmt: skip


def _round(bench: Bench, few: Bench, count: int, seconds_each: float, *, copies: int = 0) -> SlowOutbox:
    """`count` actions, and so many copies of each, are handed out; when the first goes out the few become
    due, and are handed out with the next round of dispatch, which is asked for at once: a minute may pass
    before it by itself."""
    channels = bench.platform.plugins.channels

    def arrive() -> None:
        few.due(FEW, few.waiting)
        with bench.platform.database.transaction(PLATFORM) as session:
            jobs.enqueue(session, "outreach.dispatch", queue="urgent")

    prefix = f"{few.scope.tenant()}-"
    outbox = channels[OUTBOX] = SlowOutbox(channels[OUTBOX], seconds_each, prefix, arrive)
    if copies:
        _copy(bench, count, copies)
        outbox.left = partial(_take_back, bench)
    try:
        outbox.took = bench.actions(count)
    finally:
        channels[OUTBOX] = outbox.outbox
    return outbox


def _copy(bench: Bench, count: int, copies: int) -> None:
    """So many more actions of those that become due next, due now."""
    columns = {column.name: column for column in Action.__table__.columns if column.name != "id"}
    chosen = {**columns, "due_at": literal(clock.now(), columns["due_at"].type)}
    copied = (
        select(*chosen.values())
        .select_from(join(Action.__table__, func.generate_series(1, copies).alias(), true()))
        .where(Action.tenant_id == bench.scope.tenant(), among(Action.id, bench.waiting[-count:]))
    )
    with bench.platform.database.transaction(bench.scope) as session:
        session.execute(insert(Action).from_select(list(chosen), copied))
        refresh_statistics(session, Action)


def _take_back(bench: Bench) -> None:
    """What is left of the many is not wanted any more."""
    with bench.platform.database.transaction(bench.scope) as session:
        session.execute(
            update(Action)
            .where(
                Action.tenant_id == bench.scope.tenant(), Action.state.in_(WAITING),
                Action.due_at <= clock.now(),
            )
            .values(state="cancelled", reason="bench")
        )  # fmt: skip


@click.command("fairness")
@click.option("--n", "count", default=5_000, show_default=True, type=click.IntRange(1, 5_000_000))
@click.option(
    "--seconds-each",
    default=0.003,
    show_default=True,
    type=click.FloatRange(0, 60),
    help="What a message takes.",
)
@click.option(
    "--accounts",
    default=5_000_000,
    type=click.IntRange(1, 5_000_000),
    help="Accounts that the many are about, where they are fewer than the actions.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def fairness_bench(count: int, seconds_each: float, accounts: int, rounds: int, as_json: bool) -> None:
    """How long ten actions of one creditor wait beside very many of another; more than a minute is a
    failure."""
    answer = measure(count, seconds_each, rounds, accounts)
    fair = answer["delay_seconds"] <= answer["most_seconds"] and answer["arrived"] == answer["wanted"]
    command.finish(answer, as_json=as_json, ok=fair)
