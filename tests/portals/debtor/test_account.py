"""Behind a payment link: nothing before the proof, then everything that a debtor may want to do."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from recupero.contacts.tables import Permission
from recupero.kernel import audit, clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.ledger import queries as ledger
from recupero.payments import service as payments
from recupero.payments.tables import Charge, Payment, PaymentLink, PromiseToPay
from recupero.placements.identity import Fact
from recupero.placements.tables import Account, Hold
from tests.factories import World
from tests.ledger.placed import Placed, place

RIGHT = {"national_id": "678-5", "birth_date": "1980-05-17"}


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as opened:
        yield opened


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 90000, "cost": 10000}, {"principal": 50000}])


@pytest.fixture
def path(platform: runtime.Runtime, placed: Placed) -> str:
    with platform.database.transaction(placed.scope) as session:
        url = payments.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    return url.removeprefix(platform.config.base_url)


def send(client: FlaskClient, page: str, to: str, **form: str):  # type: ignore[no-untyped-def]  # werkzeug's test answer
    """Open a page, take its token, send a form."""
    shown = client.get(page).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown)
    assert token, shown
    return client.post(to, data={"csrf_token": token[1], **form}, follow_redirects=False)


def prove(client: FlaskClient, path: str, **answers: str):  # type: ignore[no-untyped-def]  # werkzeug's test answer
    return send(client, path, path, **{**RIGHT, **answers})


def test_before_the_proof_nothing_of_a_debt_is_shown(client: FlaskClient, path: str) -> None:
    page = client.get(path).get_data(as_text=True)
    page = re.sub(r'value="[^"]+"', "", page).replace(path, "")  # random letters spell anything
    for word in (
        "Acreedor",
        "Agencia",
        "100",
        "90",
        "CLP",
        "$",
        "deuda",
        "debt",
        "owe",
        "pagar",
        "María",
        "FAC-",
    ):
        assert word not in page, word
    for inner in ("/thanks", "/pay/1"):
        answer = client.get(path + inner)
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith(path)


def test_the_right_facts_open_the_page_and_wrong_ones_do_not(
    client: FlaskClient, placed: Placed, path: str
) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(update(Account).values(product="credito_consumo"))
    assert prove(client, path, national_id="9999").status_code == 422
    assert prove(client, path, birth_date="1980-05-18").status_code == 422
    assert prove(client, path).status_code == 302
    page = client.get(path + "?lang=es").get_data(as_text=True)
    assert "Acreedor" in page
    assert "$150.000" in page
    assert "Crédito de consumo FAC-" in page, "not the creditor's code for it"


def test_the_proof_ends_after_half_an_hour_and_is_bound_to_its_link(
    client: FlaskClient, path: str, platform: runtime.Runtime, world: World
) -> None:
    prove(client, path)
    other = place(platform, world.tenant())
    with platform.database.transaction(other.scope) as session:
        urls = payments.ensure_links(session, {other.debtor_id: other.account_ids})
    stranger = client.get(urls[other.debtor_id]).get_data(as_text=True)
    assert "Acreedor" not in stranger
    clock.advance(timedelta(minutes=31))
    assert "Acreedor" not in client.get(path).get_data(as_text=True)


def test_five_wrong_tries_lock_the_link_for_right_answers_too(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    for _ in range(5):
        prove(client, path, national_id="0000")
    assert client.get(path).status_code == 429
    with platform.database.transaction(placed.scope) as session:
        link = session.execute(select(PaymentLink)).scalar_one()
        door = payments.open_link(platform.database, link.token)
    assert door is not None
    answers = {Fact.NATIONAL_ID: "6785", Fact.BIRTH_DATE: "1980-05-17"}
    assert not payments.prove_identity(platform.database, door, answers)
    clock.advance(timedelta(minutes=31))
    assert payments.prove_identity(platform.database, door, answers)


def test_a_tampered_or_revoked_token_opens_nothing(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    assert client.get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404
    assert client.get("/p/x").status_code == 404
    with platform.database.transaction(placed.scope) as session:
        link = session.execute(select(PaymentLink)).scalar_one()
        payments.revoke_link(session, link.id, actor="system")
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Acreedor" not in answer.get_data(as_text=True)
    assert 'href="/m"' in answer.get_data(as_text=True), "a way on"


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, path: str) -> None:
    assert client.post(path, data=RIGHT).status_code in {302, 400}
    assert "Acreedor" not in client.get(path).get_data(as_text=True)


def _pay(client: FlaskClient, path: str, outcome: str, **form: str) -> None:
    prove(client, path)
    waiting = send(client, path, path + "/pay", **form).headers["Location"]
    assert "data-wait" in client.get(waiting).get_data(as_text=True)
    jobs.drain()
    page = re.search(r'href="[^"]*(/sandbox/pay/[^"]+)"', client.get(waiting).get_data(as_text=True))
    assert page
    back = send(client, page[1], page[1], outcome=outcome)
    assert back.headers["Location"].endswith(path + "/thanks")


def test_paying_in_full_books_once_and_closes_the_accounts(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    _pay(client, path, "paid", full="1")
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        assert ledger.check(session) == []
        assert session.execute(select(Payment.amount_minor, Payment.state)).one() == (150000, "booked")
        assert session.execute(select(Charge.state)).scalar_one() == "paid"
        assert set(session.execute(select(Account.status)).scalars()) == {"resolved"}
    assert "$150.000" in client.get(path + "/thanks?lang=es").get_data(as_text=True)


def test_another_amount_pays_the_oldest_debt_first(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    client.get(path + "?lang=es")
    _pay(client, path, "paid", amount="30.000")
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        balances = ledger.balances(session, placed.account_ids)
    assert [balances[one].total_minor for one in placed.account_ids] == [70000, 50000]


def test_an_amount_above_what_is_owed_is_refused_kindly(client: FlaskClient, path: str) -> None:
    client.get(path + "?lang=es")
    prove(client, path)
    answer = send(client, path, path + "/pay", amount="999.999")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_a_failed_payment_books_nothing_and_may_be_tried_again(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    _pay(client, path, "failed", full="1")
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Payment)).first() is None
    assert f'href="{path}/pay"' in client.get(path + "/thanks").get_data(as_text=True)
    _pay(client, path, "paid", full="1")
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Payment.amount_minor)).scalar_one() == 150000


def test_a_delayed_payment_is_booked_when_it_is_told(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    _pay(client, path, "later", full="1")
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Charge.state)).scalar_one() == "pending"
    waits = "is being confirmed"
    assert f"150,000 of Mar 10, 2026 {waits}" in client.get(path + "?lang=en").get_data(as_text=True)
    clock.advance(timedelta(minutes=3))
    jobs.drain()
    assert waits not in client.get(path).get_data(as_text=True)
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Payment.state)).scalar_one() == "booked"


def test_wishes_take_effect_at_once_with_audit(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    client.get(path + "?lang=en")
    prove(client, path)
    promised, disputed = (str(account) for account in placed.account_ids)  # a dispute ends its own promises
    sent = [
        send(client, path, path + "/promise", promise_account=promised, promise_amount="20000",
             promise_day="2026-03-20"),
        send(client, path, path + "/dispute", dispute_account=disputed, dispute_why="not_mine"),
        send(client, path, path + "/stop", channel="call"),
        send(client, path, path + "/person"),
    ]  # fmt: skip
    assert [answer.status_code for answer in sent] == [302] * 4
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(PromiseToPay.amount_minor)).scalar_one() == 20000
        assert {"dispute", "person", "promise"} == set(
            session.execute(select(Hold.kind).where(Hold.ended_at.is_(None))).scalars()
        )
        assert session.execute(select(Permission.channel, Permission.kind)).one() == ("call", "opt_out")
    with platform.database.transaction(Scope(placed.scope.agency_id)) as session:
        assert audit.verify(session) == []
        acts = set(session.execute(select(audit.AuditEvent.action)).scalars())
    assert {"outreach.debtor_tells", "payments.debtor_opts_out", "payments.debtor_asks_person"} <= acts
    page = client.get(sent[1].headers["Location"]).get_data(as_text=True)
    assert "A person looks into it" in page


def test_an_account_of_somebody_else_cannot_be_named(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    other = place(platform, placed.scope)
    prove(client, path)
    strange = str(other.account_ids[0])
    for where, form in (
        ("/dispute", {"dispute_account": strange, "dispute_why": "other"}),
        ("/promise", {"promise_account": strange, "promise_amount": "10", "promise_day": "2026-03-20"}),
    ):
        assert send(client, path, path + where, **form).status_code == 422


def test_the_page_speaks_the_debtors_language(
    client: FlaskClient, platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), language="pt")
    with platform.database.transaction(placed.scope) as session:
        url = payments.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    assert '<html lang="pt">' in client.get(url).get_data(as_text=True)
    assert '<html lang="en">' in client.get(url + "?lang=en").get_data(as_text=True)
