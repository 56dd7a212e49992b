"""The proof of one judgement in plain words: every rule consulted with parameters, outcome and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from recupero_sdk.law import RegulationPack, RuleOutcome, Verdict
from recupero_sdk.law.reasons import LANGUAGES, word
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.values import Decision


@dataclass(frozen=True, slots=True)
class Step:
    """One rule as it was consulted. `rule` is its text in the pack, where the pack still has it."""

    outcome: RuleOutcome
    rule: Rule | None

    @property
    def house(self) -> bool:
        """Whether it is the house's own rule and not the law's."""
        return "policy" in (self.outcome.basis, self.rule.basis if self.rule else "law")

    @property
    def decided(self) -> bool:
        """Whether it could have refused this contact."""
        return self.outcome.outcome != "informational"

    def text(self, language: str) -> str:
        """What the rule says, in es, en or pt; empty where no pack has it any more."""
        return _said(self.rule.text.model_dump(), language) if self.rule else ""

    def title(self, language: str) -> str:
        return _said(self.rule.title.model_dump(), language) if self.rule else self.outcome.rule_id

    def parameters(self, language: str) -> list[tuple[str, str]]:
        """Names and values of the rule's parameters in words."""
        stated = (pair for pair in self.outcome.parameters.items() if _says(pair[1]))
        return [(_word(name, language), _plain(value, language)) for name, value in stated]

    def to_json(self, language: str) -> dict[str, Any]:
        source = self.rule.source if self.rule else None
        return {
            "rule": self.outcome.rule_id, "house": self.house, "title": self.title(language),
            "text": self.text(language), "outcome": self.outcome.outcome,
            "reason": self.outcome.explain(language), "parameters": dict(self.outcome.parameters),
            "citation": self.outcome.citation, "source": source.text if source else None,
            "url": source.url if source else None,
            "confidence": self.rule.confidence if self.rule else None,
            "reading": self.rule.reading if self.rule else None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that would say something else now."""

    rule_id: str
    then: str
    now: str


def steps(verdict: Verdict, pack: RegulationPack | None, day: date) -> list[Step]:
    """Every rule consulted, those that decide first, each with its words in the pack on the contact's day."""
    known: dict[str, Rule] = {}
    for rule in pack.rules if pack else ():
        if rule.id not in known or rule.in_force.holds(day):
            known[rule.id] = rule
    found = [Step(outcome, known.get(outcome.rule_id)) for outcome in verdict.outcomes]
    return sorted(found, key=lambda step: not step.decided)


def changes(then: Verdict, now: Verdict) -> list[Change]:
    """Rules whose outcome differs between two judgements of the same contact."""
    before, after = _outcomes(then.outcomes), _outcomes(now.outcomes)
    return [
        Change(rule_id, before.get(rule_id, "absent"), after.get(rule_id, "absent"))
        for rule_id in dict.fromkeys((*before, *after))
        if before.get(rule_id, "absent") != after.get(rule_id, "absent")
    ]


_STRICT: tuple[Decision, ...] = ("informational", "allowed", "refused")


def _outcomes(outcomes: Iterable[RuleOutcome]) -> dict[str, str]:
    """The strictest thing that each rule said; several provisions of a rule share its id, in any order."""
    found: dict[str, Decision] = {}
    for outcome in outcomes:
        found[outcome.rule_id] = max(
            outcome.outcome, found.get(outcome.rule_id, outcome.outcome), key=_STRICT.index
        )
    return dict(found)


def _said(words: Mapping[str, str | None], language: str) -> str:
    return words.get(language) or words.get("es" if language == "pt" else "en") or ""


#: Names, units and codes of parameters that readers meet: es, en, pt. Others are shown as the pack has them.
_WORDS: dict[str, tuple[str, str, str]] = {
    "limit": ("máximo", "at most", "máximo"),
    "period": ("período", "period", "período"),
    "readings": ("lecturas", "readings", "leituras"),
    "rolling": ("ventana corrida", "rolling window", "janela corrida"),
    "counts": ("qué cuenta", "what counts", "o que conta"),
    "outcomes": ("resultados", "outcomes", "resultados"),
    "open": ("horario", "hours", "horário"),
    "opens": ("desde", "from", "das"),
    "closes": ("hasta", "to", "às"),
    "days": ("días", "days", "dias"),
    "hours": ("horas", "hours", "horas"),
    "unit": ("unidad", "unit", "unidade"),
    "weekdays": ("días de la semana", "weekdays", "dias da semana"),
    "calendar": ("calendario", "calendar", "calendário"),
    "regional": ("con feriados regionales", "with regional holidays", "com feriados regionais"),
    "closed_by": ("cerrado por", "closed by", "fechado por"),
    "flags": ("situaciones", "situations", "situações"),
    "refuse": ("no se contacta a", "not to be contacted", "não contatar"),
    "contacts": ("contactos", "contacts", "contatos"),
    "calendar_days": ("días corridos", "calendar days", "dias corridos"),
    "business_days": ("días hábiles", "business days", "dias úteis"),
    "local_time": ("hora local", "local time", "hora local"),
    "local_day": ("día local", "local day", "dia local"),
    "answered": ("contestado", "answered", "atendido"),
    "no_answer": ("sin respuesta", "no answer", "sem resposta"),
    "delivered": ("entregado", "delivered", "entregue"),
    "failed": ("fallido", "failed", "falho"),
    "reply": ("respuesta", "reply", "resposta"),
    "topic": ("tema", "topic", "tema"),
    "requires": ("exige", "requires", "exige"),
    "authorised": ("autorización", "authorisation", "autorização"),
    "written": ("autorización escrita", "written authorisation", "autorização escrita"),
    "unrecorded": ("si nada consta", "where nothing is recorded", "se nada consta"),
    "refused": ("se rechaza", "refused", "recusado"),
    "allowed": ("se permite", "allowed", "permitido"),
    "withdrawn_by": ("se retira con", "withdrawn by", "retira-se com"),
    "zone": ("hora de", "time of", "hora de"),
    "spares": ("salvo", "save for", "exceto"),
    "inbound": ("iniciados por la persona", "begun by the debtor", "iniciados pela pessoa"),
    "after": ("tras", "after", "após"),
    "lasts": ("dura", "lasts", "dura"),
    "lifted_by": ("se levanta con", "lifted by", "levanta-se com"),
    "at_least": ("al menos", "at least", "ao menos"),
    "events": ("hechos", "events", "fatos"),
    "honour": ("se respeta", "honoured", "respeita-se"),
    "at_once": ("de inmediato", "at once", "imediatamente"),
    "excludes": ("no cuentan", "not counted", "não contam"),
    "channels": ("canales", "channels", "canais"),
    "what": ("cuenta", "counts", "conta"),
    "attempt": ("todo intento", "every attempt", "toda tentativa"),
    "minutes": ("minutos", "minutes", "minutos"),
    "weeks": ("semanas", "weeks", "semanas"),
    "months": ("meses", "months", "meses"),
    "years": ("años", "years", "anos"),
    "day_one": ("primer día", "first day", "primeiro dia"),
    "event": ("el del hecho", "that of the event", "o do fato"),
    "next": ("el siguiente", "the next", "o seguinte"),
    "categories": ("categorías", "categories", "categorias"),
    "year": ("año", "year", "ano"),
    "ever": ("siempre", "ever", "sempre"),
}


def _word(code: str, language: str) -> str:
    if code in _WORDS:
        return _WORDS[code][LANGUAGES.index(language)]
    return word(code, language).replace("_", " ")


#: Units of which there may be one: es, en, pt.
_ONE: dict[str, tuple[str, str, str]] = {
    "contacts": ("contacto", "contact", "contato"),
    "days": ("día", "day", "dia"),
    "hours": ("hora", "hour", "hora"),
    "minutes": ("minuto", "minute", "minuto"),
    "calendar_days": ("día corrido", "calendar day", "dia corrido"),
    "business_days": ("día hábil", "business day", "dia útil"),
    "weeks": ("semana", "week", "semana"),
    "months": ("mes", "month", "mês"),
    "years": ("año", "year", "ano"),
}


def _unit(unit: str, value: object, language: str) -> str:
    """The unit as it follows its number."""
    if str(value) == "1" and unit in _ONE:
        return _ONE[unit][LANGUAGES.index(language)]
    return _word(unit, language)


def _plain(value: Any, language: str) -> str:
    """A parameter's value in words: an amount with its unit, a list, a table of codes."""
    if isinstance(value, Mapping):
        if set(value) == {"value", "unit"}:
            return f"{value['value']} {_unit(str(value['unit']), value['value'], language)}"
        if {"days", "opens", "closes"} <= set(value):
            days = ", ".join(_word(day, language) for day in value["days"])
            return f"{days} {_clock(value['opens'])}-{_clock(value['closes'])}"
        return "; ".join(
            f"{_word(str(key), language)}: {_plain(one, language)}"
            for key, one in value.items()
            if _says(one)
        )
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one, language) for one in value)
    return _word(str(value), language)


def _says(value: Any) -> bool:
    """Whether a parameter says anything: what is off, empty or simply on is left to the rule's text."""
    return value not in (None, "", [], {}, ()) and not isinstance(value, bool)


def _clock(minute: object) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}" if isinstance(minute, int) else str(minute)
