"""House rules: what an agency, or a creditor of it, asks of itself above the law.

They are rules like those of a pack, put beside the law's own: all must allow a contact, so they can only
tighten. Caps and hours come from a form (`Limits`), anything else as rules in YAML. Their ids say whose they
are: `CL-AGENCY-…`, `CL-CREDITOR-…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError

from recupero.law.service import Packs
from recupero_sdk.law import CHANNELS, Channel, PackError, RegulationPack
from recupero_sdk.law.loader import parse_rules, read_yaml_text
from recupero_sdk.law.parameters import Strict
from recupero_sdk.law.schema import Rule

Layer = Literal["agency", "creditor"]
#: Which contacts count together: the person's with every creditor of the agency, with this one, the debt's.
Counted = Literal["agency", "creditor", "debt"]
#: What uses a cap up: whatever was tried, or only what reached somebody.
Counts = Literal["attempts", "reached"]
COUNTED: tuple[Counted, ...] = get_args(Counted)
COUNTS: tuple[Counts, ...] = get_args(Counts)

_OUTCOMES = {"attempts": ["answered", "no_answer", "delivered"], "reached": ["answered", "delivered"]}
_DAYS = {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "saturday": ["sat"], "sunday": ["sun"]}
_WALL = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d\Z|24:00\Z")
_HOUSE = re.compile(r"^[A-Z]{2}-(AGENCY|CREDITOR)-")


def is_house_rule(rule_id: str) -> bool:
    """Whether a rule is the house's own and not the law's."""
    return _HOUSE.match(rule_id) is not None


def _window(text: str) -> str:
    """`closed`, or `from-to` as HH:MM-HH:MM."""
    if text == "closed":
        return text
    opens, _, closes = text.partition("-")
    if not (_WALL.match(opens) and _WALL.match(closes)):
        raise ValueError("is no stretch of hours; write HH:MM-HH:MM, or closed")
    if opens >= closes:
        raise ValueError("ends at or before it begins; write the earlier time first")
    return text


Window = Annotated[str, AfterValidator(_window)]
Cap = Annotated[int, Field(ge=1, le=10_000)]


class Limits(Strict):
    """Caps and hours as the form has them; what is left out is for the law alone to decide.

    Hours are the debtor's local time, `HH:MM-HH:MM` or `closed`, for Monday to Friday, Saturday and Sunday.
    `channels` are those the caps concern (empty: all), `unused` those by which nobody is contacted.
    """

    per_day: Cap | None = None
    per_week: Cap | None = None
    per_month: Cap | None = None
    gap_hours: Cap | None = None
    counted: Counted = "agency"
    counts: Counts = "attempts"
    channels: tuple[Channel, ...] = ()
    weekdays: Window | None = None
    saturday: Window | None = None
    sunday: Window | None = None
    no_holidays: bool = False
    unused: tuple[Channel, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What is set, in JSON types."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Limits:
        """The limits in `data`. Raises `PackError`, naming each field that is wrong and what it allows."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise PackError([_problem(one["loc"], one["msg"]) for one in error.errors()]) from None

    def rules(self, layer: Layer, country: str) -> list[dict[str, Any]]:
        """The limits as rules of a country, in the schema of packs."""
        make = _Maker(layer, country)
        caps = {"day": self.per_day, "week": self.per_week, "month": self.per_month}
        rules = [self._cap(make, period, limit) for period, limit in caps.items() if limit is not None]
        rules += [self._gap(make)] if self.gap_hours else []
        rules += self._clock(make, country)
        rules += [make.rule(f"no-{one}", "channel_ban", "unused", {}, [one]) for one in self.unused]
        return rules

    def _counting(self) -> dict[str, Any]:
        return {"outcomes": dict.fromkeys(self.channels or CHANNELS, _OUTCOMES[self.counts])}

    def _cap(self, make: _Maker, period: str, limit: int) -> dict[str, Any]:
        rolling = {"week": 168, "month": 720}.get(period)
        parameters = {
            "limit": {"value": limit, "unit": "contacts"}, "period": period, "counts": self._counting(),
            "readings": ["calendar", "rolling"] if rolling else ["calendar"],
            **({"rolling": {"value": rolling, "unit": "hours"}} if rolling else {}),
        }  # fmt: skip
        return make.rule(
            f"per-{period}", "frequency", period, parameters, self.channels, self.counted, limit=limit
        )

    def _gap(self, make: _Maker) -> dict[str, Any]:
        parameters = {"hours": {"value": self.gap_hours, "unit": "hours"}, "counts": self._counting()}
        return make.rule("gap", "gap", "gap", parameters, self.channels, self.counted, hours=self.gap_hours)

    def _clock(self, make: _Maker, country: str) -> list[dict[str, Any]]:
        rules, parts = [], {name: getattr(self, name) for name in _DAYS}
        shut = [day for name, days in _DAYS.items() if parts[name] == "closed" for day in days]
        if shut or self.no_holidays:
            calendar = {"calendar": country, "regional": True} if self.no_holidays else {}
            parameters = {"unit": "local_day", "weekdays": shut, **calendar}
            rules.append(make.rule("closed-days", "closed_days", "closed_days", parameters))
        if any(window not in (None, "closed") for window in parts.values()):
            stretches = []
            for name, days in _DAYS.items():
                window = parts[name] if parts[name] not in (None, "closed") else "00:00-24:00"
                opens, _, closes = window.partition("-")
                stretches.append({"days": days, "opens": opens, "closes": closes})
            rules.append(make.rule("hours", "hours", "hours", {"unit": "local_time", "open": stretches}))
        return rules


