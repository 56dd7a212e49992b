"""A creditor's file through the pages: columns proposed, tried without a trace, taken in, rejects kept."""

import io
import re
from datetime import datetime
from html import unescape

import pytest
from werkzeug.test import TestResponse

from recupero.kernel import jobs
from recupero.kernel.database import Scope
from recupero.placements import browse
from recupero.placements.imports import queueing, reading
from recupero.placements.service import create_portfolio
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor

FILE = (
    "Operación;RUT;Nombre;Correo;Teléfono;Vencimiento;Saldo\n"
    "A-1;12.345.678-5;Ana Pérez;ana@example.com;+56 9 6123 4567;15/01/2026;125.000\n"
    "A-2;11.111.111-1;Luis Soto;luis@example.com;;20/01/2026;89.990\n"
    "A-3;12.345.678-9;Eva Rojas;eva@example.com;;20/01/2026;10.000\n"
)


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    return world.tenant()


@pytest.fixture
def portfolio(visitor: Visitor, scope: Scope) -> int:
    with visitor.platform.database.transaction(scope) as session:
        return create_portfolio(
            session, name="Consumo", country="CL", currency="CLP", product="loan", placement_number=1,
            terms={}, strategy={}, actor="system",
        ).id  # fmt: skip


def sent(visitor: Visitor, portfolio: int, text: str, name: str = "cartera.csv") -> TestResponse:
    """Send the file and answer the page with its columns, or what refused it."""
    answer = visitor.send(
        "/placements", portfolio=portfolio, kind="placement", file=(io.BytesIO(text.encode()), name)
    )
    return visitor.get(answer.headers["Location"]) if answer.status_code == 302 else answer


