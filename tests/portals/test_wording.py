"""Own words are written, read through with an account, kept, approved by somebody else; nothing is sent."""

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.texts import wording
from recupero.placements.tables import Account
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.portals.conftest import Visitor

WORDS = {
    "template": "first_notice", "language": "es", "form": "long", "tone": "", "subject": "Su cuenta",
    "body": "Hola {{ name }}, entre a {{ link }}. Código {{ code }}. <b>", "tenant": "",
}  # fmt: skip


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago")[0]


def signed_in(app: Flask, role: Role, scope: Scope) -> Visitor:
    return Visitor(app.test_client(), runtime.current()).sign_in(role, scope)


def test_words_are_read_through_kept_and_approved(app: Flask, placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        number = session.get_one(Account, (placed.scope.tenant(), placed.account_id)).client_account
    writer = signed_in(app, Role.SUPERVISOR, placed.scope)
    assert "No words of your own yet" in writer.text("/words")
    tried = writer.send("/words/new", **WORDS, account=number, step="try")
    assert "Hola Ana Prueba" in tried.text
    assert "&lt;b&gt;" in tried.text
    assert "Added because the law wants it said" in tried.text
    short = {**WORDS, "form": "short", "body": "{{ name }}: {{ link }} {{ code }}"}
    assert "segments" in writer.send("/words/new", **short, account=number, step="try").text
    assert "There is no such account" in writer.send("/words/new", **WORDS, account="?", step="try").text
    kept = writer.send("/words/new", **WORDS, step="keep")
    page = kept.headers["Location"]
    assert writer.send(f"{page}/approve", page).status_code == 403
    officer = signed_in(app, Role.COMPLIANCE_OFFICER, placed.scope)
    officer.send(f"{page}/approve", page)
    with runtime.current().database.transaction(placed.scope) as session:
        assert wording.wording(session).of("first_notice", "es", "long", "kind") is not None
    officer.send(f"{page}/retire", page)
    assert "Retired" in officer.text(page)
    with runtime.current().database.transaction(placed.scope) as session:
        assert wording.wording(session).of("first_notice", "es", "long", "kind") is None


def test_every_fault_stands_at_its_field(app: Flask, placed: Placed) -> None:
    writer = signed_in(app, Role.SUPERVISOR, placed.scope)
    answer = writer.send("/words/new", **{**WORDS, "subject": "", "body": "{{ debt }}"}, step="keep")
    assert answer.status_code == 422
    assert "No message has debt" in answer.text
    assert 'id="subject-error"' in answer.text


def test_an_agent_and_another_agency_are_kept_out(app: Flask, placed: Placed, world: World) -> None:
    page = signed_in(app, Role.SUPERVISOR, placed.scope).send("/words/new", **WORDS, step="keep")
    assert signed_in(app, Role.AGENT, placed.scope).get("/words").status_code == 403
    stranger = signed_in(app, Role.COMPLIANCE_OFFICER, world.tenant())
    assert stranger.get(page.headers["Location"]).status_code == 404
