"""Holds the grade a plug-in claims against what is found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recupero_sdk.conformance.quality import FILE, Claim, Quality, QualityError, read_quality, rules_of
from recupero_sdk.conformance.quality_checks import problems
from recupero_sdk.conformance.quality_rules import GRADES, Grade, QualityRule
from recupero_sdk.conformance.subject import Subject, examine, open_subject


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule: what the plug-in says of it, what speaks against that, and whether its grade asks for it."""

    rule: QualityRule
    claim: Claim
    wanted: bool
    problems: tuple[str, ...]

    @property
    def unmet(self) -> bool:
        """A rule of the claimed grade that does not hold, or one said to hold that does not."""
        return bool(self.problems)

    @property
    def holds(self) -> bool:
        return self.claim.status != "todo" and not self.problems


@dataclass(frozen=True, slots=True)
class Verified:
    """The answer of `recupero plugin check`."""

    subject: Subject
    quality: Quality
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every rule of the claimed grade holds and nothing is said that is not so."""
        return not any(finding.unmet for finding in self.findings)

    @property
    def reached(self) -> Grade | None:
        """The highest grade whose rules, and those of the grades below it, all hold."""
        reached = None
        for grade in GRADES:
            if not all(finding.holds for finding in self.findings if finding.rule.grade == grade):
                break
            reached = grade
        return reached

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "plugin": self.subject.project.get("name", ""),
            "kind": self.subject.kind,
            "claimed": self.quality.grade,
            "holds": self.holds,
            "reached": self.reached,
            "rules": [
                {
                    "rule": finding.rule.name,
                    "grade": finding.rule.grade,
                    "status": finding.claim.status,
                    "comment": finding.claim.comment,
                    "problems": list(finding.problems),
                }
                for finding in self.findings
            ],
            "unmet": [finding.rule.name for finding in self.findings if finding.unmet],
            "tests": {"run": len(self.subject.tests), "failed": len(self.subject.failures)},
            "mutation": self.subject.found.get("mutation"),
        }


def check_plugin(root: Path) -> Verified:
    """Loads and tests the plug-in at `root` and verifies its quality.yaml.

    Raises `NoPluginError` where there is no plug-in and `QualityError` where quality.yaml cannot be read.
    """
    subject = open_subject(root)
    quality = read_quality(root)
    if quality.kind != subject.kind:
        raise QualityError(
            [f"{root / FILE}: kind: `{quality.kind}`, but pyproject.toml registers a {subject.kind}"]
        )
    examine(subject)
    return Verified(subject, quality, tuple(_findings(subject, quality)))


def _findings(subject: Subject, quality: Quality) -> list[Finding]:
    asked = GRADES.index(quality.grade)
    findings = []
    for rule in rules_of(quality.kind):
        claim = quality.claim(rule)
        wanted = GRADES.index(rule.grade) <= asked
        findings.append(Finding(rule, claim, wanted, tuple(_against(subject, rule, claim, wanted))))
    return findings


def _against(subject: Subject, rule: QualityRule, claim: Claim, wanted: bool) -> list[str]:
    if claim.status == "done":
        return problems(subject, rule, claim)
    if claim.status == "exempt" and not rule.exemptible:
        return ["no plug-in is exempt from this rule; say todo, or do it"]
    if claim.status == "exempt" and rule.name in subject.found.get("able", []):
        return ["it can do this and must prove it; only one that cannot is exempt"]
    if claim.status == "todo" and wanted:
        comment = f" ({claim.comment})" if claim.comment else ""
        return [f"is todo{comment}: {rule.holds_when}"]
    return []


def report(verified: Verified) -> str:
    """The answer for people: a line per rule, and what is unmet."""
    lines = [f"{'grade':<10}{'rule':<18}{'says':<8}"]
    for finding in verified.findings:
        mark = "  NOT SO" if finding.unmet else ""
        comment = f"  {finding.claim.comment}" if finding.claim.comment else ""
        lines.append(
            f"{finding.rule.grade:<10}{finding.rule.name:<18}{finding.claim.status:<8}{mark}{comment}"
        )
    if figures := verified.subject.found.get("mutation"):
        lines.append(_figures(figures))
    lines += [
        f"unmet: {finding.rule.name}: {problem}"
        for finding in verified.findings
        for problem in finding.problems
    ]
    name = verified.subject.project.get("name", verified.subject.key)
    if verified.holds:
        lines.append(f"{name}: {verified.quality.grade} holds")
    else:
        lines.append(f"{name}: {verified.quality.grade} does not hold; {verified.reached or 'no grade'} does")
    return "\n".join(lines)


def _figures(figures: dict[str, Any]) -> str:
    caught = f"{figures['written']} by worked cases and golden hours, {figures['recorded']} by recorded cases"
    by_reason: dict[str, list[str]] = {}
    for kind, reason in sorted(figures["exempt"].items()):
        by_reason.setdefault(reason, []).append(kind)
    exempt = [f"not shifted: {', '.join(kinds)}: {reason}" for reason, kinds in by_reason.items()]
    head = (
        f"mutation: {figures['score']:.1f} % of {figures['shifts']} shifts caught in"
        f" {figures['seconds']:.1f} s: {caught}; {figures['alike']} change nothing"
    )
    return "\n".join([head, *exempt])
