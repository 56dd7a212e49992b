"""Reads a regulation pack from its folder and says exactly what is wrong with it.

A pack's folder holds `pack.yaml` and `rules/*.yaml`. YAML is read strictly: a key given twice is an error,
and only dates, numbers, true, false and null are anything but text (so `10:00` stays a time of day).
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import Manifest, Rule, RuleFile
from recupero_sdk.law.values import CHANNELS
from recupero_sdk.law.zones import zone_exists


class PackError(ValueError):
    """A pack that cannot be used. `problems` name file, path, property and remedy, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml's, where the wheel has it
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_SCALARS = (
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?(0|[1-9][0-9]*)\.[0-9]+", "-+0123456789"),
)
for _tag, _pattern, _first in _SCALARS:
    _StrictLoader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def _mapping_without_duplicates(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise yaml.constructor.ConstructorError(
                None, None, f"line {line}: key `{key}` is given twice; keep one", key_node.start_mark
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping_without_duplicates)


def _read_yaml(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PackError([f"{file}: file is missing; a pack needs it"]) from None
    except UnicodeDecodeError as error:
        raise PackError([f"{file}: is not UTF-8 ({error.reason}); save it as UTF-8"]) from None
    return read_yaml_text(text, str(file))


def read_yaml_text(text: str, where: str) -> Any:
    """What a YAML text says, read as strictly as a pack's files. Raises `PackError`, naming `where`."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, stricter still
    except yaml.constructor.ConstructorError as error:
        raise PackError([f"{where}: {error.problem}"]) from None
    except yaml.YAMLError as error:
        said = " ".join(str(error).replace('in "<unicode string>", ', "at ").split())
        raise PackError([f"{where}: is not YAML: {said}"]) from None


_REMEDIES = {
    "extra_forbidden": "is not a property here; remove it or correct its name{properties}",
    "missing": "is missing; add it",
    "union_tag_invalid": "is not a rule kind; use one of {expected_tags}",
    "union_tag_not_found": "needs `kind`; use one of {kinds}",
    "literal_error": "is not allowed; use one of {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "is empty; fill it in",
    "too_short": "needs at least {min_length} entry",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "decimal_type": "is not a number",
    "decimal_parsing": "is not a number",
    "bool_type": "is neither true nor false",
    "string_type": "is not text; write it in quotes",
    "tuple_type": "is not a list; write it in square brackets",
    "model_type": "is not a mapping; write `property: value` in it",
    "model_attributes_type": "is not a mapping; write `property: value` in it",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}
#: The rules by their kind.
_KINDS = {
    kind: rule
    for rule in get_args(get_args(Rule)[0])
    for kind in get_args(rule.model_fields["kind"].annotation)
}


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
    return f"; there may be {', '.join(field.alias or name for name, field in here.model_fields.items())}"


def _single(hint: Any) -> Any:
    """A hint without its validators, and without None beside one other type."""
    while hint != Rule and get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    parts = [part for part in get_args(hint) if part is not type(None)]
    return _single(parts[0]) if get_origin(hint) in (Union, UnionType) and len(parts) == 1 else hint


def _describe(error: ErrorDetails, data: Any, model: type[BaseModel] = RuleFile) -> str:
    path, rule_id = "", ""
    for step in error["loc"]:
        if isinstance(step, int):
            path += f"[{step}]"
            entry = data["rules"][step] if path == f"rules[{step}]" else None
            rule_id = f" (rule {entry['id']})" if isinstance(entry, dict) and "id" in entry else rule_id
        elif not (rule_id and step == error["loc"][2] and path.count(".") == 0 and path.endswith("]")):
            path += f".{step}" if path else str(step)
    context = {**error.get("ctx", {}), "kinds": ", ".join(f"'{kind}'" for kind in _KINDS)}
    context["properties"] = _properties(model, error["loc"])
    remedy = _REMEDIES.get(error["type"])
    message = remedy.format_map(context) if remedy else error["msg"].removeprefix("Value error, ")
    value = error["input"]
    shown = f" `{value}`" if isinstance(value, str | int | float) and error["type"] != "missing" else ""
    return f"{path}{rule_id}:{shown} {message}"


_Model = TypeVar("_Model", bound=BaseModel)


def _validate(model: type[_Model], file: Path) -> _Model:
    data = _read_yaml(file)
    if not isinstance(data, dict):
        raise PackError([f"{file}: must be a mapping at the top; see the law guide for the form"])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise PackError([f"{file}: {_describe(detail, data, model)}" for detail in error.errors()]) from None


def load_pack(folder: Path | str) -> RegulationPack:
    """The pack in `folder`; `PackError` lists every problem found, so that one round of repair suffices."""
    root, problems, places = Path(folder), list[str](), list[tuple[str, Rule]]()
    manifest = _validate(Manifest, root / "pack.yaml")
    for file in sorted((root / "rules").glob("*")):
        if file.suffix != ".yaml" and not file.name.startswith("."):
            problems.append(
                f"{file}: is not read; rules stand in files named *.yaml: rename it or take it away"
            )
            continue
        try:
            rules = _validate(RuleFile, file).rules if file.suffix == ".yaml" else ()
            places += [(f"{file}: rules[{number}]", rule) for number, rule in enumerate(rules)]
        except PackError as error:
            problems += error.problems
    if problems:
        raise PackError(problems)
    pack = RegulationPack(manifest, tuple(rule for _place, rule in places))
    problems = [*(f"{root / 'pack.yaml'}: {problem}" for problem in _manifest_problems(pack))]
    problems += [] if pack.rules else [f"{root / 'rules'}: no rules found in rules/*.yaml; write one"]
    for place, rule in places:
        problems += [f"{place} (rule {rule.id}): {problem}" for problem in _dangling(rule, pack)]
    problems += _overlaps(places)
    if problems:
        raise PackError(problems)
    return pack


def _manifest_problems(pack: RegulationPack) -> list[str]:
    """What no single entry knows: zones that exist, areas in regions, the gate that its default asks for."""
    manifest = pack.manifest
    zones = [("zones", zone) for zone in manifest.zones]
    zones += [(f"regions.{code}", zone) for code, region in manifest.regions.items() for zone in region.zones]
    problems = [f"{path}: {_no_zone(zone)}" for path, zone in zones if not zone_exists(zone)]
    gated = any(_gates_everything(rule) for rule in pack.rules)
    if (manifest.default_channels == "closed") is not gated:
        problems.append(
            "default_channels is `closed` exactly where a rule of kind channel_gate asks for"
            " authorisation on every channel, everywhere"
        )
    return problems + [
        f"areas.{code}: region `{region}` is not in pack.yaml; add it there"
        for code, area in manifest.areas.items()
        for region in area.regions
        if region not in manifest.regions
    ]


def _no_zone(zone: str) -> str:
    return f"zone `{zone}` does not exist; use an IANA name such as America/Santiago"


def _gates_everything(rule: Rule) -> bool:
    return (
        rule.kind == "channel_gate"
        and not (rule.regions or rule.areas or rule.when or rule.unless)
        and len(rule.channels) == len(CHANNELS)
    )


def _dangling(rule: Rule, pack: RegulationPack) -> list[str]:
    """Names in a rule that the pack does not hold."""
    ids = {other.id for other in pack.rules}
    named = {"repeals": rule.repeals, "rests_on": rule.rests_on, "displaces": rule.displaces}
    closed_by = getattr(rule.parameters, "closed_by", None)
    if isinstance(closed_by, str):
        named["parameters.closed_by"] = (closed_by,)
        if closed_by in ids and not any(r.id == closed_by and r.kind == "closed_days" for r in pack.rules):
            return [f"parameters.closed_by names `{closed_by}`, which is not a rule of kind closed_days"]
    problems = [
        f"{key} names `{name}`, which is not a rule of the pack; correct the name or add that rule"
        for key, names in named.items()
        for name in names
        if name not in ids
    ]
    if rule.kind == "hours" and rule.parameters.zone != "debtor" and not zone_exists(rule.parameters.zone):
        problems.append(f"parameters.{_no_zone(rule.parameters.zone)}")
    regions = {*rule.regions, *rule.agency_regions} - set(pack.manifest.regions)
    areas = set(rule.areas) - set(pack.manifest.areas)
    problems += [f"area `{area}` is not in pack.yaml; add it under `areas`" for area in sorted(areas)]
    problems += [f"region `{region}` is not in pack.yaml; add it there" for region in sorted(regions)]
    if not rule.id.startswith(f"{pack.country}-"):
        problems.append(f"id must begin with {pack.country}-")
    if rule.basis == "policy":
        problems.append("basis `policy` is for a house's own rules; a pack states law and practice")
    return problems


def _overlaps(places: list[tuple[str, Rule]]) -> list[str]:
    """Two versions of one provision may not be in force on the same day in the same places."""
    by_provision: dict[tuple[Any, ...], list[tuple[str, Rule]]] = {}
    for place, rule in places:
        if rule.withdrawn is None:
            provision = (rule.id, rule.kind, rule.part, rule.regions, rule.areas)
            by_provision.setdefault(provision, []).append((place, rule))
    return [
        f"{place} (rule {rule.id}): in_force: two versions are in force at once, this and that of "
        f"{elsewhere}; end one before the other, or name each `part`"
        for versions in by_provision.values()
        for (elsewhere, other), (place, rule) in combinations(versions, 2)
        if rule.in_force.meets(other.in_force)
    ]


def parse_rules(rules: list[dict[str, Any]], where: str) -> tuple[Rule, ...]:
    """Rules given as data, checked like those of a pack's file. Raises `PackError` with every problem."""
    data = {"chapter": {"es": where, "en": where}, "rules": rules}
    try:
        return RuleFile.model_validate(data).rules
    except ValidationError as error:
        raise PackError([f"{where}: {_describe(detail, data)}" for detail in error.errors()]) from None
