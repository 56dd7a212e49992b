"""What to offer stands first: at the desk, among an account's agreements, and in the API."""

from html import unescape

from flask import Flask

from recupero.kernel import runtime
from recupero.payments.offers import affordability
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.outreach.placed import Placed
from tests.portals.conftest import Visitor
from tests.portals.desk.test_desk import at_desk, placed, proven  # noqa: F401 - a fixture among them


def _tell(owing: Placed, payable: int) -> None:
    """The debtor told of a month that leaves so much to pay with."""
    with runtime.current().database.transaction(owing.scope) as session:
        affordability.keep(
            session, debtor_id=owing.debtor_id, currency="CLP", answers={"wages": 2 * payable},
            told_with="page",
        )  # fmt: skip


def test_the_agent_sees_what_is_best_to_offer_and_asks_for_it_in_one_press(
    visitor: Visitor,
    placed: Placed,  # noqa: F811 - the fixture
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    panel = unescape(visitor.text("/desk")).split("Best to offer")[1].split("</ol>")[0]
    first = panel.split("</li>")[0]
    assert "CLP\xa025,000 at once, then 4 × CLP\xa025,000" in first
    assert "of 10 are kept; CLP\xa0" in first
    asked = visitor.text(first.split('href="')[1].split('"')[0])
    assert "They agree" in asked
    assert "Beyond the limits" not in asked
    assert "this goes by how much, how long and how soon" in visitor.text("/desk")
    account = unescape(visitor.text(f"/accounts/{placed.account_id}/offers"))
    best = account.split("Best to offer")[1].split("</li>")[0]
    assert "CLP\xa025,000 at once, then 4 × CLP\xa025,000" in best

    _tell(placed, 24_000)
    tight = unescape(visitor.text("/desk")).split("Best to offer")[1].split("</div>")[0]
    assert "They told that they can pay CLP\xa024,000 a month" in tight
    assert "settles everything" not in tight
    _tell(placed, 1_000)
    assert "Nothing within your limits fits" in visitor.text("/desk")


def test_a_key_reads_what_to_offer_within_its_limits(
    app: Flask,
    visitor: Visitor,
    placed: Placed,  # noqa: F811 - the fixture
) -> None:
    api = machine(app, runtime.current(), placed.scope, Permission.ACCOUNTS_READ)
    path = f"/api/v1/accounts/{placed.account_id}/offers/advised"
    found = api.get(path)
    assert (found["learned"], found["owed_minor"], found["payable_minor"]) == (False, 125_000, None)
    expected = [one["expected_minor"] for one in found["offers"]]
    assert expected == sorted(expected, reverse=True)
    for one in found["offers"]:
        assert sum(each["amount_minor"] for each in one["payments"]) == one["total_minor"]
        assert 0 < one["chance"] < 1
    assert api.call("GET", "/api/v1/accounts/999999/offers/advised").status_code == 404
    other = machine(app, runtime.current(), placed.scope, Permission.LAW_READ)
    assert other.call("GET", path).status_code == 403
