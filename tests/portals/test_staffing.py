"""Queues against people: what waits, how many minutes there are, who is trained for what."""

from datetime import timedelta

from recupero.kernel import clock
from recupero.outreach.service import NewAction, schedule
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor


def test_calls_that_nobody_has_time_for_are_marked(visitor: Visitor, world: World, noon: object) -> None:
    scope = world.tenant()
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session))
        at = clock.now() + timedelta(hours=1)
        schedule(session, [
            NewAction(owed.account_id, owed.debtor_id, owed.person_id, "call", "first_notice", at,
                      at + timedelta(days=1)),
        ])  # fmt: skip
    visitor.sign_in(Role.SUPERVISOR, scope)
    page = visitor.text("/staffing")
    assert "too little" in page
    assert "No agents yet" in page
    agent = Visitor(visitor.client.application.test_client(), visitor.platform)
    agent.sign_in(Role.AGENT, scope)
    page = visitor.text("/staffing")
    assert "too little" not in page
    assert "Ana Prueba" in page
    assert "English" in page
    assert agent.get("/staffing").status_code == 403
