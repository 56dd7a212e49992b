"""Signing in leads back to where one wanted to go, never elsewhere; forms, limits and languages hold."""

import re
from dataclasses import replace

import pytest

from recupero.app import create_app
from recupero.kernel import runtime
from recupero.portals.sign_in import local_target
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor


def test_a_stranger_is_sent_to_sign_in_and_comes_back(visitor: Visitor, world: World) -> None:
    answer = visitor.get("/profile?tab=1")
    assert answer.headers["Location"] == "/sign-in?next=/profile?tab%3D1"
    scope = world.tenant()
    visitor.sign_in(Role.AGENT, scope)
    assert visitor.get(answer.headers["Location"]).headers["Location"] == "/profile?tab=1"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "", "/\t/evil"],
)
def test_no_link_leads_a_user_out_of_the_house(visitor: Visitor, target: str) -> None:
    with visitor.client.application.test_request_context():
        assert local_target(target) == "/"


def test_a_wrong_password_says_so_and_keeps_the_address(visitor: Visitor) -> None:
    answer = visitor.send("/sign-in?lang=en", email="x@example.com", password="wrong")
    assert answer.status_code == 422
    assert "do not fit together" in answer.text
    assert 'value="x@example.com"' in answer.text
    assert "wrong" not in answer.text


def test_an_empty_field_is_named_where_it_is(visitor: Visitor) -> None:
    answer = visitor.send("/sign-in?lang=en", email="", password="")
    assert 'aria-describedby="email-error"' in answer.text


def test_many_wrong_tries_from_one_address_are_refused_for_a_while(visitor: Visitor) -> None:
    codes = [visitor.send("/sign-in", email="x@example.com", password="wrong").status_code for _ in range(22)]
    assert codes[0] == 422
    assert codes[-1] == 429


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    answer = visitor.client.post("/sign-in", data={"email": "a@example.com", "password": "x"})
    assert answer.status_code == 400


def test_a_lost_session_returns_to_the_page_of_the_form(visitor: Visitor) -> None:
    answer = visitor.client.post(
        "/profile", data={"locale": "pt"}, headers={"Referer": "http://localhost/profile?x=1"}
    )
    assert answer.headers["Location"] == "/sign-in?next=/profile?x%3D1"


@pytest.mark.parametrize(("code", "words"), [("es", "Contraseña"), ("en", "Password"), ("pt", "Senha")])
def test_the_switch_changes_the_language_and_is_kept(visitor: Visitor, code: str, words: str) -> None:
    visitor.get(f"/sign-in?lang={code}")
    page = visitor.text("/sign-in")
    assert f'<html lang="{code}">' in page
    assert words in page


def test_the_profile_keeps_the_language(visitor: Visitor, world: World) -> None:
    visitor.sign_in(Role.AGENT, world.tenant())
    assert visitor.send("/profile", locale="pt").status_code == 302
    assert '<html lang="pt">' in visitor.text("/profile")


def test_signing_out_ends_the_session(visitor: Visitor, world: World) -> None:
    visitor.sign_in(Role.AGENT, world.tenant())
    visitor.send("/sign-out", _page="/profile")
    assert visitor.get("/profile").status_code == 302


def test_pages_carry_the_headers_that_keep_strangers_out(visitor: Visitor) -> None:
    headers = visitor.get("/sign-in").headers
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Lax" in headers["Set-Cookie"]


def test_a_file_of_ours_is_asked_for_once_and_an_old_address_of_it_always(visitor: Visitor) -> None:
    address = re.search(r'href="(/static/app\.css\?v=\w+)"', visitor.text("/sign-in"))
    assert address
    assert "immutable" in visitor.get(address[1]).headers["Cache-Control"]
    for other in ("/static/app.css", "/static/app.css?v=old"):
        assert visitor.get(other).headers["Cache-Control"] == "no-cache"
    assert "immutable" not in visitor.get("/static/nothing.css?v=1").headers.get("Cache-Control", "")


def test_a_proxy_that_speaks_https_has_browsers_stay_there(platform: runtime.Runtime) -> None:
    """Also where a check of this machine's own came first, which asks without it."""
    config = replace(platform.config, base_url="https://recupero.example.com")
    client = create_app(replace(platform, config=config)).test_client()
    assert client.get("/sign-in").headers["Location"] == "https://localhost/sign-in"
    answer = client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "; Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_a_missing_page_is_a_page_in_the_readers_language(visitor: Visitor) -> None:
    answer = visitor.client.get("/nowhere", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert "This page does not exist" in answer.text


def test_an_agent_says_where_and_how_long_calls_are_put_through(visitor: Visitor, world: World) -> None:
    visitor.sign_in(Role.AGENT, world.tenant())
    refused = visitor.send("/profile/calls", _page="/profile", phone="call me", hours="2")
    assert refused.status_code == 422
    assert (
        visitor.send("/profile/calls", _page="/profile", phone="+56 2 2345 6789", hours="2").status_code
        == 302
    )
    page = visitor.text("/profile")
    assert "+56223456789" in page
    assert "You take calls until" in page or "Recibe llamadas hasta" in page
    visitor.send("/profile/calls", _page="/profile", phone="+56 2 2345 6789", hours="")
    assert "Recibe llamadas hasta" not in visitor.text("/profile")
