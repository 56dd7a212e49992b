"""Users who can sign in."""

from recupero.kernel.database import Scope
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.factories import World

PASSWORD = "correct horse"


def login(
    world: World, scope: Scope, role: Role, tenants: list[int] | None = None, email: str = "Ana@Example.com"
) -> int:
    """A user of the agency in scope, with PASSWORD; their id."""
    with world.platform.database.transaction(scope) as session:
        return users.create(
            session, email=email, name="Ana Soto", password=PASSWORD, role=role, tenant_ids=tenants,
            locale="es", actor="system",
        ).id  # fmt: skip
