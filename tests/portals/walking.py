"""Somebody who follows every link: each kind of page once, whatever stands in its address."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.event import listen, remove
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests.portals.conftest import Visitor

_LINK = re.compile(r'<a\b[^>]*?href="(/[^"#]*)')
#: Links that only show the same page otherwise: its language, colours, order, place; and files.
_SAME = {"lang", "theme", "sort", "page", "as"}


@dataclass(frozen=True)
class Step:
    """A page that was opened: its endpoint, and how many statements it asked of the database."""

    address: str
    endpoint: str
    answer: TestResponse
    statements: int


def walk(
    visitor: Visitor, app: Flask, start: str = "/", known: set[str] | None = None, *, further: bool = True
) -> Iterator[Step]:
    """Every page that links lead to from `start`, one for each endpoint that is not `known` yet.

    Only those that `start` itself leads to where one goes no `further`.
    """
    seen, waiting = known if known is not None else set(), [start]
    seen.discard(_endpoint(app, start) or "")
    while waiting:
        address = waiting.pop(0)
        endpoint = _endpoint(app, address)
        if endpoint is None or endpoint in seen:
            continue
        seen.add(endpoint)
        answer, statements = _opened(visitor, address)
        yield Step(address, endpoint, answer, statements)
        if answer.status_code == 302:
            waiting.insert(0, answer.headers["Location"])
        elif answer.mimetype == "text/html" and (further or address == start):
            waiting += [unescape(link) for link in _LINK.findall(answer.text)]


def _endpoint(app: Flask, address: str) -> str | None:
    parts = urlsplit(address)
    if _SAME & {one.partition("=")[0] for one in parts.query.split("&")}:
        return None
    try:
        endpoint, _values = app.url_map.bind("localhost").match(parts.path, method="GET")
    except HTTPException:
        return None
    return str(endpoint) if str(endpoint).startswith("portals.") else None


def _opened(visitor: Visitor, address: str) -> tuple[TestResponse, int]:
    said: list[object] = []

    def count(*event: object) -> None:
        said.append(event)

    listen(Engine, "before_cursor_execute", count)
    try:
        return visitor.get(address), len(said)
    finally:
        remove(Engine, "before_cursor_execute", count)
