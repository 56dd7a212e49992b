"""What a decision rests on, as a reader says it: rules by their titles, and the numbers that a model was
told with their units."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from recupero.decisions.history.feature_list import FEATURES
from recupero.decisions.history.vectors import ACTION, ASSISTANT
from recupero.decisions.learning.serving import FALLBACK
from recupero.decisions.planning.explaining import Explanation, Other, explained
from recupero.decisions.tables import Decision
from recupero.outreach.actions.kinds import TEMPLATES
from recupero.portals.words import language
from recupero.portals.words.lawful import rule_title
from recupero.portals.words.words import label
from recupero_sdk.law import CHANNELS

#: What a decision's reasons are called.
FEATURE_WORDS = {spec.name: spec.label for spec in FEATURES} | {
    spec.name: spec.label for spec in (*ASSISTANT, *ACTION)
}
_TOLD_APART = (("channel", CHANNELS), ("template", TEMPLATES))
_DAYS = re.compile(r"_(\d+)d$")
_UNITS = {spec.name: spec.unit for spec in FEATURES} | {
    spec.name: spec.unit for spec in (*ASSISTANT, *ACTION)
}
#: Numbers that say nothing to a reader: which name it is stands beside the decision.
_SILENT = ("assistant_persona",)
_TONES = {-1: "kind", 0: "neutral", 1: "firm"}


def rule_word(rule: str) -> str:
    """What stood against a channel or an account: a rule of law by its title, one of the house by its
    words."""
    return rule_title(rule) or label("held", rule)


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


def feature_word(feature: str, words: Mapping[str, str] = FEATURE_WORDS) -> str:
    """What a feature of a model is called, of these `words`; those that share a name are told apart by
    channel, purpose and days."""
    named = words.get(feature)
    if named is None or list(words.values()).count(named) == 1:
        return str(_(named or feature))
    parts = [
        label(kind, code) for kind, known in _TOLD_APART for code in known if f"_{code}_" in f"_{feature}_"
    ]
    if days := _DAYS.search(feature):
        parts.append(ngettext("%(num)s day", "%(num)s days", int(days[1])))
    return ", ".join([_(named), *parts])


def sentences(decision: Decision, currency: str) -> list[str]:
    """What a decision says of itself, as its page does: why, its worth, its law, what was second best, and
    what would change it."""
    told = explained(decision)
    found = [_reason(reason, currency) for reason in decision.reasons]
    found.append(_("expected value %(value)s", value=language.about(told.value_minor, currency)))
    found.append(_("Cost %(cost)s", cost=language.money(told.cost_minor, currency)))
    if told.annoyance_minor is not None:
        annoyance = language.money(told.annoyance_minor, currency)
        found.append(_("annoyance counted as %(annoyance)s", annoyance=annoyance))
    if decision.pack:
        found.append(law_word(decision.pack, decision.pack_version))
    if told.second_best:
        found.append(second_word(told.second_best, currency))
    found += would_change(told, currency)
    return [str(one)[:1].upper() + str(one)[1:] for one in found]


def law_word(pack: str, version: str | None) -> str:
    """Under which law a decision was made: the country's name and the version of its rules."""
    country = language.country(pack.upper())
    return str(_("law: %(country)s, version %(version)s", country=country, version=version))


def rules_word(pack: str) -> str:
    """The law of a pack (`cl 2026.11.1`) within a sentence."""
    key, _space, version = pack.partition(" ")
    country = language.country(key.upper())
    return str(_("the rules of %(country)s, version %(version)s", country=country, version=version))


def second_word(other: Other, currency: str) -> str:
    """What was second best and by how much; or what was worth more, where not value alone decided."""
    what = _("to wait")
    if other.channel:
        what = _("%(channel)s on %(moment)s", channel=label("channel", other.channel),
                 moment=language.moment(other.at))  # fmt: skip
    if other.behind_minor < 0:
        more = language.about(-other.behind_minor, currency)
        return str(
            _("By expected value alone it would have been: %(what)s (%(more)s more).", what=what, more=more)
        )
    worth = _("It is worth the same.")
    if other.behind_minor > 0:
        worth = _("It is worth %(less)s less.", less=language.about(other.behind_minor, currency))
    found = _("Second best: %(what)s.", what=what)
    return f"{found} {worth}"


def would_change(told: Explanation, currency: str) -> list[str]:
    """What would change a decision, a sentence each."""
    second, found = told.second_best, list[str]()
    if second and second.behind_minor > 0:
        more = language.about(second.behind_minor, currency)
        found.append(_("The second best comes first as soon as it gains more than %(more)s.", more=more))
    by_rule: dict[tuple[str, str | None], list[str]] = {}
    for one in told.closed:
        by_rule.setdefault((one.rule, one.citation), []).append(label("channel", one.channel))
    for (rule, citation), closed in by_rule.items():
        why = rule_word(rule) + (f", {citation}" if citation else "")
        found.append(
            _("%(channels)s: not possible now (%(rule)s); possible as soon as that changes.",
              channels=", ".join(closed), rule=why)
        )  # fmt: skip
    found.append(
        _("A payment, a promise, a dispute, an answer or an opt-out: then it is planned anew within seconds.")
    )
    return found


def _reason(reason: Mapping[str, Any], currency: str) -> str:
    if reason["code"] != "feature":
        return label("reason", reason["code"])
    way = _("speaks for payment") if reason["contribution"] > 0 else _("speaks against payment")
    value = feature_value(reason["feature"], reason["value"], currency)
    return f"{feature_word(reason['feature'])}: {way}" + (f" ({value})" if value else "")
