"""What is wrong with a pack's file: on which line, and what to do, in English, Spanish and Portuguese.

Sentences are ours in three languages; what a rule's own validators say of a value is said in English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from recupero_sdk.law.reasons import LANGUAGES
from recupero_sdk.law.schema import Rule, RuleFile

Texts = Mapping[str, str]
_LINE: Texts = {"es": "línea", "en": "line", "pt": "linha"}
_RULE: Texts = {"es": "regla", "en": "rule", "pt": "regra"}


class Problem(str):
    """One problem as an English line that names file, line, path and remedy; `explain` says it otherwise."""

    __slots__ = ("_told",)
    _told: Texts

    def __new__(
        cls, file: str, texts: Texts, *, line: int | None = None, path: str = "", rule_id: str = ""
    ) -> Problem:
        """`file` is left out where it is empty; `line` counts from 1."""
        told = {}
        for language in LANGUAGES:
            numbered = f"{_LINE[language]} {line}" if line else ""
            place = ", ".join(part for part in (file, numbered) if part)
            of_rule = f" ({_RULE[language]} {rule_id})" if rule_id else ""
            parts = (place, f"{path}{of_rule}".strip(), texts[language])
            told[language] = ": ".join(part for part in parts if part)
        problem = super().__new__(cls, told["en"])
        problem._told = told
        return problem

    def explain(self, language: str) -> str:
        """The line in `language` (es, en, pt)."""
        return self._told[language]

    def without(self, folder: str) -> Problem:
        """The problem with its file named from this folder on."""
        told = {language: text.replace(f"{folder}/", "") for language, text in self._told.items()}
        problem = str.__new__(Problem, told["en"])
        problem._told = told
        return problem


class PackError(ValueError):
    """A pack that cannot be used. `problems` name file, line, path, property and remedy, one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))

    def explain(self, language: str) -> str:
        """All problems in `language` (es, en, pt), a line each, as far as their sentences are ours."""
        return "\n".join(one.explain(language) if isinstance(one, Problem) else one for one in self.problems)


def sentence(code: str, **context: object) -> Texts:
    """The sentence of that code in each language, its places filled."""
    return {
        language: text.format_map(context) for language, text in zip(LANGUAGES, _SENTENCES[code], strict=True)
    }


