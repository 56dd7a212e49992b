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

from recupero_sdk.law import checks, checks_dates, checks_history, checks_time
from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.checks import Basis, Case, Check, Refusal
from recupero_sdk.law.conditions import Concern
from recupero_sdk.law.moments import DAY, ceil_minute, instant
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.parameters import LimitationParameters
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.values import Channel, Facts, PastContact, Proposal, Purpose, RuleOutcome, Verdict
from recupero_sdk.law.zones import (
    UnknownZoneError,
    Whereabouts,
    agency_in,
    area_in,
    is_region,
    load_zone,
    surely_in,
    whereabouts,
)

HORIZON = timedelta(days=60)

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
        return "exempt_purpose" if purpose in self.rule.exempt_purposes else "within"

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
            if channel in article.rule.channels and purpose not in article.rule.exempt_purposes
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
                and purpose not in article.rule.exempt_purposes
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
        answer = question.outcomes(at)
    except UnknownZoneError as error:
        return _refused_whole(pack, "unknown_zone", {"zone": error.zone})
    if answer is None:
        return _refused_whole(pack, "not_covered", {"covers_from": str(pack.manifest.covers_from)})
    allowed, outcomes = answer
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
        self._where = law.whereabouts(facts)

    def _cases(self, at: datetime) -> list[tuple[Plan, Case]]:
        """The contact at a moment, in each plausible zone, with the rules in force there that day."""
        facts, proposal = self._facts, self._proposal
        history = [contact for contact in self._history if contact.at <= at]
        found = []
        for name in self._where.zones:
            zone = load_zone(name)
            local = at.astimezone(zone)
            day = local.date()
            purpose = purpose_of(facts, proposal, day)
            plan = self._law.plan(day, proposal.channel, purpose, self._where.places)
            case = Case(facts, proposal, history, at, zone, local, day, self._where.regions, purpose)
            found.append((plan, case))
        return found

    def outcomes(self, at: datetime) -> tuple[bool, tuple[RuleOutcome, ...]] | None:
        """Whether no rule refuses at a moment, and what each says; None where the pack knows no law of that
        day."""
        cases = self._cases(at)
        covers_from = self._law.pack.manifest.covers_from
        if covers_from and any(case.day < covers_from for _plan, case in cases):
            return None
        refused: dict[Article, Refusal] = {}
        concerned: dict[Article, bool] = {}
        for plan, case in cases:
            for place, check in plan.deciding:
                if why := check.refusal(case):
                    _refuse(plan, place, why, refused)
            for place, concern in plan.conditional:
                article = plan.articles[place]
                concerned[article] = concerned.get(article, False) or concern.holds(case)
        aside = frozenset([article for article, concerns in concerned.items() if not concerns])
        plans = tuple(plan for plan, _case in cases)
        if refused:
            return False, _put_together(plans, refused, aside)
        return True, _at_rest(plans, aside)

    def next_lawful(self, at: datetime, horizon: timedelta) -> datetime | None:
        """The first lawful whole minute from `at` on, or None within the horizon.

        Each refusing rule names the first moment at which it alone would let the contact pass; no moment
        before the latest of these is lawful, so stepping there and asking again misses none.
        """
        moment, last = ceil_minute(at), at + horizon
        while moment <= last:
            waits = [
                self._lifts(check, case)
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

    def _lifts(self, check: Check, case: Case) -> datetime | None:
        """When a refusing rule lets go: by itself, or because the law, the purpose or the history is another.

        A moment too early does no harm; the search asks again from there.
        """
        changes = self._law.deciding_changes
        following = bisect_right(changes, case.day)
        ends = [check.free_from(case)]
        if following < len(changes):
            ends.append(instant(changes[following], 0, case.zone))
        due = self._facts.due_date
        if self._proposal.purpose is None and due is not None and case.day < due:
            ends.append(instant(due, 0, case.zone))
        ends += [contact.at for contact in self._history if contact.at > case.at]
        return min((end for end in ends if end is not None), default=None)


def _refuse(plan: Plan, place: int, why: Refusal, refused: dict[Article, Refusal]) -> None:
    """Notes a refusal, and with it the definitions and counting rules it rests on."""
    refusing = plan.articles[place]
    refused[refusing] = why
    if not refusing.rule.rests_on:
        return
    for article in plan.articles:
        if article.rule.id in refusing.rule.rests_on and article.check is None:
            refused[article] = Refusal("applied", {"rule": refusing.rule.id})


@lru_cache(maxsize=1024)
def _at_rest(plans: tuple[Plan, ...], aside: frozenset[Article]) -> tuple[RuleOutcome, ...]:
    """What all rules say where none refuses: kept, since it is the same for most contacts."""
    return _put_together(plans, {}, aside)


def _put_together(
    plans: tuple[Plan, ...], refused: dict[Article, Refusal], aside: frozenset[Article]
) -> tuple[RuleOutcome, ...]:
    """Every rule of every zone's plan once, refused where some zone refuses; `aside` do not concern it."""
    first = plans[0]
    outcomes: dict[Article, RuleOutcome] = {}
    for plan in plans:
        for article, at_rest in zip(plan.articles, plan.at_rest, strict=True):
            if article not in outcomes:
                if why := refused.get(article):
                    outcomes[article] = article.refused(why)
                else:
                    outcomes[article] = article.at_rest("not_concerned") if article in aside else at_rest
    if any(plan is not first for plan in plans):
        outcomes = dict(sorted(outcomes.items(), key=lambda pair: pair[0].index))
    return tuple(outcomes.values())
