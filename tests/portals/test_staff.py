"""Users and keys: made, shut out, given a new password; secrets are shown once and never again."""

import re

from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import PASSWORD, Visitor


def test_a_user_is_added_given_a_new_password_and_shut_out(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    added = visitor.send(
        "/users", name="Bea Nueva", email="bea@example.com", password=PASSWORD, role="agent", locale="es"
    )
    assert added.status_code == 302, added.text
    user_id = re.findall(r"/users/(\d+)/password", visitor.text("/users"))[-1]
    shown = visitor.send(f"/users/{user_id}/password", _page="/users")
    found = re.search(r'id="new-password">([^<]+)<', shown.text)
    assert found
    other = Visitor(visitor.client.application.test_client(), visitor.platform)
    assert other.send("/sign-in", email="bea@example.com", password=PASSWORD).status_code == 422
    assert other.send("/sign-in", email="bea@example.com", password=found[1]).status_code == 302
    visitor.send(f"/users/{user_id}/deactivate", _page="/users")
    assert other.get("/profile").status_code == 302
    assert found[1] not in visitor.text("/users")


def test_a_creditors_user_needs_exactly_one_creditor(visitor: Visitor, world: World) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, world.tenant())
    answer = visitor.send(
        "/users", name="C", email="c@example.com", password=PASSWORD, role="creditor_viewer", locale="es"
    )
    assert answer.status_code == 422
    assert "Choose the one creditor" in answer.text


def test_a_key_is_shown_once_and_revoked(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    made = visitor.send("/keys", name="ERP", permissions="reports.read", tenants=scope.tenant())
    key = re.search(r'id="new-key">(rcp_[^<]+)<', made.text)
    assert key
    page = visitor.text("/keys")
    assert key[1] not in page
    assert "ERP" in page
    key_id = re.findall(r"/keys/(\d+)/revoke", page)[0]
    visitor.send(f"/keys/{key_id}/revoke", _page="/keys")
    assert "revoked" in visitor.text("/keys")


def test_an_over_long_desk_is_said_at_its_field_and_keeps_what_was_ticked(
    visitor: Visitor, world: World
) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    given = {"name": "Bea", "email": "d@example.com", "password": PASSWORD, "role": "agent", "locale": "es"}
    refused = visitor.send("/users", desk="m" * 41, **given)
    assert refused.status_code == 422
    assert "At most 40 characters fit here." in refused.text.split('name="desk"')[-1].split("</div>")[0]
    assert visitor.send("/users", desk="m" * 40, **given).status_code == 302
    work = "/users/" + visitor.text("/users").split("/work")[0].split("/users/")[-1] + "/work"
    refused = visitor.send(work, _page="/users", desk="x" * 200, skills="disputes")
    assert refused.status_code == 422
    fold = refused.text.split(f'action="{work}"')[1].split("</form>")[0]
    assert "At most 40 characters fit here." in fold
    assert "x" * 200 in fold
    assert 'value="disputes" checked' in fold
    assert "m" * 40 in visitor.text("/users")
