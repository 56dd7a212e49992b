"""Checks the words of a message: what the law wants said in it and what it forbids, in the rendered text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from recupero_sdk.law.checks import Case, Refusal
from recupero_sdk.law.compiling import Article, Plan, compiled, purpose_of
from recupero_sdk.law.conditions import met
from recupero_sdk.law.duties import DisclosureItem
from recupero_sdk.law.limitation import barred_from
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import BannedContentRule, DisclosureRule
from recupero_sdk.law.terms import Assumed, Text
from recupero_sdk.law.values import Event, Facts, Proposal, RuleOutcome
from recupero_sdk.law.zones import load_zone

#: The first message of a collection to a debtor, or a later one.
Occasion = Literal["first", "later"]


#: The combining characters of European letters; the others are looked up one by one.
_ACCENTS = re.compile(r"[\u0300-\u034e\u0350-\u036f]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_SOLID = re.compile(r"[0-9A-Za-z]")


@dataclass(slots=True)
class _Message:
    """A message as it is compared: its text as written and plain, what it should show, when it comes."""

    written: str
    text: str
    shown: Mapping[str, str]
    occasion: Occasion
    day: int
    language: str | None
    barred: bool
    case: Case
    assumed: Assumed


class Reading:
    """What the law wants of the words of one contact, ready to be asked about them: a message that lacks
    something is read again when it was added."""

    def __init__(
        self,
        pack: RegulationPack,
        facts: Facts,
        proposal: Proposal,
        *,
        occasion: Occasion,
        language: str | None = None,
        day_of_collection: int = 0,
        pack_date: date | None = None,
    ) -> None:
        law = compiled(pack, pack_date)
        where = law.whereabouts(facts)
        zone = load_zone(where.zones[0] if where.zones else "UTC")
        local = proposal.at.astimezone(zone)
        day, purpose = local.date(), purpose_of(facts, proposal, local.date())
        case = Case(facts, proposal, [], proposal.at, zone, local, day, where.regions, purpose)
        plan = law.plan(day, proposal.channel, purpose, where.places)
        barred = _minds_limitation(plan) and _barred(plan, case)
        self._kind = (occasion, day_of_collection, language, barred, case, pack.manifest.assume)
        self._articles = [article for article in plan.content if article.concern.holds(case)]

    def of(self, text: str, shown: Mapping[str, str]) -> list[RuleOutcome]:
        """What each content rule says of the rendered message `text`, see `check_content`."""
        message, outcomes = _Message(text, plain(text), shown, *self._kind), list[RuleOutcome]()
        for article in self._articles:
            rule = article.rule
            if isinstance(rule, DisclosureRule):
                outcomes.append(_disclosed(article, rule, message))
            elif isinstance(rule, BannedContentRule):
                outcomes.append(_decent(article, rule, message))
        return outcomes


def check_content(
    pack: RegulationPack,
    facts: Facts,
    proposal: Proposal,
    text: str,
    *,
    occasion: Occasion,
    shown: Mapping[str, str],
    language: str | None = None,
    day_of_collection: int = 0,
    pack_date: date | None = None,
) -> list[RuleOutcome]:
    """What each content rule says of the rendered message `text`; send only if none is `refused`.

    `shown` maps each item a law may want (creditor, amount, due_date …) to the rendered value that must
    stand in the text: an item without a value, or whose value the text lacks, is missing. Case, accents and
    runs of white space do not matter. `language` is that of the text (ISO 639-1), `day_of_collection` the
    days since the first contact.
    """
    reading = Reading(
        pack, facts, proposal, occasion=occasion, language=language, day_of_collection=day_of_collection,
        pack_date=pack_date,
    )  # fmt: skip
    return reading.of(text, shown)


@lru_cache(maxsize=4096)
def _minds_limitation(plan: Plan) -> bool:
    """Whether some rule on words asks if the debt is time-barred."""
    return any(
        rule.parameters.barred
        if isinstance(rule, BannedContentRule)
        else isinstance(rule, DisclosureRule) and any(item.barred for item in rule.parameters.items)
        for rule in (article.rule for article in plan.content)
    )


def _barred(plan: Plan, case: Case) -> bool:
    """Whether some limitation rule of the place says that the debt is time-barred."""
    due, facts = case.facts.due_date, case.facts
    if due is None:
        return False
    first = _first_barred(plan, facts.debt_kind, due, facts.events)
    return first is not None and first <= case.day


@lru_cache(maxsize=16_384)
def _first_barred(plan: Plan, kind: str | None, due: date, events: tuple[Event, ...]) -> date | None:
    """The first day on which such a debt is time-barred by some rule; None where there is none."""
    return min((barred_from(rule, kind, due, events) for rule in plan.limitations), default=None)


def plain(text: str) -> str:
    """`text` in lower case without accents, white space collapsed, as content is compared."""
    return " ".join(_simple(text).split())


def _simple(text: str) -> str:
    """Lower case without accents. Texts in the letters of Western Europe go by a table, in a tenth of the
    time that Unicode's own way takes."""
    if text.isascii():
        return text.lower()
    try:
        letters = text.encode("latin-1")
    except UnicodeEncodeError:
        return without_accents(text.casefold())
    if any(letter in letters for letter in _SEVERAL):
        return without_accents(text.casefold())
    return letters.translate(_SINGLE).decode("latin-1")