def _problem(path: Sequence[int | str], message: str) -> str:
    return f"{'.'.join(map(str, path))}: {message.removeprefix('Value error, ')}"


@dataclass(frozen=True, slots=True)
class _Maker:
    layer: Layer
    country: str

    def rule(
        self,
        name: str,
        kind: str,
        word: str,
        parameters: Mapping[str, Any],
        channels: Sequence[str] = (),
        scope: str = "agency",
        **values: object,
    ) -> dict[str, Any]:
        """One rule of this house, put into words."""
        text = {
            code: text.format_map(values) for code, text in zip(("es", "en", "pt"), _WORDS[word], strict=True)
        }
        return {
            "id": f"{self.country}-{self.layer.upper()}-{name}", "title": text, "text": text, "kind": kind,
            "channels": list(channels or CHANNELS), "scope": scope, "parameters": dict(parameters),
        }  # fmt: skip


_WORDS: dict[str, tuple[str, str, str]] = {
    "day": (
        "Como máximo {limit} contactos por día.",
        "At most {limit} contacts a day.",
        "No máximo {limit} contatos por dia.",
    ),
    "week": (
        "Como máximo {limit} contactos por semana calendario y en 7 días corridos.",
        "At most {limit} contacts per calendar week and in any 7 days.",
        "No máximo {limit} contatos por semana de calendário e em 7 dias corridos.",
    ),
    "month": (
        "Como máximo {limit} contactos por mes calendario y en 30 días corridos.",
        "At most {limit} contacts per calendar month and in any 30 days.",
        "No máximo {limit} contatos por mês de calendário e em 30 dias corridos.",
    ),
    "gap": (
        "Al menos {hours} horas entre contactos.",
        "At least {hours} hours between contacts.",
        "Pelo menos {hours} horas entre contatos.",
    ),
    "hours": (
        "Horario propio, en la hora local de la persona.",
        "Own hours, in the person's local time.",
        "Horário próprio, na hora local da pessoa.",
    ),
    "closed_days": ("Días sin contacto.", "Days without contact.", "Dias sem contato."),
    "unused": ("Este canal no se usa.", "This channel is not used.", "Este canal não é usado."),
}


_SOURCE = {
    "agency": ("Política interna de la agencia", "regla propia", "Regla propia, no es ley"),
    "creditor": ("Política interna del acreedor", "regla propia", "Regla propia, no es ley"),
}
#: Kinds by which a house can only add a refusal or a demand.
TIGHTENING = frozenset(
    (
        "hours", "closed_days", "frequency", "gap", "channel_lock", "opt_out", "stop", "recipient", "place",
        "channel_ban", "disclosure", "banned_content",
    )
)  # fmt: skip


_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class HouseRules:
    """The rules of one layer: the form's limits, and more rules as YAML in the schema of packs."""

    layer: Layer
    limits: Limits = _NO_LIMITS
    document: str = ""

    @property
    def empty(self) -> bool:
        """Whether the law alone decides."""
        return self.limits == _NO_LIMITS and not self.document.strip()

    def rules(self, country: str) -> tuple[Rule, ...]:
        """The rules that concern a country. Raises `PackError` where they cannot be read."""
        stated = [rule for rule in self._stated() if str(rule.get("id", "")).startswith(f"{country}-")]
        return _read([*self.limits.rules(self.layer, country), *stated], self.layer)

    def countries(self) -> frozenset[str]:
        """Countries that the document names. Raises `PackError` where it cannot be read."""
        return frozenset(str(rule.get("id", ""))[:2] for rule in self._stated())

    def check(self) -> None:
        """Raise `PackError` with every problem of the document."""
        _read(self._stated(), self.layer)

    def _stated(self) -> list[dict[str, Any]]:
        if not self.document.strip():
            return []
        data = read_yaml_text(self.document, "rules")
        if not isinstance(data, dict) or not isinstance(data.get("rules"), list):
            raise PackError(["rules: the file needs a list `rules:`, as in a pack; see the law guide"])
        if unknown := sorted(set(data) - {"chapter", "rules"}):
            raise PackError([f"{unknown[0]}: is not a property here; remove it or correct its name"])
        if not all(isinstance(rule, dict) for rule in data["rules"]):
            raise PackError(["rules: each entry must be a rule with `id`, `kind`, `parameters`"])
        rules: list[dict[str, Any]] = data["rules"]
        return rules


