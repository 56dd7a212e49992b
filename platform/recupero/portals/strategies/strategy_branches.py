"""Segments and arms of a strategy as rows of its form: for whom they are, and what holds there instead."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from recupero.decisions.strategies.strategy import DPD_STAGES, OFFERS
from recupero.kernel.errors import UserError
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.portals.frame.forms import Form
from recupero.portals.money.terms import amount_text, percent_text

KINDS = ("segments", "arms")
SPEAKERS = "_assistants"  # the end of the name of the field that ticks who speaks in a branch
SPARE = 1  # an empty row below the others, for one more
CHANNELS = 3  # places in a branch's order of preference
_NUMBERS = ("from_dpd", "to_dpd")
_SUMS = ("from_balance_minor", "to_balance_minor")
_LISTS = ("regions", "languages")
_SHOWN = ("channels", "pace_days", "max_contacts_30d", "human_only", "assistants", "offers", "offer_after")

Take = Callable[[dict[str, Any], str, str, Callable[[str], Any]], None]


def rows(form: Form, kind: str) -> int:
    """How many rows of a kind the form has."""
    return sum(name.startswith(f"{kind}_") and name.endswith("_name") for name in form.values)


def typed(data: Mapping[str, Any], currency: str) -> dict[str, object]:
    """The branches as somebody would type them. What the form does not show goes with its row unseen."""
    values: dict[str, object] = {}
    for kind in KINDS:
        said = data.get(kind, ())
        for place in range(len(said) + SPARE):
            row: Mapping[str, Any] = said[place] if place < len(said) else {}
            values |= {f"{kind}_{place}_{name}": text for name, text in _row(kind, row, currency).items()}
    return values


def _row(kind: str, row: Mapping[str, Any], currency: str) -> dict[str, object]:
    when, then = row.get("when", {}), row.get("then", {})
    values: dict[str, object] = {"name": row.get("name", "")}
    if kind == "arms":
        values["share"] = percent_text(round(row["share"] * 10_000)) if row else ""
    else:
        values |= {f"stage_{one}": "yes" if one in when.get("stages", ()) else "" for one in DPD_STAGES}
        values |= {name: when.get(name, "") for name in _NUMBERS}
        values |= {name: amount_text(when.get(name), currency) for name in _SUMS}
        values |= {name: ", ".join(when.get(name, ())) for name in _LISTS}
        values["vulnerable"] = "yes" if when.get("vulnerable") else ""
    channels = then.get("channels", ())
    values |= {f"channel_{one}": channels[one] if one < len(channels) else "" for one in range(CHANNELS)}
    made = then.get("offers", ())
    values |= {f"offer_{one}": made[one] if one < len(made) else "" for one in range(len(OFFERS))}
    values |= {name: then.get(name, "") for name in ("pace_days", "max_contacts_30d", "offer_after")}
    values["assistants"] = list(then.get("assistants", ()))
    values["human_only"] = "yes" if then.get("human_only") else ""
    tone = _one_tone(then.get("tones"))
    values["tone"] = tone
    hidden = [*_SHOWN, *(["tones"] if tone else [])]
    rest = {name: value for name, value in then.items() if name not in hidden}
    values["rest"] = json.dumps(rest) if rest else ""
    return values


def _one_tone(tones: Mapping[str, str] | None) -> str:
    """The tone where all purposes have the same one."""
    said = set((tones or {}).values())
    return said.pop() if len(said) == 1 and len(tones or {}) == len(TEMPLATES) else ""


def read(form: Form, take: Take) -> dict[str, Any]:
    """The branches as typed; a row without anything is dropped. Errors stand at their fields afterwards."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        said = [row for place in range(rows(form, kind)) if (row := _read_row(form, take, kind, place))]
        found |= {kind: said} if said else {}
    return found


