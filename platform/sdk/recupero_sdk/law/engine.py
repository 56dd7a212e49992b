"""The gate: facts, history and a proposed contact in, a verdict out. Pure; no clock, no database."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

from recupero_sdk.law.checks import Case, Check, Refusal
from recupero_sdk.law.compiling import Article, CompiledPack, Plan, compiled, purpose_of
from recupero_sdk.law.moments import ceil_minute, instant
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.values import Facts, PastContact, Proposal, RuleOutcome, Verdict
from recupero_sdk.law.zones import (
    UnknownZoneError,
    load_zone,
)

HORIZON = timedelta(days=60)


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
