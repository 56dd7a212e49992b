"""Every text that people read is there in es, en and pt, and what is served is what was written."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from recupero.portals.language import CODES

ROOT = Path(__file__).parents[2]
CATALOGUES = ROOT / "platform/recupero/portals/translations"
KEYWORDS = {
    "_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2),
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


def strings(found: Catalog) -> dict[str, tuple[str, ...]]:
    return {first(message.id): texts(message.string) for message in found if message.id}


def texts(string: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)
