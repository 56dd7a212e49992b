"""Planning: decides for every account of a tenant what comes next, and schedules it.

Read in columns, ask the law in columns, score in columns, choose for all at once, write by COPY; one
transaction per tenant, so that a plan is there wholly or not at all.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.contacts.policies import lawbook
from recupero.contacts.queries import packs
from recupero.decisions.advice import point_ranking, promise_chances
from recupero.decisions.history.features import FeatureTable, read_features
from recupero.decisions.learning import failing, serving, valuing
from recupero.decisions.learning.serving import Scores
from recupero.decisions.learning.valuing import Told
from recupero.decisions.planning import best_time, candidates, choosing, reading, timing
from recupero.decisions.planning.candidates import Candidates, Tally
from recupero.decisions.planning.capacity import capacity_of, resources
from recupero.decisions.planning.early import Early, early
from recupero.decisions.planning.options import Terms, options_of
from recupero.decisions.planning.phases import phase
from recupero.decisions.planning.recording import Recorder
from recupero.decisions.queries import latest_run
from recupero.decisions.strategies.branches import Branched
from recupero.decisions.strategies.branches import branched as in_branches
from recupero.decisions.strategies.strategy import Strategy, parse
from recupero.decisions.tables import PlanRun
from recupero.kernel import clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.channels.connectors import connectors, led_by_machine
from recupero.tenancy import queries as tenancy

log = logging.getLogger(__name__)

Heard = Mapping[tuple[str, int, int], tuple[int, int]]

_LOCK = 7303  # advisory lock space: one plan of a tenant at a time
#: Carried out by a person from a work queue, where no connector leads calls; a visit is never planned by a
#: machine.
BY_AGENTS = ("call",)


@dataclass
class PlanResult:
    """What a plan did. `candidates` are lawful account-channel-moments; `blocked` counts accounts, or
    channels
    of accounts, by the rule that refused; `expected_value` is in minor units by currency."""

    tenant_id: int
    accounts: int = 0
    candidates: int = 0
    planned: int = 0
    blocked: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    expected_value: dict[str, int] = field(default_factory=dict)
    bound_gap: float = 0.0
    model: str = serving.FALLBACK
    model_version: str = "0"
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # kinds of models that did: an alarm
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plan_tenant(database: Database, scope: Scope, at: datetime | None = None) -> PlanResult:
    """Plan the tenant in scope as of `at` (now by default); what an earlier plan scheduled and this one would
    not is taken back. Needs the agency in scope, too: people are counted across its tenants.
    """
    began, at = time.perf_counter(), at or clock.now()
    result = PlanResult(scope.tenant())
    with phase("points"):
        _rank(database, scope, at, result)
    with database.transaction(scope) as session:
        _alone(session)
        with early(database, scope, at) as read:
            _plan(session, at, result, read=read)
    result.seconds = round(time.perf_counter() - began, 3)
    return result


def plan_again(database: Database, scope: Scope, debtors: Sequence[int]) -> PlanResult | None:
    """Plan these debtors of the tenant in scope as of now, after something happened to them, at the prices
    and within the room that the last plan of all accounts left. None where there is no such plan yet."""
    began, result, now = time.perf_counter(), PlanResult(scope.tenant()), clock.now()
    _rank(database, scope, now, result, debtors)
    with database.transaction(scope) as session:
        _alone(session)
        last = latest_run(session)
        if last is None:
            return None
        _plan(session, now, result, Again(sorted(set(debtors)), last))
    result.seconds = round(time.perf_counter() - began, 3)
    return result


def _rank(
    database: Database, scope: Scope, at: datetime, result: PlanResult, debtors: Sequence[int] | None = None
) -> None:
    """Which number or address is used first, before anything is planned for it."""
    _note(result, point_ranking.KIND, point_ranking.rank(database, scope, at, debtors))


def _note(result: PlanResult, kind: str, note: str | None, *, failed: bool = True) -> None:
    """What is to be told of a kind of model, and whether that is a fault."""
    result.notes += [note] if note else []
    result.failed += [kind] if note and failed else []


@dataclass(frozen=True)
class Again:
    """A few debtors who are planned after the plan `last` of all accounts."""

    debtors: Sequence[int]
    last: PlanRun


def _alone(session: Session) -> None:
    """Wait until no other plan of the tenant in scope is being made."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))"),
        {"space": _LOCK, "key": str(scope_of(session).tenant())},
    )


