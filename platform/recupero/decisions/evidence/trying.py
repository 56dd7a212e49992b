"""A strategy tried before it is used: what the next plan would do by it, beside what it does now, and what is
amiss with it. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from recupero.decisions.service import PlanResult, Thought, think
from recupero.decisions.strategies.assistants import VIRTUAL
from recupero.decisions.strategies.strategy import Strategy, parse
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.channels.connectors import led_by_machine
from recupero.outreach.scripts import store
from recupero.outreach.understanding import desk
from recupero.placements import browse

if TYPE_CHECKING:
    import polars as pl

#: Accounts of a creditor above which a trial is not made while somebody waits for it.
MOST = 30_000
#: Refusals of ours; every other rule is one of law.
HOUSE_RULES = (
    "no_contact_point", "opted_out", "debtor_wishes_other_channel", "debtor_wishes_other_hours", "control",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a plan would do for one portfolio. `channels`, `segments` and `arms` count planned contacts by
    name ("" outside of any); `people` counts accounts by segment; sums are in minor units of the portfolio's
    currency."""

    accounts: int
    workable: int
    planned: int
    value_minor: int
    cost_minor: int
    channels: Mapping[str, int]
    segments: Mapping[str, int]
    arms: Mapping[str, int]
    people: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss with a strategy. `code` is put into words by the pages; `grave` where it never does
    what it says."""

    code: str
    grave: bool
    what: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """The strategy in force and the one tried, as of one moment."""

    now: Outcome
    tried: Outcome
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def try_out(
    session: Session, portfolio_id: int, strategy: Mapping[str, Any], at: datetime, *, most: int = MOST
) -> Trial:
    """What the plan of the tenant in scope would do for a portfolio by `strategy`, beside its own.

    Raises UserError where the strategy cannot be read or the creditor has more than `most` open accounts.
    """
    read, tenant = parse(strategy), scope_of(session).tenant()
    _refuse_large(session, most)
    now = think(session, at, PlanResult(tenant))
    tried = think(session, at, PlanResult(tenant), drafts={portfolio_id: read})
    outcome = _outcome(tried, portfolio_id)
    findings = tuple(_findings(session, tried, portfolio_id, read, outcome))
    return Trial(_outcome(now, portfolio_id), outcome, findings)


def _refuse_large(session: Session, most: int) -> None:
    count = sum(line.open_accounts for line in browse.portfolios_with_totals(session))
    if count > most:
        raise UserError(
            "this creditor has %(count)s open accounts: try it with `recupero decisions try`, which takes its"
            " time; here at most %(most)s are tried",
            field="strategy", count=count, most=most,
        )  # fmt: skip


def _outcome(thought: Thought, portfolio_id: int) -> Outcome:
    import polars as pl

    mine = pl.col("portfolio") == portfolio_id
    names = thought.branched.names()
    accounts = thought.branched.accounts.filter(mine).join(names, on="branch", how="left")
    rows = thought.choice.chosen[thought.choice.chosen >= 0]
    chosen = thought.found.options[rows].filter(mine).join(names, on="branch", how="left")
    return Outcome(
        len(accounts), len(thought.worked.filter(mine)), len(chosen), round(chosen["value_minor"].sum()),
        int(chosen["cost_minor"].sum()), _counts(chosen, "channel"), _counts(chosen, "segment"),
        _counts(chosen, "arm"), _counts(accounts, "segment"),
    )  # fmt: skip


def _counts(frame: pl.DataFrame, name: str) -> dict[str, int]:
    return dict(frame.group_by(frame[name].fill_null("")).len().sort(name).iter_rows())


def _findings(
    session: Session, thought: Thought, portfolio_id: int, strategy: Strategy, outcome: Outcome
) -> Iterator[Finding]:
    for segment in strategy.segments:
        if not outcome.people.get(segment.name):
            yield Finding("dead_segment", grave=True, what={"segment": segment.name})
    for channel in strategy.channels:
        if strategy.daily.get(channel) == 0:
            yield Finding("none_a_day", grave=True, what={"channel": channel})
    cheapest = min((strategy.costs_minor.get(channel, 0) for channel in strategy.channels), default=0)
    if strategy.budget_minor is not None and strategy.budget_minor < cheapest:
        yield Finding("budget_buys_nothing", grave=True)
    holding = [each.strategy for each in thought.branched.branches.values() if each.portfolio == portfolio_id]
    by_machine = bool(led_by_machine(session))
    by_people = [each for each in holding if not each.machine_calls(by_machine=by_machine)]
    if any(CALL in each.channels for each in by_people) and not desk.workers(
        session, scope_of(session).tenant()
    ):
        yield Finding("nobody_calls", grave=False)
    yield from _speakers(session, strategy, holding)
    if any(each.offer_after is not None and "plan" not in each.offers for each in holding):
        yield Finding("offers_no_plan", grave=True)
    yield from _refused(thought, portfolio_id)


def _speakers(session: Session, strategy: Strategy, holding: Sequence[Strategy]) -> Iterator[Finding]:
    """Assistants who never speak, machines that nobody connected, scripts that are not there."""
    speaking = {one.name for each in holding for by in each.channels if (one := each.assistant(by))}
    machine = bool(led_by_machine(session))
    scripts = {row.name for row in store.all_versions(session) if row.state == "approved"}
    for one in strategy.assistants:
        what = {"assistant": one.name}
        if one.name not in speaking:
            yield Finding("never_speaks", grave=True, what=what)
        elif one.kind == VIRTUAL and not machine and any(each.assistant(CALL) is one for each in holding):
            yield Finding(
                "no_machine_calls", grave=any(each.channels == (CALL,) for each in holding), what=what
            )
        if one.script and one.script not in scripts:
            yield Finding("no_such_script", grave=True, what=what | {"script": one.script})


def _refused(thought: Thought, portfolio_id: int) -> Iterator[Finding]:
    """Channels that the law refuses for every account asked about, and accounts that no channel reaches."""
    import polars as pl

    mine = thought.worked.filter(pl.col("portfolio") == portfolio_id).select("account")
    refused = thought.found.refused.join(mine, on="account")
    offered = thought.found.options.join(mine, on="account").select("account", "channel").unique()
    legal = refused.filter(~pl.col("rule").is_in(HOUSE_RULES))
    for (channel,), rows in legal.group_by(["channel"], maintain_order=True):
        if offered.filter(pl.col("channel") == channel).is_empty():
            rule = rows["rule"].mode().sort()[0]
            yield Finding(
                "not_lawful_now", grave=False, what={"channel": channel, "rule": rule, "accounts": len(rows)}
            )
    reached = offered.select("account").unique()
    without = (
        refused.group_by("account").agg(pl.col("rule").is_in(["no_contact_point", "opted_out"]).all())
        .filter(pl.col("rule")).join(reached, on="account", how="anti")
    )  # fmt: skip
    if len(without):
        yield Finding("starved", grave=False, what={"accounts": len(without), "of": len(mine)})
