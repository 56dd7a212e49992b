"""The words of a script's step with a call's facts filled in."""

from collections.abc import Mapping

from jinja2 import TemplateError, meta

from recupero.outreach.texts import templating

#: What may be said to whoever takes the call.
OPEN = frozenset({"agent", "agency", "name", "phone", "recording", "call_back_phone"})
#: What tells of a debt: only after the person has proven who they are.
OF_DEBT = frozenset({
    "creditor", "account", "amount", "due", "interest", "costs", "product", "promised", "promised_on", "link",
    "others", "whole", "offer",
})  # fmt: skip
KNOWN = OPEN | OF_DEBT


def say(words: Mapping[str, str], language: str, values: Mapping[str, str]) -> str:
    """The words in this language, or else in the script's first. Raises jinja2.TemplateError where a value is
    missing; `checks` refuses such a script before it is used."""
    text = words.get(language) or next(iter(words.values()))
    return templating.written(text).render(values)


def wanted(text: str) -> frozenset[str]:
    """The values that the words want. Raises jinja2.TemplateError where they cannot be read."""
    return frozenset(meta.find_undeclared_variables(templating.parsed(text)))


def names(words: Mapping[str, str], value: str) -> bool:
    """Whether the words want this value in one of their languages."""
    return any(value in wanted(text) for text in words.values())


def problem_in(text: str) -> str | None:
    """Why the words cannot be read, or None."""
    try:
        templating.parsed(text)
    except TemplateError as error:
        return str(error)
    return None
