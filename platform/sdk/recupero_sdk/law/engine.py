"""The gate: facts, history and a proposed contact in, a verdict out. Pure; no clock, no database.

Rules are compiled once per pack and kept; between two dates on which the law changes, the same compiled
plan serves every contact by the same channel for the same purpose.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from recupero_sdk.law import checks, checks_history, checks_time
from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.checks import Case, Check, Refusal
from recupero_sdk.law.moments import DAY, ceil_minute, instant
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.values import Channel, Facts, PastContact, Proposal, Purpose, RuleOutcome, Verdict
from recupero_sdk.law.zones import UnknownZoneError, load_zone, plausible_regions, plausible_zones

HORIZON = timedelta(days=60)

_CHECKS: dict[str, Callable[[Any], Check]] = {
    "frequency": checks_history.FrequencyCheck,
    "gap": checks_history.GapCheck,
    "channel_lock": checks_history.ChannelLockCheck,
    "channel_gate": checks.ChannelGateCheck,
    "opt_out": checks.OptOutCheck,
    "stop": checks.StopCheck,
    "recipient": checks.RecipientCheck,
    "place": checks.PlaceCheck,
    "channel_ban": checks.ChannelBanCheck,
}


#: Kinds of rule that can refuse a contact by themselves.
DECIDING_KINDS = frozenset((*_CHECKS, "hours", "closed_days"))


class Article:
    """One compiled rule: its check, if it decides, and the outcomes it can give without looking."""

    def __init__(self, rule: Rule, check: Check | None) -> None:
        self.rule, self.check = rule, check
        # A calendar's additions are dozens of lines; a verdict names the one that closed the day.
        self._parameters = rule.parameters.model_dump(mode="json", exclude_none=True, exclude={"additions"})
        self._constant = {
            code: self._outcome("allowed" if code == "within" else "informational", Refusal(code, {}))
            for code in ("within", "noted", "other_channel", "exempt_purpose")
        }

    def _outcome(self, outcome: Any, why: Refusal) -> RuleOutcome:
        rule = self.rule
        citation = rule.source.citation
        return RuleOutcome(rule.id, rule.kind, outcome, why.code, citation, why.details, self._parameters)

    def bearing(self, channel: Channel, purpose: Purpose) -> str:
        """How the rule bears on a contact: `within` decides it, the others only note it."""
        if self.check is None:
            return "noted"
        if channel not in self.rule.channels:
            return "other_channel"
        return "exempt_purpose" if purpose in self.rule.exempt_purposes else "within"

    def at_rest(self, code: str) -> RuleOutcome:
        """The outcome for a bearing, with nothing refused."""
        return self._constant[code]

    def refused(self, why: Refusal) -> RuleOutcome:
        return self._outcome("refused", why)


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules for one channel, purpose and set of regions, in order; `deciding` are places in it."""

    articles: tuple[Article, ...]
    at_rest: tuple[RuleOutcome, ...]
    deciding: tuple[tuple[int, Check], ...]


