"""Every text that people read is there in es, en and pt, and what is served is what was written."""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from recupero.kernel.errors import UserError
from recupero.portals.words.language import CODES

ROOT = Path(__file__).parents[2]
CATALOGUES = ROOT / "platform/recupero/portals/translations"


@cache
def refusals() -> frozenset[str]:
    """The names of the errors that carry a text for people, in all rooms."""
    for everything in ("recupero.app", "recupero.cli"):
        import_module(everything)
    found = [UserError]
    for each in found:
        found += each.__subclasses__()
    return frozenset(each.__name__ for each in found)


KEYWORDS = {
    "_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2),
    **dict.fromkeys(sorted(refusals())),
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)s")


@cache
def said() -> frozenset[str]:
    """Every text in the code and the templates; of those with a plural the singular."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT / "platform/recupero", methods, options, KEYWORDS)
    return frozenset(first(message) for _file, _line, message, _comments, _context in found)


def first(message: str | list[str] | tuple[str, ...]) -> str:
    return message if isinstance(message, str) else message[0]


@cache
def catalogue(code: str) -> Catalog:
    with (CATALOGUES / code / "LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale=code)


@pytest.mark.parametrize("code", CODES)
def test_no_text_is_missing(code: str) -> None:
    known = {first(message.id) for message in catalogue(code) if message.id and all(texts(message.string))}
    assert sorted(said() - known) == []


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_guessed_or_left_over(code: str) -> None:
    messages = [message for message in catalogue(code) if message.id]
    assert [message.id for message in messages if message.fuzzy] == []
    assert sorted({first(message.id) for message in messages} - said()) == []


@pytest.mark.parametrize("code", CODES)
def test_placeholders_are_the_same_in_every_language(code: str) -> None:
    for message in catalogue(code):
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(first(message.id))), message.id


@pytest.mark.parametrize("code", CODES)
def test_what_is_served_is_what_was_written(code: str) -> None:
    with (CATALOGUES / code / "LC_MESSAGES/messages.mo").open("rb") as file:
        served = read_mo(file)
    assert strings(served) == strings(catalogue(code))


def test_the_text_of_a_refusal_is_written_out_where_it_is_raised() -> None:
    """The catalogues are read from the code: a text that is put together there would never be translated."""
    wrong = []
    for path in sorted((ROOT / "platform/recupero").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in refusals() and not _is_text(node):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_text(call: ast.Call) -> bool:
    """Whether the first argument is a text whose places all have their values."""
    if not call.args or not isinstance(text := call.args[0], ast.Constant) or not isinstance(text.value, str):
        return False
    return set(PLACEHOLDER.findall(text.value)) == {
        f"%({given.arg})s" for given in call.keywords if given.arg not in ("field", "row")
    }


def test_the_documented_command_reads_the_texts_of_every_refusal() -> None:
    command = (ROOT / "docs/pages.md").read_text()
    assert [name for name in sorted(refusals()) if f"-k {name}" not in command] == []


def strings(found: Catalog) -> dict[str, tuple[str, ...]]:
    return {first(message.id): texts(message.string) for message in found if message.id}


def texts(string: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)
