"""Behind a payment link: a plan with its dates, an offer to settle, hard times; as letters to keep."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from recupero.kernel import jobs, runtime
from recupero.payments import service as payments
from recupero.payments.agreements import settlements
from recupero.payments.offers import affordability
from recupero.payments.offers.offer_tables import HardshipCase, Plan, Settlement
from recupero.payments.tables import Charge
from recupero.placements.tables import Hold, Portfolio
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_plans import AGENT, CREDITOR
from tests.portals.debtor.test_account import prove, send

TERMS = {"max_instalments": 6, "minimum_instalment_minor": 10_000, "settlement_floor_percent": 60}


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as opened:
        yield opened


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 90000}, {"principal": 60000}], terms=TERMS)


@pytest.fixture
def path(client: FlaskClient, platform: runtime.Runtime, placed: Placed) -> str:
    with platform.database.transaction(placed.scope) as session:
        url = payments.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    found = url.removeprefix(platform.config.base_url)
    client.get(found + "?lang=es")
    assert prove(client, found).status_code == 302
    return found


def shown(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def test_before_the_proof_no_offer_opens(client: FlaskClient, platform: runtime.Runtime, path: str) -> None:
    client.delete_cookie("session")
    for inner in ("/plan", "/help", "/plans/1", "/plans/1.pdf", "/settlements/1.pdf"):
        answer = client.get(path + inner)
        assert (answer.status_code, answer.headers["Location"].endswith(path)) == (302, True)


def test_plans_are_shown_with_dates_and_totals_before_agreeing(client: FlaskClient, path: str) -> None:
    assert "/plan" in shown(client, path)
    page = shown(client, path + "/plan")
    for amount in ("$75.000", "$50.000", "$25.000"):
        assert amount in page
    one = shown(client, path + "/plan?every=monthly&instalments=3&first_on=2026-03-20&pay_day=30")
    for text in ("30-03-2026", "30-04-2026", "01-06-2026", "$50.000", "$150.000"):
        assert text in one, text


@pytest.mark.parametrize(("payable", "count"), [(None, 6), (26_000, 6), (1_000, 3)])
def test_the_slider_begins_at_the_plan_of_which_most_is_expected_within_what_they_can_pay(
    client: FlaskClient, path: str, placed: Placed, payable: int | None, count: int
) -> None:
    """Nothing is asked for at once. Where none fits what they told, it begins in the middle; chances
    are nobody's to read."""
    if payable:
        with runtime.current().database.transaction(placed.scope) as session:
            affordability.keep(
                session, debtor_id=placed.debtor_id, currency="CLP", answers={"wages": 2 * payable},
                told_with="page",
            )  # fmt: skip
    page = shown(client, path + "/plan")
    slider = re.search(r'<input id="instalments"[^>]* value="(\d+)"', page)
    assert slider is not None
    assert int(slider[1]) == count
    assert "of 10" not in page


def test_agreeing_runs_the_plan_and_its_instalment_is_paid_next(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    where = path + "/plan?every=monthly&instalments=3&first_on=2026-03-20"
    answer = send(client, where, path + "/plan", every="monthly", instalments="3", first_on="2026-03-20")
    assert answer.status_code == 302
    assert "$150.000" in shown(client, answer.headers["Location"])
    letter = client.get(answer.headers["Location"] + ".pdf")
    assert letter.data.startswith(b"%PDF")
    with platform.database.transaction(placed.scope) as session:
        plan = session.execute(select(Plan)).scalar_one()
        assert (plan.state, plan.made_with, plan.total_minor) == ("running", "page", 150_000)
        assert set(session.execute(select(Hold.kind)).scalars()) == {"plan"}
    assert send(client, path, path + "/pay", instalment="1").status_code == 302
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Charge.amount_minor)).scalar_one() == 50_000


