"""A lost proof leads back to its page; the page wears its creditor; what was sent can be checked."""

import io
import re

import pytest

from recupero.kernel import clock
from tests.portals.conftest import Visitor
from tests.portals.debtor.conftest import Page

PNG = b"\x89PNG\r\n\x1a\n and so on"


def test_after_the_proof_they_are_back_where_they_wanted_to_be(stranger: Page) -> None:
    wanted = f"{stranger.path}/plan?every=monthly&instalments=3"
    assert stranger.visitor.get(wanted).location.endswith(stranger.path)
    answer = stranger.visitor.send(stranger.path, national_id="6785", birth_date="1980-05-17")
    assert answer.location.endswith(wanted)
    assert stranger.visitor.get(wanted.replace("/plan?", "/plan.json?")).status_code == 200


def test_a_form_whose_session_ended_leads_back_to_its_page(page: Page) -> None:
    page.visitor.client.delete_cookie("session")
    form = f"http://localhost{page.path}/dispute"
    lost = page.visitor.client.post(f"{page.path}/dispute", data={}, headers={"Referer": form})
    assert lost.location.endswith(page.path)
    answer = page.visitor.send(page.path, national_id="6785", birth_date="1980-05-17")
    assert answer.location.endswith(f"{page.path}/dispute")


def test_no_other_address_is_ever_gone_to(stranger: Page) -> None:
    away = {"Referer": f"https://elsewhere.example{stranger.path}/dispute"}
    stranger.visitor.client.post(f"{stranger.path}/dispute", data={}, headers=away)
    answer = stranger.visitor.send(stranger.path, national_id="6785", birth_date="1980-05-17")
    assert answer.location.endswith(stranger.path)


def test_a_script_is_told_to_load_the_page_again(stranger: Page) -> None:
    assert stranger.visitor.get(f"{stranger.path}/plan.json").status_code == 401


def test_a_creditors_look_shows_after_the_proof_only(stranger: Page, visitor: Visitor) -> None:
    from recupero.tenancy.permissions import Role

    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, stranger.placed.scope)
    look = f"/tenants/{stranger.placed.scope.tenant()}/look"
    for colour, field in (("#ffff00", "colour-error"), ("red", "colour-error")):
        refused = visitor.send(look, colour=colour)
        assert refused.status_code == 422
        assert field in refused.text
    logo = {"logo": (io.BytesIO(b"<svg/>"), "logo.svg", "image/svg+xml")}
    assert visitor.send(look, None, colour="#7a1f5c", **logo).status_code == 422
    assert visitor.send(look, colour="#7a1f5c", logo=(io.BytesIO(PNG), "logo.png")).status_code == 302
    for path in ("/look.css", "/logo"):
        assert path not in stranger.text()
        assert stranger.visitor.get(f"{stranger.path}{path}").status_code == 302
    stranger.prove()
    assert f"{stranger.path}/logo" in stranger.text()
    assert "#7a1f5c" in stranger.text("/look.css")
    assert stranger.visitor.get(f"{stranger.path}/logo").data == PNG


def test_the_page_says_how_it_is_made_up_and_what_came_in(page: Page) -> None:
    from tests.payments.test_booking import pay

    pay(page.placed, 20_000)
    text = page.text("?lang=es")
    assert text.count("Pagos hasta ahora") == 2
    assert "$20.000" in text
    assert "$130.000" in text
    assert clock.now().strftime("%d-%m-%Y") in text


def test_the_page_says_what_went_back(page: Page) -> None:
    from tests.payments.test_booking import go_back, pay

    pay(page.placed, 20_000)
    assert "le fueron devueltos" not in page.text("?lang=es")
    go_back(page.placed, 5_000)
    assert "le fueron devueltos $5.000" in page.text()
    pay(page.placed, 135_000, "rest")
    text = page.text()
    assert "No se debe nada" in text
    assert "le fueron devueltos $5.000" in text


def test_where_everything_rests_paying_is_offered_and_not_urged(page: Page) -> None:
    assert 'class="big" type="submit" name="full"' in page.text()
    page.visitor.send(f"{page.path}/hardship", f"{page.path}/help", kind="job_loss")
    assert 'class="wide" type="submit" name="full"' in page.text()


def test_what_is_left_empty_at_the_door_is_asked_for_and_is_no_try(stranger: Page) -> None:
    for _ in range(6):
        answer = stranger.visitor.send(stranger.path, national_id="6785", birth_date="")
        assert answer.status_code == 422
    assert 'id="birth_date-error"' in answer.text
    assert 'id="national_id-error"' not in answer.text
    stranger.prove()


@pytest.mark.parametrize(
    ("below", "page_of", "typed"),
    [
        ("/promise", "/promise", {"promise_amount": "x", "promise_day": "x"}),
        ("/promise", "/promise", {"promise_amount": "999,999,999", "promise_day": "1990-01-01"}),
        ("/means", "/help", {"wages": "x", "food": "-5", "health": "9" * 40}),
        ("/reach", "/reach", {"reach_channel": "x", "begins": "x", "ends": "", "reach_language": "x"}),
        ("/call", "/talk", {"moment": "x"}),
        ("/dispute", "/dispute", {"dispute_why": "x"}),
    ],
)
def test_all_that_is_wrong_with_a_form_is_told_at_its_fields(
    page: Page, below: str, page_of: str, typed: dict[str, str]
) -> None:
    account = {"promise_account": page.placed.account_ids[0]}
    answer = page.visitor.send(f"{page.path}{below}", f"{page.path}{page_of}", **typed, **account)
    assert answer.status_code == 422
    assert set(re.findall(r'id="(\w+)-error"[^>]*>[^<]', answer.text)) == set(typed)
