"""Signing in and coming back: who may, and what they then see."""

from datetime import timedelta

from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.tenancy import callers, users
from recupero.tenancy.permissions import GRANTS, Role
from tests.factories import World
from tests.tenancy.logins import PASSWORD, login


def test_a_user_signs_in_whatever_the_case_of_the_address(world: World) -> None:
    tenant = world.tenant()
    login(world, tenant, Role.SUPERVISOR)
    signed_in = callers.sign_in(world.platform.database, " ana@example.COM ", PASSWORD)
    assert signed_in is not None
    caller = signed_in[1]
    assert caller.scope == Scope(tenant.agency_id, tenant.tenant_ids)
    assert caller.permissions == GRANTS[Role.SUPERVISOR]
    assert callers.sign_in(world.platform.database, "ana@example.com", "wrong") is None
    assert callers.sign_in(world.platform.database, "nobody@example.com", PASSWORD) is None


def test_five_wrong_passwords_lock_the_login_for_a_while(world: World, noon: object) -> None:
    login(world, world.agency(), Role.AGENT)
    database = world.platform.database
    for _ in range(callers.MAX_FAILED_LOGINS):
        assert callers.sign_in(database, "ana@example.com", "wrong") is None
    assert callers.sign_in(database, "ana@example.com", PASSWORD) is None
    clock.advance(callers.LOCK + timedelta(seconds=1))
    assert callers.sign_in(database, "ana@example.com", PASSWORD) is not None


def test_staff_see_their_assigned_tenants_and_creditors_only_their_own(world: World) -> None:
    agency = world.agency()
    first, second = world.tenant(agency), world.tenant(agency)
    both = Scope(agency.agency_id, first.tenant_ids + second.tenant_ids)
    login(world, both, Role.AGENT, [second.tenant()], "agent@example.com")
    login(world, both, Role.AGENCY_ADMINISTRATOR, None, "admin@example.com")
    login(world, both, Role.CREDITOR_VIEWER, [first.tenant()], "creditor@example.com")

    def scope(email: str) -> Scope:
        signed_in = callers.sign_in(world.platform.database, email, PASSWORD)
        assert signed_in is not None
        return signed_in[1].scope

    assert scope("agent@example.com").tenant_ids == second.tenant_ids
    assert scope("admin@example.com").tenant_ids == both.tenant_ids
    assert scope("creditor@example.com") == Scope(
        None, first.tenant_ids
    )  # no agency: no person's other contacts


def test_signing_out_everywhere_ends_every_session(world: World) -> None:
    agency = world.agency()
    user = login(world, agency, Role.AGENT)
    database = world.platform.database
    assert callers.resume(database, agency.agency(), user, 1) is not None
    with database.transaction(agency) as session:
        users.sign_out_everywhere(session, user, actor="user:1")
    assert callers.resume(database, agency.agency(), user, 1) is None