class CompiledPack:
    """A pack made ready to judge with, as it stood on one pack date."""

    def __init__(self, pack: RegulationPack, pack_date: date | None) -> None:
        self.pack = pack
        rules = pack.known(pack_date)
        closed = {
            (rule.id, rule.in_force.first): ClosedDays(rule.parameters)
            for rule in rules
            if rule.kind == "closed_days"
        }
        self._articles = [Article(rule, _check(rule, rules, closed)) for rule in rules]
        self._changes = _changes(rules)
        deciding = [article.rule for article in self._articles if article.check is not None]
        #: Local dates on which a deciding rule comes into force or has just gone out of it.
        self.deciding_changes = _changes(deciding)
        #: Purposes that deciding rules leave free.
        self.exemptions = [rule.exempt_purposes for rule in deciding if rule.exempt_purposes]
        self._whereabouts: dict[tuple[str | None, ...], tuple[tuple[str, ...], frozenset[str]]] = {}
        self._plans: dict[tuple[int, Channel, Purpose, frozenset[str]], Plan] = {}

    def whereabouts(self, facts: Facts) -> tuple[tuple[str, ...], frozenset[str]]:
        """Plausible zones and regions of the debtor; people share few, so the answers are kept."""
        key = (facts.region, facts.timezone, facts.postal_timezone, facts.phone_timezone)
        found = self._whereabouts.get(key)
        if found is None:
            zones = plausible_zones(self.pack, facts)
            found = zones, plausible_regions(self.pack, facts, zones)
            self._whereabouts[key] = found
        return found

    def plan(self, day: date, channel: Channel, purpose: Purpose, regions: frozenset[str]) -> Plan:
        """The rules in force on a local day for this kind of contact."""
        key = (bisect_right(self._changes, day), channel, purpose, regions)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make_plan(day, channel, purpose, regions)
        return plan

    def _make_plan(self, day: date, channel: Channel, purpose: Purpose, regions: frozenset[str]) -> Plan:
        articles = tuple(
            article
            for article in self._articles
            if article.rule.in_force.holds(day)
            and (not article.rule.regions or not regions.isdisjoint(article.rule.regions))
        )
        bearings = [article.bearing(channel, purpose) for article in articles]
        return Plan(
            articles=articles,
            at_rest=tuple(
                article.at_rest(bearing) for article, bearing in zip(articles, bearings, strict=True)
            ),
            deciding=tuple(
                (place, article.check)
                for place, article in enumerate(articles)
                if article.check is not None and bearings[place] == "within"
            ),
        )


def _changes(rules: Iterable[Rule]) -> list[date]:
    """The dates from which the set of rules in force is another, in order."""
    rules = list(rules)
    firsts = {rule.in_force.first for rule in rules if rule.in_force.first}
    return sorted(firsts | {rule.in_force.last + DAY for rule in rules if rule.in_force.last})


def _check(
    rule: Rule, rules: tuple[Rule, ...], closed: dict[tuple[str, date | None], ClosedDays]
) -> Check | None:
    if rule.kind == "closed_days":
        return checks_time.ClosedDaysCheck(rule, closed[rule.id, rule.in_force.first])
    if rule.kind == "hours":
        named = rule.parameters.closed_by
        days = [days for (rule_id, _first), days in closed.items() if rule_id == named]
        return checks_time.HoursCheck(rule, days[-1] if days else None)
    build = _CHECKS.get(rule.kind)
    return build(rule) if build else None


@lru_cache(maxsize=256)
def compiled(pack: RegulationPack, pack_date: date | None = None) -> CompiledPack:
    """The pack made ready to judge with; kept, because compiling costs milliseconds."""
    return CompiledPack(pack, pack_date)


def purpose_of(facts: Facts, proposal: Proposal, day: date) -> Purpose:
    """The stated purpose; without one, a reminder before the due date and collection from it on."""
    if proposal.purpose is not None:
        return proposal.purpose
    return "reminder" if facts.due_date is not None and day < facts.due_date else "collection"


def judge(
    pack: RegulationPack,
    facts: Facts,
    history: Iterable[PastContact],
    proposal: Proposal,
    *,
    pack_date: date | None = None,
    next_lawful: bool = True,
    horizon: timedelta = HORIZON,
) -> Verdict:
    """Whether the proposed contact is lawful under the pack, with every rule consulted.

    `history` may be in any order; contacts after the proposed moment are ignored. `pack_date` judges with
    the pack as it stood on that date. With `next_lawful` the verdict names the first lawful whole minute
    within `horizon` (see `Verdict`). A zone that does not exist refuses.
    """
    question = _Question(compiled(pack, pack_date), facts, tuple(history), proposal)
    at = proposal.at
    try:
        outcomes = question.outcomes(at)
    except UnknownZoneError as error:
        return _refused_whole(pack, "unknown_zone", {"zone": error.zone})
    if outcomes is None:
        return _refused_whole(pack, "not_covered", {"covers_from": str(pack.manifest.covers_from)})
    allowed = all(outcome.outcome != "refused" for outcome in outcomes)
    lawful_at = None
    if next_lawful:
        lawful_at = proposal.at if allowed else question.next_lawful(at, horizon)
    return Verdict(allowed, outcomes, pack.id, pack.version, lawful_at)


