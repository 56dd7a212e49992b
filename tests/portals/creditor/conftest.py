"""A creditor with accounts, and somebody else's beside it."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from recupero.kernel.database import Scope
from recupero.kernel.runtime import Runtime
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.decisions.debts import Debt
from tests.factories import World
from tests.portals.conftest import Visitor


@dataclass
class Own:
    """The creditor's scope and two of its accounts; `other` is another creditor's account in the agency."""

    platform: Runtime
    scope: Scope
    portfolio: int
    first: Debt
    second: Debt
    other: Debt


@pytest.fixture
def own(world: World, noon: datetime) -> Own:
    scope = world.tenant()
    stranger = world.tenant(Scope(scope.agency_id))
    with world.platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        first = debts.debt(session, portfolio, balance=125_000, client_account="A-1")
        second = debts.debt(session, portfolio, balance=40_000, client_account="A-2")
    with world.platform.database.transaction(stranger) as session:
        other = debts.debt(session, debts.portfolio(session), client_account="B-1")
    return Own(world.platform, scope, portfolio, first, second, other)


@pytest.fixture
def creditor(visitor: Visitor, own: Own) -> Visitor:
    """Its administrator, signed in."""
    return visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, own.scope)
