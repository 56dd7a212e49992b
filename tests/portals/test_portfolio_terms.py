"""Interest, order of payment and offers of a portfolio are set on pages, shown first and kept by date."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.payments.offers.policy import Offerer, offer_policy
from recupero.placements import browse
from recupero.tenancy.permissions import Role
from tests.api.conftest import machine
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor

ORDER = {f"order_{n}": part for n, part in enumerate(("principal", "interest", "fee", "cost", "tax"), 1)}
TYPED = {
    "kind": "rate", "rate": "12", "day_count": "act/360", "start": "due", "late_fee": "",
    "late_fee_percent": "", "late_fee_after_days": "", "rate_maximum_conventional_rate": "30",
    "rate_current_interest_rate": "25",
    "stops": "dispute", "holds_from": "2026-03-10", **ORDER,
}  # fmt: skip


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    return place(
        platform, world.tenant(), [{"principal": 1_000_000}, {"principal": 2_000_000}, {"principal": 9}]
    )


@pytest.fixture
def supervisor(visitor: Visitor, placed: Placed) -> Visitor:
    return visitor.sign_in(Role.SUPERVISOR, placed.scope)


def page(placed: Placed, name: str) -> str:
    return f"/tenants/{placed.scope.tenant()}/portfolios/{placed.portfolio_id}/{name}"


def terms(placed: Placed) -> dict[str, Any]:
    with runtime.current().database.transaction(placed.scope) as session:
        found: dict[str, Any] = browse.portfolio(session, placed.portfolio_id).terms
        return found


def test_interest_is_shown_as_an_example_before_it_is_kept(supervisor: Visitor, placed: Placed) -> None:
    path, before = page(placed, "interest"), terms(placed)
    shown = supervisor.send(path, do="preview", **TYPED)
    assert shown.status_code == 200
    assert "3 accounts are open" in shown.text
    assert "10,000" in shown.text  # 1,000,000 at 12% over 30 of 360 days
    assert terms(placed) == before
    assert supervisor.send(path, do="save", **TYPED).status_code == 302
    kept = terms(placed)
    assert kept["accrual"] == {
        "rate": 1200, "day_count": "act/360", "from": "due", "stopped_by": ["dispute"],
        "rates": {"maximum_conventional_rate": 3000, "current_interest_rate": 2500},
    }  # fmt: skip
    assert kept["allocation_order"] == list(ORDER.values())
    assert kept["before"] == [{"until": "2026-03-10"}]
    again = supervisor.text(path)
    assert 'value="12"' in again
    assert "What held when" in again


def test_the_law_is_the_upper_bound_and_the_page_says_so(supervisor: Visitor, placed: Placed) -> None:
    path = page(placed, "interest")
    shown = supervisor.send(path, do="preview", **{**TYPED, "rate": "90"}).text
    assert "cap holds the interest down" in shown
    missing = supervisor.send(path, do="preview", **{**TYPED, "rate_maximum_conventional_rate": ""}).text
    assert "goes by a rate that is not typed" in missing


def test_no_interest_again_from_a_day_on(supervisor: Visitor, placed: Placed) -> None:
    path = page(placed, "interest")
    supervisor.send(path, do="save", **TYPED)
    assert (
        supervisor.send(path, do="save", **{**TYPED, "kind": "none", "holds_from": "2026-05-01"}).status_code
        == 302
    )
    kept = terms(placed)
    assert kept["accrual"] == {"rate": 0}
    assert [row["until"] for row in kept["before"]] == ["2026-03-10", "2026-05-01"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rate", "x", "This is not a number."), ("rate", "1001", "must be a percentage from 0 to 1,000."),
        ("holds_from", "soon", "This is not a date."), ("order_1", "tax", "Choose each part once"),
        ("late_fee", "1.5", "CLP"), ("late_fee_after_days", "0", "must be a whole number"),
        ("day_count", "act/act", "Please choose one."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_field(
    supervisor: Visitor, placed: Placed, field: str, value: str, message: str
) -> None:
    before = terms(placed)
    answer = supervisor.send(page(placed, "interest"), do="save", **{**TYPED, field: value})
    assert answer.status_code == 422
    assert message in answer.text
    assert terms(placed) == before


def test_offers_are_limited_for_all_and_tighter_for_some(supervisor: Visitor, placed: Placed) -> None:
    path = page(placed, "offers")
    typed = {
        "settlement_floor_percent": "60", "max_instalments": "6", "minimum_instalment_minor": "5,000",
        "exception_approver": "administrator", "role_0": "agent", "desk_0": "", "max_instalments_0": "3",
        "role_1": "", "desk_1": "court", "settlement_floor_percent_1": "90", "role_2": "", "desk_2": "",
    }  # fmt: skip
    assert supervisor.send(path, **typed).status_code == 302
    assert terms(placed) == {
        "commission_rate": 2000, "settlement_floor_percent": 60, "max_instalments": 6,
        "minimum_instalment_minor": 5000, "exception_approver": "administrator",
        "offer_limits": [
            {"max_instalments": 3, "role": "agent"},
            {"settlement_floor_percent": 90, "desk": "court"},
        ],
    }  # fmt: skip
    with runtime.current().database.transaction(placed.scope) as session:
        policy = offer_policy(session, placed.account_ids).of(Offerer("agent", "user:1", desk="court"))
    assert (policy.max_instalments, policy.settlement_floor_percent) == (3, 90)
    assert 'value="5,000"' in supervisor.text(path) or 'value="5000"' in supervisor.text(path)
    assert supervisor.send(path, **{**typed, "role_0": ""}).status_code == 422
    assert supervisor.send(path, **{**typed, "max_instalments": "0"}).status_code == 422


def test_an_agent_may_not_and_another_agency_sees_nothing(
    app: Flask, platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, placed.scope)
    officer = Visitor(app.test_client(), platform).sign_in(Role.COMPLIANCE_OFFICER, placed.scope)
    stranger = Visitor(app.test_client(), platform).sign_in(Role.SUPERVISOR, world.tenant())
    for name in ("interest", "offers"):
        assert agent.get(page(placed, name)).status_code == 403
        assert "btn-primary" not in officer.text(page(placed, name))
        assert officer.send(page(placed, name), do="save", **TYPED).status_code == 403
        assert stranger.get(page(placed, name)).status_code == 404


def test_terms_by_machine_hold_from_a_day(app: Flask, platform: runtime.Runtime, placed: Placed) -> None:
    api, path = machine(app, platform, placed.scope), f"/api/v1/portfolios/{placed.portfolio_id}/terms"
    first = api.get(path)["terms"]
    made = api.send(path, 200, "PUT", terms={**first, "accrual": {"rate": 1200}}, holds_from="2026-04-01")[
        "terms"
    ]
    assert made["before"] == [{"until": "2026-04-01"}]
    again = api.send(path, 200, "PUT", terms={**made, "max_instalments": 3})["terms"]
    assert again["before"] == made["before"]
    api.send(path, 422, "PUT", terms=first, holds_from="soon")
