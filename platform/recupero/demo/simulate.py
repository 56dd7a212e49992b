"""One trial of a policy: a creditor places accounts with simulated debtors, the real pipeline works them.

With a learning period another creditor of the same agency comes first: its accounts are worked by the
champion with much exploration and go back, the models are trained on what happened, and only then is the
measured creditor's file placed. Runs of the same seed have the same measured people on the same days,
whatever the policy. What is lived through to learn is the same for all of them: it may be kept and copied.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic, process_time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text

from recupero.contacts.replaying import replay_contacts
from recupero.decisions.learning import promotion, registry, valuing
from recupero.decisions.planning import policies
from recupero.decisions.planning.policies import BUILT_IN, Capped, Policy
from recupero.decisions.simulation.drive import Drive
from recupero.decisions.simulation.oracle import Oracle
from recupero.decisions.strategies import annoyance
from recupero.demo import agency as demo
from recupero.demo.agency import DemoTenant
from recupero.demo.load import Loaded, place, train
from recupero.demo.population import BOOKS
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.kernel.runtime import Runtime
from recupero.payments import queries as payments
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.strategies import set_strategy
from recupero.reports.periods import Period
from recupero.reports.queries import Group, Happened, Reader

#: The measured creditor's accounts are placed on this morning, a Monday, whenever the trial is run.
START = datetime(2026, 3, 2, 2, 0, tzinfo=ZoneInfo("America/Santiago"))
#: What one contact costs, minor units of the Chilean peso: message prices and an agent's minutes. Ours.
COSTS = {"email": 2, "sms": 30, "whatsapp": 45, "call": 600}
#: What a complaint or an opt-out is held to cost where nobody says, as in a strategy.
ANNOYANCE = annoyance.usual("CLP")
STRATEGY = {
    "channels": ["email", "whatsapp", "sms", "call"], "pace_days": 6, "max_contacts_30d": 5,
    "costs_minor": COSTS, "exploration": 0.0, "annoyance_minor": ANNOYANCE,
}  # fmt: skip
#: After so many days the database is told anew what its tables hold: the engines of a trial do not do it by
#: themselves, and without it a day of the third month takes several times as long as one of the first.
TIDIED_EVERY = 7
EXPLORING = 0.3  # share of people whose action is drawn at random in the learning period
NAMES = (*BUILT_IN, Oracle.name)
#: What a platform that has lived through a learning period says of it, in its data directory.
KEPT = "learned.json"
_LEARNED, _MEASURED = (
    replace(BOOKS[0], slug=slug, name=name, share=1.0)
    for slug, name in (("banco-anterior", "Banco Anterior"), ("banco-austral", "Banco Austral"))
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """What is tried. `cap`: most contacts a day's plan may make for the tenant, None for no limit but the
    strategy's own. `pace`: most that may have been made in all by the end of each day. `taught_days`:
    the models learn from the first so many of the learning days, None: from all. `annoyance`: what the
    measured creditor holds a complaint or an opt-out to cost, minor units."""

    policy: str
    days: int
    accounts: int
    seed: int
    learn_days: int = 0
    cap: int | None = None
    pace: tuple[int, ...] | None = None
    taught_days: int | None = None
    annoyance: int = ANNOYANCE

    def taught(self) -> int:
        """Days of the learning period from which its models learn."""
        return self.learn_days if self.taught_days is None else self.taught_days

    def history(self) -> "History":
        """The learning period that it begins with."""
        return History(self.accounts, self.seed, self.learn_days)


@dataclass(frozen=True)
class History:
    """A learning period: the same for every policy of a seed."""

    accounts: int
    seed: int
    learn_days: int


def check(policy: str) -> None:
    """Raises UserError on a policy that does not exist."""
    if policy not in NAMES:
        raise UserError(
            "unknown policy '%(name)s': use %(known)s", field="--policy", name=policy,
            known=", ".join(NAMES),
        )  # fmt: skip


def run(platform: Runtime, trial: Trial, say: Say) -> dict[str, Any]:
    """Live through the trial on an empty platform, or on one that `keep` left, and tell what came of it
    (keys: docs/simulation.md)."""
    check(trial.policy)
    began, spent = monotonic(), process_time()
    known = _kept(platform, trial)
    agency, measured = known.creditors if known else _lived(platform, trial.history(), say)
    with clock.simulated(START):
        if trial.learn_days and not (known and known.taught):
            _train(platform, agency, trial, say)
        drive = Drive(platform, measured.scope, trial.seed, upkeep_every=TIDIED_EVERY)
        by_month, by_day = _measure(platform, drive, agency, measured, trial, say)
        result = _figures(platform, measured, drive.counts)
    replayed = replay_contacts(platform.database)
    return {
        "policy": trial.policy, "days": trial.days, "accounts": trial.accounts, "seed": trial.seed,
        "learn_days": trial.learn_days, "cap": trial.cap, "taught_days": trial.taught_days,
        "annoyance": trial.annoyance, **result,
        "expected_minor": round(drive.expected_minor),
        "recovered_by_month_minor": by_month, "contacts_by_day": by_day,
        "illegal_contacts": len(replayed.illegal),
        "seconds": round(monotonic() - began, 1), "cpu_seconds": round(process_time() - spent, 1),
    }  # fmt: skip


def keep(platform: Runtime, history: History, say: Say) -> None:
    """Live through a learning period on an empty platform, which trials may then begin with a copy of."""
    agency, measured = _lived(platform, history, say)
    tenant, portfolio = measured.scope.tenant(), measured.portfolio_id
    told = asdict(history) | {"agency": agency.agency_id, "tenants": agency.tenant_ids, "measured": tenant}
    (platform.config.data_dir / KEPT).write_text(json.dumps(told | {"portfolio": portfolio}))


def teach(platform: Runtime, trial: Trial, say: Say) -> None:
    """Train the models of a platform that `keep` left, once for all trials that learn from as many days."""
    known = _kept(platform, trial)
    if known is None or known.taught:
        raise UserError("that platform has nothing to learn from", field="--learned")
    with clock.simulated(START):
        _train(platform, known.creditors[0], trial, say)
    file = platform.config.data_dir / KEPT
    file.write_text(json.dumps(json.loads(file.read_text()) | {"taught_days": trial.taught()}))


@dataclass(frozen=True)
class _Known:
    """What `keep` left: the agency and the measured creditor, and whether `teach` trained the models."""

    creditors: tuple[Scope, DemoTenant]
    taught: bool


def _kept(platform: Runtime, trial: Trial) -> _Known | None:
    """What is known of a platform that `keep` left; None on an empty one. Raises UserError where it lived
    through something else, or was taught from other days."""
    file = platform.config.data_dir / KEPT
    if not file.exists():
        return None
    told = json.loads(file.read_text())
    wanted = asdict(trial.history())
    if "taught_days" in told:
        wanted["taught_days"] = trial.taught()
    if any(told[name] != value for name, value in wanted.items()):
        was = ", ".join(f"{name} {told[name]}" for name in wanted)
        raise UserError("that platform learned otherwise: %(was)s", field="--learned", was=was)
    agency = Scope(told["agency"], tuple(told["tenants"]))
    measured = DemoTenant(_MEASURED, Scope(told["agency"], (told["measured"],)), told["portfolio"])
    return _Known((agency, measured), "taught_days" in told)


def _lived(platform: Runtime, history: History, say: Say) -> tuple[Scope, DemoTenant]:
    """The agency and the measured creditor, and the learning period on another's accounts behind them."""
    books = (_LEARNED, _MEASURED) if history.learn_days else (_MEASURED,)
    with clock.simulated(START - timedelta(days=history.learn_days)):
        agency, (*learned, measured) = demo.create(platform, books, STRATEGY)
        demo.plan_daily(platform, agency)
        for tenant in learned:
            _set(platform, tenant, exploration=EXPLORING)
            place(platform, [tenant], Loaded(), history.accounts, 1.0, history.seed, number=1)
            _work(platform, tenant, history, say)
    return agency, measured


