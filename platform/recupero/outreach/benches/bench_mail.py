"""The mails of `recupero bench execute`: sent over real SMTP, against writing, building and sending the same
mails over one kept connection; and sent by workers that are killed in mid-run."""

import os
import random
import signal
import smtplib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import select

from recupero.contacts.tables import Contact
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.errors import UserError
from recupero.outreach.actions.states import OPEN
from recupero.outreach.jobs import BATCH
from recupero.outreach.tables import Action
from recupero.outreach.texts import words
from recupero.outreach.texts.words import Sender
from recupero.placements.reach import Reachable
from recupero.tenancy import service as tenancy

KILLED = 3  # workers that die before one may finish
_SENDER = Sender("bench", "bench", "+56 2 2345 6789", "bench@example.com")


@dataclass(frozen=True)
class Relay:
    """The relay that takes our mails, and its own record of them."""

    port: int
    log: Path

    def arrived(self) -> list[str]:
        """Keys of the messages that arrived, each as often as it did."""
        lines = self.log.read_text().split() if self.log.exists() else []
        return [line.strip("<>").partition("@")[0] for line in lines]


@contextmanager
def relay(folder: Path) -> Iterator[Relay]:
    """A relay in a process of its own."""
    log = folder / "relay.log"
    command = [sys.executable, "-m", "recupero.outreach.benches.bench_relay", str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("its pipes were asked for")
        try:
            yield Relay(int(process.stdout.readline()), log)
        finally:
            process.stdin.close()


@contextmanager
def by_mail(platform: runtime.Runtime, scope: Scope, to: Relay) -> Iterator[None]:
    """The creditor sends its mails to this relay. Raises UserError where nothing is installed for that."""
    if "email" not in platform.plugins.channels:
        raise UserError("install the channel plug-in 'email': its mails are a part of this measure")
    settings = {"host": "127.0.0.1", "port": str(to.port), "security": "none", "sender": _SENDER.email}
    for enabled in (True, False):
        with platform.database.transaction(scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="email", enabled=enabled, settings=settings, actor="system"
            )
        if enabled:
            yield


def plain(to: Relay, accounts: Collection[Reachable]) -> float:
    """Seconds to write, build and send a mail for each account over one connection, and nothing else."""
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", to.port) as connection:
        for number, account in enumerate(accounts):
            text = words.write(
                "first_notice", "email", "kind", account, _SENDER, "http://127.0.0.1/p/0", words.new_code()
            )
            mail = EmailMessage()
            mail["From"], mail["To"] = _SENDER.email, "somebody@example.com"
            mail["Subject"], mail["Message-ID"] = text.subject, f"<plain-{number}@example.com>"
            mail.set_content(text.text)
            mail.add_alternative(text.html, subtype="html")
            connection.send_message(mail)
    return time.perf_counter() - began


def kill_workers(platform: runtime.Runtime, to: Relay) -> None:
    """Let workers carry out what is due, each killed (SIGKILL) when some of its mails have arrived, then one
    that ends it."""
    chance = random.Random(20260310)  # noqa: S311 - a seed, so that it comes again
    for _ in range(KILLED):
        _ask("outreach.reap", "outreach.dispatch")
        enough = len(to.arrived()) + chance.randrange(BATCH // 10, BATCH)
        worker, ended = _fork(platform), 0
        while not ended and len(to.arrived()) < enough:
            time.sleep(0.01)
            ended, _ = os.waitpid(worker, os.WNOHANG)
        if not ended:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)
        clock.advance(jobs.LEASE + timedelta(minutes=1))
    for _ in range(3):
        _ask("outreach.reap", "outreach.dispatch")
        jobs.drain()
        clock.advance(jobs.LEASE + timedelta(minutes=1))


def _ask(*names: str) -> None:
    with runtime.current().database.transaction(PLATFORM) as session:
        for name in names:
            jobs.enqueue(session, name, queue="urgent", unique_key=f"periodic:{name}")
    jobs.sweep()


def _fork(platform: runtime.Runtime) -> int:
    """A worker process with this one's plug-ins and clock, and connections of its own."""
    worker = os.fork()
    if worker == 0:
        platform.database.forked()
        platform.redis.connection_pool.reset()
        jobs.worker().work(burst=True, logging_level="CRITICAL")
        os._exit(0)
    return worker


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of actions, by our books and by the relay's. `lost`: still open after everything, or
    called sent and never arrived. `doubled`: arrived more than once."""

    lost: int
    doubled: int
    unknown: int


def tally(platform: runtime.Runtime, scope: Scope, actions: Sequence[int], to: Relay) -> Tally:
    """Compare our books on these actions with the relay's."""
    with platform.database.transaction(scope) as session:
        states = session.execute(select(Action.state).where(Action.id.in_(actions))).scalars().all()
        made = session.execute(
            select(Contact.id, Contact.action_id, Contact.state).where(Contact.action_id.in_(actions))
        ).all()
    arrived = Counter(to.arrived())
    by_action: Counter[int] = Counter()
    for row in made:
        by_action[row.action_id] += arrived[f"{scope.tenant()}-{row.id}"]
    never = sum(row.state == "sent" and not by_action[row.action_id] for row in made)
    ended = Counter(states)
    return Tally(
        lost=sum(ended[state] for state in OPEN) + never,
        doubled=sum(times > 1 for times in by_action.values()),
        unknown=ended["unknown"],
    )
