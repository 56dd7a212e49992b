"""Users are made, and refused with the field that is wrong."""

import pytest

from recupero.kernel.errors import Conflict, UserError
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.tenancy.logins import PASSWORD, login


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
        users.create(session, **{**defaults, **values})  # type: ignore[arg-type]  # parametrised
    assert caught.value.field == field


def test_one_address_signs_in_at_one_agency(world: World) -> None:
    login(world, world.agency(), Role.AGENT)
    with pytest.raises(Conflict):
        login(world, world.agency(), Role.AGENT)