def _refused_whole(pack: RegulationPack, code: str, details: dict[str, str]) -> Verdict:
    outcome = RuleOutcome(f"{pack.country}-COVERAGE", "coverage", "refused", code, pack.id, details)
    return Verdict(False, (outcome,), pack.id, pack.version)


class _Question:
    """One proposed contact, asked about at the proposed moment and at later ones."""

    def __init__(
        self, law: CompiledPack, facts: Facts, history: tuple[PastContact, ...], proposal: Proposal
    ) -> None:
        self._law, self._facts, self._proposal = law, facts, proposal
        self._history = history
        self._zones, self._regions = law.whereabouts(facts)

    def _cases(self, at: datetime) -> list[tuple[Plan, Case]]:
        """The contact at a moment, in each plausible zone, with the rules in force there that day."""
        facts, proposal = self._facts, self._proposal
        history = [contact for contact in self._history if contact.at <= at]
        found = []
        for name in self._zones:
            zone = load_zone(name)
            local = at.astimezone(zone)
            day = local.date()
            purpose = purpose_of(facts, proposal, day)
            plan = self._law.plan(day, proposal.channel, purpose, self._regions)
            found.append((plan, Case(facts, proposal, history, at, zone, local, day, self._regions)))
        return found

    def outcomes(self, at: datetime) -> tuple[RuleOutcome, ...] | None:
        """What every rule says at a moment; None where the pack knows no law of that day."""
        cases = self._cases(at)
        covers_from = self._law.pack.manifest.covers_from
        if covers_from and any(case.day < covers_from for _plan, case in cases):
            return None
        refused: dict[Article, Refusal] = {}
        for plan, case in cases:
            for place, check in plan.deciding:
                if why := check.refusal(case):
                    _refuse(plan, place, why, refused)
        return _put_together([plan for plan, _case in cases], refused)

    def next_lawful(self, at: datetime, horizon: timedelta) -> datetime | None:
        """The first lawful whole minute from `at` on, or None within the horizon.

        Each refusing rule names the first moment at which it alone would let the contact pass; no moment
        before the latest of these is lawful, so stepping there and asking again misses none.
        """
        moment, last = ceil_minute(at), at + horizon
        while moment <= last:
            waits = [
                _lifts(plan.articles[place].rule, check, case)
                for plan, case in self._cases(moment)
                for place, check in plan.deciding
                if check.refusal(case)
            ]
            if not waits:
                return moment
            if None in waits:
                return None
            moment = ceil_minute(max(wait for wait in waits if wait is not None))
        return None


def _refuse(plan: Plan, place: int, why: Refusal, refused: dict[Article, Refusal]) -> None:
    """Notes a refusal, and with it the definitions and counting rules it rests on."""
    refusing = plan.articles[place]
    refused[refusing] = why
    if not refusing.rule.rests_on:
        return
    for article in plan.articles:
        if article.rule.id in refusing.rule.rests_on and article.check is None:
            refused[article] = Refusal("applied", {"rule": refusing.rule.id})


def _put_together(plans: list[Plan], refused: dict[Article, Refusal]) -> tuple[RuleOutcome, ...]:
    """Every rule of every zone's plan once, in order, refused where some zone refuses."""
    first = plans[0]
    if not refused and all(plan is first for plan in plans):
        return first.at_rest
    outcomes: dict[Article, RuleOutcome] = {}
    for plan in plans:
        for article, at_rest in zip(plan.articles, plan.at_rest, strict=True):
            if article not in outcomes:
                why = refused.get(article)
                outcomes[article] = at_rest if why is None else article.refused(why)
    return tuple(outcomes.values())


def _lifts(rule: Rule, check: Check, case: Case) -> datetime | None:
    """When a refusing rule lets go: by itself, or because it goes out of force."""
    freed = check.free_from(case)
    if rule.in_force.last is None:
        return freed
    ended = instant(rule.in_force.last + DAY, 0, case.zone)
    return ended if freed is None else min(freed, ended)
