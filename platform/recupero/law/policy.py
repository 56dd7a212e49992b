"""House rules: what an agency, or a creditor of it, asks of itself above the law.

They are rules like those of a pack, put beside the law's own: all must allow a contact, so they can only
tighten. Caps and hours come from a form (`Limits`), anything else as rules in YAML. Their ids say whose they
are: `CL-AGENCY-…`, `CL-CREDITOR-…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError

from recupero.law.service import Packs
from recupero_sdk.law import CHANNELS, Channel, PackError, RegulationPack
from recupero_sdk.law.loader import parse_rules
from recupero_sdk.law.policy import Policy, compose, load_policy
from recupero_sdk.law.problems import described
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.terms import Strict
from recupero_sdk.law.zones import zone_exists

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
            raise PackError(described("", error, data, None, cls)) from None

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
_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class HouseRules:
    """The rules of one layer: the form's limits, and more rules as YAML in the schema of packs.

    `version` goes into the version of the pack that they are composed with.
    """

    layer: Layer
    limits: Limits = _NO_LIMITS
    document: str = ""
    version: str = "draft"

    @property
    def empty(self) -> bool:
        """Whether the law alone decides."""
        return self.limits == _NO_LIMITS and not self.document.strip()

    def policy(self, country: str) -> Policy:
        """The rules that concern a country. Raises `PackError` where they cannot be read."""
        made = parse_rules(
            [_filled(rule, self.layer) for rule in self.limits.rules(self.layer, country)], "limits"
        )
        stated = [rule for rule in self.stated() if rule.id.startswith(f"{country}-")]
        return Policy(self.layer, self.version, (*made, *stated))

    def stated(self) -> tuple[Rule, ...]:
        """The rules of the document, of whatever country. Raises `PackError` with every problem."""
        if not self.document.strip():
            return ()
        rules = load_policy(self.document, name="rules", version=self.version).rules
        prefix = f"-{self.layer.upper()}-"
        problems = [
            f"rule {rule.id}: the id of a house rule begins with the country and {prefix}, as CL{prefix}rest"
            for rule in rules
            if not rule.id[2:].startswith(prefix)
        ]
        if problems:
            raise PackError(problems)
        return rules


def _filled(rule: Mapping[str, Any], layer: Layer) -> dict[str, Any]:
    """A rule of the form with what the schema of packs wants said."""
    law, article, text = _SOURCE[layer]
    return {
        "confidence": "primary", "reading": "literal", "basis": "policy",
        "in_force": {"from": None, "to": None}, "source": {"law": law, "article": article, "text": text},
        "verified": "2000-01-01", "recorded": "2000-01-01", **rule,
    }  # fmt: skip


@lru_cache(maxsize=512)
def _tightened(pack: RegulationPack, layers: tuple[HouseRules, ...]) -> RegulationPack:
    policies = [layer.policy(pack.country) for layer in layers]
    policies = [policy for policy in policies if policy.rules]
    added = [rule for policy in policies for rule in policy.rules]
    if problems := list(_misplaced(pack, added)):
        raise PackError(problems)
    return compose(pack, policies) if policies else pack


def _misplaced(pack: RegulationPack, added: Sequence[Rule]) -> Iterable[str]:
    """Ids that are taken, and names of rules, places and zones that lead nowhere."""
    ids = [rule.id for rule in (*pack.rules, *added)]
    mine = [rule.id for rule in added]
    for rule in added:
        if mine.count(rule.id) > 1:
            yield f"rule {rule.id}: two house rules have this id; choose another"
        closed_by = getattr(rule.parameters, "closed_by", None)
        for name in (*rule.rests_on, *((closed_by,) if isinstance(closed_by, str) else ())):
            if name not in ids:
                yield f"rule {rule.id}: `{name}` is not a rule of the pack {pack.id} or of the house"
        zone = getattr(rule.parameters, "zone", "debtor")
        if zone != "debtor" and not zone_exists(zone):
            yield f"rule {rule.id}: zone `{zone}` does not exist; use an IANA name such as America/Santiago"
        for region in sorted({*rule.regions, *rule.agency_regions} - set(pack.manifest.regions)):
            yield f"rule {rule.id}: region `{region}` is not in the pack {pack.id}"
        for area in sorted(set(rule.areas) - set(pack.manifest.areas)):
            yield f"rule {rule.id}: area `{area}` is not in the pack {pack.id}"


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
    problems = [
        f"rules: no law is loaded for {country}, so house rules there decide nothing; install its pack first"
        for country in sorted({rule.id[:2] for rule in layer.stated()} - set(packs.by_country))
    ]
    for pack in packs.by_country.values():
        try:
            _tightened(pack, (layer,))
        except PackError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise PackError(problems)