def _plan(
    session: Session,
    at: datetime,
    result: PlanResult,
    again: Again | None = None,
    *,
    read: Early | None = None,
) -> None:
    _note(result, promise_chances.KIND, promise_chances.weigh_open(session))
    thought = think(session, at, result, again=again, read=read)
    before = latest_run(session)
    run = _open_run(session, at, result)
    if again is None:
        run.prices = thought.choice.market.to_json()
        run.hours = [[*when, *seen] for when, seen in thought.heard.items()] if thought.heard else None
    else:
        run.part_of = again.last.id
        again.last.prices = thought.choice.market.after(again.last.prices)
    recorder = Recorder(
        session, run.id, at, thought.worked, thought.waiting, thought.table, thought.scores,
        thought.branched, thought.versions, thought.actions,
    )  # fmt: skip
    planned = recorder.record(thought.found, thought.choice)
    result.planned = len(planned.chosen)
    result.expected_value = _expected(planned.chosen)
    _close_run(session, run, result)
    if again is None:
        failing.tell(session, result.failed, before.failed if before else ())


@dataclass(frozen=True)
class Thought:
    """What a plan comes to before anything is written: accounts that may be worked with their branch,
    candidates, the choice among them, and how people answered by the hour."""

    worked: Any
    waiting: set[int]
    table: FeatureTable
    scores: Scores
    branched: Branched
    versions: Mapping[int, int]
    found: Candidates
    choice: choosing.Choice
    actions: valuing.Served | None
    heard: Heard


def think(
    session: Session,
    at: datetime,
    result: PlanResult,
    *,
    again: Again | None = None,
    drafts: Mapping[int, Strategy] | None = None,
    read: Early | None = None,
) -> Thought:
    """Decide for the tenant in scope and write nothing; `drafts` hold instead of their portfolios' own
    strategies. What is `read` beside is not read here."""
    scope, tally, debtors = scope_of(session), Tally(), again.debtors if again else None
    strategies, versions, commission = _portfolios(session, result)
    strategies |= drafts or {}
    with phase("accounts"):
        known = promise_chances.told(session, reading.read_accounts(session, at, debtors), debtors)
    with phase("branches"):
        branched = in_branches(known, strategies, at)
        accounts, holding = branched.accounts, branched.strategies
        result.accounts = len(accounts)
        worked = candidates.workable(accounts, holding, at, tally)
    with phase("features"):
        table = read.features.result() if read else read_features(session, at, debtors)
    with phase("scores"):
        scores = serving.score(scope, table)
    result.model, result.model_version = scores.model, scores.version
    by_branch = {number: commission[each.portfolio] for number, each in branched.branches.items()}
    heard = _heard(session, at, again, read) if scores.served else {}
    found, actions, hours_note = _candidates(
        session, worked, table, scores, holding, by_branch, at, tally, debtors, read, heard
    )
    if actions.served is not None:
        result.model, result.model_version = actions.served.name, actions.served.version
    _note(result, serving.KIND, _without(scores, actions), failed=scores.alarm)
    _note(result, best_time.KIND, hours_note)
    _note(result, valuing.KIND, actions.note, failed=actions.alarm)
    with phase("choice"):
        limits = capacity_of(session, strategies, by_people=_by_people(session, holding))
        scarce, market = resources(found.options, limits), again.last.prices if again else None
        choice = choosing.choose(found.options, holding, _seed(scope, at), scarce, market, _rest(scope, at))
    result.candidates, result.bound_gap = len(found.options), choice.bound_gap
    result.blocked, result.held = dict(tally.blocked), dict(tally.held)
    waiting = reading.waiting(accounts)
    return Thought(worked, waiting, table, scores, branched, versions, found, choice, actions.served, heard)


def _without(scores: Scores, actions: Told) -> str | None:
    """Why nobody's chance of a payment is known, and by what the plan goes instead; None where it is."""
    instead = "valued by the model of actions" if actions.served else "planned in the strategy's order"
    return scores.note and f"{scores.note}: {instead}"


