"""Lists are sorted, filtered, turned over and taken home; nothing but what a page states is obeyed."""

import csv
import io
import re
from datetime import datetime
from typing import Any

import fastexcel
import orjson
import pytest
from flask import Flask

from recupero.kernel import audit
from recupero.kernel.database import Scope
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    return world.tenant()


@pytest.fixture
def many(visitor: Visitor, scope: Scope) -> Visitor:
    """An agent's visit to 55 accounts; N-000 owes least."""
    with visitor.platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        for number in range(55):
            debts.debt(session, portfolio, client_account=f"N-{number:03}", balance=1000 + number)
    return visitor.sign_in(Role.AGENT, scope)


def numbers(page: str) -> list[str]:
    return re.findall(r">(N-\d{3})<", page)


def link(page: str, text: str) -> str:
    """Where the link of this text leads."""
    found = re.search(rf'<a[^>]*href="([^"]+)"[^>]*>{text}', page)
    assert found, text
    return found[1].replace("&amp;", "&")


def test_a_heading_sorts_and_sorts_the_other_way_round(many: Visitor) -> None:
    page = many.text("/accounts")
    assert 'aria-sort="' not in page
    up = many.text(link(page, "Balance"))
    assert numbers(up)[:2] == ["N-000", "N-001"]
    assert up.count('aria-sort="ascending"') == 1
    down = many.text(link(up, "Balance"))
    assert numbers(down)[:2] == ["N-054", "N-053"]
    assert 'aria-sort="descending"' in down


def test_pages_keep_the_order_and_the_filters(many: Visitor) -> None:
    first = many.text("/accounts?sort=balance&status=active&lang=en&theme=dark")
    assert len(numbers(first)) == 50
    assert "1 to 50" in first
    second = many.text(link(first, "Next page"))
    assert numbers(second) == ["N-050", "N-051", "N-052", "N-053", "N-054"]
    assert "Next page" not in second
    assert numbers(many.text(link(second, "Previous page"))) == numbers(first)


@pytest.mark.parametrize(
    "asked",
    [
        "sort=debtor", "sort=-", "sort=balance;drop", "page=0", "page=-4", "page=abc", "page=", "as=exe",
        "tenant=999999", "status=nonsense", "held=maybe", "portfolio=1' or 1=1",
    ],
)  # fmt: skip
def test_what_no_page_states_is_not_obeyed(many: Visitor, asked: str) -> None:
    assert len(numbers(many.text(f"/accounts?{asked}"))) == 50


def test_a_page_beyond_the_last_leads_back(many: Visitor) -> None:
    page = many.text("/accounts?page=99999999")
    assert "Nothing more on this page" in page
    assert len(numbers(many.text(link(page, "First page")))) == 50


def test_a_filter_that_finds_nothing_can_be_taken_off(many: Visitor) -> None:
    page = many.text("/accounts?status=closed&sort=balance")
    assert "Nothing found" in page
    assert len(numbers(many.text(link(page, "Show all")))) == 50


def test_files_hold_all_rows_of_the_list_as_it_is_filtered_and_sorted(many: Visitor, scope: Scope) -> None:
    page = many.text("/accounts?sort=-balance&status=active")
    files: dict[str, Any] = {form: many.get(link(page, form)) for form in ("CSV", "XLSX", "JSON")}
    in_json = orjson.loads(files["JSON"].data)
    assert [row["account"] for row in in_json] == [f"N-{number:03}" for number in reversed(range(55))]
    assert in_json[0]["balance"] == {"minor": 1054, "currency": "CLP"}
    in_csv = list(csv.reader(io.StringIO(files["CSV"].data.decode("utf-8-sig"))))
    assert in_csv[0][3:6] == ["Balance", "ISO 4217", "Due since"]
    assert [in_csv[1][0], *in_csv[1][3:5]] == ["N-054", "1054", "CLP"]
    sheet = fastexcel.read_excel(files["XLSX"].data).load_sheet(0).to_polars()
    assert (sheet.height, sheet["Balance"][0], sheet["Status"][0]) == (55, 1054, "Active")
    assert re.search(r'filename="accounts-\d{4}-\d\d-\d\d\.csv"', files["CSV"].headers["Content-Disposition"])
    with many.platform.database.transaction(scope) as session:
        noted = audit.page(session, holding="portals.list_exported")
    assert [one.details["form"] for one in noted] == ["json", "xlsx", "csv"]
    assert noted[0].details == {"form": "json", "rows": 55, "filters": {"status": "active"}}


def test_no_text_of_a_list_is_a_formula_in_a_spreadsheet(visitor: Visitor, scope: Scope) -> None:
    with visitor.platform.database.transaction(scope) as session:
        debts.debt(session, debts.portfolio(session), client_account="=1+1")
    visitor.sign_in(Role.AGENT, scope)
    assert "'=1+1" in visitor.get("/accounts?as=csv").text


def test_a_list_that_is_read_whole_is_filtered_by_what_its_rows_hold(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    for name in ("bea Nueva", "Carla Otra"):
        visitor.send("/users", name=name, email=f"{name[:3]}@example.com", password="correct horse battery",
                     role="agent", locale="es")  # fmt: skip
    page = visitor.text("/users")
    assert page.index("Ana Prueba</") < page.index("bea Nueva</") < page.index("Carla Otra</")
    assert "Carla Otra" not in visitor.text("/users?q=NUEVA+bea")
    assert "agency_administrator-" not in visitor.text("/users?role=agent")
    assert "1 to 2 of 2" in visitor.text("/users?role=agent")


def test_light_and_dark_are_kept_in_the_browser(visitor: Visitor) -> None:
    assert "data-theme" not in visitor.text("/sign-in")
    assert 'data-theme="dark"' in visitor.text("/sign-in?theme=dark")
    assert 'data-theme="dark"' in visitor.text("/sign-in")
    assert "data-theme" not in visitor.text("/sign-in?theme=purple")
    visitor.get("/sign-in?theme=system")
    assert "data-theme" not in visitor.text("/sign-in")


def test_the_cookie_of_the_colours_is_as_secure_as_the_public_address(
    visitor: Visitor, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy every request is http, whatever people's browsers speak."""
    assert "Secure" not in visitor.get("/sign-in?theme=dark").headers["Set-Cookie"]
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    cookies = visitor.get("/sign-in?theme=dark").headers.getlist("Set-Cookie")
    assert all("Secure" in one for one in cookies if one.startswith("recupero_theme"))
    assert any(one.startswith("recupero_theme") for one in cookies)
