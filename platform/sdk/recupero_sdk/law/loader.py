"""Reads a regulation pack from its folder and says exactly what is wrong with it, and on which line.

A pack's folder holds `pack.yaml` and `rules/*.yaml`. YAML is read strictly: a key given twice is an error,
and only dates, numbers, true, false and null are anything but text (so `10:00` stays a time of day).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.problems import PackError, Problem, Texts, described, line_of, sentence
from recupero_sdk.law.schema import Manifest, Rule, RuleFile
from recupero_sdk.law.values import CHANNELS
from recupero_sdk.law.zones import zone_exists

__all__ = ["PackError", "load_pack", "parse_rules", "read_yaml_text"]


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


class _TwiceError(yaml.constructor.ConstructorError):
    """A key that stands twice in one mapping."""

    def __init__(self, key: object, line: int) -> None:
        super().__init__(None, None, f"key {key!r} is given twice", None)
        self.key, self.line = key, line


def _mapping_without_duplicates(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise _TwiceError(key, key_node.start_mark.line + 1)
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping_without_duplicates)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PackError([Problem(str(file), sentence("file_missing"))]) from None
    except UnicodeDecodeError as error:
        raise PackError([Problem(str(file), sentence("not_utf8", reason=error.reason))]) from None


def read_yaml_text(text: str, where: str) -> Any:
    """What a YAML text says, read as strictly as a pack's files. Raises `PackError`, naming `where`."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, stricter still
    except _TwiceError as error:
        raise PackError([Problem(where, sentence("twice", key=error.key), line=error.line)]) from None
    except yaml.YAMLError as error:
        said = " ".join(str(error).replace('in "<unicode string>", ', "at ").split())
        raise PackError([Problem(where, sentence("not_yaml", said=said))]) from None


def yaml_nodes(text: str) -> yaml.Node | None:
    """The nodes of a YAML text that has been read, for the lines they stand on."""
    node: yaml.Node | None = yaml.compose(text, Loader=_StrictLoader)
    return node


_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Written:
    """A rule, and where it is written."""

    file: str
    text: str
    number: int
    rule: Rule

    def problem(self, path: str, texts: Texts) -> Problem:
        """What is wrong with the property of that path."""
        steps: list[int | str] = ["rules", self.number, *path.split(".")]
        line = line_of(yaml_nodes(self.text), steps)
        where = f"rules[{self.number}].{path}"
        return Problem(self.file, texts, line=line, path=where, rule_id=self.rule.id)


def _validate(model: type[_Model], file: Path, text: str) -> _Model:
    data = read_yaml_text(text, str(file))
    if not isinstance(data, dict):
        raise PackError([Problem(str(file), sentence("no_mapping"))])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        root = yaml_nodes(text)
        raise PackError(described(str(file), error, data, root, model)) from None


def load_pack(folder: Path | str) -> RegulationPack:
    """The pack in `folder`; `PackError` lists every problem found, so that one round of repair suffices."""
    root, problems, written = Path(folder), list[str](), list[_Written]()
    about = _read_text(root / "pack.yaml")
    manifest = _validate(Manifest, root / "pack.yaml", about)
    for file in sorted((root / "rules").glob("*")):
        if file.suffix != ".yaml":
            problems += [] if file.name.startswith(".") else [Problem(str(file), sentence("not_read"))]
            continue
        try:
            text = _read_text(file)
            rules = _validate(RuleFile, file, text).rules
            written += [_Written(str(file), text, number, rule) for number, rule in enumerate(rules)]
        except PackError as error:
            problems += error.problems
    if problems:
        raise PackError(problems)
    pack = RegulationPack(manifest, tuple(one.rule for one in written))
    nodes = yaml_nodes(about)
    for path, texts in _manifest_problems(pack):
        line = line_of(nodes, path.split("."))
        problems.append(Problem(str(root / "pack.yaml"), texts, line=line, path=path))
    problems += [] if pack.rules else [Problem(str(root / "rules"), sentence("no_rules"))]
    for one in written:
        problems += [one.problem(path, texts) for path, texts in _dangling(one.rule, pack)]
    problems += _overlaps(written)
    if problems:
        raise PackError(problems)
    return pack


