"""Messages around one rule about words: one that says all that the pack wants, others that lack one thing or
say one thing too much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from re import _parser as ops  # type: ignore[attr-defined]  # typeshed leaves the parser of `re` out
from typing import Any

from recupero_sdk.conformance.meeting import Line
from recupero_sdk.law import RegulationPack
from recupero_sdk.law.content import plain_pattern
from recupero_sdk.law.duties import BannedText, DisclosureItem
from recupero_sdk.law.schema import BannedContentRule, DisclosureRule, Rule

#: Kinds that bind the words of a message.
WORD_KINDS = ("disclosure", "banned_content")
_EXAMPLES = 40
_LETTER = "a"


class Messages:
    """Messages that tell whether one rule about words holds, as the `message` of scenario lines."""

    def __init__(self, pack: RegulationPack, rule: DisclosureRule | BannedContentRule) -> None:
        self._rule = rule
        wanted = [item for one in pack.known() if isinstance(one, DisclosureRule) for item in _items(one)]
        self._shown = {
            name: f"zq{number}qz" for number, name in enumerate(dict.fromkeys(item.item for item in wanted))
        }

    def around(self, path: str) -> Iterator[Line]:
        """Messages for a shift at a path of the rule: of the entry it names, else of all entries."""
        rule, named = self._rule, re.search(r"(?:items|banned)\[(\d+)\]", path)
        if isinstance(rule, BannedContentRule):
            banned = rule.parameters.banned
            for entry in [banned[int(named[1])]] if named else banned:
                yield from self._saying(entry)
        else:
            items = rule.parameters.items
            for item in [items[int(named[1])]] if named else items:
                yield from self._without(item)
        yield from self._timed(self._shown)
        for language in ("es", "en"):
            yield {**self._message(self._shown), "language": language}

    def _without(self, item: DisclosureItem) -> Iterator[Line]:
        """All but one item; then that item in the rule's own words."""
        rest = {name: value for name, value in self._shown.items() if name != item.item}
        days = [item.days.value, item.days.value + 1] if item.days else []
        yield from self._timed(rest, days)
        for pattern in item.patterns:
            for said in islice(examples(pattern), _EXAMPLES):
                for occasion in ("first", "later"):
                    yield {**self._message(rest, said), "occasion": occasion}

    def _saying(self, entry: BannedText) -> Iterator[Line]:
        """All that is wanted, and one banned text with it."""
        for pattern in entry.patterns:
            for said in islice(examples(pattern), _EXAMPLES):
                yield self._message(self._shown, said)

    def _timed(self, shown: dict[str, str], days: list[int] | None = None) -> Iterator[Line]:
        message = self._message(shown)
        yield from ({**message, "occasion": occasion} for occasion in ("first", "later"))
        for day in days or ():
            yield from ({**message, "day": other} for other in (day - 1, day, day + 1) if other >= 0)

    def _message(self, shown: dict[str, str], said: str = "") -> Line:
        return {"text": " ".join([*shown.values(), said]).strip(), "occasion": "first", "shown": shown}


def _items(rule: DisclosureRule) -> tuple[DisclosureItem, ...]:
    return rule.parameters.items


def messages_for(pack: RegulationPack, rule: Rule) -> Messages | None:
    """The messages around a rule about words; None for a rule about contacts."""
    return Messages(pack, rule) if isinstance(rule, DisclosureRule | BannedContentRule) else None


def examples(pattern: str) -> Iterator[str]:
    """Texts that match a pattern: the shortest, and one for every alternative, entry of a set and repetition.

    Nothing for a pattern whose matches are not found so.
    """
    bare = plain_pattern(pattern)
    found = dict.fromkeys(_texts(list(ops.parse(bare))))
    yield from (text for text in found if re.search(bare, text))


def _texts(parts: list[Any]) -> list[str]:
    """The texts of a sequence: the first of each part, then each part's others with the first of the rest."""
    each = [_choices(op, argument) for op, argument in parts]
    firsts = [texts[0] for texts in each]
    found = ["".join(firsts)]
    for place, texts in enumerate(each):
        before, after = "".join(firsts[:place]), "".join(firsts[place + 1 :])
        found += [before + text + after for text in texts[1:]]
    return found


def _choices(op: Any, argument: Any) -> list[str]:
    if op is ops.LITERAL:
        return [chr(argument)]
    if op is ops.IN:
        return [text for one in argument for text in _choices(*one)][:3] or [_LETTER]
    if op is ops.RANGE:
        return [chr(argument[0])]
    if op is ops.CATEGORY:
        return [{ops.CATEGORY_SPACE: " ", ops.CATEGORY_DIGIT: "1"}.get(argument, _LETTER)]
    if op is ops.BRANCH:
        return [text for branch in argument[1] for text in _texts(list(branch))]
    if op is ops.SUBPATTERN:
        return _texts(list(argument[3]))
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        least, most, inner = argument
        texts = _texts(list(inner))
        return [text * least for text in texts] + ([] if least or not most else texts)
    return [_LETTER] if op in (ops.ANY, ops.NOT_LITERAL) else [""]
