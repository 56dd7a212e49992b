"""Agencies, tenants, users and keys: who may sign in, and what they then see."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from recupero.kernel import clock, jobs
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.tenancy import queries, service
from recupero.tenancy.permissions import GRANTS, Permission, Role
from tests.factories import World

PASSWORD = "correct horse"


def _user(
    world: World, scope: Scope, role: Role, tenants: list[int] | None = None, email: str = "Ana@Example.com"
) -> int:
    with world.platform.database.transaction(scope) as session:
        return service.create_user(
            session, email=email, name="Ana Soto", password=PASSWORD, role=role, tenant_ids=tenants,
            locale="es", actor="system",
        ).id  # fmt: skip


def test_a_user_signs_in_whatever_the_case_of_the_address(world: World) -> None:
    tenant = world.tenant()
    _user(world, tenant, Role.SUPERVISOR)
    signed_in = service.sign_in(world.platform.database, " ana@example.COM ", PASSWORD)
    assert signed_in is not None
    caller = signed_in[1]
    assert caller.scope == Scope(tenant.agency_id, tenant.tenant_ids)
    assert caller.permissions == GRANTS[Role.SUPERVISOR]
    assert service.sign_in(world.platform.database, "ana@example.com", "wrong") is None
    assert service.sign_in(world.platform.database, "nobody@example.com", PASSWORD) is None


def test_five_wrong_passwords_lock_the_login_for_a_while(world: World, noon: object) -> None:
    _user(world, world.agency(), Role.AGENT)
    database = world.platform.database
    for _ in range(service.MAX_FAILED_LOGINS):
        assert service.sign_in(database, "ana@example.com", "wrong") is None
    assert service.sign_in(database, "ana@example.com", PASSWORD) is None
    clock.advance(service.LOCK + timedelta(seconds=1))
    assert service.sign_in(database, "ana@example.com", PASSWORD) is not None


def test_staff_see_their_assigned_tenants_and_creditors_only_their_own(world: World) -> None:
    agency = world.agency()
    first, second = world.tenant(agency), world.tenant(agency)
    both = Scope(agency.agency_id, first.tenant_ids + second.tenant_ids)
    _user(world, both, Role.AGENT, [second.tenant()], "agent@example.com")
    _user(world, both, Role.AGENCY_ADMINISTRATOR, None, "admin@example.com")
    _user(world, both, Role.CREDITOR_VIEWER, [first.tenant()], "creditor@example.com")

    def scope(email: str) -> Scope:
        signed_in = service.sign_in(world.platform.database, email, PASSWORD)
        assert signed_in is not None
        return signed_in[1].scope

    assert scope("agent@example.com").tenant_ids == second.tenant_ids
    assert scope("admin@example.com").tenant_ids == both.tenant_ids
    assert scope("creditor@example.com") == Scope(
        None, first.tenant_ids
    )  # no agency: no person's other contacts


@pytest.mark.parametrize(
    "values, field",
    [
        ({"password": "short"}, "password"),
        ({"email": "ana"}, "email"),
        ({"role": Role.CREDITOR_VIEWER}, "tenant_ids"),
    ],
)
def test_a_user_that_cannot_work_is_refused_with_the_field(
    world: World, values: dict[str, object], field: str
) -> None:
    defaults: dict[str, object] = {
        "email": "a@example.com", "name": "A", "password": PASSWORD, "role": Role.AGENT,
        "tenant_ids": None, "locale": "es", "actor": "system",
    }  # fmt: skip
    with world.platform.database.transaction(world.agency()) as session, pytest.raises(UserError) as caught:
        service.create_user(session, **{**defaults, **values})  # type: ignore[arg-type]  # parametrised
    assert caught.value.field == field


def test_one_address_signs_in_at_one_agency(world: World) -> None:
    _user(world, world.agency(), Role.AGENT)
    with pytest.raises(Conflict):
        _user(world, world.agency(), Role.AGENT)


def test_signing_out_everywhere_ends_every_session(world: World) -> None:
    agency = world.agency()
    user = _user(world, agency, Role.AGENT)
    database = world.platform.database
    assert service.resume(database, agency.agency(), user, 1) is not None
    with database.transaction(agency) as session:
        service.sign_out_everywhere(session, user, actor="user:1")
    assert service.resume(database, agency.agency(), user, 1) is None


def test_an_api_key_opens_its_tenants_with_its_permissions_until_revoked(world: World, noon: object) -> None:
    tenant = world.tenant()
    database = world.platform.database
    with database.transaction(tenant) as session:
        key = service.create_api_key(
            session, name="erp", permissions=[Permission.PLACEMENTS_READ], tenant_ids=tenant.tenant_ids,
            actor="user:1", expires_at=clock.now() + timedelta(days=30),
        )  # fmt: skip
    caller = service.check_api_key(database, key)
    assert caller is not None
    assert caller.scope == tenant
    assert caller.permissions == {Permission.PLACEMENTS_READ}
    for wrong in ("", "rcp_1_", "rcp_x_y", key + "x", key.replace("rcp_", "rcp_9")):
        assert service.check_api_key(database, wrong) is None
    with database.transaction(tenant) as session:
        service.revoke_api_key(session, int(caller.actor.partition(":")[2]), actor="user:1")
    assert service.check_api_key(database, key) is None


def test_an_api_key_expires(world: World, noon: object) -> None:
    tenant = world.tenant()
    with world.platform.database.transaction(tenant) as session:
        key = service.create_api_key(
            session, name="erp", permissions=[], tenant_ids=tenant.tenant_ids, actor="user:1",
            expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
    clock.advance(timedelta(days=1))
    assert service.check_api_key(world.platform.database, key) is None


def test_a_key_for_a_tenant_out_of_scope_is_refused(world: World) -> None:
    mine, other = world.tenant(), world.tenant()
    with world.platform.database.transaction(mine) as session, pytest.raises(UserError):
        service.create_api_key(session, name="x", permissions=[], tenant_ids=other.tenant_ids, actor="user:1")


def test_plugin_secrets_are_kept_apart_and_unreadable(world: World) -> None:
    tenant = world.tenant()
    with world.platform.database.transaction(tenant) as session:
        service.configure_plugin(
            session, kind="channel", key="email", enabled=True, settings={"host": "mail.example.com"},
            secret_values={"password": "hunter2hunter2"}, actor="user:1",
        )  # fmt: skip
        service.configure_plugin(
            session, kind="channel", key="email", enabled=False, settings={"host": "smtp.example.com"},
            actor="user:1",
        )  # fmt: skip
        found = queries.plugin_config(session, "channel", "email")
        stored = session.execute(text("SELECT secrets FROM plugin_settings")).scalar_one()
    assert found is not None
    enabled, config = found
    assert (enabled, config.get("host"), config.get("password")) == (
        False,
        "smtp.example.com",
        "hunter2hunter2",
    )
    assert "hunter2" not in repr(config)
    assert b"hunter2" not in stored


def test_operators_name_tenants_by_slug_and_are_told_what_there_is(world: World) -> None:
    tenant = world.tenant()
    database = world.platform.database
    with database.transaction(tenant) as session:
        slug = queries.tenant(session).slug
    assert queries.tenant_scope(database, slug) == tenant
    assert queries.tenant_scope(database, str(tenant.tenant())) == tenant
    with pytest.raises(NotFound, match=slug):
        queries.tenant_scope(database, "nope")


def test_the_directory_walks_every_agency_and_carries_into_jobs(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    scopes = [found.scope() for found in queries.agency_scopes(world.platform.database)]
    assert scopes == [first, second]
    seen: list[Scope] = []
    jobs.job("tests.scope")(lambda context: seen.append(context.scope))
    with world.platform.database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "tests.scope", scope=second)
    jobs.drain()
    assert seen == [second]
