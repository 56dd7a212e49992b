"""What makes a script fit for use: no dead ends, no word of a debt before identity, an answer to everything.

Each problem is a `UserError` whose `field` names the place, so that an editor can show them all at once.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel.errors import Quoted, UserError
from recupero.outreach.scripts import saying
from recupero.outreach.scripts.shape import BRANCHES, FAILED, HEARD, PROVEN, Choice, Script, Step

#: Words that tell a listener of a debt, without accents; whole words or their beginnings (*).
_DEBT_WORDS = {
    "es": "deud* adeud* cobran* cobro* moros* mora vencid* saldo* pag* cuota* credito* prestamo*",
    "en": "debt* owe* owing collect* overdue arrears balance* payment* pay loan* credit past-due",
    "pt": "divid* deve* debito* cobran* inadimpl* atras* vencid* saldo* pag* parcela* credito* emprestim*",
}
_NEEDS_DISCLOSURES = ("purpose", "reason", "solve", "agree")


def problems(script: Script) -> list[UserError]:
    """Everything that speaks against the script; empty where it may be used."""
    found = [*_shape(script)]
    return [
        *found,
        *(() if found else _paths(script)),  # a step that is not there, or leads nowhere, breaks them all
        *_words(script),
        *_silence(script),
        *_order(script),
        *_intents(script),
        *_answers(script),
    ]


def _shape(script: Script) -> Iterator[UserError]:
    if script.start not in script.steps:
        yield UserError(
            "The script begins at '%(step)s', which does not exist.", field="start", step=script.start
        )
    if not any(step.kind == "identity" for step in script.steps.values()):
        yield UserError(
            "The script never asks who the person is: add a step of kind identity.", field="steps"
        )
    for name, step in script.steps.items():
        yield from _shape_of(script, name, step)


def _shape_of(script: Script, name: str, step: Step) -> Iterator[UserError]:
    ids = [choice.id for choice in step.choices]
    for choice in step.choices:
        if choice.to not in script.steps:
            yield UserError(
                "Step '%(step)s': '%(choice)s' leads to '%(to)s', which does not exist.",
                field=f"steps.{name}", step=name, choice=choice.id, to=choice.to,
            )  # fmt: skip
    if len(set(ids)) < len(ids):
        yield UserError("Step '%(step)s' has two answers of one id.", field=f"steps.{name}", step=name)
    if step.kind == "end":
        yield from _end(name, step)
        return
    if not step.choices:
        yield UserError(
            "Step '%(step)s' is a dead end: give it answers, or make it an end.",
            field=f"steps.{name}",
            step=name,
        )
    if step.disposition is not None or step.person:
        yield UserError(
            "Step '%(step)s' is no end: only an end has a result or calls a person.",
            field=f"steps.{name}", step=name,
        )  # fmt: skip
    if step.kind == "identity" and not {PROVEN, FAILED} <= set(ids):
        yield UserError(
            "Step '%(step)s' asks who the person is: it needs the answers proven and failed.",
            field=f"steps.{name}", step=name,
        )  # fmt: skip


def _end(name: str, step: Step) -> Iterator[UserError]:
    if step.choices:
        yield UserError("Step '%(step)s' is an end and has no answers.", field=f"steps.{name}", step=name)
    if step.disposition not in DISPOSITIONS:
        yield UserError(
            "Step '%(step)s' ends the call with '%(code)s', which is no result: use %(known)s.",
            field=f"steps.{name}", step=name, code=step.disposition or "", known=", ".join(DISPOSITIONS),
        )  # fmt: skip


def reachable(script: Script, passes: Callable[[Step, Choice], bool] = lambda step, choice: True) -> set[str]:
    """The steps that a call can come to by choices that `passes` lets through, of those that there are."""
    start = [script.start] if script.start in script.steps else []
    seen, waiting = set(start), deque(start)
    while waiting:
        step = script.steps[waiting.popleft()]
        for choice in step.choices:
            if choice.to in script.steps and choice.to not in seen and passes(step, choice):
                seen.add(choice.to)
                waiting.append(choice.to)
    return seen


def _before_identity(step: Step, choice: Choice) -> bool:
    return not (step.kind == "identity" and choice.id == PROVEN)


def _before_disclosures(step: Step, choice: Choice) -> bool:
    return step.kind != "disclose"


def _paths(script: Script) -> Iterator[UserError]:
    reached = reachable(script)
    for name in script.steps:
        if name not in reached:
            yield UserError("No answer leads to step '%(step)s'.", field=f"steps.{name}", step=name)
    ending = {name for name, step in script.steps.items() if step.kind == "end"}
    while more := {
        name
        for name, step in script.steps.items()
        if name not in ending and any(choice.to in ending for choice in step.choices)
    }:
        ending |= more
    for name in script.steps:
        if name in reached and name not in ending:
            yield UserError("From step '%(step)s' the call never ends.", field=f"steps.{name}", step=name)


def _words(script: Script) -> Iterator[UserError]:
    for name, place, words in _all_words(script):
        missing = [language for language in script.languages if language not in words]
        if missing:
            yield UserError(
                "Step '%(step)s': %(place)s is missing in %(language)s.",
                field=f"steps.{name}", step=name, place=place, language=", ".join(missing),
            )  # fmt: skip
        yield from _templates(name, place, words)


def _templates(name: str, place: str, words: Mapping[str, str]) -> Iterator[UserError]:
    for why, languages in _by_fault(words, saying.problem_in).items():
        yield UserError(
            "Step '%(step)s': %(place)s in %(language)s cannot be read: %(why)s",
            field=f"steps.{name}", step=name, place=place, language=languages, why=Quoted(why),
        )  # fmt: skip
    for what, languages in _by_fault(_readable(words), _unknown).items():
        yield UserError(
            "Step '%(step)s': %(place)s in %(language)s wants %(what)s, which nobody knows: use %(known)s.",
            field=f"steps.{name}", step=name, place=place, language=languages, what=what,
            known=", ".join(sorted(saying.KNOWN)),
        )  # fmt: skip


def _by_fault(words: Mapping[str, str], fault: Callable[[str], str | None]) -> dict[str, str]:
    """What is wrong with words, each fault once, with the languages that have it."""
    found: dict[str, list[str]] = {}
    for language, text in words.items():
        why = fault(text)
        if why:
            found.setdefault(why, []).append(language)
    return {why: ", ".join(languages) for why, languages in found.items()}


def _readable(words: Mapping[str, str]) -> dict[str, str]:
    return {language: text for language, text in words.items() if saying.problem_in(text) is None}


def _unknown(text: str) -> str:
    return ", ".join(sorted(saying.wanted(text) - saying.KNOWN))


def _all_words(script: Script) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Everything that is said or shown: (step, property, words by language)."""
    for name, step in script.steps.items():
        yield name, "say", step.say
        if step.hint:
            yield name, "hint", step.hint
        for choice in step.choices:
            yield name, f"choices › {choice.id} › label", choice.label