def _read(stated: Sequence[Mapping[str, Any]], layer: Layer) -> tuple[Rule, ...]:
    """The rules in the schema of packs, with what a house need not say filled in."""
    law, article, text = _SOURCE[layer]
    house = {
        "scope": "agency", "confidence": "primary", "reading": "literal", "basis": "practice",
        "in_force": {"from": None, "to": None}, "source": {"law": law, "article": article, "text": text},
    }  # fmt: skip
    # Versions of house rules are told apart by whoever keeps them, not inside the pack.
    dated = {"verified": "1970-01-01", "recorded": "1970-01-01", "withdrawn": None}
    problems = [problem for rule in stated for problem in _loosens(rule, layer)]
    if problems:
        raise PackError(problems)
    filled = [{**house, **rule, **dated} for rule in stated]
    return parse_rules(filled, "rules")


def _loosens(rule: Mapping[str, Any], layer: Layer) -> Iterable[str]:
    """What a house rule must not say."""
    name, prefix = rule.get("id"), f"-{layer.upper()}-"
    if not isinstance(name, str) or name[2:].find(prefix) != 0:
        yield f"rule {name}: the id of a house rule begins with the country and {prefix}, as CL{prefix}rest"
    kind = rule.get("kind")
    if kind not in TIGHTENING:
        yield f"rule {name}: kind `{kind}` cannot tighten the law; use one of {', '.join(sorted(TIGHTENING))}"
    for key in ("repeals", "literal", "adopted"):
        if key in rule:
            yield f"rule {name}: `{key}` is for laws; a house rule only tightens: remove it"


@lru_cache(maxsize=512)
def _tightened(pack: RegulationPack, layers: tuple[HouseRules, ...]) -> RegulationPack:
    first = min(rule.recorded for rule in pack.rules)
    added = tuple(
        rule.model_copy(update={"recorded": first}) for layer in layers for rule in layer.rules(pack.country)
    )
    if problems := list(_misplaced(pack, added)):
        raise PackError(problems)
    return replace(pack, rules=(*pack.rules, *added)) if added else pack


def _misplaced(pack: RegulationPack, added: Sequence[Rule]) -> Iterable[str]:
    """Ids that are taken, and names that lead nowhere."""
    ids = [rule.id for rule in (*pack.rules, *added)]
    for rule in added:
        if ids.count(rule.id) > 1:
            yield f"rule {rule.id}: two house rules have this id; choose another"
        closed_by = rule.parameters.closed_by if rule.kind == "hours" else None
        named = {*rule.rests_on, *([closed_by] if closed_by else [])}
        for name in sorted(named - set(ids)):
            yield f"rule {rule.id}: `{name}` is not a rule of the pack {pack.id} or of the house"
        for region in sorted(set(rule.regions) - set(pack.manifest.regions)):
            yield f"rule {rule.id}: region `{region}` is not in the pack {pack.id}"


def tightened(packs: Packs, layers: Iterable[HouseRules]) -> Packs:
    """The packs with house rules above them. A country whose house rules cannot be read is closed."""
    wanted = tuple(layer for layer in layers if not layer.empty)
    if not wanted:
        return packs
    by_country, closed = {}, dict(packs.closed)
    for country, pack in packs.by_country.items():
        try:
            by_country[country] = _tightened(pack, wanted)
        except PackError as error:
            closed[country] = f"the house rules cannot be read: {error}"
    return Packs(by_country, closed)


def check(packs: Packs, layer: HouseRules) -> None:
    """Raise `PackError` with every reason why these house rules could not be used with the packs."""
    layer.check()
    problems = [
        f"rules: no law is loaded for {country}, so house rules there decide nothing; install its pack first"
        for country in sorted(layer.countries() - set(packs.by_country))
    ]
    for pack in packs.by_country.values():
        try:
            _tightened(pack, (layer,))
        except PackError as error:
            problems += error.problems
    if problems:
        raise PackError(problems)
