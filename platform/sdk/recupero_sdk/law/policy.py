"""A house's own rules beside the law: written like a pack's, and able only to tighten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from recupero_sdk.law.loader import PackError, parse_rules, read_yaml_text
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.problems import Problem, sentence
from recupero_sdk.law.schema import Rule

#: The kinds of rule that a house may add: all of them refuse, none of them frees.
POLICY_KINDS = frozenset(
    (
        "hours", "closed_days", "frequency", "gap", "channel_lock", "pause", "prior_notice", "channel_gate",
        "opt_out", "inconvenient", "stop", "recipient", "place", "channel_ban", "purpose", "disclosure",
        "banned_content",
    )
)  # fmt: skip
_LOOSENING = ("displaces", "repeals", "literal", "withdrawn")


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A house's own rules. Compared by identity, so that what is compiled with a pack is kept."""

    id: str
    version: str
    rules: tuple[Rule, ...]


def load_policy(source: str | Path, *, name: str = "policy", version: str = "1") -> Policy:
    """The policy in a YAML text or file: a mapping with `rules`, each as in a pack.

    `id`, `version`, and of each rule source, confidence, reading, dates and scope may be left out. Raises
    `PackError` that names every problem: what is wrong with the schema, and what would loosen the law.
    """
    where = str(source) if isinstance(source, Path) else name
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    data = read_yaml_text(text, where)
    if not isinstance(data, dict) or not isinstance(data.get("rules"), list):
        raise PackError([Problem(where, sentence("no_rule_list"))])
    if unknown := data.keys() - {"id", "version", "rules"}:
        raise PackError([f"{where}: {', '.join(sorted(unknown))} is not a property here; remove it"])
    rules = parse_rules(
        [_filled(rule, name) if isinstance(rule, dict) else rule for rule in data["rules"]], where, text
    )
    policy = Policy(str(data.get("id", name)), str(data.get("version", version)), rules)
    if problems := [problem for rule in rules for problem in _loosens(rule)]:
        raise PackError([f"{where}: {problem}" for problem in problems])
    return policy


def _filled(rule: dict[str, Any], name: str) -> dict[str, Any]:
    """A rule with what a house need not state."""
    stated = rule.get("text", rule.get("title"))
    given = {
        "title": stated,
        "text": stated,
        "scope": "agency",
        "in_force": {"from": None, "to": None},
        "source": {"law": name, "article": str(rule.get("id", "-")), "text": name},
        "confidence": "primary",
        "reading": "literal",
        "verified": "2000-01-01",
        "recorded": "2000-01-01",
    }
    return {**given, **rule, "basis": "policy"}


def _loosens(rule: Rule) -> list[str]:
    """What a house's rule states that could free a contact, or that only a law can say."""
    problems = [
        f"rule {rule.id}: `{name}` could loosen the law; a policy only adds rules"
        for name in _LOOSENING
        if getattr(rule, name)
    ]
    if rule.kind not in POLICY_KINDS:
        problems.append(
            f"rule {rule.id}: kind `{rule.kind}` refuses nothing; use one of "
            f"{', '.join(sorted(POLICY_KINDS))}"
        )
    if rule.basis != "policy":
        problems.append(f"rule {rule.id}: basis must be `policy`")
    return problems


@lru_cache(maxsize=256)
def _composed(pack: RegulationPack, policies: tuple[Policy, ...]) -> RegulationPack:
    taken = {rule.id for rule in pack.rules}
    added = [rule for policy in policies for rule in policy.rules]
    if problems := [f"rule {rule.id}: the law has a rule of this id" for rule in added if rule.id in taken]:
        raise PackError(problems)
    if problems := [problem for rule in added for problem in _loosens(rule)]:
        raise PackError(problems)
    version = "+".join([pack.version, *(f"{policy.id}.{policy.version}" for policy in policies)])
    manifest = pack.manifest.model_copy(update={"version": version})
    return replace(pack, manifest=manifest, rules=(*pack.rules, *added))


def compose(pack: RegulationPack, policies: Policy | Sequence[Policy]) -> RegulationPack:
    """The pack with a house's own rules added: a contact must pass all of them. Kept per pack and policies.

    Raises `PackError` where a policy's rule takes the id of one of the law, or could loosen it.
    """
    return _composed(pack, (policies,) if isinstance(policies, Policy) else tuple(policies))
