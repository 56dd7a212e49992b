"""A pack made ready to judge with. Rules are compiled once per pack and kept; between two dates on which the
law changes, the same compiled plan serves every contact by the same channel for the same purpose.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from recupero_sdk.law import checks, checks_dates, checks_history, checks_time
from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.checks import Basis, Case, Check, Refusal
from recupero_sdk.law.conditions import Concern
from recupero_sdk.law.moments import DAY
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.parameters import LimitationParameters
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.values import Channel, Facts, Proposal, Purpose, RuleOutcome
from recupero_sdk.law.zones import (
    Whereabouts,
    agency_in,
    area_in,
    is_region,
    surely_in,
    whereabouts,
)

_CHECKS: dict[str, Callable[[Any], Check]] = {
    "frequency": checks_history.FrequencyCheck,
    "gap": checks_history.GapCheck,
    "channel_lock": checks_history.ChannelLockCheck,
    "opt_out": checks_dates.OptOutCheck,
    "inconvenient": checks_dates.InconvenientCheck,
    "stop": checks.StopCheck,
    "recipient": checks.RecipientCheck,
    "place": checks.PlaceCheck,
    "channel_ban": checks.ChannelBanCheck,
}


#: Checks that also ask which days are closed, by the rule that `closed_by` names.
_CALENDAR_CHECKS: dict[str, Callable[[Any, ClosedDays | None], Check]] = {
    "hours": checks_time.HoursCheck,
    "pause": checks_dates.PauseCheck,
    "prior_notice": checks_dates.PriorNoticeCheck,
    "channel_gate": checks_dates.ChannelGateCheck,
}


#: Kinds of rule on the words of a message, see `content`.
CONTENT_KINDS = frozenset(("disclosure", "banned_content"))


#: Kinds of rule that can refuse a contact by themselves.
DECIDING_KINDS = frozenset((*_CHECKS, *_CALENDAR_CHECKS, "closed_days", "purpose", "limitation"))


def decides(rule: Rule) -> bool:
    """Whether this rule can refuse a contact: its kind can, and its parameters do not make it a statement."""
    if rule.kind == "closed_days":
        return rule.parameters.closes
    if rule.kind == "purpose":
        return rule.parameters.treated_as == "banned"
    if rule.kind == "limitation":
        return rule.parameters.effect in ("no_contact", "extinguished")
    return rule.kind in DECIDING_KINDS


class Conditional:
    """A check of a rule that concerns only some contacts; of the others it refuses none."""

    def __init__(self, inner: Check, concern: Concern) -> None:
        self.inner, self.concern = inner, concern
        self.basis: Basis = inner.basis

    def refusal(self, case: Case) -> Refusal | None:
        return self.inner.refusal(case) if self.concern.holds(case) else None

    def free_from(self, case: Case) -> datetime | None:
        return self.inner.free_from(case)


class Article:
    """One compiled rule: its place in the pack, whom it concerns, its check if it decides, and the outcomes
    it has at rest."""

    def __init__(self, index: int, rule: Rule, concern: Concern, check: Check | None) -> None:
        self.index, self.rule, self.concern, self.check = index, rule, concern, check
        # A calendar's additions are dozens of lines; a verdict names the one that closed the day.
        lists = {"additions", "except_days", "suggested"}
        self._parameters = rule.parameters.model_dump(mode="json", exclude_none=True, exclude=lists)
        self._constant = {
            code: self._outcome("allowed" if code == "within" else "informational", Refusal(code, {}))
            for code in ("within", "noted", "other_channel", "exempt_purpose", "not_concerned", "displaced")
        }

    def _outcome(self, outcome: Any, why: Refusal) -> RuleOutcome:
        rule = self.rule
        citation = rule.source.citation
        return RuleOutcome(
            rule.id,
            rule.kind,
            outcome,
            why.code,
            citation,
            why.details,
            self._parameters,
            rule.basis,
            rule.force,
        )

    def bearing(self, channel: Channel, purpose: Purpose) -> str:
        """How the rule bears on a contact: `within` decides it, the others only note it."""
        if self.check is None:
            return "noted"
        if channel not in self.rule.channels:
            return "other_channel"
        return "exempt_purpose" if self.rule.spares(purpose) else "within"

    def at_rest(self, code: str) -> RuleOutcome:
        """The outcome for a bearing, with nothing refused."""
        return self._constant[code]

    def refused(self, why: Refusal) -> RuleOutcome:
        return self._outcome("refused", why)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The rules for one channel, purpose and set of places, in order; `deciding` are places in it.

    `standing` are those that no other displaces, `conditional` those deciding that concern only some
    contacts, `clocks` the checks of hours and days. `content` are those on the words of such a message,
    `limitations` says when a debt is time-barred.
    """

    articles: tuple[Article, ...]
    at_rest: tuple[RuleOutcome, ...]
    standing: tuple[Article, ...]
    deciding: tuple[tuple[int, Check], ...]
    conditional: tuple[tuple[int, Concern], ...]
    clocks: tuple[Check, ...]
    content: tuple[Article, ...]
    limitations: tuple[LimitationParameters, ...]


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
        assumed = pack.manifest.assume
        self.articles = [
            Article(index, rule, concern := Concern(rule, assumed), _check(rule, closed, concern))
            for index, rule in enumerate(rules)
        ]
        self._changes = _changes(rules)
        deciding = [article.rule for article in self.articles if article.check is not None]
        displacing = [rule for rule in rules if rule.displaces]
        #: Local dates on which a deciding rule comes into force or has just gone out of it.
        self.deciding_changes = _changes([*deciding, *displacing])
        self._turning = [*deciding, *displacing]
        self._turns: dict[frozenset[str], list[date]] = {}
        #: Whether some deciding rule tells reminders before the due date from collection.
        self.minds_reminders = any(_minds_reminders(rule) for rule in deciding)
        #: Whether some rule counts local days: it may block tomorrow what it leaves free today.
        self.counts_days = any(
            rule.kind == "frequency" and rule.parameters.limit.unit == "days" for rule in deciding
        )
        self._whereabouts: dict[tuple[str | None, ...], Whereabouts] = {}
        self._plans: dict[tuple[int, Channel, Purpose, frozenset[str]], Plan] = {}

    def whereabouts(self, facts: Facts) -> Whereabouts:
        """Where the debtor may be; people share few places, so the answers are kept."""
        key = (
            facts.region, facts.timezone, facts.postal_timezone, facts.phone_timezone, facts.phone_region,
            facts.agency_region, facts.commune if self.pack.manifest.areas else None,
        )  # fmt: skip
        found = self._whereabouts.get(key)
        if found is None:
            found = self._whereabouts[key] = whereabouts(self.pack, facts)
        return found

    def changes_in(self, places: frozenset[str]) -> list[date]:
        """Those of `deciding_changes` that concern these places."""
        if places not in self._turns:
            self._turns[places] = _changes(rule for rule in self._turning if _reaches(rule, places))
        return self._turns[places]

    def plan(self, day: date, channel: Channel, purpose: Purpose, places: frozenset[str]) -> Plan:
        """The rules in force on a local day for this kind of contact; `places` are those of `Whereabouts`."""
        key = (bisect_right(self._changes, day), channel, purpose, places)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make_plan(day, channel, purpose, places)
        return plan

    def _make_plan(self, day: date, channel: Channel, purpose: Purpose, places: frozenset[str]) -> Plan:
        articles = tuple(
            article
            for article in self.articles
            if article.rule.in_force.holds(day) and _reaches(article.rule, places)
        )
        displaced = {
            name
            for article in articles
            if channel in article.rule.channels and not article.rule.spares(purpose)
            if article.rule.displaces and _surely_reaches(article.rule, places)
            for name in article.rule.displaces
        }
        bearings = [article.bearing(channel, purpose) for article in articles]
        for place, article in enumerate(articles):
            if bearings[place] in ("within", "noted") and article.rule.id in displaced:
                bearings[place] = "displaced"
        deciding = tuple(
            (place, article.check)
            for place, article in enumerate(articles)
            if article.check is not None and bearings[place] == "within"
        )
        standing = tuple(
            article for article, bearing in zip(articles, bearings, strict=True) if bearing != "displaced"
        )
        return Plan(
            articles=articles,
            standing=standing,
            at_rest=tuple(
                article.at_rest(bearing) for article, bearing in zip(articles, bearings, strict=True)
            ),
            deciding=deciding,
            conditional=tuple(
                (place, check.concern) for place, check in deciding if isinstance(check, Conditional)
            ),
            clocks=tuple(check for _place, check in deciding if check.basis == "clock"),
            content=tuple(
                article
                for article in standing
                if article.rule.kind in CONTENT_KINDS
                and channel in article.rule.channels
                and not article.rule.spares(purpose)
            ),
            limitations=tuple(
                article.rule.parameters for article in standing if article.rule.kind == "limitation"
            ),
        )


