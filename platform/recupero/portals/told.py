"""What a decision rests on, as a reader says it: rules by their titles, and the numbers that a model was
told with their units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flask import g
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from recupero.decisions.explaining import Other, explained
from recupero.decisions.features import FEATURES
from recupero.decisions.serving import FALLBACK
from recupero.decisions.tables import Decision
from recupero.decisions.vectors import ACTION, ASSISTANT
from recupero.portals import language
from recupero.portals.lawful import rule_titles
from recupero.portals.words import label

#: What a decision's reasons are called.
FEATURE_WORDS = {spec.name: spec.label for spec in FEATURES} | {
    spec.name: spec.label for spec in (*ASSISTANT, *ACTION)
}
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


def sentences(decision: Decision, currency: str) -> list[str]:
    """What a decision says of itself, as its page does: why, its worth, its law, what was second best, and
    what would change it."""
    told = explained(decision)
    found = [_reason(reason, currency) for reason in decision.reasons]
    found.append(_("expected value %(value)s", value=language.money(told.value_minor, currency)))
    found.append(_("Cost %(cost)s", cost=language.money(told.cost_minor, currency)))
    if told.annoyance_minor is not None:
        annoyance = language.money(told.annoyance_minor, currency)
        found.append(_("annoyance counted as %(annoyance)s", annoyance=annoyance))
    if decision.pack:
        law = {"pack": decision.pack.upper(), "version": decision.pack_version}
        found.append(_("law of %(pack)s, version %(version)s", **law))
    if told.second_best:
        found += _second(told.second_best, currency)
    found += [
        _("%(channel)s can be chosen when this no longer stands against it: %(rule)s",
          channel=label("channel", one.channel), rule=rule_word(one.rule))
        + (f" ({one.citation})" if one.citation else "")
        for one in told.closed
    ]  # fmt: skip
    news = _(
        "A payment, a promise, a dispute, an answer or an opt-out: then it is planned anew within seconds."
    )
    return [str(one)[:1].upper() + str(one)[1:] for one in (*found, news)]


def _reason(reason: Mapping[str, Any], currency: str) -> str:
    if reason["code"] != "feature":
        return label("reason", reason["code"])
    word = _(FEATURE_WORDS.get(reason["feature"], reason["feature"]))
    way = _("speaks for payment") if reason["contribution"] > 0 else _("speaks against payment")
    value = feature_value(reason["feature"], reason["value"], currency)
    return f"{word}: {way}" + (f" ({value})" if value else "")


def _second(other: Other, currency: str) -> list[str]:
    """What was second best, by how much, and when it would come first."""
    less = language.money(other.behind_minor, currency)
    if other.channel:
        found = _("Second best: %(channel)s on %(moment)s.", channel=label("channel", other.channel),
                  moment=language.moment(other.at))  # fmt: skip
    else:
        found = _("Second best: to wait.")
    if other.behind_minor == 0:
        return [f"{found} " + _("It is worth the same.")]
    if other.behind_minor < 0:
        return [found]
    return [
        f"{found} " + _("It is worth %(less)s less.", less=less),
        _("The second best comes first as soon as it gains more than %(more)s.", more=less),
    ]
