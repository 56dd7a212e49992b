"""Checks the words of a message: what the law wants said in it and what it forbids, in the rendered text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date
from functools import lru_cache
from typing import Literal

from recupero_sdk.law.engine import purpose_of
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import BannedContentRule, DisclosureRule
from recupero_sdk.law.values import Facts, Proposal, RuleOutcome
from recupero_sdk.law.zones import load_zone, plausible_regions, plausible_zones

#: The first message of a collection to a debtor, or a later one.
Occasion = Literal["first", "later"]


class _WithoutAccents(dict[int, int | None]):
    """A table for `str.translate` that drops combining characters; filled as letters are met."""

    def __missing__(self, letter: int) -> int | None:
        kept = None if unicodedata.combining(chr(letter)) else letter
        self[letter] = kept
        return kept


_WITHOUT_ACCENTS = _WithoutAccents()


def check_content(
    pack: RegulationPack,
    facts: Facts,
    proposal: Proposal,
    text: str,
    *,
    occasion: Occasion,
    shown: Mapping[str, str],
    pack_date: date | None = None,
) -> list[RuleOutcome]:
    """What each content rule says of the rendered message `text`; send only if none is `refused`.

    `shown` maps each item a law may want (creditor, amount, due_date …) to the rendered value that must
    stand in the text: an item without a value, or whose value the text lacks, is missing. Case, accents and
    runs of white space do not matter.
    """
    zones = plausible_zones(pack, facts)
    day = proposal.at.astimezone(load_zone(zones[0]) if zones else UTC).date()
    regions, purpose = plausible_regions(pack, facts, zones), purpose_of(facts, proposal, day)
    message, outcomes = plain(text), []
    for rule in pack.on(day, pack_date):
        if rule.kind not in ("disclosure", "banned_content") or proposal.channel not in rule.channels:
            continue
        if purpose in rule.exempt_purposes or (rule.regions and regions.isdisjoint(rule.regions)):
            continue
        if isinstance(rule, DisclosureRule):
            outcomes.append(_disclosed(rule, message, occasion, shown))
        elif isinstance(rule, BannedContentRule):
            outcomes.append(_decent(rule, message, facts))
    return outcomes


def plain(text: str) -> str:
    """`text` in lower case without accents, white space collapsed, as content is compared."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(letters.translate(_WITHOUT_ACCENTS).split())


def _disclosed(
    rule: DisclosureRule, message: str, occasion: Occasion, shown: Mapping[str, str]
) -> RuleOutcome:
    missing = [
        item.item
        for item in rule.parameters.items
        if item.at == "every" or occasion == "first"
        if not (value := plain(shown.get(item.item, ""))) or value not in message
    ]
    if not missing:
        return _outcome(rule, "allowed", "within", {})
    return _outcome(rule, "refused", "item_missing", {"items": ", ".join(missing)})


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(plain_pattern(pattern))


def plain_pattern(pattern: str) -> str:
    """A pattern without the accents of its letters, to be matched against `plain` text."""
    return unicodedata.normalize("NFKD", pattern).translate(_WITHOUT_ACCENTS)


def _decent(rule: BannedContentRule, message: str, facts: Facts) -> RuleOutcome:
    if not facts.flags.isdisjoint(rule.parameters.unless):
        return _outcome(rule, "allowed", "within", {})
    for banned in rule.parameters.banned:
        for pattern in banned.patterns:
            if found := _pattern(pattern).search(message):
                what = banned.what
                details = {"found": found.group(), "what": what.en, "what_es": what.es}
                return _outcome(rule, "refused", "banned_text", details)
    return _outcome(rule, "allowed", "within", {})


def _outcome(
    rule: DisclosureRule | BannedContentRule,
    outcome: Literal["allowed", "refused"],
    code: str,
    details: dict[str, str],
) -> RuleOutcome:
    return RuleOutcome(rule.id, rule.kind, outcome, code, rule.source.citation, details)
