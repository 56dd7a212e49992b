"""`quality.yaml`: the grade a plug-in claims, rule by rule; and the rules each kind of plug-in is graded by.

    kind: regulation
    grade: silver
    rules:
      packaging: done
      portuguese: {status: todo, comment: chapters 3 to 5 are missing}
      reviewed: {status: done, by: Ana Pérez, on: 2026-11-21}

The file is the plug-in's word; `check` holds it against what is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from recupero_sdk.conformance.quality_rules import GRADES, KINDS, RULES, Grade, Kind, QualityRule

Status = Literal["done", "todo", "exempt"]
FILE = "quality.yaml"
_KEYS = ("kind", "grade", "rules")
_CLAIM_KEYS = ("status", "comment", "by", "on")


class QualityError(ValueError):
    """A quality.yaml that cannot be read; the message names file, line, property and remedy, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Claim:
    """What a plug-in says of one rule. `by` and `on`: who reviewed it, and when."""

    status: Status
    comment: str | None = None
    by: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """A plug-in's claims. A rule it does not mention is `todo`."""

    kind: Kind
    grade: Grade
    claims: dict[str, Claim]

    def claim(self, rule: QualityRule) -> Claim:
        """What is said of a rule."""
        return self.claims.get(rule.name, Claim("todo", "not stated"))


def rules_of(kind: Kind) -> list[QualityRule]:
    """The rules a kind of plug-in is graded by, lowest grade first."""
    return [rule for grade in GRADES for rule in RULES if rule.grade == grade and kind in rule.kinds]


def read_quality(root: Path) -> Quality:
    """The claims of the plug-in at `root`; `QualityError` names every problem."""
    file = root / FILE
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise QualityError([f"{file}: file is missing; say there which grade the plug-in claims"]) from None
    except UnicodeDecodeError as error:
        raise QualityError([f"{file}: is not UTF-8 ({error.reason}); save it as UTF-8"]) from None
    except yaml.YAMLError as error:
        raise QualityError([f"{file}: is not YAML: {' '.join(str(error).split())}"]) from None
    reader = _Reader(file)
    quality = reader.quality(node)
    if reader.problems or quality is None:
        raise QualityError(reader.problems)
    return quality


def write_quality(quality: Quality) -> str:
    """The text of a quality.yaml with every rule of the kind."""
    lines = [f"kind: {quality.kind}", f"grade: {quality.grade}", "rules:"]
    for rule in rules_of(quality.kind):
        claim = quality.claim(rule)
        said = (
            f"{{status: {claim.status}, comment: {json.dumps(claim.comment)}}}"
            if claim.comment
            else claim.status
        )
        lines.append(f"  {rule.name}: {said}  # {rule.grade}")
    return "\n".join(lines) + "\n"


class _Reader:
    """Reads the nodes of the file, so that every problem has its line."""

    def __init__(self, file: Path) -> None:
        self._file, self.problems = file, list[str]()

    def quality(self, node: yaml.Node | None) -> Quality | None:
        if not isinstance(node, yaml.MappingNode):
            self.problems.append(f"{self._file}: must be a mapping with {', '.join(_KEYS)}")
            return None
        parts = dict(self._entries(node, "", _KEYS))
        for key in _KEYS:
            if key not in parts:
                self.problems.append(f"{self._file}: {key} is missing; add it")
        kind = self._choice(parts.get("kind"), "kind", KINDS)
        grade = self._choice(parts.get("grade"), "grade", GRADES)
        if kind is None or grade is None or "rules" not in parts:
            return None
        rules = parts["rules"]
        if not isinstance(rules, yaml.MappingNode):
            self._problem(rules, "rules", "must be a mapping of rule to done, todo or exempt")
            return None
        names = tuple(rule.name for rule in rules_of(kind))
        found = {
            name: self._claim(value, f"rules.{name}") for name, value in self._entries(rules, "rules.", names)
        }
        return Quality(kind, grade, {name: claim for name, claim in found.items() if claim})

    def _entries(
        self, node: yaml.MappingNode, path: str, allowed: tuple[str, ...]
    ) -> Iterator[tuple[str, yaml.Node]]:
        seen = set[str]()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                self._problem(key, f"{path}{name}", "is given twice; keep one")
            elif name not in allowed:
                self._problem(key, f"{path}{name}", f"is not known; use one of {', '.join(allowed)}")
            else:
                yield name, value
            seen.add(name)

    def _claim(self, node: yaml.Node, path: str) -> Claim | None:
        if isinstance(node, yaml.ScalarNode):
            status = self._choice(node, path, get_args(Status))
            if status == "exempt":
                self._problem(node, path, "`exempt` needs its reason: {status: exempt, comment: …}")
            return Claim(status) if status else None
        if not isinstance(node, yaml.MappingNode):
            self._problem(node, path, "must be done, todo, exempt, or {status: …, comment: …}")
            return None
        parts = dict(self._entries(node, f"{path}.", _CLAIM_KEYS))
        if "status" not in parts:
            self._problem(node, f"{path}.status", "is missing; use one of done, todo, exempt")
            return None
        status = self._choice(parts["status"], f"{path}.status", get_args(Status))
        text = {key: str(value.value).strip() for key, value in parts.items()}
        if status == "exempt" and not text.get("comment"):
            self._problem(node, f"{path}.comment", "is missing: say why the rule does not apply")
        on = self._date(parts.get("on"), f"{path}.on")
        return Claim(status, text.get("comment"), text.get("by"), on) if status else None

    def _date(self, node: yaml.Node | None, path: str) -> date | None:
        if node is None:
            return None
        try:
            return date.fromisoformat(str(node.value))
        except ValueError:
            self._problem(node, path, f"`{node.value}` is not an ISO date; write YYYY-MM-DD")
            return None

    def _choice(self, node: yaml.Node | None, path: str, allowed: tuple[Any, ...]) -> Any:
        if node is None:
            return None
        if node.value in allowed:
            return node.value
        shown = f"`{node.value}` " if isinstance(node, yaml.ScalarNode) else ""
        self._problem(node, path, f"{shown}is not allowed; use one of {', '.join(allowed)}")
        return None

    def _problem(self, node: yaml.Node, path: str, what: str) -> None:
        self.problems.append(f"{self._file}, line {node.start_mark.line + 1}: {path}: {what}")