def choices(page: TestResponse) -> dict[str, str]:
    """The form of the mapping page as the browser would send it unchanged."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        found: dict[str, str] = {}
        select: str | None = None
        area: str | None = None

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            given = dict(attributes)
            if tag == "select":
                self.select = given["name"]
                self.found[self.select or ""] = ""
            elif tag == "option" and "selected" in given:
                self.found[self.select or ""] = given["value"] or ""
            elif tag == "textarea":
                self.area = given["name"]
                self.found[self.area or ""] = ""
            elif tag == "input" and given.get("name") == "shown_spec":
                self.found["shown_spec"] = given["value"] or ""

        def handle_endtag(self, tag: str) -> None:
            if tag == "textarea":
                self.area = None

        def handle_data(self, data: str) -> None:
            if self.area:
                self.found[self.area] += data

    reader = Reader()
    reader.found = {}
    reader.feed(page.text)
    return reader.found


def test_columns_are_proposed_and_first_rows_shown(visitor: Visitor, scope: Scope, portfolio: int) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = sent(visitor, portfolio, FILE)
    chosen = choices(page)
    assert page.status_code == 200
    assert [chosen[f"column-{place}"] for place in range(7)] == [
        "client_account", "national_id", "name", "email", "phone", "due_date", "total",
    ]  # fmt: skip
    assert chosen["decimal"] == ","
    assert "the check digit of the national id is wrong" in page.text


def test_trying_keeps_nothing_and_taking_in_places_accounts(
    visitor: Visitor, scope: Scope, portfolio: int
) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = sent(visitor, portfolio, FILE)
    address = page.request.full_path
    tried = visitor.send(address, **choices(page), do="try")
    assert "What taking it in would do" in tried.text
    with visitor.platform.database.transaction(scope) as session:
        assert browse.accounts(session, browse.Filter()) == []
    taken = visitor.send(address, **choices(page), do="import", save="yes")
    assert taken.status_code == 302, taken.text
    with visitor.platform.database.transaction(scope) as session:
        found = browse.accounts(session, browse.Filter(text="A-1"))
    assert [(row.client_account, row.balance_minor) for row in found] == [("A-1", 125_000)]
    assert taken.headers["Location"] in visitor.text("/placements?kind=placement&sort=-rows")
    assert "Nothing found" in visitor.text("/placements?kind=recall")
    batch = visitor.text(taken.headers["Location"])
    assert "the check digit of the national id is wrong" in batch
    rejects = visitor.get(taken.headers["Location"] + "/rejects.csv")
    assert "A-3" in rejects.text
    assert "A-1" not in rejects.text
    spanish = visitor.text(taken.headers["Location"] + "?lang=es")
    assert "el dígito verificador de la identificación es incorrecto" in spanish
    rejects = visitor.get(taken.headers["Location"] + "/rejects.csv")
    assert "Identificación nacional: el dígito verificador de la identificación es incorrecto" in rejects.text


def test_a_large_file_is_taken_in_by_a_worker_while_the_page_tells_how_far_it_is(
    visitor: Visitor, scope: Scope, portfolio: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "LARGE", 100)
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = sent(visitor, portfolio, FILE)
    address, chosen = page.request.full_path, choices(page)
    tried = visitor.send(address, **chosen, do="try").headers["Location"]
    waiting = visitor.text(tried)
    assert 'http-equiv="refresh"' in waiting
    assert "waits for its turn" in waiting
    jobs.drain()
    after = visitor.text(tried)
    assert 'http-equiv="refresh"' not in after
    assert "nothing was kept" in after
    with visitor.platform.database.transaction(scope) as session:
        assert browse.accounts(session, browse.Filter()) == []
    back = unescape(re.search(r'href="([^"]+)">Back to the columns', after)[1])  # type: ignore[index]  # it is there
    taken = visitor.send(back, **choices(visitor.get(back)), do="import").headers["Location"]
    assert "waits for its turn" in visitor.text(taken)
    jobs.drain()
    done = visitor.text(taken)
    assert "the check digit of the national id is wrong" in done
    assert "A-3" in visitor.get(taken + "/rejects.csv").text
    assert visitor.get(back).status_code == 404  # what has been taken in is not kept


def test_a_failed_file_stands_in_the_list_with_its_reason(
    visitor: Visitor, scope: Scope, portfolio: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "LARGE", 100)
    monkeypatch.setattr(reading, "CHUNK_ROWS", 2)  # what is broken lies behind the rows of the preview
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = sent(visitor, portfolio, FILE + '"A-4;never closed\n')
    taken = visitor.send(page.request.full_path, **choices(page), do="import").headers["Location"]
    jobs.drain()
    assert "A quotation mark opens in the last row and is never closed" in visitor.text(taken)
    listed = visitor.text("/placements")
    assert "Failed" in listed
    with visitor.platform.database.transaction(scope) as session:
        assert browse.accounts(session, browse.Filter()) == []


def test_a_column_chosen_by_hand_counts(visitor: Visitor, scope: Scope, portfolio: int) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = sent(visitor, portfolio, FILE.replace("Operación", "Zzz"))
    given = choices(page)
    assert given["column-0"] == ""
    looked = visitor.send(page.request.full_path, **{**given, "column-0": "client_account"}, do="look")
    assert looked.status_code == 200, looked.text
    assert choices(looked)["column-0"] == "client_account"


@pytest.mark.parametrize("content", ["", "\x00\x01\x02", "only a heading\n"])
def test_a_file_that_cannot_be_read_says_why(
    visitor: Visitor, scope: Scope, portfolio: int, content: str
) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    answer = sent(visitor, portfolio, content)
    assert answer.status_code in (200, 302, 422)
    assert "went wrong on our side" not in answer.text


def test_no_file_is_said_at_its_field(visitor: Visitor, scope: Scope, portfolio: int) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    answer = visitor.send("/placements", portfolio=portfolio, kind="placement")
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text


def test_a_creditors_administrator_places_for_their_own_company_only(
    visitor: Visitor, scope: Scope, portfolio: int, world: World
) -> None:
    visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, scope)
    page = sent(visitor, portfolio, FILE)
    assert visitor.send(page.request.full_path, **choices(page), do="import").status_code == 302
    other = Visitor(visitor.client.application.test_client(), visitor.platform)
    other.sign_in(Role.CREDITOR_ADMINISTRATOR, world.tenant())
    assert (
        sent(other, portfolio, FILE).status_code == 422
        or "no such portfolio" in sent(other, portfolio, FILE).text
    )
    assert other.get(page.request.full_path).status_code == 404
