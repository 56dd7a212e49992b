"""API keys open what they were made for, until they end."""

from datetime import timedelta

import pytest

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.tenancy import keys
from recupero.tenancy.permissions import Permission
from tests.factories import World


def test_an_api_key_opens_its_tenants_with_its_permissions_until_revoked(world: World, noon: object) -> None:
    tenant = world.tenant()
    database = world.platform.database
    with database.transaction(tenant) as session:
        key = keys.create(
            session, name="erp", permissions=[Permission.PLACEMENTS_READ], tenant_ids=tenant.tenant_ids,
            actor="user:1", expires_at=clock.now() + timedelta(days=30),
        )  # fmt: skip
    caller = keys.check(database, key)
    assert caller is not None
    assert caller.scope == tenant
    assert caller.permissions == {Permission.PLACEMENTS_READ}
    for wrong in ("", "rcp_1_", "rcp_x_y", key + "x", key.replace("rcp_", "rcp_9")):
        assert keys.check(database, wrong) is None
    with database.transaction(tenant) as session:
        keys.revoke(session, int(caller.actor.partition(":")[2]), actor="user:1")
    assert keys.check(database, key) is None


def test_an_api_key_expires(world: World, noon: object) -> None:
    tenant = world.tenant()
    with world.platform.database.transaction(tenant) as session:
        key = keys.create(
            session, name="erp", permissions=[], tenant_ids=tenant.tenant_ids, actor="user:1",
            expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
    clock.advance(timedelta(days=1))
    assert keys.check(world.platform.database, key) is None


def test_a_key_for_a_tenant_out_of_scope_is_refused(world: World) -> None:
    mine, other = world.tenant(), world.tenant()
    with world.platform.database.transaction(mine) as session, pytest.raises(UserError):
        keys.create(session, name="x", permissions=[], tenant_ids=other.tenant_ids, actor="user:1")
