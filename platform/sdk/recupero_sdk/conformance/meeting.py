"""Scenario lines that meet a condition of a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recupero_sdk.law.terms import Condition

Line = dict[str, Any]


def meeting(line: Line, condition: Condition, at: int = 0) -> Line:
    """The line with all that a condition states; of each list the entry at a place, or the last."""
    debtor, debt, proposed = dict(line["debtor"]), dict(line["debt"]), dict(line["proposed"])
    for names, part, name in _STATED:
        if allowed := getattr(condition, names):
            chosen = allowed[min(at, len(allowed) - 1)]
            {"debtor": debtor, "debt": debt, "proposed": proposed}[part][name] = (
                [chosen] if name in ("flags", "permissions") else chosen
            )
    channel = proposed["channel"]
    if condition.consented is not None:
        debtor["consented_channels"] = [channel] if condition.consented else []
    if condition.written_consent is not None:
        debtor["written_consents"] = [channel] if condition.written_consent else []
    for name in ("asked", "with_consent", "automated"):
        if getattr(condition, name) is not None:
            proposed[name] = getattr(condition, name)
    if condition.amount_from is not None:
        debt["amount"] = str(condition.amount_from)
    elif condition.amount_below is not None:
        debt["amount"] = str(condition.amount_below - 1)
    return {**line, "debtor": debtor, "debt": debt, "proposed": proposed}


#: Lists of a condition, and where a line says the fact that they ask about.
_STATED = (
    ("creditor_sectors", "debt", "creditor_sector"), ("owner_types", "debt", "owner_type"),
    ("parties", "debt", "party"), ("debt_kinds", "debt", "kind"), ("line_types", "debtor", "line_type"),
    ("recipients", "proposed", "recipient"), ("purposes", "proposed", "purpose"),
    ("places", "proposed", "place"), ("flags", "debtor", "flags"), ("permissions", "debtor", "permissions"),
)  # fmt: skip


def met_each(line: Line, condition: Condition) -> Iterator[Line]:
    """The line meeting a condition, once with each entry of its longest list."""
    most = max(len(getattr(condition, names)) for names, _part, _name in _STATED)
    yield from (meeting(line, condition, at) for at in range(max(most, 1)))
