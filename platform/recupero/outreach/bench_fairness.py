"""`recupero bench fairness`: ten actions of one creditor beside very many of another.

The ten become due when the others' batches fill the queues already. What is measured is from then to the last
of the ten going out, in turn with the same ten beside one action. One worker, so that it is the worst case.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click

from recupero.kernel import command, jobs
from recupero.kernel.database import PLATFORM
from recupero.outreach.bench import Bench, neighbour, platform_with
from recupero.outreach.connectors import OUTBOX
from recupero_sdk.channels import Capabilities, Channel, Message, Receipt
from recupero_sdk.settings import PluginConfig, Setting

FEW = 10
#: Nobody's ten may be delayed by more, whatever others have due.
MOST = timedelta(minutes=1)


@dataclass
class SlowOutbox:
    """The outbox at the speed of a provider. When the first message goes out the few become due; it notes
    how long the last of them took then, and how many others went before it."""

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
    _arrived: float = 0.0
    _others: int = 0

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
            self.waited, self.before = time.perf_counter() - self._arrived, self._others
        else:
            self._others += len(messages)
        return self.outbox.send(messages, config)


def measure(count: int, seconds_each: float, rounds: int) -> dict[str, Any]:
    """Medians over rounds: the few alone, and beside `count` actions of another creditor."""
    many = (count + 1) * rounds
    with platform_with(many) as bench:
        few = neighbour(bench, 2 * FEW * rounds, many)
        alone, beside = list[SlowOutbox](), list[SlowOutbox]()
        for _ in range(rounds):
            alone.append(_round(bench, few, 1, seconds_each))
            beside.append(_round(bench, few, count, seconds_each))
    waits = [outbox.waited for outbox in alone], [outbox.waited for outbox in beside]
    seconds = statistics.median(outbox.took for outbox in beside)
    return {
        "n": count, "seconds": round(seconds, 3), "rate": round(count / seconds, 1),
        "seconds_each": seconds_each, "few": FEW, "reference": "the same few beside one action",
        "alone_seconds": round(statistics.median(waits[0]), 3),
        "beside_seconds": round(statistics.median(waits[1]), 3),
        "delay_seconds": round(max(waits[1]) - min(waits[0]), 3),
        "others_before": max(outbox.before for outbox in beside),
        "most_seconds": MOST.total_seconds(),
        "arrived": sum(outbox.few_sent for outbox in (*alone, *beside)), "wanted": FEW * 2 * rounds,
    }  # fmt: skip


def _round(bench: Bench, few: Bench, count: int, seconds_each: float) -> SlowOutbox:
    """`count` actions are handed out; when the first goes out the few become due, and are handed out with
    the next round of dispatch, which is asked for at once: a minute may pass before it by itself."""
    channels = bench.platform.plugins.channels

    def arrive() -> None:
        few.due(FEW, few.waiting)
        with bench.platform.database.transaction(PLATFORM) as session:
            jobs.enqueue(session, "outreach.dispatch", queue="urgent")

    prefix = f"{few.scope.tenant()}-"
    outbox = channels[OUTBOX] = SlowOutbox(channels[OUTBOX], seconds_each, prefix, arrive)
    try:
        outbox.took = bench.actions(count)
    finally:
        channels[OUTBOX] = outbox.outbox
    return outbox


@click.command("fairness")
@click.option("--n", "count", default=5_000, show_default=True, type=click.IntRange(1, 5_000_000))
@click.option(
    "--seconds-each",
    default=0.003,
    show_default=True,
    type=click.FloatRange(0, 60),
    help="What a message takes.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def fairness_bench(count: int, seconds_each: float, rounds: int, as_json: bool) -> None:
    """How long ten actions of one creditor wait beside very many of another; more than a minute is a
    failure."""
    answer = measure(count, seconds_each, rounds)
    fair = answer["delay_seconds"] <= answer["most_seconds"] and answer["arrived"] == answer["wanted"]
    command.finish(answer, as_json=as_json, ok=fair)
