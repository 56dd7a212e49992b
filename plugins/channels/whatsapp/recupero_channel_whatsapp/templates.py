"""Approved templates: which one stands for the house's words, and what is filled into it.

    first_notice.es = recupero_first_notice@es_CL: name, creditor, amount, code | url: link | reply: STOP

Left of `=` stands the house's template and language. On the right the template's name at Meta and its
language there (left out: the same), the values of its body in their order, then, each after a bar, what else
it has: `body: the approved words with {{1}} for each value`, `header: value`, and its buttons from left to
right: `url: value`, `reply: PAYLOAD`, and `fixed` for one that takes nothing. A named variable is written
`variable=value`. Lines end with a line break or a semicolon.

Every message carries its code, by which anybody can confirm that it is real: a template that has no place for
`code` (nor for `text`, the whole message, which holds it) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from recupero_sdk.channels import Message
from recupero_sdk.wording import TEMPLATES, VALUES

#: https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_HOUSE = re.compile(r"[a-z0-9_]+\.[a-z]{2}")
_VALUE = re.compile(r"([a-z0-9_]+=)?[a-z_]+")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PAYLOAD = re.compile(r"[^|;\n]{1,128}")
#: A template has ten buttons at most, two of them addresses, and a body of 1,024 letters
#: (https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components).
MOST_BUTTONS, MOST_ADDRESSES = 10, 2
MOST_IN_BODY = 1024
#: What the plug-in knows beside the house's values: the whole message on one line.
_OWN = frozenset({"text"})
#: One of these shows the code by which a message is confirmed.
_CODED = frozenset({"code", "text"})
_FORM = "write first_notice.es = approved_name@es: name, amount, code | url: link | reply: STOP"


class Unfilled(Exception):
    """Raised where a message has nothing for a value that the approved template wants. `reason` names it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a template: `kind` is url, reply or fixed; `what` the value, or the payload of a reply."""

    kind: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Approved:
    """A template that Meta has approved, with the values it takes (`value` or `variable=value`); `words` is
    its approved body, empty where nobody told it."""

    name: str
    language: str
    body: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    words: str = ""

    def read(self, message: Message) -> str:
        """What the person reads: the header and the approved body with its values; of a body that nobody told
        the values alone. Raises `Unfilled`."""
        body, values = self._body(message)
        header = [_value(name.rpartition("=")[2], message) for name in self.header]
        links = [message.values.get(one.what, "") for one in self.buttons if one.kind == "url"]
        return "\n".join([*header, body or "\n".join(values), *filter(None, links)])

    def _body(self, message: Message) -> tuple[str, list[str]]:
        """The approved body with its values, empty where nobody told it, and the values alone."""
        filled = {
            variable or str(place): _value(name, message)
            for place, (variable, _named, name) in enumerate((one.rpartition("=") for one in self.body), 1)
        }
        return _PLACE.sub(lambda place: filled.get(place[1], place[0]), self.words), list(filled.values())

    def _fits(self, message: Message) -> None:
        length = len(self._body(message)[0])
        if length > MOST_IN_BODY:
            raise Unfilled(f"the body has {length} letters with its values; Meta takes {MOST_IN_BODY}")

    def filled(self, message: Message) -> dict[str, Any]:
        """The `template` object of a request to send. Raises `Unfilled`, also where it grew too long."""
        if self.words:
            self._fits(message)
        parts = [
            {"type": kind, "parameters": [_parameter(value, message) for value in values]}
            for kind, values in (("header", self.header), ("body", self.body))
            if values
        ]
        parts += [
            _button(place, button, message)
            for place, button in enumerate(self.buttons)
            if button.kind != "fixed"
        ]
        found: dict[str, Any] = {"name": self.name, "language": {"code": self.language}}
        return {**found, "components": parts} if parts else found


def parse(text: str) -> dict[str, Approved]:
    """Approved templates by `<template>.<language>`. Raises ValueError, naming the line."""
    found: dict[str, Approved] = {}
    for line in filter(None, (piece.strip() for piece in re.split(r"[\n;]", text))):
        house, equals, rest = (side.strip() for side in line.partition("="))
        if not equals or not _HOUSE.fullmatch(house):
            raise ValueError(f"`{line}` is no template; {_FORM}")
        if house.partition(".")[0] not in TEMPLATES:
            raise ValueError(f"`{house}` is no message of the house; use {', '.join(sorted(TEMPLATES))}")
        if house in found:
            raise ValueError(f"`{house}` stands there twice")
        found[house] = _approved(line, house.rpartition(".")[2], rest)
    return found


def house_name(message: Message) -> str:
    """What a message is looked up by."""
    return f"{message.template}.{message.language[:2]}"


def _approved(line: str, language: str, text: str) -> Approved:
    first, *others = (piece.strip() for piece in text.split("|"))
    name, _, values = (side.strip() for side in first.partition(":"))
    name, at, code = name.partition("@")
    code = code if at else language
    if not _NAME.fullmatch(name) or not _LANGUAGE.fullmatch(code):
        raise ValueError(f"`{line}`: `{name}` in `{code}` is no name of an approved template; {_FORM}")
    header, buttons, words = tuple[str, ...](), list[Button](), ""
    for other in others:
        kind, _, what = (side.strip() for side in other.partition(":"))
        if kind == "body" and what and not words:
            words = what
        elif kind == "header" and not header and _VALUE.fullmatch(what):
            header = (what,)
        elif _is_button(kind, what):
            buttons.append(Button(kind, what))
        else:
            raise ValueError(f"`{line}`: `{other}` is neither body, header, url, reply nor fixed; {_FORM}")
    taken = _values(line, values)
    shown = [*taken, *header, *(one.what for one in buttons if one.kind == "url")]
    _known(line, shown)
    _limits(line, buttons, words)
    if words:
        _fit(line, words, taken)
    if _CODED.isdisjoint(value.rpartition("=")[2] for value in shown):
        raise ValueError(
            f"`{line}`: the message must carry its code, by which people confirm that it is real: add `code`"
        )
    return Approved(name, code, taken, header, tuple(buttons), words)


def _known(line: str, values: Sequence[str]) -> None:
    """Each value is one that messages have."""
    names = {value.rpartition("=")[2] for value in values}
    unknown = sorted(names - VALUES - _OWN)
    if unknown:
        known = ", ".join(sorted(VALUES | _OWN))
        raise ValueError(
            f"`{line}`: no message has {', '.join(f'`{name}`' for name in unknown)}; use {known}"
        )


def _limits(line: str, buttons: Sequence[Button], words: str) -> None:
    """What Meta takes of a template."""
    if len(buttons) > MOST_BUTTONS:
        raise ValueError(f"`{line}`: a template has {MOST_BUTTONS} buttons at most")
    if sum(one.kind == "url" for one in buttons) > MOST_ADDRESSES:
        raise ValueError(f"`{line}`: a template has {MOST_ADDRESSES} buttons with an address at most")
    if len(words) > MOST_IN_BODY:
        raise ValueError(f"`{line}`: the body has {len(words)} letters; Meta takes {MOST_IN_BODY}")


def _fit(line: str, words: str, values: tuple[str, ...]) -> None:
    """Each place of the approved body has its value, and the other way round."""
    wanted = {value.rpartition("=")[0] or str(place) for place, value in enumerate(values, 1)}
    if set(_PLACE.findall(words)) != wanted:
        raise ValueError(f"`{line}`: the places of the body are not those of the values; {_FORM}")


def _is_button(kind: str, what: str) -> bool:
    if kind == "reply":
        return _PAYLOAD.fullmatch(what) is not None
    return _VALUE.fullmatch(what) is not None if kind == "url" else kind == "fixed" and not what


def _values(line: str, text: str) -> tuple[str, ...]:
    values = tuple(re.sub(r"\s*=\s*", "=", piece.strip()) for piece in text.split(",")) if text else ()
    if any(not _VALUE.fullmatch(value) for value in values):
        raise ValueError(f"`{line}`: `{text}` is no list of values; {_FORM}")
    if len({"=" in value for value in values}) > 1:
        raise ValueError(f"`{line}`: either all variables have names or none")
    return values


def _parameter(value: str, message: Message) -> dict[str, str]:
    variable, named, name = value.rpartition("=")
    filled = {"type": "text", "text": _value(name, message)}
    return {**filled, "parameter_name": variable} if named else filled


def _button(place: int, button: Button, message: Message) -> dict[str, Any]:
    if button.kind == "reply":
        sub_type, parameter = "quick_reply", {"type": "payload", "payload": button.what}
    else:
        sub_type = "url"
        parameter = {"type": "text", "text": _after_host(_value(button.what, message))}
    return {"type": "button", "sub_type": sub_type, "index": str(place), "parameters": [parameter]}


def _value(name: str, message: Message) -> str:
    """A value as Meta takes it: on one line, no run of spaces. `text` is the house's message as a whole."""
    own: Mapping[str, str] = {"text": message.text, "code": message.code, "agency": message.sender_name}
    text = " ".join((message.values.get(name) or own.get(name) or "").split())
    if not text:
        raise Unfilled(f"the approved template wants `{name}`, and this message has none")
    return text


def _after_host(text: str) -> str:
    """What a dynamic address takes: the part after the host, since the approved template holds the host."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        return text
    rest = text.split(parts.netloc, 1)[1].lstrip("/")
    if not rest:
        raise Unfilled("the address for the template's button has nothing after its host")
    return rest