@pytest.mark.parametrize(
    "form",
    [
        {"every": "monthly", "instalments": "7"},
        {"every": "monthly", "instalments": "x"},
        {"every": "monthly", "at_most": "5.000"},
        {"every": "monthly", "instalments": "3", "first_on": "2026-12-01"},
        {"every": "monthly"},
        {"every": "never", "instalments": "3"},
    ],
)
def test_what_the_creditor_does_not_allow_is_refused_kindly(
    client: FlaskClient, path: str, form: dict[str, str], placed: Placed, platform: runtime.Runtime
) -> None:
    answer = send(client, path, path + "/plan", **form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Plan)).first() is None


def offered(placed: Placed, amount: int = 100_000) -> Settlement:
    with runtime.current().database.transaction(placed.scope) as session:
        return settlements.offer_settlement(
            session, account_ids=placed.account_ids, amount_minor=amount, valid_until=date(2026, 3, 20),
            offerer=AGENT,
        )  # fmt: skip


def test_an_offer_is_taken_and_paid_on_the_page(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    made = offered(placed)
    assert "$100.000" in shown(client, path)
    assert client.get(f"{path}/settlements/{made.id}.pdf").data.startswith(b"%PDF")
    assert send(client, path, f"{path}/settlements/{made.id}").status_code == 302
    page = shown(client, path)
    assert f'name="settlement" value="{made.id}"' in page
    assert 'name="full"' not in page, "to pay it in full would be to pay too much"
    assert f'href="{path}/plan"' not in page
    waiting = send(client, path, path + "/pay", settlement=str(made.id)).headers["Location"]
    jobs.drain()
    page = re.search(r'href="[^"]*(/sandbox/pay/[^"]+)"', shown(client, waiting))
    assert page
    send(client, page[1], page[1], outcome="paid")
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        row = session.execute(select(Settlement.state, Settlement.written_off_minor)).one()
        assert row == ("settled", 50_000)


def test_an_offer_or_plan_of_somebody_else_is_not_there(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    other = place(platform, placed.scope, [{"principal": 200_000}], terms=TERMS)
    made = offered(other, 150_000)
    assert send(client, path, f"{path}/settlements/{made.id}").status_code == 404
    assert client.get(f"{path}/settlements/{made.id}.pdf").status_code == 404


def test_what_a_month_looks_like_leads_to_a_plan_that_leaves_room(client: FlaskClient, path: str) -> None:
    page = shown(client, path + "/help")
    assert 'name="wages"' in page
    answer = send(client, path + "/help", path + "/means", wages="700.000", housing="620.000")
    assert answer.status_code == 302
    assert "at_most=40000" in answer.headers["Location"]
    assert "$37.500" in shown(client, answer.headers["Location"])


def test_nothing_left_or_nothing_told_leads_to_help_not_to_a_plan(client: FlaskClient, path: str) -> None:
    for form in ({"wages": "100", "housing": "700.000"}, {"housing": "10"}, {}):
        answer = send(client, path + "/help", path + "/means", **form)
        assert answer.headers["Location"].endswith("/help?done=means")
    assert send(client, path + "/help", path + "/means", wages="abc").status_code == 422


def test_hard_times_let_everything_rest(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    answer = send(client, path + "/help", path + "/hardship", kind="illness", note="operación")
    assert "done=hardship" in answer.headers["Location"]
    assert 'role="status"' in shown(client, answer.headers["Location"])
    with platform.database.transaction(placed.scope) as session:
        case = session.execute(select(HardshipCase)).scalar_one()
        assert (case.kind, case.note, case.opened_by) == ("illness", "operación", "debtor")
        assert case.until - case.opened_at == timedelta(days=60)
    assert send(client, path + "/help", path + "/hardship", kind="nothing").status_code in (302, 422)


def test_the_sliders_dates_come_as_data_within_the_creditors_policy(client: FlaskClient, path: str) -> None:
    wish = "every=monthly&instalments=2&down_percent=20&first_on=2026-03-20"
    told = client.get(f"{path}/plan.json?{wish}").get_json()
    assert [amount for _day, amount in told["rows"]] == ["$30.000", "$60.000", "$60.000"]
    assert told["total"] == "$150.000"
    assert " 2 " in told["count"], "as the slider says: what is paid at once is told beside it"
    assert told["count"] in client.get(f"{path}/plan?{wish}").text
    assert all(amount in shown(client, f"{path}/plan?{wish}") for amount in ("$30.000", "$60.000"))
    for wrong in ("instalments=7", "instalments=x", "instalments=6&down_percent=5", ""):
        answer = client.get(f"{path}/plan.json?every=monthly&{wrong}")
        assert answer.status_code == 422, wrong
        assert answer.get_json()["errors"], wrong


def test_agreeing_with_the_sliders_agrees_what_they_showed(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    form = {"every": "monthly", "instalments": "2", "down_percent": "20", "first_on": "2026-03-20"}
    assert send(client, path, path + "/plan", **form).status_code == 302
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Plan.choice)).scalar_one()["down_payment_minor"] == 30_000


def test_a_sum_within_policy_is_offered_at_once_and_one_below_is_asked(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    assert "/settle" in shown(client, path)
    for amount in ("", "x", "150.000", "0", "10"):
        assert send(client, path, path + "/settle", amount=amount).status_code == 422, amount
    below = send(client, path, path + "/settle", amount="50.000", why="es lo que tengo")
    assert "done=settle_asked" in below.headers["Location"]
    again = send(client, path, path + "/settle", amount="40.000")
    assert again.headers["Location"].endswith(path), "one question at a time"
    assert "$50.000" in shown(client, path + "/settle")
    assert "aún no responde" in shown(client, path)
    with platform.database.transaction(placed.scope) as session:
        row = session.execute(select(Settlement)).scalar_one()
        assert (row.state, row.made_with, row.why) == ("asked", "page", "es lo que tengo")
        settlements.decide(session, row.id, CREDITOR, allow=False, note="Too little")
    told = shown(client, path)
    assert ("$50.000" in told, "Too little" in told) == (True, False), "the answer, in our words"
    inside = send(client, path, path + "/settle", amount="100.000")
    assert "done=settle_yes" in inside.headers["Location"]
    assert "$100.000" in shown(client, path)
    better = send(client, path, path + "/settle", amount="120.000")
    assert "done=settle_better" in better.headers["Location"]
    with platform.database.transaction(placed.scope) as session:
        states = session.execute(select(Settlement.state).order_by(Settlement.id)).scalars().all()
        assert states == ["refused", "offered"]


def test_the_strategy_says_which_offers_the_page_makes(
    client: FlaskClient, path: str, placed: Placed, platform: runtime.Runtime
) -> None:
    def set_strategy(**strategy: object) -> None:
        with platform.database.transaction(placed.scope) as session:
            session.execute(update(Portfolio).values(strategy=strategy))

    plan, settle = f'href="{path}/plan"', f'href="{path}/settle"'
    assert plan in shown(client, path)
    assert settle in shown(client, path)
    set_strategy(offers=["full", "settlement"])
    assert plan not in shown(client, path)
    assert settle in shown(client, path)
    assert client.get(path + "/plan").status_code == 302
    form = {"every": "monthly", "instalments": "3", "first_on": "2026-03-20"}
    assert send(client, path, path + "/plan", **form).headers["Location"] == path  # nothing was agreed
    early = {"name": "owes little", "when": {"to_balance_minor": 70_000}, "then": {"offers": ["plan"]}}
    set_strategy(segments=[early])  # one of the two accounts: what both make
    assert plan in shown(client, path)
    assert settle not in shown(client, path)
    assert client.get(path + "/settle").status_code == 302
    set_strategy(offers=["no such thing"])  # plans tell it; nobody's page breaks
    assert plan in shown(client, path)
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Plan)).first() is None
