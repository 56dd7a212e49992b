"""What a decision says of itself: value, cost and annoyance, what was second best and by how much, what
stands against the channels that were not open, under which law. From what is kept with it: nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recupero.contacts.gate import packs
from recupero.decisions.tables import Decision


@dataclass(frozen=True, slots=True)
class Other:
    """Another way that was weighed, None: to wait; `behind_minor`: by how much the choice was worth more
    (below zero where something else than its value spoke against it)."""

    channel: str | None
    at: datetime | None
    value_minor: int
    behind_minor: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A channel that was not open, by which rule, and where that rule is written (None: a rule of ours)."""

    channel: str
    rule: str
    citation: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Minor units of the account's currency. `annoyance_minor` None: no model said how likely harm is."""

    value_minor: int
    cost_minor: int
    annoyance_minor: int | None
    second_best: Other | None
    closed: list[Closed]


def explained(decision: Decision) -> Explanation:
    """What a decision says of itself beside its reasons, from its own columns."""
    weighed = list(decision.alternatives)
    chosen = next((one for one in weighed if _is_choice(one, decision)), None)
    others = [one for one in weighed if one is not chosen]
    best = max(others, key=lambda one: float(one["value_minor"]), default=None)
    return Explanation(
        decision.expected_value_minor, decision.cost_minor, (chosen or {}).get("annoyance_minor"),
        _other(best, decision) if best else None, _closed(decision),
    )  # fmt: skip


def _is_choice(option: Mapping[str, Any], decision: Decision) -> bool:
    at = datetime.fromisoformat(option["at"]) if option["at"] else None
    return bool(option["channel"] == decision.channel and at == decision.scheduled_at)


def _other(option: Mapping[str, Any], decision: Decision) -> Other:
    return Other(
        option["channel"], datetime.fromisoformat(option["at"]) if option["at"] else None,
        option["value_minor"], decision.expected_value_minor - option["value_minor"],
    )  # fmt: skip


def _closed(decision: Decision) -> list[Closed]:
    pack = next((one for one in packs().by_country.values() if one.id == decision.pack), None)
    cited = {rule.id: rule.source.citation for rule in pack.rules} if pack and decision.blocked else {}
    return [Closed(channel, rule, cited.get(rule)) for channel, rule in decision.blocked.items()]
