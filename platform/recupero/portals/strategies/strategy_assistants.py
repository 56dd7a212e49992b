"""Who speaks for a strategy, as rows of its form."""

from collections.abc import Mapping, Sequence
from typing import Any

from recupero.decisions.strategies.assistants import KINDS
from recupero.portals.frame.forms import Form
from recupero.portals.words.words import label

SPARE = 1  # an empty row below the others, for one more
_TEXTS = ("name", "kind", "tone", "script")


def rows(form: Form) -> int:
    """How many rows the form has."""
    return sum(name.startswith("assistants_") and name.endswith("_name") for name in form.values)


def names(form: Form) -> list[str]:
    """The names of all rows, in their order."""
    named = (form.optional(f"assistants_{place}_name") for place in range(rows(form)))
    return list(dict.fromkeys(filter(None, named)))


def typed(data: Mapping[str, Any], channels: Sequence[str]) -> dict[str, object]:
    """The assistants as somebody would type them."""
    said, values = data.get("assistants", ()), dict[str, object]()
    for place in range(len(said) + SPARE):
        row: Mapping[str, Any] = said[place] if place < len(said) else {}
        values |= {f"assistants_{place}_{name}": row.get(name, "") for name in _TEXTS}
        for channel in channels:
            values[f"assistants_{place}_by_{channel}"] = "yes" if channel in row.get("channels", ()) else ""
    return values


def read(form: Form, channels: Sequence[str]) -> dict[str, Any]:
    """The assistants as typed; a row without a name is dropped."""
    found = [row for place in range(rows(form)) if (row := _row(form, place, channels))]
    return {"assistants": found} if found else {}


def _row(form: Form, place: int, channels: Sequence[str]) -> dict[str, Any]:
    at = f"assistants_{place}"
    name = form.optional(f"{at}_name").strip()
    if not name:
        return {}
    by = [channel for channel in channels if form.optional(f"{at}_by_{channel}")]
    row: dict[str, Any] = {"name": name, "kind": form.optional(f"{at}_kind") or KINDS[0]}
    row |= {key: said for key in ("tone", "script") if (said := form.optional(f"{at}_{key}"))}
    return row | ({"channels": by} if by else {})


def place_of(field: str) -> str:
    """The form's field for a place in the strategy such as `assistants.0.name`; "" for none."""
    parts = field.split(".")
    if parts[0] != "assistants" or len(parts) < 2:
        return ""
    return f"assistants_{parts[1]}_{parts[2] if len(parts) > 2 and parts[2] in _TEXTS else 'name'}"


def told(row: Mapping[str, Any]) -> str:
    """An assistant in words."""
    parts = [
        label("assistant", row["kind"]).lower(),
        *(label("channel", channel) for channel in row.get("channels", ())),
        *([label("tone", row["tone"]).lower()] if row.get("tone") else []),
        *([row["script"]] if row.get("script") else []),
    ]
    return f"{row['name']} ({', '.join(parts)})"
