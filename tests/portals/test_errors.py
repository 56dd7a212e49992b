"""What a room refuses stands on the page in the reader's language: which row, which field, what to do."""

import io
from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from recupero.demo.population import BOOKS, mapping
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import UserError, Words
from recupero.kernel.runtime import Runtime
from recupero.placements.service import create_portfolio, open_hold, save_mapping
from recupero.portals.frame.errors import said, told
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import PASSWORD, Visitor


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    return world.tenant()


def reader(visitor: Visitor, role: Role, scope: Scope, language: str) -> Visitor:
    visitor.sign_in(role, scope)
    visitor.get(f"/?lang={language}")
    return visitor


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "La gestión de esta cuenta está en pausa: Disputa"),
        ("pt", "O trabalho nesta conta está em pausa: Contestação"),
        ("en", "Work on this account is on hold: Dispute"),
    ],
)
def test_an_error_page_says_codes_in_words(visitor: Visitor, scope: Scope, language: str, words: str) -> None:
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session))
    reader(visitor, Role.AGENT, scope, language)
    taken = visitor.send("/desk/take", _page=f"/accounts/{owed.account_id}", account=owed.account_id)
    assert taken.status_code == 302
    with visitor.platform.database.transaction(scope) as session:
        open_hold(session, debtor_id=owed.debtor_id, account_id=None, kind="dispute", source="test")
    sitting = visitor.text("/desk").split('name="sitting" value="')[1].split('"')[0]
    sent = visitor.send("/desk/call", _page="/desk", sitting=sitting, point=owed.points["phone"])
    assert sent.status_code == 302
    assert words in visitor.text("/desk")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "La contraseña necesita al menos 10 caracteres"),
        ("pt", "A senha precisa de pelo menos 10 caracteres"),
        ("en", "The password needs at least 10 characters"),
    ],
)
def test_a_form_says_at_the_field_what_a_room_refused(
    visitor: Visitor, scope: Scope, language: str, words: str
) -> None:
    reader(visitor, Role.AGENCY_ADMINISTRATOR, scope, language)
    given = {"name": "Bea", "email": "bea@example.com", "role": "agent", "locale": "es"}
    page = visitor.send("/users", password="short", **given)
    assert page.status_code == 422
    assert words in page.text.split('name="password"')[1].split("</div>")[0]
    assert "bea@example.com" in page.text
    assert visitor.send("/users", password=PASSWORD, **given).status_code == 302


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "Complete este campo."),
        ("pt", "Preencha este campo."),
        ("en", "Please fill this in."),
    ],
)
def test_a_form_says_what_it_refused_itself(
    visitor: Visitor, scope: Scope, language: str, words: str
) -> None:
    reader(visitor, Role.AGENCY_ADMINISTRATOR, scope, language)
    page = visitor.send(
        "/users", name="", email="b@example.com", password=PASSWORD, role="agent", locale="es"
    )
    assert words in page.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "Prometa un día entre hoy y el "),
        ("pt", "Prometa um dia entre hoje e "),
        ("en", "Promise a day from today to "),
    ],
)
def test_dates_stand_as_the_reader_writes_them(
    visitor: Visitor, scope: Scope, language: str, words: str
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session))
    reader(visitor, Role.AGENT, scope, language)
    page = f"/accounts/{owed.account_id}"
    answer = visitor.send(f"{page}/promises", _page=page, amount="1000", due="2199-01-01")
    assert answer.status_code == 422
    last = answer.text.split(words)[1].split("<")[0]
    assert len(last) > 8
    assert not last.startswith("20")  # as the reader writes a day, not as machines do


