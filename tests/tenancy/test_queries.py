"""Tenants are found by name, and agencies walked one by one."""

import pytest

from recupero.kernel import jobs
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.errors import NotFound
from recupero.tenancy import queries
from tests.factories import World


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
