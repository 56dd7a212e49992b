"""What a strategy would have chosen in a past window, beside what was really chosen.

Each past decision is made again among the options that it had (see `hindsight`): the branch that would have
held for the account on that day, its pace and limits on the contacts that were really made, its channels,
costs and preferences on the values of that day. One contact per debtor, and what is limited by day goes to
the most valuable first. Agents' time is not limited again, and nothing is drawn at random. What it would have
brought is an off-policy value, which is refused where the log does not hold what the strategy would have
done. Nothing is written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Flags
from recupero.decisions.evidence import evaluation, hindsight
from recupero.decisions.evidence.hindsight import Option, Past
from recupero.decisions.evidence.rechoosing import Case, cases_of, choose
from recupero.decisions.history import outcomes
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.offpolicy import Estimate, Logged
from recupero.decisions.planning.capacity import CALL_MINUTES
from recupero.decisions.planning.recording import WAIT
from recupero.decisions.strategies.branches import Branch, branched, effective
from recupero.decisions.strategies.strategy import Strategy, parse
from recupero.kernel import clock
from recupero.kernel.errors import UserError, Words
from recupero.outreach.actions.approval import Asked, needs_yes
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.channels.connectors import connectors, led_by_machine
from recupero.placements import browse, strategies
from recupero.tenancy import queries as tenancy

#: Days that are looked at where nobody says which, and decisions above which nobody waits for the answer.
USUAL, MOST = timedelta(days=90), 10_000
WINDOW = timedelta(days=outcomes.WINDOWS["paid"])


@dataclass(frozen=True)
class Side:
    """What was, or would have been, chosen: contacts in all and by channel, local hour, segment and arm (""
    outside of any), with how many people, the most on one day of the creditor's, minutes on calls, how many
    would have waited for a yes, and their cost in minor units. `expected_minor` is what they add up to by the
    values of then: what plans went by, no proof of what came."""

    contacts: int
    people: int
    most_a_day: int
    call_minutes: int
    cost_minor: int
    expected_minor: int
    needs_yes: int
    channels: Mapping[str, int]
    hours: Mapping[str, int]
    segments: Mapping[str, int]
    arms: Mapping[str, int]


@dataclass(frozen=True)
class Brought:
    """Per decision whose 30 days have passed, of `n`: money that came within them (minor units, less what was
    taken back), and the share that was followed by a complaint or an opt-out; with 95 % intervals. `ess` is
    the effective number of decisions behind the tried side. `difference` is None where the two part for too
    few people who paid to tell."""

    n: int
    ess: float
    made: Estimate
    tried: Estimate
    difference: Estimate | None
    harm_made: Estimate
    harm_tried: Estimate


@dataclass(frozen=True)
class WhatIf:
    """The answer. `same`, `other`, `instead_of_waiting` and `waits_instead` add up to `decisions`, one per
    debtor and plan. `alone`: why the strategy would have left them alone; `refused`: by channel, how often
    which rule was against it; `not_known`: channels of whose lawfulness nothing is known any more. `brought`
    is None where the log cannot say it; `why_not` says why."""

    since: datetime
    until: datetime
    currency: str
    decisions: int
    same: int
    other: int
    instead_of_waiting: int
    waits_instead: int
    made: Side
    tried: Side
    alone: Mapping[str, int]
    refused: Mapping[str, Mapping[str, int]]
    not_known: Mapping[str, int]
    quicker: bool  # a shorter pace than then: what it would have done earlier is not among the decisions
    brought: Brought | None
    why_not: UserError | None

    def to_json(self) -> dict[str, Any]:
        told = asdict(replace(self, why_not=None))
        told |= {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return told | {"why_not": self.why_not.message if self.why_not else None}


def what_if(
    session: Session,
    portfolio_id: int,
    strategy: Mapping[str, Any],
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    most: int = MOST,
) -> WhatIf:
    """What `strategy` would have chosen in a portfolio of the tenant in scope after `since` until `until`
    (the last 90 days by default). Raises UserError where it cannot be read, the window is none, or it holds
    no decision or more than `most`; NotFound."""
    portfolio, draft = browse.portfolio(session, portfolio_id), parse(strategy)
    until = until or clock.now()
    since = since or until - USUAL
    _refuse(session, portfolio_id, since, until, most)
    past = hindsight.read(session, portfolio_id, since, until)
    branches, before = _branches(past, portfolio_id, draft), _before(session, portfolio_id, past)
    by_machine = bool(led_by_machine(session))
    carried = {name for name, each in connectors(session).items() if each.ready} | {CALL}
    pairs = [(each, branches[each.id].strategy) for each in past]
    hindsight.ask_the_law(session, pairs, carried, by_machine=by_machine)
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    cases = cases_of(past)
    choose(cases, branches, before, draft, zone)
    brought, why_not = _brought(session, cases, since)
    return _told(
        (since, until), portfolio.currency, cases, branches, before, (brought, why_not), zone
    )  # fmt: skip


def _refuse(session: Session, portfolio_id: int, since: datetime, until: datetime, most: int) -> None:
    if since >= until:
        raise UserError("The window ends before it begins.", field="since")
    found = hindsight.count(session, portfolio_id, since, until)
    if not found:
        raise UserError("No decision was made in this window.", field="since")
    if found > most:
        raise UserError(
            "%(count)s decisions were made in this window: choose a shorter one, or use"
            " `recupero decisions what-if`, which takes its time; here at most %(most)s are looked at",
            field="since", count=found, most=most,
        )  # fmt: skip


def _branches(past: Sequence[Past], portfolio_id: int, draft: Strategy) -> dict[int, Branch]:
    """The branch of the draft that would have held for each decision, by its id."""
    import polars as pl

    frame = pl.DataFrame(
        {
            "account": [each.id for each in past], "person": [each.person_id for each in past],
            "portfolio": [portfolio_id] * len(past), "due_date": [each.due_date for each in past],
            "balance_minor": [each.balance_minor for each in past],
            "region": [each.region for each in past], "language": [each.language for each in past],
            "situations": [each.situations for each in past], "day": [each.at.date() for each in past],
        },
        schema_overrides={
            "due_date": pl.Date, "region": pl.String, "language": pl.String, "day": pl.Date,
            "situations": pl.List(pl.String),
        },
    )  # fmt: skip
    found = branched(frame, {portfolio_id: draft}, past[0].at, today=pl.col("day"))
    places = found.accounts.select("account", "branch").iter_rows()
    return {key: found.branches[branch] for key, branch in places}


def _before(session: Session, portfolio_id: int, past: Sequence[Past]) -> dict[int, Strategy | None]:
    """What held when each decision was made, by its id; None where that is not kept."""
    portfolio = browse.portfolio(session, portfolio_id)
    texts = {each.version: each.strategy for each in strategies.versions(session, portfolio_id)}
    texts |= {portfolio.strategy_version: portfolio.strategy}
    read: dict[int | None, Strategy | None] = {}
    for number, data in texts.items():
        try:
            read[number] = parse(data)
        except UserError:
            read[number] = None
    held: dict[tuple[int | None, str | None, str | None], Strategy | None] = {}
    for each in past:
        whole = read.get(each.strategy_version)
        held.setdefault(
            (each.strategy_version, each.segment, each.arm),
            whole and effective(
                whole,
                next((one for one in whole.segments if one.name == each.segment), None),
                next((one for one in whole.arms if one.name == each.arm), None),
            ),
        )  # fmt: skip
    return {each.id: held[each.strategy_version, each.segment, each.arm] for each in past}


def _brought(
    session: Session, cases: Sequence[Case], since: datetime
) -> tuple[Brought | None, UserError | None]:
    """What the choices brought and would have brought; why that cannot be said where it cannot."""
    came = outcomes.of_decisions(session, clock.now(), since)
    open_then = [case for case in cases if case.option or len(case.taken.alternatives) > 1]
    known = [case for case in open_then if case.taken.at <= clock.now() - WINDOW]
    place = np.searchsorted(came.id, [case.taken.id for case in known]).astype(np.int64)
    paid, harm = (np.nan_to_num(came.columns[name][place]) for name in ("paid_minor", "harm"))
    person = np.array([case.taken.person_id for case in known], dtype=np.int64)
    chance = np.array([case.same for case in known], dtype=np.float64)
    propensity = np.array([case.taken.propensity for case in known], dtype=np.float64)
    wait: Option = {"channel": None, "at": None, "value_minor": 0}
    rows = [case.taken for case in known]
    chosen = [case.option or wait for case in known]
    expected, modelled = evaluation.reward_model(rows, chosen, person, paid)
    try:
        tried = Logged(person, paid, chance, propensity, expected, modelled)
        _refuse_unsupported(tried, np.array([case.option is not None for case in known], dtype=bool))
    except UserError as error:
        return None, error
    except ValueError as error:
        return None, UserError("the decisions kept cannot be judged by: %(why)s", why=error)
    made = Logged(person, paid, propensity, propensity)
    found, harmful = offpolicy.estimate(tried), replace(tried, reward=harm, expected=None, modelled=None)
    was_harmful = replace(made, reward=harm)
    return Brought(
        len(known), found.ess, offpolicy.estimate(made).ips, found.best, offpolicy.difference(tried, made),
        offpolicy.estimate(was_harmful).ips, offpolicy.estimate(harmful).snips,
    ), None  # fmt: skip


def _refuse_unsupported(tried: Logged, contacts: Flags) -> None:
    """Raises UserError where the log does not hold what the strategy would have done: neither in all, nor by
    itself where it contacts or waits, the rarer of which would hide behind the other."""
    offpolicy.refuse_without_support(Words("tried", ("the strategy",)), tried)
    for name, some in (("its contacts", contacts), ("its waiting", ~contacts)):
        if some.mean() > offpolicy.MOST_UNSUPPORTED:
            ones = np.ones(int(some.sum()))  # whether it is in the log at all, whatever it brought
            part = Logged(tried.person[some], ones, tried.chance[some], tried.propensity[some])
            offpolicy.refuse_without_support(Words("tried", (name,)), part)


def _told(
    window: tuple[datetime, datetime],
    currency: str,
    cases: Sequence[Case],
    branches: Mapping[int, Branch],
    before: Mapping[int, Strategy | None],
    brought: tuple[Brought | None, UserError | None],
    zone: ZoneInfo,
) -> WhatIf:
    same = [case for case in cases if case.same]
    ways = Counter(
        (case.taken.choice != WAIT, case.option is not None) for case in cases if not case.same
    )  # fmt: skip
    rows = [past for case in cases for past in case.rows]
    return WhatIf(
        *window, currency, len(cases), len(same), ways[True, True], ways[False, True], ways[True, False],
        _made(cases, zone), _tried(cases, branches, zone),
        dict(sorted(Counter(case.alone for case in cases if case.option is None).items())),
        _refusals(rows, branches),
        dict(sorted(Counter(channel for past in rows for channel in past.unasked).items())),
        any(
            held is not None and branches[key].strategy.pace_days < held.pace_days
            for key, held in before.items()
        ),
        *brought,
    )  # fmt: skip


def _made(cases: Sequence[Case], zone: ZoneInfo) -> Side:
    done = [(case.taken, _taken(case.taken)) for case in cases if case.taken.choice != WAIT]
    return _side(
        done, [(past.segment, past.arm) for past, _option in done], 0,
        sum(past.cost_minor for past, _option in done), zone,
    )  # fmt: skip


def _taken(past: Past) -> Option:
    """What was chosen, as an option; one that is not among those kept counts by its channel and moment."""
    kept = next((each for each in past.alternatives if past.took(each)), None)
    at = past.scheduled_at or past.at
    return kept or {"channel": past.channel, "at": at.isoformat(), "value_minor": 0}


def _tried(cases: Sequence[Case], branches: Mapping[int, Branch], zone: ZoneInfo) -> Side:
    done = [(case.tried, case.option) for case in cases if case.option is not None]
    held = [branches[past.id] for past, _option in done]
    asks = [
        needs_yes(branch.strategy.needs_yes, Asked(
            option["channel"], template, branch.strategy.tone(template, option["channel"]),
            past.stage, past.balance_minor,
            past.situations,
        ))
        for (past, option), branch in zip(done, held, strict=True)
        for template in ["follow_up" if past.choice == WAIT else past.choice]
    ]  # fmt: skip
    return _side(
        done, [(branch.segment, branch.arm) for branch in held], sum(why is not None for why in asks),
        sum(option["cost_minor"] for _past, option in done), zone,
    )  # fmt: skip


def _side(
    done: Sequence[tuple[Past, Option]],
    held: Sequence[tuple[str | None, str | None]],
    asks: int,
    cost_minor: int,
    zone: ZoneInfo,
) -> Side:
    local = [datetime.fromisoformat(option["at"]).astimezone(zone) for _past, option in done]
    channels = _counts(option["channel"] for _past, option in done)
    return Side(
        len(done), len({past.debtor_id for past, _option in done}),
        max(Counter(each.date() for each in local).values(), default=0),
        round(channels.get(CALL, 0) * CALL_MINUTES), cost_minor,
        round(sum(option["value_minor"] or 0 for _past, option in done)), asks, channels,
        _counts(f"{each:%H}" for each in local), _counts(segment for segment, _arm in held),
        _counts(arm for _segment, arm in held),
    )  # fmt: skip


def _counts(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(name or "" for name in names).items()))


def _refusals(rows: Sequence[Past], branches: Mapping[int, Branch]) -> dict[str, dict[str, int]]:
    """By channel that the strategy wants, how often which rule was against it."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for past in rows:
        for channel, rule in past.closed.items():
            if channel in branches[past.id].strategy.channels:
                found[channel][rule] += 1
    return {channel: dict(sorted(rules.items())) for channel, rules in sorted(found.items())}