def _portfolio(session: Session) -> int:
    return create_portfolio(
        session, name="Consumo", country="CL", currency="CLP", product="loan", placement_number=1,
        terms={}, strategy={}, actor="system",
    ).id  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "El archivo no se puede leer: Fila 3: En esta fila se abre una comilla"),
        ("pt", "O arquivo não pode ser lido: Linha 3: Nesta linha abre-se uma aspa"),
        ("en", "The file cannot be read: Row 3: A quotation mark opens in this row"),
    ],
)
def test_a_file_that_cannot_be_read_names_its_row(
    visitor: Visitor, scope: Scope, language: str, words: str
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        portfolio = _portfolio(session)
    reader(visitor, Role.AGENCY_ADMINISTRATOR, scope, language)
    content = b'Operacion;RUT;Nombre;Saldo\nA-1;1-9;Ana;5\nA-2;1-9;"Luis;5\nA-3;1-9;Eva";7;7\n'
    answer = visitor.send(
        "/placements", portfolio=portfolio, kind="placement", file=(io.BytesIO(content), "cartera.csv")
    )
    page = visitor.get(answer.headers["Location"])
    assert page.status_code == 422
    assert f'id="file-error">{words}' in page.text
    assert f'value="{portfolio}" selected' in page.text
    assert "file-error" not in visitor.text("/placements")


@pytest.mark.parametrize("saved", [False, True], ids=["new", "known"])
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("vacio.csv", b"", "l archivo está vacío"), ("foto.xlsx", b"MZ\x90\x00" * 50, "no se puede leer")],
    ids=["empty", "program"],
)
def test_a_file_that_is_none_is_said_at_its_field(
    visitor: Visitor, scope: Scope, saved: bool, name: str, content: bytes, words: str
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        portfolio = _portfolio(session)
        if saved:
            spec = mapping(BOOKS[0])
            save_mapping(
                session, portfolio_id=portfolio, kind="placement", name="default", spec=spec, actor="test"
            )
    reader(visitor, Role.AGENCY_ADMINISTRATOR, scope, "es")
    answer = visitor.send(
        "/placements", portfolio=portfolio, kind="placement", file=(io.BytesIO(content), name)
    )
    page = visitor.get(answer.headers["Location"])
    assert page.status_code == 422
    assert words in page.text.partition('id="file-error">')[2][:300]


def test_pages_say_words_and_the_api_codes(app: Flask) -> None:
    error = UserError("work on this account is on hold: %(holds)s", holds=Words("hold", ("court", "dispute")))
    with app.test_request_context("/", headers={"Accept-Language": "es"}):
        assert said(error) == "La gestión de esta cuenta está en pausa: Juicio, Disputa"
    with app.test_request_context("/api/v1/me", headers={"Accept-Language": "es"}):
        assert told(error) == "la gestión de esta cuenta está en pausa: court, dispute"


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", " 131.072 caracteres"), ("pt", " 131.072 caracteres"), ("en", " 131,072 characters")],
)
def test_pages_say_numbers_as_the_reader_writes_them_also_later_and_the_api_plain(
    app: Flask, language: str, words: str
) -> None:
    error = UserError("the line is longer than %(most)s characters", most=131_072)
    with app.test_request_context("/", headers={"Accept-Language": language}):
        assert words in said(error)
        assert words in said(UserError.from_json(error.to_json()))
    with app.test_request_context("/api/v1/me", headers={"Accept-Language": language}):
        assert "131072" in told(error)
    assert error.message == "the line is longer than 131072 characters"


@pytest.mark.parametrize(
    ("language", "words", "back"),
    [
        ("es", "La dirección es incorrecta", "Volver a donde estaba"),
        ("pt", "O endereço está errado", "Voltar para onde estava"),
        ("en", "The address is wrong", "Back to where you were"),
    ],
)
def test_an_error_keeps_the_way_back_and_the_api_answers_in_the_readers_language(
    visitor: Visitor, scope: Scope, language: str, words: str, back: str
) -> None:
    reader(visitor, Role.AGENT, scope, language)
    came = {"Referer": "http://localhost/accounts?q=Ana%20%22"}
    page = visitor.client.get("/nope", headers=came).text
    assert 'href="/accounts?q=Ana%20%22"' in page
    assert back in page
    assert back not in visitor.client.get("/nope", headers={"Referer": "https://elsewhere.example/x"}).text
    answer = visitor.client.get("/api/v1/nope", headers={"Accept-Language": language})
    assert answer.status_code == 404
    assert words in answer.json["message"]
    assert visitor.client.get("/users", headers=came).status_code == 403


@pytest.fixture
def away(platform: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database cannot be reached: nobody listens there."""
    nowhere = Database("postgresql+psycopg://127.0.0.1:9/nobody?connect_timeout=2")
    monkeypatch.setattr(platform, "database", nowhere)
    yield
    nowhere.dispose()


def test_while_the_database_is_away_every_page_says_so_kindly(
    visitor: Visitor, scope: Scope, away: None
) -> None:
    with visitor.client.session_transaction() as session:
        session["language"] = "pt"
    signed_in, debtors = visitor.get("/sign-in"), visitor.get("/p/some-link")
    for page in (visitor.send("/sign-in", email="a@example.com", password="b"), debtors):
        assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
        assert "Estamos fora do ar por um instante" in page.text
        assert "data-keeps-typed" in page.text
        assert "Traceback" not in page.text
    assert signed_in.status_code == 200, "it needs no database"
    assert "private.css" in debtors.text
    assert "Recupero" not in debtors.text
    answer = visitor.client.get("/api/v1/accounts", headers={"Authorization": "Bearer rcp_1_x"})
    assert (answer.status_code, answer.mimetype) == (503, "application/json")


def test_a_wrong_address_below_a_debtors_link_leads_back_to_their_page(visitor: Visitor) -> None:
    page = visitor.get("/p/some-link/nothing?lang=en")
    assert page.status_code == 404
    assert 'href="/p/some-link"' in page.text
    assert "private.css" in page.text
