"""Terms that hold by date: what accrues and which part of a debt is paid first.

A portfolio's `terms` state what holds last; its list `before` states what held until a day (without it), in
order, each entry as `{"until": day, "accrual": …, "allocation_order": …}`. So money that becomes known late
counts under the terms of its own day, and books that are worked out anew from history are the same books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

DATED = ("accrual", "allocation_order")
BEFORE = "before"

Terms = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """What holds until a day (without it; None: on and on) of the terms that hold by date."""

    until: date | None
    terms: Terms


def versions(terms: Terms) -> list[Version]:
    """What held one after the other, the last at the end."""
    earlier = [Version(date.fromisoformat(row["until"]), _dated(row)) for row in terms.get(BEFORE, ())]
    return [*earlier, Version(None, _dated(terms))]


def in_force(terms: Terms, day: date) -> Terms:
    """The dated terms that hold on a day."""
    return next(one.terms for one in versions(terms) if one.until is None or day < one.until)


def changed(old: Terms, new: Terms, holds_from: date) -> dict[str, Any]:
    """The new terms with the dated ones of the old kept for the days before `holds_from`.

    A change that was to come later, or that was made for later days, is replaced. Where nothing of the dated
    terms changes, what held before stays as it was.
    """
    terms = {name: value for name, value in new.items() if name != BEFORE}
    known = versions(old)
    if _dated(terms) == known[-1].terms:
        return terms | ({BEFORE: old[BEFORE]} if old.get(BEFORE) else {})
    kept = [one for one in known if one.until is not None and one.until <= holds_from]
    if not kept or kept[-1].until != holds_from:
        kept.append(Version(holds_from, in_force(old, holds_from)))
    return terms | {BEFORE: [_row(one) for one in _merged(kept)]}


def _merged(kept: Sequence[Version]) -> list[Version]:
    """Without an entry whose terms the next one goes on with."""
    return [
        one
        for one, after in zip(kept, [*kept[1:], None], strict=True)
        if after is None or one.terms != after.terms
    ]


def _dated(terms: Terms) -> dict[str, Any]:
    return {name: terms[name] for name in DATED if terms.get(name)}


def _row(version: Version) -> dict[str, Any]:
    return {"until": version.until.isoformat() if version.until else None, **version.terms}
