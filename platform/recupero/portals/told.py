"""What a decision rests on, as a reader says it: rules by their titles, and the numbers that a model was
told with their units."""

from __future__ import annotations

import math

from flask import g
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from recupero.decisions.features import FEATURES
from recupero.decisions.serving import FALLBACK
from recupero.decisions.vectors import ACTION, ASSISTANT
from recupero.portals import language
from recupero.portals.lawful import rule_titles
from recupero.portals.words import label

_UNITS = {spec.name: spec.unit for spec in FEATURES} | {
    spec.name: spec.unit for spec in (*ASSISTANT, *ACTION)
}
#: Numbers that say nothing to a reader: which name it is stands beside the decision.
_SILENT = ("assistant_persona",)
_TONES = {-1: "kind", 0: "neutral", 1: "firm"}


def rule_word(rule: str) -> str:
    """What stood against a channel or an account: a rule of law by its title, one of the house by its
    words."""
    if "rule_titles" not in g:
        g.rule_titles = rule_titles()
    known: dict[str, str] = g.rule_titles
    return known.get(rule) or label("held", rule)


def model_word(model: str | None, version: str) -> str:
    """The kind of model that decided, with its version; the strategy's own order has none."""
    kind = label("model_kind", (model or "").split("-")[0])
    return kind if model == FALLBACK else f"{kind}, " + _("version %(version)s", version=version)


def feature_value(feature: str, value: float | None, currency: str) -> str:
    """What a model was told of a feature, in its unit; nothing where it is unknown, or says nothing."""
    if value is None or feature in _SILENT:
        return ""
    unit = _UNITS.get(feature, "")
    if unit == "log minor units":
        return language.money(round(math.expm1(value)), currency)
    if unit == "days":
        whole = round(value)
        return str(ngettext("%(num)s day", "%(num)s days", whole))
    if unit == "0 or 1":
        return language.yes_no(bool(value))
    if unit == "0 to 1":
        return language.percent(value, 0)
    if unit == "hour":
        return f"{int(value)}:{round(value % 1 * 60):02d}"
    if feature in ("weekday", "action_weekday"):
        return str(get_locale().days["stand-alone"]["wide"][int(value) - 1])
    if unit == "-1 to 1":
        return label("tone", _TONES.get(round(value), "neutral"))
    return language.number(round(value, 2))
