"""The published rules by which plug-ins are graded. What each means is said here, how it is verified in
`quality_checks`; docs/plugin-guide.md shows the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["regulation", "channel", "model", "action", "gateway", "text"]
Grade = Literal["bronze", "silver", "gold", "platinum"]
KINDS: tuple[Kind, ...] = get_args(Kind)
GRADES: tuple[Grade, ...] = get_args(Grade)


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One rule: `holds_when` in a sentence. One that is not `exemptible` holds for every plug-in."""

    name: str
    grade: Grade
    kinds: tuple[Kind, ...]
    holds_when: str
    exemptible: bool = False


_LAW: tuple[Kind, ...] = ("regulation",)
_SOFTWARE: tuple[Kind, ...] = ("channel", "model", "action", "gateway", "text")
_SCORES: tuple[Kind, ...] = ("model", "action")
_OUTSIDE: tuple[Kind, ...] = ("channel", "gateway")

RULES: tuple[QualityRule, ...] = (
    QualityRule(
        "packaging", "bronze", KINDS,
        "pyproject.toml has name, version and the entry point of its kind, and depends on recupero-sdk and on"
        " nothing of the platform; a regulation is named by its country in lower case",
    ),
    QualityRule("licence", "bronze", KINDS, "pyproject.toml states a licence"),
    QualityRule(
        "readme", "bronze", KINDS,
        "README.md says what it is; of a regulation, that it is not legal advice and when it was verified",
    ),
    QualityRule("loads", "bronze", KINDS, "it loads and registers what it claims"),
    QualityRule("tests", "bronze", KINDS, "tests/ run the SDK's kit of its kind, and all tests pass"),
    QualityRule(
        "scenarios", "silver", _LAW,
        "each deciding rule refuses one worked case in tests/scenarios and lets another pass",
    ),
    QualityRule(
        "dates", "silver", _LAW, "the days around each date and the minutes around each hour answer rightly"
    ),
    QualityRule("golden-hours", "silver", _LAW, "the permitted hours of a sample year are recorded"),
    QualityRule("fresh", "silver", _LAW, "every rule was verified within a year"),
    QualityRule(
        "mutation", "gold", _LAW,
        "every shift of a parameter of a deciding rule makes some case fail (score 100 %)",
    ),
    QualityRule(
        "golden-regions", "gold", _LAW, "the hours of every region that differ from the sample's are recorded"
    ),
    QualityRule("spanish-english", "gold", _LAW, "title and text of each rule in Spanish and English"),
    QualityRule(
        "sources", "gold", _LAW,
        "each deciding rule rests on a primary text, or is read conservatively with its ambiguity noted, or"
        " is marked as practice",
    ),
    QualityRule(
        "written-evidence", "platinum", _LAW,
        "worked cases and golden hours alone, without recorded cases, catch 90 % of the shifts",
    ),
    QualityRule("portuguese", "platinum", _LAW, "title and text of each rule in Portuguese, too"),
    QualityRule(
        "send", "silver", ("channel",),
        "one receipt per message in order, and one key is sent once (kit)",
    ),
    QualityRule(
        "dry-run", "silver", ("channel",), "the check and a dry run hand nothing to anybody (kit)",
    ),
    QualityRule(
        "failures", "silver", ("channel",), "busy, refused, dead address and doubt are told apart (kit)",
        exemptible=True,
    ),
    QualityRule(
        "inbound", "silver", ("channel",),
        "news are read; what is unsigned, changed, of another key or garbage is rejected; a replay has the"
        " same ids (kit)",
        exemptible=True,
    ),
    QualityRule(
        "calls", "silver", ("channel",),
        "a call's requests are read and rejected likewise; every turn can be said (kit)",
        exemptible=True,
    ),
    QualityRule(
        "removal", "silver", ("channel",), "README.md says how to set it up and how to remove it (kit)",
    ),
    QualityRule(
        "charges", "silver", ("gateway",),
        "one idempotency key makes one charge; outage and refusal are told apart (kit)",
    ),
    QualityRule(
        "events", "silver", ("gateway",),
        "an event comes back as it was meant; a forged, foreign or old one is refused (kit)",
    ),
    QualityRule(
        "scores", "silver", _SCORES,
        "finite scores in row order that find what is there, the same for the same seed (kit)",
    ),
    QualityRule(
        "refusals", "silver", _SCORES, "too few rows and a missing column are refused in words (kit)"
    ),
    QualityRule(
        "guesses", "silver", ("text",),
        "every label with its probability, the told one first, doubt where nothing is told (kit)",
    ),
    QualityRule(
        "several", "silver", ("text",), "several labels of a text are each judged for themselves (kit)"
    ),
    QualityRule(
        "too-little", "silver", ("text",), "too few texts and a single label are refused in words (kit)"
    ),
    QualityRule(
        "settings", "gold", _OUTSIDE,
        "secrets are marked as such; the check or the refusal names a setting that is missing and tells no"
        " secret (kit)",
        exemptible=True,
    ),
    QualityRule("privacy", "gold", ("channel",), "reasons name nobody (kit)", exemptible=True),
    QualityRule("explained", "gold", _SCORES, "reasons name features, strongest first (kit)"),
    QualityRule(
        "kept", "gold", (*_SCORES, "text"), "what is trained is kept without pickle and scores the same (kit)"
    ),
    QualityRule("typed", "gold", _SOFTWARE, "py.typed is there and every function is annotated"),
    QualityRule(
        "live", "platinum", _OUTSIDE,
        "tried by a named person against the provider's own test service (by, on)",
        exemptible=True,
    ),
    QualityRule(
        "measured", "platinum", (*_SCORES, "text"), "README.md gives its figures beside a baseline's"
    ),
    QualityRule("property-tests", "platinum", KINDS, "a hypothesis test of its own runs and passes"),
    QualityRule("reviewed", "platinum", KINDS, "read by a named person of the field (by, on)"),
)  # fmt: skip