def without_accents(text: str) -> str:
    """`text` with letters and signs in their simplest form: é is e, ² is 2."""
    apart = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return apart if apart.isascii() else _BEYOND_ASCII.sub(_base, apart)


def _base(found: re.Match[str]) -> str:
    return "".join(character for character in found.group() if not unicodedata.combining(character))


def _tables() -> tuple[bytes, bytes]:
    """What becomes of each Latin-1 character by itself, and those of which several become or another one."""
    single, several = bytearray(range(256)), bytearray()
    for code in range(256):
        simple = without_accents(chr(code).casefold())
        if len(simple) == 1 and ord(simple) < 256:
            single[code] = ord(simple)
        else:
            several.append(code)
    return bytes(single), bytes(several)


_SINGLE, _SEVERAL = _tables()


def _disclosed(article: Article, rule: DisclosureRule, message: _Message) -> RuleOutcome:
    if why := _wrong_language(rule, message):
        return article.refused(why)
    missing, written, shown = list[str](), message.written, message.shown
    for item, certain in _may_be_due(article, message.occasion, message.barred):
        value = shown.get(item.item, "")
        if value in written and _SOLID.search(value):
            continue  # what stands there to the letter stands there in plain
        if (certain or _due(item, message)) and not _said(item, value, message):
            missing.append(item.item)
    if not missing:
        return article.at_rest("within")
    return article.refused(Refusal("item_missing", {"items": ", ".join(missing)}))


@lru_cache(maxsize=4096)
def _may_be_due(
    article: Article, occasion: Occasion, barred: bool
) -> tuple[tuple[DisclosureItem, bool], ...]:
    """The items that such messages must state, and whether each of them must."""
    rule = article.rule
    items = rule.parameters.items if isinstance(rule, DisclosureRule) else ()
    return tuple(
        (item, item.when is None and item.days is None)
        for item in items
        if (barred or not item.barred)
        and (item.days is not None or item.at == "every" or (item.at == "first") is (occasion == "first"))
    )


def _wrong_language(rule: DisclosureRule, message: _Message) -> Refusal | None:
    wanted = rule.parameters.language
    wanted = message.case.facts.language if wanted == "debtor" else wanted
    if wanted is None or message.language in (None, wanted):
        return None
    return Refusal("wrong_language", {"language": message.language or "", "wanted": wanted})


def _due(item: DisclosureItem, message: _Message) -> bool:
    """Whether this message, of those that may have to, must state the item."""
    if item.when is not None and not met(item.when, message.assumed, message.case):
        return False
    return item.days is None or message.day <= item.days.value


def _said(item: DisclosureItem, shown: str, message: _Message) -> bool:
    """Whether the text shows the item's value in some spelling, or says it in words that the rule knows."""
    value = plain(shown)
    if value and value in message.text:
        return True
    return any(_pattern(pattern).found(message.text) for pattern in item.patterns)


@dataclass(frozen=True, slots=True)
class _Sought:
    """A pattern, and letters that whatever it matches has in it: most texts lack them, and to see that takes
    a hundredth of the time of the search."""

    pattern: re.Pattern[str]
    letters: str

    def found(self, text: str) -> re.Match[str] | None:
        return self.pattern.search(text) if self.letters in text else None


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> _Sought:
    expression = plain_pattern(pattern)
    return _Sought(re.compile(expression), fixed_letters(expression))


def fixed_letters(expression: str) -> str:
    """The longest run of letters that stands in every match of a regular expression; "" where none does."""
    runs = [""]
    parsed = re._parser.parse(expression)  # type: ignore[attr-defined]  # the standard library's own reading
    for kind, value in parsed:
        runs[-1:] = [runs[-1] + chr(value)] if str(kind) == "LITERAL" else [runs[-1], ""]
    return "" if parsed.state.flags & re.IGNORECASE else max(runs, key=len)


def plain_pattern(pattern: str) -> str:
    """A pattern without the accents of its letters, to be matched against `plain` text."""
    return without_accents(pattern)


def _decent(article: Article, rule: BannedContentRule, message: _Message) -> RuleOutcome:
    parameters = rule.parameters
    if not message.case.facts.flags.isdisjoint(parameters.unless) or (
        parameters.barred and not message.barred
    ):
        return article.at_rest("within")
    text = message.text
    for letters, pattern, what in _banned(article):
        if letters in text and (found := pattern.search(text)):
            details = {"found": found.group(), "what": what.en, "what_es": what.es}
            return article.refused(Refusal("banned_text", details))
    return article.at_rest("within")


@lru_cache(maxsize=1024)
def _banned(article: Article) -> tuple[tuple[str, re.Pattern[str], Text], ...]:
    """What the rule forbids, in its order: letters that it has in it, and the pattern that finds it."""
    rule = article.rule
    banned = rule.parameters.banned if isinstance(rule, BannedContentRule) else ()
    sought = [(_pattern(pattern), each.what) for each in banned for pattern in each.patterns]
    return tuple((one.letters, one.pattern, what) for one, what in sought)