def _read_row(form: Form, take: Take, kind: str, place: int) -> dict[str, Any]:
    at, currency = f"{kind}_{place}", form.optional("currency")
    then = _rest(form, at)
    channels = [form.optional(f"{at}_channel_{one}") for one in range(CHANNELS)]
    then |= {"channels": list(dict.fromkeys(filter(None, channels)))} if any(channels) else {}
    take(then, "pace_days", f"{at}_pace_days", lambda field: days(form.hundredths(field)))
    take(then, "max_contacts_30d", f"{at}_max_contacts_30d", form.whole)
    take(then, "tones", f"{at}_tone", lambda field: dict.fromkeys(TEMPLATES, form.text(field)))
    then |= offers(form, f"{at}_offer_")
    take(then, "offer_after", f"{at}_offer_after", form.whole)
    speakers = form.values.get(at + SPEAKERS)
    then |= {"assistants": speakers} if isinstance(speakers, list) and speakers else {}
    take(then, "human_only", f"{at}_human_only", lambda _field: True)
    if kind == "arms":
        row: dict[str, Any] = {}
        take(row, "share", f"{at}_share", lambda field: form.hundredths(field) / 10_000)
    else:
        when = _when(form, take, at, currency)
        row = {"when": when} if when else {}
    name = form.optional(f"{at}_name")
    if not (row or then or name):
        return {}
    if not row or not name or not then:
        _refuse(form, at, kind, name=name, asked=bool(row))
    return {"name": name, **row, "then": then}


def offers(form: Form, at: str) -> dict[str, Any]:
    """The kinds of offers that are named, in order; nothing where none is."""
    named = [form.optional(f"{at}{place}") for place in range(len(OFFERS))]
    return {"offers": list(dict.fromkeys(filter(None, named)))} if any(named) else {}


def _when(form: Form, take: Take, at: str, currency: str) -> dict[str, Any]:
    when: dict[str, Any] = {}
    stages = [one for one in DPD_STAGES if form.optional(f"{at}_stage_{one}")]
    when |= {"stages": stages} if stages else {}
    for name in _NUMBERS:
        take(when, name, f"{at}_{name}", form.whole)
    for name in _SUMS:
        take(when, name, f"{at}_{name}", lambda field: form.money(field, currency))
    for name in _LISTS:
        take(when, name, f"{at}_{name}", lambda field: _several(form.text(field)))
    take(when, "vulnerable", f"{at}_vulnerable", lambda _field: True)
    return when


def _rest(form: Form, at: str) -> dict[str, Any]:
    """What a row says that the form does not show."""
    try:
        rest = json.loads(form.optional(f"{at}_rest") or "{}")
    except ValueError:
        rest = None
    if not isinstance(rest, dict):
        form.refuse(UserError("this row cannot be read: load the page again", field=""))
        return {}
    return rest


def days(hundredths: int) -> int | float:
    """As somebody would write it."""
    return hundredths // 100 if hundredths % 100 == 0 else hundredths / 100


def _several(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _refuse(form: Form, at: str, kind: str, *, name: str, asked: bool) -> None:
    """Says at its field what a row lacks."""
    if any(one.startswith(f"{at}_") for one in form.errors):
        return  # what cannot be read is what it lacks
    if not name:
        form.refuse(UserError("Please fill this in.", field=f"{at}_name"))
    elif not asked:
        field = f"{at}_share" if kind == "arms" else f"{at}_from_dpd"
        form.refuse(UserError("Please say for whom this holds.", field=field))
    else:
        form.refuse(UserError("Please say what holds instead.", field=f"{at}_channel_0"))


def place_of(field: str) -> str:
    """The form's field for a place in the strategy such as `segments.0.then.pace_days`; "" for none."""
    parts = field.split(".")
    if len(parts) < 2 or parts[0] not in KINDS:
        return ""
    last = parts[-1] if len(parts) > 2 else "name"
    if "tones" in parts:
        last = "tone"  # the row has one for all purposes
    known = {
        "channels": "channel_0",
        "offers": "offer_0",
        "stages": "stage_preventive",
        "then": "channel_0",
        "when": "from_dpd",
    }
    return f"{parts[0]}_{parts[1]}_{known.get(last, last)}"


def tone_choices(named: Callable[[str], str]) -> list[tuple[str, str]]:
    return [("", _("as otherwise")), *((one, named(one)) for one in TONES)]
