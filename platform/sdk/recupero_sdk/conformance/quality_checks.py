"""How each published rule is verified. A check returns what does not hold, a line each; nothing: it holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

from recupero_sdk.conformance.quality import Claim
from recupero_sdk.conformance.quality_rules import QualityRule
from recupero_sdk.conformance.regulation import FRESH
from recupero_sdk.conformance.subject import Subject
from recupero_sdk.law import RegulationPack, load_pack
from recupero_sdk.law.compiling import decides

WRITTEN_PERCENT = 90
_ISO_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
#: Rules that can be verified of a plug-in that does not load.
_WITHOUT_LOADING = ("packaging", "licence", "readme", "loads", "typed", "measured", "live", "reviewed")
#: What is asked of everything that comes in from outside, be it news or a call.
_BELIEVED = (
    "test_a_changed_body_is_rejected",
    "test_a_changed_address_is_rejected",
    "test_a_request_without_signature_is_rejected",
    "test_a_request_signed_with_another_key_is_rejected",
    "test_a_replay_gives_the_same_ids",
    "test_garbage_is_rejected",
    "test_an_odd_address_raises_nothing_but_rejected",
    "test_a_broken_body_raises_nothing_but_rejected",
)
#: Tests of the kit that stand for a rule, by kind where kinds share one.
_KIT: dict[str, tuple[str, ...]] = {
    "dates": (
        "test_rules_hold_from_their_first_to_their_last_day",
        "test_hours_open_and_close_on_their_minute",
    ),
    "golden-hours": ("test_permitted_hours_are_as_recorded",),
    "golden-regions": ("test_regions_differ_as_recorded",),
    "send": (
        "test_every_message_arrives_and_has_its_receipt_in_order",
        "test_no_message_is_no_work",
        "test_the_same_key_is_the_same_message",
        "test_a_cost_is_an_amount_of_a_currency",
    ),
    "dry-run": ("test_the_check_sends_nothing", "test_a_dry_run_hands_nothing_over"),
    "inbound": (
        "test_it_listens",
        "test_a_signed_request_gives_its_events",
        "test_different_news_have_different_ids",
        *_BELIEVED,
    ),
    "calls": (
        "test_it_converses",
        "test_a_signed_request_says_where_the_call_stands",
        "test_every_kind_of_turn_can_be_said",
        *_BELIEVED,
    ),
    "removal": ("test_the_readme_says_how_to_set_it_up_and_remove_it",),
    "failures": (
        "test_busy_means_retry",
        "test_a_wrong_set_up_means_refused",
        "test_a_dead_address_is_permanent_and_holds_up_no_other",
        "test_a_message_in_doubt_gets_no_receipt",
    ),
    "charges": (
        "test_one_key_makes_one_charge",
        "test_an_outage_is_unavailable",
        "test_a_wrong_request_is_refused",
        "test_what_it_saves_is_proven",
    ),
    "events": (
        "test_events_come_back_as_they_were_meant",
        "test_a_forged_event_is_refused",
        "test_another_secret_is_refused",
        "test_an_old_event_is_refused",
    ),
    "scores": (
        "test_scores_are_finite_one_per_row_and_in_order",
        "test_it_finds_what_is_there_to_find",
        "test_the_same_seed_trains_the_same_model",
        "test_no_row_is_no_score",
    ),
    "refusals": (
        "test_too_few_rows_are_refused_in_words",
        "test_one_outcome_alone_is_refused",
        "test_a_missing_column_is_named",
    ),
    "guesses": (
        "test_it_is_a_model_of_texts",
        "test_its_examples_are_labelled_and_keep_writers_apart",
        "test_it_finds_what_is_there_to_find",
        "test_probabilities_are_sorted_and_add_up_to_one",
        "test_a_text_that_says_nothing_is_doubted",
        "test_the_same_seed_trains_the_same_model",
        "test_no_text_is_no_guess",
    ),
    "several": ("test_several_labels_are_judged_each_for_itself",),
    "too-little": ("test_too_few_texts_are_refused_in_words", "test_one_label_alone_is_refused"),
    "settings": ("test_settings_are_named_once_and_secrets_are_marked",),
    "privacy": ("test_reasons_name_nobody",),
    "explained": (
        "test_reasons_name_features_strongest_first",
        "test_it_is_a_model_and_its_features_are_told",
    ),
    "kept": ("test_what_is_dumped_is_loaded_without_pickle",),
}


def problems(subject: Subject, rule: QualityRule, claim: Claim) -> list[str]:
    """What speaks against a rule that is claimed as done."""
    if subject.load_error and rule.name not in _WITHOUT_LOADING:
        return ["not known, because the plug-in does not load"]
    check = _CHECKS.get(rule.name)
    found = list(check(subject, claim)) if check else []
    return found + list(_kit(subject, rule.name))


def _kit(subject: Subject, rule: str) -> Iterator[str]:
    for name in _KIT.get(rule, ()):
        test = subject.kit_test(name)
        if test is None:
            yield f"the kit's {name} did not run: subclass the kit of your kind"
        elif test.outcome != "passed":
            yield f"the kit's {name} {test.outcome}: {test.message}"


def _packaging(subject: Subject, _claim: Claim) -> Iterator[str]:
    for wanted in ("name", "version"):
        if not subject.project.get(wanted):
            yield f"pyproject.toml: [project] has no {wanted}"
    names = [_name(text) for text in subject.project.get("dependencies", [])]
    if "recupero-sdk" not in names:
        yield "pyproject.toml: dependencies do not name recupero-sdk"
    if "recupero" in names:
        yield "pyproject.toml: depends on the platform (recupero); a plug-in knows the SDK only"
    if subject.kind == "regulation" and not re.fullmatch(r"[a-z]{2}", subject.key):
        yield f"pyproject.toml: the entry point `{subject.key}` must be the country in lower case, such as cl"
    if not subject.package.exists() and not subject.package.with_suffix(".py").exists():
        yield f"pyproject.toml: the entry point names {subject.module}, which is not in {subject.root}"


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def _licence(subject: Subject, _claim: Claim) -> Iterator[str]:
    if not subject.project.get("license"):
        yield 'pyproject.toml: [project] has no license, such as license = "Apache-2.0"'


def _readme(subject: Subject, _claim: Claim) -> Iterator[str]:
    text = subject.readme
    if len(text.split()) < 20:
        yield "README.md is missing or says next to nothing: what is it, how is it set up?"
    if subject.kind == "regulation":
        if "not legal advice" not in text.lower():
            yield "README.md: say that it is not legal advice"
        if not _ISO_DATE.search(text):
            yield "README.md: give the date of verification (YYYY-MM-DD)"


def _loads(subject: Subject, _claim: Claim) -> Iterator[str]:
    if subject.load_error:
        yield from subject.load_error.splitlines()
        return
    keys = [key.lower() for key in subject.found.get("keys", [])]
    if keys and subject.key not in keys:
        yield f"it registers {', '.join(keys)}, and its entry point is named {subject.key}"


def _tests(subject: Subject, _claim: Claim) -> Iterator[str]:
    yield from subject.broken
    alike: dict[str, list[str]] = {}
    for test in subject.failures:
        alike.setdefault(test.message, []).append(test.test.rpartition("::")[2])
    for message, tests in alike.items():
        yield f"{', '.join(tests)} failed: {message}"
    if not any(test.kit for test in subject.tests):
        yield "tests/ does not subclass the kit of its kind (see the plug-in guide)"


def _scenarios(subject: Subject, _claim: Claim) -> Iterator[str]:
    found = subject.found.get("scenarios")
    if found is None:
        yield "the kit's test_every_deciding_rule_refuses_in_some_scenario did not run"
        return
    for rule in found["never_refusing"]:
        yield f"{rule}: no scenario is refused by it"
    for rule in found["never_permitting"]:
        yield f"{rule}: no scenario is let pass by it"


def _mutation(subject: Subject, _claim: Claim) -> Iterator[str]:
    found = subject.found.get("mutation")
    if found is None:
        yield "the kit's test_every_shift_of_a_parameter_makes_some_case_fail did not run"
        return
    for rule, shifts in found["untested"].items():
        yield f"{rule} is untested: no case fails for {', '.join(shifts)}"


def _written(subject: Subject, _claim: Claim) -> Iterator[str]:
    score = subject.found.get("mutation", {}).get("written_score", 0.0)
    if score < WRITTEN_PERCENT:
        yield f"worked cases and golden hours catch {score:.1f} % of the shifts, not {WRITTEN_PERCENT} %"


def _pack(subject: Subject) -> RegulationPack:
    return load_pack(subject.package)


def _fresh(subject: Subject, _claim: Claim) -> Iterator[str]:
    pack, today = _pack(subject), datetime.now(UTC).date()
    for rule in pack.known():
        if today - rule.verified > FRESH:
            yield f"{rule.id}: last verified on {rule.verified}, more than a year ago"


def _spanish_english(subject: Subject, _claim: Claim) -> Iterator[str]:
    pack = _pack(subject)
    for rule in pack.known():
        if rule.text.es.strip() == rule.text.en.strip():
            yield f"{rule.id}: the text is the same in es and en"


def _portuguese(subject: Subject, _claim: Claim) -> Iterator[str]:
    pack = _pack(subject)
    for rule in pack.known():
        if not (rule.title.pt and rule.text.pt):
            yield f"{rule.id}: title or text is not there in pt"


def _sources(subject: Subject, _claim: Claim) -> Iterator[str]:
    pack = _pack(subject)
    for rule in pack.known():
        noted = rule.reading == "conservative" and rule.ambiguity is not None
        if decides(rule) and rule.confidence != "primary" and rule.basis == "law" and not noted:
            yield f"{rule.id}: not from a primary text, and no conservative reading with its ambiguity"


def _property_tests(subject: Subject, _claim: Claim) -> Iterator[str]:
    if not any(test.hypothesis and not test.kit and test.outcome == "passed" for test in subject.tests):
        yield "no hypothesis test of its own ran and passed"


def _person(_subject: Subject, claim: Claim) -> Iterator[str]:
    if not claim.by or not claim.on:
        yield "say who and when: {status: done, by: name, on: YYYY-MM-DD}"
    elif claim.on > date.today():  # noqa: DTZ011 - a day ahead somewhere is no lie
        yield f"{claim.on} has not come yet"


def _measured(subject: Subject, _claim: Claim) -> Iterator[str]:
    if not re.search(r"baseline[^\n]*\d|\d[^\n]*baseline", subject.readme, re.IGNORECASE):
        yield "README.md: give a figure beside a baseline's"


def _settings(subject: Subject, _claim: Claim) -> Iterator[str]:
    names = {
        "channel": ("test_the_check_names_a_required_setting_that_is_missing",),
        "gateway": ("test_a_missing_setting_is_named",),
    }
    for name in names.get(subject.kind, ()):
        test = subject.kit_test(name)
        if test is None or test.outcome != "passed":
            yield f"the kit's {name} did not pass"


def _typed(subject: Subject, _claim: Claim) -> Iterator[str]:
    if not (subject.package / "py.typed").exists():
        yield f"{subject.package.name}/py.typed is missing"
    for file in sorted(subject.package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _annotated(node):
                yield f"{file.relative_to(subject.root)}, line {node.lineno}: {node.name} is not annotated"


def _annotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    bare = [one for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
    return function.returns is not None and not bare


_CHECKS: dict[str, Callable[[Subject, Claim], Iterator[str]]] = {
    "packaging": _packaging,
    "licence": _licence,
    "readme": _readme,
    "loads": _loads,
    "tests": _tests,
    "scenarios": _scenarios,
    "mutation": _mutation,
    "written-evidence": _written,
    "fresh": _fresh,
    "spanish-english": _spanish_english,
    "portuguese": _portuguese,
    "sources": _sources,
    "property-tests": _property_tests,
    "reviewed": _person,
    "live": _person,
    "measured": _measured,
    "settings": _settings,
    "typed": _typed,
}