#: Sentences by code (pydantic's own codes among them): es, en, pt.
_SENTENCES: dict[str, tuple[str, str, str]] = {
    "extra_forbidden": (
        "no es una propiedad aquí; quítela o corrija su nombre{properties}",
        "is not a property here; remove it or correct its name{properties}",
        "não é uma propriedade aqui; retire-a ou corrija o nome{properties}",
    ),
    "missing": ("falta; agréguela", "is missing; add it", "falta; acrescente-a"),
    "union_tag_invalid": (
        "no es un tipo de regla; use uno de {expected_tags}",
        "is not a rule kind; use one of {expected_tags}",
        "não é um tipo de regra; use um de {expected_tags}",
    ),
    "union_tag_not_found": (
        "necesita `kind`; use uno de {kinds}",
        "needs `kind`; use one of {kinds}",
        "precisa de `kind`; use um de {kinds}",
    ),
    "literal_error": (
        "no se admite; use uno de {expected}",
        "is not allowed; use one of {expected}",
        "não é admitido; use um de {expected}",
    ),
    "string_pattern_mismatch": (
        "debe tener la forma {pattern}", "must match {pattern}", "deve ter a forma {pattern}",
    ),
    "string_too_short": ("está vacío; complételo", "is empty; fill it in", "está vazio; preencha-o"),
    "too_short": (
        "necesita al menos {min_length} elemento",
        "needs at least {min_length} entry",
        "precisa de ao menos {min_length} elemento",
    ),
    "whole": ("no es un número entero", "is not a whole number", "não é um número inteiro"),
    "number": ("no es un número", "is not a number", "não é um número"),
    "bool_type": (
        "no es ni true ni false", "is neither true nor false", "não é nem true nem false",
    ),
    "string_type": (
        "no es texto; escríbalo entre comillas",
        "is not text; write it in quotes",
        "não é texto; escreva-o entre aspas",
    ),
    "tuple_type": (
        "no es una lista; escríbala entre corchetes",
        "is not a list; write it in square brackets",
        "não é uma lista; escreva-a entre colchetes",
    ),
    "mapping": (
        "no es un mapa; escriba `propiedad: valor` en él",
        "is not a mapping; write `property: value` in it",
        "não é um mapa; escreva `propriedade: valor` nele",
    ),
    "greater_than": ("debe ser mayor que {gt}", "must be more than {gt}", "deve ser maior que {gt}"),
    "greater_than_equal": ("debe ser {ge} o más", "must be {ge} or more", "deve ser {ge} ou mais"),
    "less_than_equal": ("debe ser {le} o menos", "must be {le} or less", "deve ser {le} ou menos"),
    "is not an ISO date; write YYYY-MM-DD": (
        "no es una fecha ISO; escriba AAAA-MM-DD",
        "is not an ISO date; write YYYY-MM-DD",
        "não é uma data ISO; escreva AAAA-MM-DD",
    ),
    "is not a day of the calendar; write YYYY-MM-DD": (
        "no es un día del calendario; escriba AAAA-MM-DD",
        "is not a day of the calendar; write YYYY-MM-DD",
        "não é um dia do calendário; escreva AAAA-MM-DD",
    ),
    "is not a time of day; write 'HH:MM' between 00:00 and 24:00": (
        "no es una hora del día; escriba 'HH:MM' entre 00:00 y 24:00",
        "is not a time of day; write 'HH:MM' between 00:00 and 24:00",
        "não é uma hora do dia; escreva 'HH:MM' entre 00:00 e 24:00",
    ),
    "ends at or before it begins; write the earlier time first": (
        "termina cuando empieza o antes; escriba primero la hora más temprana",
        "ends at or before it begins; write the earlier time first",
        "termina quando começa ou antes; escreva primeiro a hora mais cedo",
    ),
    "is no stretch of hours; write HH:MM-HH:MM, or closed": (
        "no es un tramo de horas; escriba HH:MM-HH:MM, o closed",
        "is no stretch of hours; write HH:MM-HH:MM, or closed",
        "não é um intervalo de horas; escreva HH:MM-HH:MM, ou closed",
    ),
    "file_missing": (
        "falta el archivo; un paquete lo necesita",
        "file is missing; a pack needs it",
        "falta o arquivo; um pacote precisa dele",
    ),
    "not_utf8": (
        "no está en UTF-8 ({reason}); guárdelo como UTF-8",
        "is not UTF-8 ({reason}); save it as UTF-8",
        "não está em UTF-8 ({reason}); salve-o como UTF-8",
    ),
    "twice": (
        "la clave `{key}` está dos veces; deje una",
        "key `{key}` is given twice; keep one",
        "a chave `{key}` está duas vezes; deixe uma",
    ),
    "not_yaml": ("no es YAML: {said}", "is not YAML: {said}", "não é YAML: {said}"),
    "no_mapping": (
        "arriba debe haber un mapa; vea la forma en la guía de leyes",
        "must be a mapping at the top; see the law guide for the form",
        "no início deve haver um mapa; veja a forma no guia de leis",
    ),
    "not_read": (
        "no se lee; las reglas van en archivos *.yaml: cámbiele el nombre o quítelo",
        "is not read; rules stand in files named *.yaml: rename it or take it away",
        "não é lido; as regras ficam em arquivos *.yaml: mude o nome ou retire-o",
    ),
    "no_rules": (
        "no hay reglas en rules/*.yaml; escriba una",
        "no rules found in rules/*.yaml; write one",
        "não há regras em rules/*.yaml; escreva uma",
    ),
    "no_zone": (
        "la zona `{zone}` no existe; use un nombre IANA como America/Santiago",
        "zone `{zone}` does not exist; use an IANA name such as America/Santiago",
        "a zona `{zone}` não existe; use um nome IANA como America/Santiago",
    ),
    "default_channels": (
        "es `closed` exactamente donde una regla de tipo channel_gate pide autorización en todo canal y"
        " lugar",
        "is `closed` exactly where a rule of kind channel_gate asks for authorisation on every channel,"
        " everywhere",
        "é `closed` exatamente onde uma regra de tipo channel_gate pede autorização em todo canal e lugar",
    ),
    "no_region": (
        "la región `{name}` no está en pack.yaml; agréguela allí",
        "region `{name}` is not in pack.yaml; add it there",
        "a região `{name}` não está em pack.yaml; acrescente-a lá",
    ),
    "no_area": (
        "la zona legal `{name}` no está en pack.yaml; agréguela en `areas`",
        "area `{name}` is not in pack.yaml; add it under `areas`",
        "a área `{name}` não está em pack.yaml; acrescente-a em `areas`",
    ),
    "not_closed_days": (
        "nombra `{name}`, que no es una regla de tipo closed_days",
        "names `{name}`, which is not a rule of kind closed_days",
        "nomeia `{name}`, que não é uma regra de tipo closed_days",
    ),
    "no_rule": (
        "nombra `{name}`, que no es una regla del paquete; corrija el nombre o agregue esa regla",
        "names `{name}`, which is not a rule of the pack; correct the name or add that rule",
        "nomeia `{name}`, que não é uma regra do pacote; corrija o nome ou acrescente essa regra",
    ),
    "id_begins": (
        "debe comenzar con {country}-", "must begin with {country}-", "deve começar com {country}-",
    ),
    "policy_basis": (
        "`policy` es para las reglas propias de una casa; un paquete dice ley y práctica",
        "`policy` is for a house's own rules; a pack states law and practice",
        "`policy` é para as regras próprias de uma casa; um pacote diz lei e prática",
    ),
    "overlap": (
        "dos versiones están en vigor a la vez, esta y la de {elsewhere}; termine una antes de la otra, o"
        " nombre cada `part`",
        "two versions are in force at once, this and that of {elsewhere}; end one before the other, or name"
        " each `part`",
        "duas versões estão em vigor ao mesmo tempo, esta e a de {elsewhere}; termine uma antes da outra, ou"
        " nomeie cada `part`",
    ),
    "no_rule_list": (
        "debe ser un mapa con una lista `rules`",
        "must be a mapping with a list `rules`",
        "deve ser um mapa com uma lista `rules`",
    ),
}  # fmt: skip
#: Codes of pydantic that are told alike.
_ALIKE = {
    "int_type": "whole", "int_parsing": "whole", "int_from_float": "whole", "decimal_type": "number",
    "decimal_parsing": "number", "model_type": "mapping", "model_attributes_type": "mapping",
}  # fmt: skip
_THERE_MAY_BE: Texts = {"es": "; puede haber", "en": "; there may be", "pt": "; pode haver"}
_OR: Texts = {"es": " o ", "en": " or ", "pt": " ou "}
#: The rules by their kind.
_KINDS = {
    kind: rule
    for rule in get_args(get_args(Rule)[0])
    for kind in get_args(rule.model_fields["kind"].annotation)
}


