"""What debtors wait for an answer to is listed by the day it is due, and what is late alarms."""

from datetime import timedelta

import pytest

from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.placements import service
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def owed(visitor: Visitor, scope: Scope) -> list[debts.Debt]:
    """One with an old complaint, one with a dispute of yesterday, one in hardship for two days."""
    now = clock.now()
    with visitor.platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        made = [debts.debt(session, portfolio, client_account=f"CASE-{number}") for number in range(3)]
        for debt, kind, days, until in (
            (made[0], "complaint", 16, None), (made[1], "dispute", 1, None),
            (made[2], "hardship", 5, now + timedelta(days=2)),
        ):  # fmt: skip
            service.open_hold(
                session, debtor_id=debt.debtor_id, account_id=debt.account_id, kind=kind, source="page:other",
                since=now - timedelta(days=days), until=until,
            )  # fmt: skip
    return made


def _order(page: str) -> list[str]:
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    return [one[:1] for one in body.split("CASE-")[1:]]


def test_what_is_due_first_stands_first_and_the_late_alarms(
    visitor: Visitor, scope: Scope, owed: list[debts.Debt]
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    page = visitor.text("/cases")
    assert _order(page) == ["0", "2", "1"]
    assert page.count('badge-bad">late') == 1
    assert page.count('badge-warn">soon') == 1
    assert "their own page" in page
    assert _order(visitor.text("/cases?kind=dispute")) == ["1"]
    assert _order(visitor.text("/cases?state=soon")) == ["0", "2"]
    assert _order(visitor.text("/cases?state=late&sort=-due")) == ["0"]
    assert visitor.text("/cases?as=csv").count("CASE-") == 3
    assert "1 complaint, dispute or hardship case is late" in visitor.text("/")


def test_a_creditor_sets_within_how_many_days(visitor: Visitor, scope: Scope, owed: list[debts.Debt]) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    path = f"/tenants/{scope.tenant()}/answering"
    given = {"opens": "09:00", "closes": "18:00", "sure": "80", "complaint": "20", "dispute": "30"}
    refused = visitor.send(path, **{**given, "dispute": "0"})
    assert refused.status_code == 422
    assert "1 to 365 days" in refused.text
    assert visitor.send(path, **given).status_code == 302
    assert _order(visitor.text("/cases")) == ["2", "0", "1"]
    assert "is late" not in visitor.text("/")


def test_nobody_sees_the_cases_of_others(
    visitor: Visitor, scope: Scope, owed: list[debts.Debt], world: World
) -> None:
    assert visitor.get("/cases").status_code == 302
    visitor.sign_in(Role.SUPERVISOR, world.tenant())
    assert "Nothing is open" in visitor.text("/cases")
