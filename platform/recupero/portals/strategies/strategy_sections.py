"""The parts of a strategy's form: what each holds, in a line, and which stands open."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from recupero.portals.words.words import label

#: By part: the keys of the strategy that it holds, how its fields' names begin, what is said of an empty one.
_PARTS: Mapping[str, tuple[Collection[str], tuple[str, ...], Any]] = {
    "channels": (("channels",), ("channel_",), _("none")),
    "pace": (
        ("pace_days", "max_contacts_30d", "promise_reminder_days", "tolerance_minor", "minimum_value_minor",
         "budget_minor", "annoyance_minor", "exploration"),
        ("pace_days", "max_contacts_30d", "promise_reminder_days", "tolerance_minor", "minimum_value_minor",
         "budget_minor", "annoyance_minor", "exploration"),
        _("as usual"),
    ),
    "by_channel": (("daily", "costs_minor"), ("daily_", "costs_minor_"), _("as usual")),
    "tones": (("tones",), ("tones_",), _("as usual")),
    "offers": (("offers", "offer_after"), ("offer_",), _("all that the policy allows")),
    "assistants": (("assistants",), ("assistants_",), _("nobody by name")),
    "needs_yes": (("needs_yes",), ("needs_yes_",), _("nothing")),
    "segments": (("segments",), ("segments_",), _("none")),
    "arms": (("arms",), ("arms_",), _("none")),
}  # fmt: skip
_NAMED = ("assistants", "segments", "arms")  # rows that are told by their names


@dataclass(frozen=True, slots=True)
class Section:
    """What a part holds in a line; it is open where something in it is wrong."""

    said: str
    open: bool


def sections(
    data: Mapping[str, Any], errors: Collection[str], said: Callable[[str, Any], str]
) -> dict[str, Section]:
    """Each part by its name: of the strategy `data`, as `said` words a key's value; `errors` are fields."""
    return {
        name: Section(_told(data, keys, said) or str(empty), any(one.startswith(begins) for one in errors))
        for name, (keys, begins, empty) in _PARTS.items()
    }


def _told(data: Mapping[str, Any], keys: Collection[str], said: Callable[[str, Any], str]) -> str:
    found = {key: data[key] for key in keys if data.get(key) not in (None, [], {}, "")}
    if not found:
        return ""
    first = next(iter(found))
    if first in _NAMED:
        return ", ".join(row["name"] for row in found[first])
    if len(keys) == 1:
        return said(first, found[first])
    return "; ".join(f"{label('strategy', key)}: {said(key, value)}" for key, value in found.items())