def _reaches(rule: Rule, places: frozenset[str]) -> bool:
    """Whether a rule holds in some of these places."""
    named = {*rule.regions, *map(area_in, rule.areas)}
    if not named or not places.isdisjoint(named):
        return True
    return any(agency_in(region) in places for region in rule.agency_regions)


def _surely_reaches(rule: Rule, places: frozenset[str]) -> bool:
    """Whether a rule of regions or areas holds wherever the debtor may be."""
    if rule.areas:
        return any(surely_in(area) in places for area in rule.areas)
    return all(place in rule.regions for place in places if is_region(place))


def _minds_reminders(rule: Rule) -> bool:
    """Whether the rule tells reminders from collection, so that the due date moves the answer."""
    named = [*rule.exempt_purposes]
    for condition in (rule.when, *rule.unless):
        named += condition.purposes if condition else ()
    if rule.kind == "purpose":
        named.append(rule.parameters.purpose)
    return not {"reminder", "collection"}.isdisjoint(named)


def _changes(rules: Iterable[Rule]) -> list[date]:
    """The dates from which the set of rules in force is another, in order."""
    rules = list(rules)
    firsts = {rule.in_force.first for rule in rules if rule.in_force.first}
    return sorted(firsts | {rule.in_force.last + DAY for rule in rules if rule.in_force.last})


