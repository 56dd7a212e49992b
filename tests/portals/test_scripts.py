"""Scripts are written, refused with reasons, approved by somebody else."""

import re

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.scripts import store
from recupero.placements.tables import Account, Debtor
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago", kinds=("phone",))[0]


@pytest.fixture
def number(placed: Placed) -> str:
    """The account's number; the person gets a birth date."""
    with runtime.current().database.transaction(placed.scope) as session:
        session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id)).birth_date = "1985-04-02"
        return session.get_one(Account, (placed.scope.tenant(), placed.account_id)).client_account


def signed_in(app: Flask, role: Role, scope: Scope) -> Visitor:
    return Visitor(app.test_client(), runtime.current()).sign_in(role, scope)


def test_a_script_is_written_checked_and_approved_by_somebody_else(app: Flask, world: World) -> None:
    scope = world.tenant()
    writer = signed_in(app, Role.SUPERVISOR, scope)
    assert "Standard conversation" in writer.text("/scripts")
    assert "asks for the proof" in writer.text("/scripts/0")
    document = store.standard_document()
    unfit = writer.send("/scripts/new", document=document.replace("disposition: HARD", "disposition: NOPE"))
    assert unfit.status_code == 422
    assert "ends the call with &#39;NOPE&#39;" in unfit.text
    tried = writer.send("/scripts/new", document=document, step="try")
    assert "The script is fit" in tried.text
    kept = writer.send("/scripts/new", document=document, step="keep")
    assert kept.status_code == 302
    page = kept.headers["Location"]
    assert "Approve" not in re.sub(r"(?s)<nav.*?</nav>", "", writer.text(page))
    assert writer.send(f"{page}/approve", page).status_code == 403
    officer = signed_in(app, Role.COMPLIANCE_OFFICER, scope)
    officer.send(f"{page}/approve", page)
    assert "Approved" in officer.text(page)
    with runtime.current().database.transaction(scope) as session:
        assert store.script_for(session, "CL").version == 1
    officer.send(f"{page}/retire", page)
    with runtime.current().database.transaction(scope) as session:
        assert store.script_for(session, "CL").id is None


def test_nobody_approves_their_own_and_no_agent_writes(app: Flask, world: World) -> None:
    scope = world.tenant()
    officer = signed_in(app, Role.COMPLIANCE_OFFICER, scope)
    page = officer.send("/scripts/new", document=store.standard_document(), step="keep").headers["Location"]
    shown = re.sub(r"(?s)<nav.*?</nav>", "", officer.text(page))
    assert "Somebody else has to approve it." in shown
    assert ">Approve<" not in shown
    officer.send(f"{page}/approve", page)
    assert "somebody else than its author" in officer.text(page).lower()
    assert signed_in(app, Role.AGENT, scope).get("/scripts").status_code == 403


def test_another_agency_finds_no_such_script(app: Flask, world: World) -> None:
    officer = signed_in(app, Role.COMPLIANCE_OFFICER, world.tenant())
    page = officer.send("/scripts/new", document=store.standard_document(), step="keep").headers["Location"]
    stranger = signed_in(app, Role.COMPLIANCE_OFFICER, world.tenant())
    assert stranger.get(page).status_code == 404


def test_a_script_is_read_through_with_a_real_account_of_ones_own(
    app: Flask, placed: Placed, number: str, world: World
) -> None:
    writer = signed_in(app, Role.SUPERVISOR, placed.scope)
    assert "Ana Prueba" in writer.text("/scripts/0")  # the sample
    page = writer.text(f"/scripts/0?account={number}")
    assert "With the facts of the account" in page
    assert number in page
    stranger = signed_in(app, Role.SUPERVISOR, world.tenant())
    assert stranger.client.get(f"/scripts/0?account={number}").status_code == 422