def described(
    file: str, error: ValidationError, data: Any, root: yaml.Node | None, model: type[BaseModel] = RuleFile
) -> list[Problem]:
    """What pydantic found in `data`, each mistake once; `root` are the nodes of its YAML, which know their
    lines."""
    return [_described(file, one, data, root, model) for one in error.errors() if not _follows(one)]


def _follows(error: ErrorDetails) -> bool:
    """Whether a list is called too short only because pydantic leaves out the entries that are wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _described(
    file: str, error: ErrorDetails, data: Any, root: yaml.Node | None, model: type[BaseModel]
) -> Problem:
    path, rule_id = "", ""
    loc = (*error["loc"], "kind") if error["type"] == "union_tag_invalid" else error["loc"]
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
            entry = data["rules"][step] if path == f"rules[{step}]" else None
            rule_id = str(entry["id"]) if isinstance(entry, dict) and "id" in entry else rule_id
        elif not (
            rule_id and step == loc[2] and step != "kind" and path.count(".") == 0 and path.endswith("]")
        ):
            path += f".{step}" if path else str(step)
    value = error["ctx"]["tag"] if error["type"] == "union_tag_invalid" else error["input"]
    named = error["type"] in ("missing", "extra_forbidden")  # what is wrong is the property, not its value
    shown = f"`{value}` " if isinstance(value, str | int | float) and not named else ""
    texts = {language: shown + text for language, text in _remedy(error, model).items()}
    return Problem(file, texts, line=line_of(root, loc), path=path, rule_id=rule_id)


def _remedy(error: ErrorDetails, model: type[BaseModel]) -> Texts:
    code = _ALIKE.get(error["type"], error["type"])
    said = error["msg"].removeprefix("Value error, ")
    code = code if code in _SENTENCES else said
    if code not in _SENTENCES:
        return dict.fromkeys(LANGUAGES, said)
    context = {**error.get("ctx", {}), "kinds": ", ".join(f"'{kind}'" for kind in _KINDS)}
    known = _properties(model, error["loc"])
    return {
        language: text.format_map(
            {
                **context,
                "expected": str(context.get("expected", "")).replace(" or ", _OR[language]),
                "properties": f"{_THERE_MAY_BE[language]} {known}" if known else "",
            }
        )
        for language, text in zip(LANGUAGES, _SENTENCES[code], strict=True)
    }


def line_of(root: yaml.Node | None, path: Iterable[int | str]) -> int | None:
    """The line, from 1, of what a path leads to, or of the nearest thing around it that the file has."""
    node, line = root, None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if found is not None:
                key, node = found
                line = (node if isinstance(node, yaml.ScalarNode) else key).start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _properties(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """What may stand where a property is not known: `loc` leads there from `model`."""
    here: Any = model
    for step in loc[:-1]:
        if here is Rule and step in _KINDS:
            here = _KINDS[str(step)]
        elif isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field for name, field in here.model_fields.items()}
            here = fields[str(step)].annotation if step in fields else None
        elif get_origin(here) in (dict, tuple):
            here = get_args(here)[1 if get_origin(here) is dict else 0]
        here = _single(here)
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return ""
    return ", ".join(field.alias or name for name, field in here.model_fields.items())


def _single(hint: Any) -> Any:
    """A hint without its validators, and without None beside one other type."""
    while hint != Rule and get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    parts = [part for part in get_args(hint) if part is not type(None)]
    return _single(parts[0]) if get_origin(hint) in (Union, UnionType) and len(parts) == 1 else hint