def _work(platform: Runtime, learned: DemoTenant, history: History, say: Say) -> None:
    """Work the accounts of the learning period, and give them back."""
    drive = Drive(platform, learned.scope, history.seed, upkeep_every=TIDIED_EVERY)
    drive.meet_debtors()
    first = clock.now()
    for day in range(history.learn_days):
        clock.set_to(first + timedelta(days=day))
        drive.day()
        _tidied(platform, day)
    say(f"Learned for {history.learn_days} days: {drive.summary()}")
    with platform.database.transaction(learned.scope) as session:
        placements.recall_accounts(session, reach.account_ids(session))


def _tidied(platform: Runtime, day: int) -> None:
    if day % TIDIED_EVERY == 0:
        owner = create_engine(platform.config.owner_database_url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
        owner.dispose()


def _promoted(platform: Runtime, agency: Scope, day: int, say: Say) -> None:
    """Once a week somebody says yes to every newer version that has a measured win, and to no other."""
    if day % TIDIED_EVERY:
        return
    for each in registry.versions(scope=agency):
        won = promotion.evidence(each, registry.serving(agency, each.name)).won
        if registry.CHALLENGER in each.aliases and won:
            promotion.promote(platform.database, agency, each.name, each.version, actor=demo.ACTOR)
            say(f"Day {day + 1}: version {each.version} of {each.name} has won and serves")


def _train(platform: Runtime, agency: Scope, trial: Trial, say: Say) -> None:
    """Train what learns from the history of accounts, and what learns from decisions, on what was known after
    the days from which the trial is taught; the first version of each serves."""
    at = START - timedelta(days=trial.learn_days - trial.taught())
    train(platform, agency, [*sorted(platform.plugins.models), valuing.KIND], say, at=at)


def _set(platform: Runtime, tenant: DemoTenant, **changed: float) -> None:
    with platform.database.transaction(tenant.scope) as session:
        set_strategy(session, tenant.portfolio_id, {**STRATEGY, **changed}, actor=demo.ACTOR)


def _measure(
    platform: Runtime, drive: Drive, agency: Scope, measured: DemoTenant, trial: Trial, say: Say
) -> tuple[list[int], list[int]]:
    """Place the measured file and live through its days under the policy; what came in each 30 days, and how
    many contacts had been made by the end of each day."""
    clock.set_to(START)
    _set(platform, measured, annoyance_minor=trial.annoyance)
    place(platform, [measured], Loaded(), trial.accounts, 1.0, trial.seed, number=0)
    drive.meet_debtors()
    months, before, contacts = [], 0, []
    with _in_force(drive, trial):
        for day in range(trial.days):
            clock.set_to(START + timedelta(days=day))
            drive.day()
            contacts.append(drive.contacts())
            _tidied(platform, day)
            _promoted(platform, agency, day, say)
            if (day + 1) % 30 == 0 or day + 1 == trial.days:
                now = _recovered(platform, measured)
                months.append(now - before)
                before = now
                told = f"{now} recovered, {drive.expected_minor:.0f} by the traits"
                say(f"Day {day + 1} of {trial.days}: {told}; {drive.summary()}")
    return months, contacts


@contextmanager
def _in_force(drive: Drive, trial: Trial) -> Iterator[None]:
    policy: Policy = (
        Oracle(drive.debtor, ZoneInfo(_MEASURED.timezone))
        if trial.policy == Oracle.name
        else policies.named(trial.policy)
    )
    limited = trial.cap is not None or trial.pace is not None
    with policies.use(Capped(policy, partial(_room, drive, trial)) if limited else policy):
        yield


def _room(drive: Drive, trial: Trial) -> int:
    """Contacts that today's plan may make."""
    found = sys.maxsize if trial.cap is None else trial.cap
    if trial.pace:
        today = min((clock.now() - START).days, len(trial.pace) - 1)
        found = min(found, trial.pace[today] - drive.contacts())
    return max(0, found)


def _recovered(platform: Runtime, tenant: DemoTenant) -> int:
    with platform.database.transaction(tenant.scope) as session:
        taken = payments.collected(session).get(tenant.book.currency)
    return taken.amount_minor if taken else 0


def _figures(platform: Runtime, tenant: DemoTenant, counts: Counter[str]) -> dict[str, Any]:
    """Of the measured creditor, from the platform's own records."""
    currency, first = tenant.book.currency, START.date().replace(day=1)
    last = clock.today(tenant.book.timezone).replace(day=1)
    with platform.database.transaction(tenant.scope) as session:
        reader = Reader(session, Period(first, last))
        happened = reader.happened()
        placed = reach.placed_after(session, 0)
    whole = Group(currency, None, None)
    by_channel = {group.channel: each for group, each in happened.items() if group.channel}
    recovered, total = _recovered(platform, tenant), sum(one.placed_minor for one in placed)
    told = happened.get(whole, Happened())
    return {
        "currency": currency,
        "placed_accounts": len(placed),
        "placed_minor": total,
        "recovered_minor": recovered,
        "recovered_share": round(recovered / total, 5) if total else 0.0,
        "contacts": told.attempts,
        "contacts_by_channel": {
            channel: each.attempts
            for channel, each in sorted(by_channel.items())
            if each.connects or each.attempts
        },
        "right_party": told.right_party,
        "complaints": told.complaints,
        "opt_outs": told.opt_outs,
        "disputes": told.disputes,
        "hardships": counts["hardships"],
        "payments": counts["payments"],
        "promises": told.promises,
        "promises_kept": told.kept,
        "promises_due": told.due,
        "cost_minor": sum(each.attempts * COSTS.get(channel, 0) for channel, each in by_channel.items()),
    }