def _silence(script: Script) -> Iterator[UserError]:
    """Nothing of a debt to somebody whose identity is not proven, and no result that says it was."""
    early = reachable(script, _before_identity)
    for name in sorted(early):
        step = script.steps[name]
        told = _told_of_debt(_readable(step.say))
        if told:
            yield UserError(
                "Step '%(step)s' tells of a debt (%(what)s) before identity is proven.",
                field=f"steps.{name}", step=name, what=", ".join(told),
            )  # fmt: skip
        result = DISPOSITIONS.get(step.disposition or "")
        if result is not None and result.right_party:
            yield UserError(
                "Step '%(step)s' ends with '%(code)s', which says that the right person was spoken to, but"
                " can be reached without proof.",
                field=f"steps.{name}", step=name, code=result.code,
            )  # fmt: skip


def _told_of_debt(words: Mapping[str, str]) -> list[str]:
    """The values and the words that tell of a debt, each once."""
    values = sorted({value for text in words.values() for value in saying.wanted(text) & saying.OF_DEBT})
    heard = [word for language, text in words.items() for word in _debt_words(language, text)]
    return list(dict.fromkeys([*values, *heard]))


def _debt_words(language: str, text: str) -> list[str]:
    spoken = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.S)
    decomposed = unicodedata.normalize("NFKD", spoken.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    heard = re.findall(r"[\w-]+", plain)
    patterns = _DEBT_WORDS.get(language, "").split()
    begins = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    whole = {pattern for pattern in patterns if not pattern.endswith("*")}
    return sorted({word for word in heard if word in whole or (begins and word.startswith(begins))})


def _order(script: Script) -> Iterator[UserError]:
    """What the law wants said comes before the matter; the recording notice before anything else."""
    for name in sorted(reachable(script, _before_disclosures)):
        step = script.steps[name]
        if step.kind != "disclose" and step.stage in _NEEDS_DISCLOSURES:
            yield UserError(
                "Step '%(step)s' comes to the matter before the disclosures were read out.",
                field=f"steps.{name}", step=name,
            )  # fmt: skip
    if script.records and script.start in script.steps:
        first = _readable(script.steps[script.start].say)
        silent = [language for language, text in first.items() if "recording" not in saying.wanted(text)]
        if silent:
            yield UserError(
                "Calls are recorded: the first step must say so with {{ recording }} in %(language)s.",
                field=f"steps.{script.start}", language=", ".join(silent),
            )  # fmt: skip


def _intents(script: Script) -> Iterator[UserError]:
    """An answer waits for nothing that is never heard."""
    for name, step in script.steps.items():
        for choice in step.choices:
            for intent in choice.intents:
                if intent not in HEARD:
                    yield UserError(
                        "Step '%(step)s': '%(choice)s' waits for '%(intent)s', which is never heard: use"
                        " %(known)s.",
                        field=f"steps.{name}", step=name, choice=choice.id, intent=intent,
                        known=", ".join(HEARD),
                    )  # fmt: skip


def _answers(script: Script) -> Iterator[UserError]:
    has = {choice.branch for step in script.steps.values() for choice in step.choices}
    missing = [branch for branch in BRANCHES if branch not in has]
    if missing:
        yield UserError(
            "The script has no answer for: %(branches)s. Mark a choice with each branch.",
            field="steps", branches=", ".join(missing),
        )  # fmt: skip
