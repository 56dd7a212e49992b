"""Every page opens for whom it is meant, in every language, empty or not, and for nobody else."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_babel import gettext
from jinja2 import nodes
from sqlalchemy.event import listen, remove
from werkzeug.routing import Rule

from recupero import portals
from recupero.outreach.conversations import refusals
from recupero.portals.words.language import CODES
from recupero.tenancy.permissions import GRANTS, Permission, Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor

#: Of the portals.
TEMPLATES = Path(portals.__file__).parent / "templates"


def pages(app: Flask) -> list[Rule]:
    """Pages without parts in their address that are read, not sent."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("portals.")
        and not rule.rule.startswith("/api/")
        and not rule.arguments
        and "GET" in (rule.methods or ())
    ]


def permission_of(app: Flask, rule: Rule) -> Permission | None:
    return getattr(app.view_functions[rule.endpoint], "permission", None)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_its_pages_and_no_others(
    visitor: Visitor, app: Flask, world: World, role: Role
) -> None:
    visitor.sign_in(role, world.tenant())
    for rule in pages(app):
        needed = permission_of(app, rule)
        answer = visitor.get(rule.rule)
        if needed is not None and needed not in GRANTS[role]:
            assert answer.status_code == 403, rule.rule
        else:
            assert answer.status_code in (200, 302), rule.rule


@pytest.mark.parametrize("code", CODES)
def test_pages_of_an_empty_agency_speak_each_language(
    visitor: Visitor, app: Flask, world: World, code: str
) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, world.agency())
    visitor.get(f"/?lang={code}")
    for rule in pages(app):
        answer = visitor.get(rule.rule)
        if answer.status_code == 200:
            assert f'<html lang="{code}">' in answer.text, rule.rule


def test_nobody_opens_a_page_that_is_not_public(visitor: Visitor, app: Flask) -> None:
    for rule in pages(app):
        view = app.view_functions[rule.endpoint]
        if not hasattr(view, "public"):
            answer = visitor.get(rule.rule)
            assert answer.headers["Location"].startswith("/sign-in?next="), rule.rule


def test_an_account_page_asks_few_questions_of_the_database(
    visitor: Visitor, world: World, noon: datetime
) -> None:
    """A query for each block, however much happened: a second contact or payment adds none."""
    scope = world.tenant()
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session))
    visitor.sign_in(Role.AGENT, scope)
    address = f"/accounts/{owed.account_id}"
    visitor.text(address)
    before = _queries(visitor, address)
    with visitor.platform.database.transaction(scope) as session:
        for day in range(1, 6):
            debts.contact(session, owed, noon - timedelta(days=day))
            debts.pay(session, owed, 1000, noon - timedelta(days=day))
    assert _queries(visitor, address) == before
    assert before <= 40


def _queries(visitor: Visitor, address: str) -> int:
    engine, said = visitor.platform.database.engine, []

    def count(*event: Any) -> None:
        said.append(event[2])

    listen(engine, "before_cursor_execute", count)
    try:
        visitor.text(address)
    finally:
        remove(engine, "before_cursor_execute", count)
    return len(said)


def test_the_page_of_a_plug_in_shows_what_its_account_takes(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    path = f"/tenants/{scope.tenant()}/plugins/channel/email"
    assert "What the account takes" not in visitor.text(path)
    settings = {"host": "relay.example", "sender": "a@example.com", "per_second": "4", "concurrency": "2"}
    assert visitor.send(path, **settings).status_code == 302
    page = visitor.text(path)
    assert "What the account takes" in page
    assert "What was told and not taken in" not in page
    refusals.note(scope.tenant(), "email", "the signature does not match")
    told = visitor.text(path)
    assert "What was told and not taken in" in told
    assert "the signature does not match" in told
    assert "0 of 2 in use" in page
    assert "above 0" in visitor.send(path, **{**settings, "per_second": "0", "enabled": "yes"}).text


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Se intenta a las 3:00 p. m..", "Se intenta a las 3:00 p. m."),
        ("Hasta las 9:00 a.\xa0m..", "Hasta las 9:00 a.\xa0m."),
        ("A las 3:00 p. m. … y sigue...", "A las 3:00 p. m. … y sigue..."),
    ],
)
def test_a_sentence_that_ends_in_a_time_ends_in_one_full_stop(app: Flask, said: str, read: str) -> None:
    with app.test_request_context():
        assert gettext("%(all)s.", all=said[:-1]) == read
        assert render_template_string('{{ _("%(all)s.", all=said) }}', said=said[:-1]) == read


def test_no_macro_asks_who_reads(app: Flask) -> None:
    """Within a macro `caller` is the block of its call: who reads is asked for outside of it."""
    found = [
        f"{name} {macro.name}"
        for name in app.jinja_env.list_templates(["html"])
        for macro in app.jinja_env.parse(Path(TEMPLATES, name).read_text()).find_all(nodes.Macro)
        if any(
            isinstance(asked.node, nodes.Name) and asked.node.name == "caller"
            for asked in macro.find_all(nodes.Getattr)
        )
    ]
    assert found == []
