"""The trail of audit and the installed plug-ins, in words that people read."""

import pytest
from flask import Flask, render_template_string
from flask_babel import ngettext

from recupero.kernel import jobs
from recupero.kernel.database import Scope
from recupero.portals.words.words import LABELS
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor

ROOMS = {"contacts", "decisions", "kernel", "ledger", "outreach", "payments", "placements", "reports"}


def test_the_trail_says_in_words_what_was_done_and_leads_to_it(
    visitor: Visitor, world: World, noon: object
) -> None:
    scope: Scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = visitor.text("/audit")
    assert "Signed in" in page
    assert "tenancy.sign_in" in page  # what one searches by stands beside it
    visitor.send("/labels", tenant=scope.tenant(), name="VIP", colour="green")
    made = visitor.text("/audit?q=label_made")
    assert "Label made" in made
    created = visitor.text("/audit?q=create_tenant")
    assert f'href="/tenants/{scope.tenant()}"' in created
    assert f"Creditor {scope.tenant()}" in created


def test_plugins_are_named_by_what_they_are_for(visitor: Visitor, world: World, noon: object) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, world.tenant())
    page = visitor.text("/plugins?q=Who+pays")
    assert "propensity" in page
    assert "Chile" not in page
    assert "Chile" in visitor.text("/plugins?q=chile")


def test_what_no_text_holds_and_numbers_of_any_length_narrow_a_list_to_nothing(
    visitor: Visitor, world: World, noon: object
) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, world.tenant())
    for address in ("/audit?q=sign%00_in", "/accounts?q=%00", "/users?q=a%00"):
        assert visitor.get(address).status_code == 200, address
    sent = visitor.send("/accounts/many", "/accounts", do="hold", account="9" * 5000)
    assert sent.status_code == 302


def test_every_job_is_told_in_words() -> None:
    jobs.periodic_jobs()  # what is wired
    named = {name for name in jobs._handlers if name.split(".")[0] in ROOMS}
    assert named
    assert named <= set(LABELS["job_name"])


@pytest.mark.parametrize(("language", "written"), [("es", "12.345"), ("pt", "12.345"), ("en", "12,345")])
def test_texts_about_a_number_write_it_as_the_reader_does(app: Flask, language: str, written: str) -> None:
    with app.test_request_context(f"/?lang={language}", headers={"Accept-Language": language}):
        assert ngettext("%(num)s account", "%(num)s accounts", 12345).startswith(written)
        page = render_template_string('{{ ngettext("%(num)s account", "%(num)s accounts", 12345) }}')
        assert page.startswith(written)
        assert render_template_string('{{ ngettext("%(num)s account", "%(num)s accounts", 1) }}')[:2] == "1 "