def _manifest_problems(pack: RegulationPack) -> Iterator[tuple[str, Texts]]:
    """What no single entry knows: zones that exist, areas in regions, the gate that its default asks for."""
    manifest = pack.manifest
    zones = [("zones", zone) for zone in manifest.zones]
    zones += [(f"regions.{code}", zone) for code, region in manifest.regions.items() for zone in region.zones]
    for path, zone in zones:
        if not zone_exists(zone):
            yield path, sentence("no_zone", zone=zone)
    gated = any(_gates_everything(rule) for rule in pack.rules)
    if (manifest.default_channels == "closed") is not gated:
        yield "default_channels", sentence("default_channels")
    for code, area in manifest.areas.items():
        for region in area.regions:
            if region not in manifest.regions:
                yield f"areas.{code}", sentence("no_region", name=region)


def _gates_everything(rule: Rule) -> bool:
    return (
        rule.kind == "channel_gate"
        and not (rule.regions or rule.areas or rule.when or rule.unless)
        and len(rule.channels) == len(CHANNELS)
    )


def _dangling(rule: Rule, pack: RegulationPack) -> Iterator[tuple[str, Texts]]:
    """Names in a rule that the pack does not hold, each with its path."""
    ids = {other.id for other in pack.rules}
    named = {"repeals": rule.repeals, "rests_on": rule.rests_on, "displaces": rule.displaces}
    closed_by = getattr(rule.parameters, "closed_by", None)
    if isinstance(closed_by, str):
        named["parameters.closed_by"] = (closed_by,)
        if closed_by in ids and not any(r.id == closed_by and r.kind == "closed_days" for r in pack.rules):
            yield "parameters.closed_by", sentence("not_closed_days", name=closed_by)
            return
    for path, names in named.items():
        for name in names:
            if name not in ids:
                yield path, sentence("no_rule", name=name)
    if rule.kind == "hours" and rule.parameters.zone != "debtor" and not zone_exists(rule.parameters.zone):
        yield "parameters.zone", sentence("no_zone", zone=rule.parameters.zone)
    for area in sorted(set(rule.areas) - set(pack.manifest.areas)):
        yield "areas", sentence("no_area", name=area)
    for path, regions in (("regions", rule.regions), ("agency_regions", rule.agency_regions)):
        for region in sorted(set(regions) - set(pack.manifest.regions)):
            yield path, sentence("no_region", name=region)
    if not rule.id.startswith(f"{pack.country}-"):
        yield "id", sentence("id_begins", country=pack.country)
    if rule.basis == "policy":
        yield "basis", sentence("policy_basis")


def _overlaps(written: Iterable[_Written]) -> list[Problem]:
    """Two versions of one provision may not be in force on the same day in the same places."""
    by_provision: dict[tuple[Any, ...], list[_Written]] = {}
    for one in written:
        rule = one.rule
        if rule.withdrawn is None:
            provision = (rule.id, rule.kind, rule.part, rule.regions, rule.areas)
            by_provision.setdefault(provision, []).append(one)
    return [
        later.problem("in_force", sentence("overlap", elsewhere=f"{first.file}: rules[{first.number}]"))
        for versions in by_provision.values()
        for first, later in combinations(versions, 2)
        if later.rule.in_force.meets(first.rule.in_force)
    ]


def parse_rules(rules: list[dict[str, Any]], where: str, text: str | None = None) -> tuple[Rule, ...]:
    """Rules given as data, checked like those of a pack's file. `text` is the YAML they were read from, if
    they were. Raises `PackError` with every problem."""
    data = {"chapter": {"es": where, "en": where}, "rules": rules}
    try:
        return RuleFile.model_validate(data).rules
    except ValidationError as error:
        root = yaml_nodes(text) if text is not None else None
        raise PackError(described(where, error, data, root)) from None
