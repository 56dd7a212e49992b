"""Loads the demo agency once per data directory: two months of the real pipeline on a simulated clock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from recupero.decisions.learning import training
from recupero.decisions.simulation.drive import Drive
from recupero.demo import agency as demo
from recupero.demo import marks
from recupero.demo.agency import DemoTenant
from recupero.demo.marks import Login
from recupero.demo.people import People
from recupero.demo.population import rows, write_file
from recupero.kernel import clock, migrate
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.kernel.runtime import Runtime
from recupero.placements.imports import import_file
from recupero.tenancy.queries import agency_scopes

ACCOUNTS, DAYS, SEED = 5000, 60, 20260
# Share of a creditor's accounts that comes with each file, and the day on which it comes (of DAYS).
PLACEMENTS = ((0.0, 0.7), (0.5, 0.3))
# What is trained, and when (of DAYS): of the last day also what needs the history of many contacts.
TRAIN_AT = {0.7: ("propensity",), 1.0: ("propensity", "right_party", "best_time", "promise_kept")}

Say = Callable[[str], None]


@dataclass
class Loaded:
    """What the import of all files gave."""

    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0
    files: list[Path] = field(default_factory=list)


def prepare(platform: Runtime, say: Say) -> None:
    """Make the demo agency in this data directory; one that was cut short begins anew.

    Raises UserError where the database holds agencies of its own.
    """
    folder = platform.config.data_dir
    if marks.state(folder) == "loading":
        say("An earlier loading of the demo was cut short: beginning anew …")
        migrate.reset(platform.config.owner_database_url)
        platform.redis.flushdb()
    _refuse_foreign_data(platform)
    began = monotonic()
    marks.mark(folder, "loading")
    marks.save_logins(folder, load(platform, say))
    marks.mark(folder, "loaded")
    say(f"The demo agency is ready after {monotonic() - began:.0f} seconds.")


def load(platform: Runtime, say: Say) -> list[Login]:
    """The demo with its default size, ending now."""
    start = first_day(clock.now(), DAYS)
    with clock.simulated(start):
        agency, tenants = demo.create(platform)
        logins = demo.create_users(platform, agency, tenants)
        run(platform, agency, tenants, accounts=ACCOUNTS, days=DAYS, seed=SEED, say=say)
        demo.plan_daily(platform, agency)
        return logins


def run(
    platform: Runtime,
    agency: Scope,
    tenants: list[DemoTenant],
    *,
    accounts: int,
    days: int,
    seed: int,
    say: Say,
) -> tuple[Loaded, Drive]:
    """Place `accounts` accounts in two files per creditor and live through `days` simulated days. The
    agency's users stand already: what people do is done in their names."""
    loaded, first_day = Loaded(), clock.now()
    drive, people = Drive(platform, agency, seed, saying_why=True), People(platform, agency, tenants)
    imports = {int(share * days): part for share, part in PLACEMENTS}
    trainings = {max(1, int(share * days)): kinds for share, kinds in TRAIN_AT.items()}
    for day in range(days):
        clock.set_to(first_day + timedelta(days=day))
        if day in imports:
            place(platform, tenants, loaded, accounts, imports[day], seed, number=list(imports).index(day))
            drive.meet_debtors()
            say(f"Day {day + 1}: {loaded.accepted} accounts placed, {loaded.rejected} rows rejected")
        drive.day()
        people.day()
        if day + 1 in trainings:
            train(platform, agency, trainings[day + 1], say)
        if (day + 1) % 3 == 0:
            say(f"Day {day + 1} of {days}: {drive.summary()}")
    return loaded, drive


def place(
    platform: Runtime,
    tenants: list[DemoTenant],
    loaded: Loaded,
    accounts: int,
    part: float,
    seed: int,
    number: int,
) -> None:
    """Write and import one file per creditor."""
    for tenant in tenants:
        share = round(accounts * tenant.book.share * part)
        first = round(accounts * tenant.book.share) * number
        zone = tenant.book.timezone
        lines = rows(tenant.book, share, clock.today(zone), seed, first)
        name = f"{tenant.book.slug}-{clock.today(zone):%Y%m%d}"
        path = write_file(tenant.book, lines, platform.config.data_dir / "demo", name)
        result = import_file(
            platform.database, tenant.scope, portfolio_id=tenant.portfolio_id, path=path, actor=demo.ACTOR,
        )  # fmt: skip
        loaded.accepted += result.accepted
        loaded.rejected += result.rejected
        loaded.quarantined += result.quarantined
        loaded.files.append(path)


def train(
    platform: Runtime, agency: Scope, kinds: Iterable[str], say: Say, *, at: datetime | None = None
) -> None:
    """Train and register kinds of models on what had happened by `at` (by now); the first version of each
    serves. Of what there is too little yet the house's own order stays."""
    for kind in kinds:
        try:
            trained = training.train(platform.database, agency, kind, at=at)
        except UserError as error:
            say(f"No {kind} model yet: {error.message}")
            continue
        say(f"Model {trained.name} version {trained.version} is {trained.alias} ({trained.seconds} s)")


def first_day(now: datetime, days: int) -> datetime:
    """Two in the morning in Santiago, `days` days ago: before anybody may be called."""
    zone = ZoneInfo("America/Santiago")
    local = now.astimezone(zone) - timedelta(days=days)
    return local.replace(hour=2, minute=0, second=0, microsecond=0)


def _refuse_foreign_data(platform: Runtime) -> None:
    if agency_scopes(platform.database):
        raise UserError(
            "this database has agencies of its own: start without --demo, or name an empty data directory"
        )