def _check(rule: Rule, closed: dict[tuple[str, date | None], ClosedDays], concern: Concern) -> Check | None:
    """The check of a rule that decides; wrapped where the rule concerns only some contacts."""
    if not decides(rule):
        return None
    check = _bare_check(rule, closed)
    return check if concern.always else Conditional(check, concern)


def _bare_check(rule: Rule, closed: dict[tuple[str, date | None], ClosedDays]) -> Check:
    if rule.kind == "closed_days":
        return checks_time.ClosedDaysCheck(rule, closed[rule.id, rule.in_force.first])
    if rule.kind == "purpose":
        return checks.PurposeCheck(rule)
    if rule.kind == "limitation":
        return checks_dates.LimitationCheck(rule)
    if rule.kind in _CALENDAR_CHECKS:
        named = getattr(rule.parameters, "closed_by", None)
        days = [days for (rule_id, _first), days in closed.items() if rule_id == named]
        return _CALENDAR_CHECKS[rule.kind](rule, days[-1] if days else None)
    return _CHECKS[rule.kind](rule)


@lru_cache(maxsize=256)
def compiled(pack: RegulationPack, pack_date: date | None = None) -> CompiledPack:
    """The pack made ready to judge with; kept, because compiling costs milliseconds."""
    return CompiledPack(pack, pack_date)


def purpose_of(facts: Facts, proposal: Proposal, day: date) -> Purpose:
    """The stated purpose; without one, a reminder before the due date and collection from it on."""
    if proposal.purpose is not None:
        return proposal.purpose
    return "reminder" if facts.due_date is not None and day < facts.due_date else "collection"