def _candidates(
    session: Session,
    worked: Any,
    table: FeatureTable,
    scores: Scores,
    strategies: Mapping[int, Strategy],
    commission: Mapping[int, float],
    at: datetime,
    tally: Tally,
    debtors: Sequence[int] | None,
    read: Early | None,
    heard: Heard,
) -> tuple[Candidates, Told, str | None]:
    """The lawful candidates with their values, and the refusals; beside them which model valued them, and
    what failed of that of hours."""
    import polars as pl

    by_machine, ready = bool(led_by_machine(session)), connectors(session)
    by_people = BY_AGENTS if _by_people(session, strategies) else ()
    carried = tuple(dict.fromkeys((*(name for name, each in ready.items() if each.ready), *by_people)))
    probability = pl.DataFrame({"account": table.account_id, "p": scores.probability})
    worked = worked.join(probability, on="account", how="left").with_columns(
        pl.col("p").fill_null(serving.PRIOR)
    )
    with phase("history"):
        history = read.history.result() if read else reading.read_history(session, at, debtors)
    law = lawbook(session).of(scope_of(session).tenant(), at)
    hours = timing.learned(heard)
    times = best_time.Planned(hours) if scores.alarm else best_time.planned(session, at, hours, debtors)
    days = max((timing.period(each) for each in strategies.values()), default=0.0)
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    later = {each: timing.later(times.ahead, each, at, candidates.SLOTS, zone, days) for each in carried}
    terms = Terms(
        session, at, strategies, commission, carried, by_machine, law, times, reading.reach_of(heard), later,
        table,
    )  # fmt: skip
    return *options_of(terms, worked, history, tally), times.note


def _heard(session: Session, at: datetime, again: Again | None, read: Early | None) -> Heard:
    """How people answered by the hour. A plan of a few debtors takes what the last plan of all counted: to
    count takes the longer, the more accounts there are."""
    if read:
        return read.hours.result()
    if again is not None and again.last.hours is not None:
        return {(by, day, hour): (asked, heard) for by, day, hour, asked, heard in again.last.hours}
    return reading.read_hours(session, at)


def _by_people(session: Session, strategies: Mapping[int, Strategy]) -> bool:
    """Whether agents make calls by any of these strategies."""
    by_machine = bool(led_by_machine(session))
    return any(not each.machine_calls(by_machine=by_machine) for each in strategies.values())


def _portfolios(
    session: Session, result: PlanResult
) -> tuple[dict[int, Strategy], dict[int, int], dict[int, float]]:
    """Strategy, its version and commission by portfolio. A strategy that cannot be read leaves its portfolio
    unplanned."""
    strategies, versions, commission = {}, {}, {}
    rows = session.execute(
        text(
            "SELECT id, name, country, terms, strategy, strategy_version FROM portfolios"
            " WHERE tenant_id = :tenant ORDER BY id"
        ),
        {"tenant": scope_of(session).tenant()},
    ).all()
    for country in sorted({row.country for row in rows}):
        if why := packs().closed_because(country):
            result.notes.append(f"{country} is closed to contact: {why}")
    for portfolio, name, _country, terms, data, version in rows:
        try:
            strategies[portfolio] = parse(data)
        except UserError as error:
            result.notes.append(f"portfolio {name!r} is not planned: {error.field}: {error.message}")
            log.error("strategy of portfolio %s cannot be read: %s", portfolio, error.field)
            continue
        versions[portfolio] = version
        commission[portfolio] = terms.get("commission_rate", 10_000) / 10_000
    return strategies, versions, commission


def _seed(scope: Scope, at: datetime) -> int:
    """The same tenant planned for the same moment draws the same lots."""
    return scope.tenant() * 1_000_003 + int(at.timestamp())


def _rest(scope: Scope, at: datetime) -> int:
    """The same people of a tenant rest through a whole period."""
    return scope.tenant() * 1_000_003 + int(at.timestamp() // (choosing.REST_DAYS * 86_400))


def _expected(chosen: Any) -> dict[str, int]:
    """Value of the chosen options by currency."""
    import polars as pl

    totals = chosen.group_by("currency", maintain_order=True).agg(pl.col("value_minor").sum())
    return {currency: round(total) for currency, total in totals.iter_rows()}


def _open_run(session: Session, at: datetime, result: PlanResult) -> PlanRun:
    run = PlanRun(
        tenant_id=result.tenant_id, at=at, model=result.model, model_version=result.model_version,
        accounts=result.accounts, candidates=result.candidates, planned=0, blocked=result.blocked,
        held=result.held, expected_value={}, bound_gap=result.bound_gap, notes=result.notes,
        failed=result.failed,
        finished_at=clock.now(),
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def _close_run(session: Session, run: PlanRun, result: PlanResult) -> None:
    run.planned, run.expected_value, run.notes = result.planned, result.expected_value, list(result.notes)
    run.finished_at = clock.now()
    session.flush()
