"""What an agent does on an account's page: notes that stay."""

import pytest

from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago", kinds=("phone",))[0]


def test_a_note_stands_in_the_timeline_with_its_writer(visitor: Visitor, placed: Placed) -> None:
    page = f"/accounts/{placed.account_id}"
    visitor.sign_in(Role.AGENT, placed.scope)
    empty = visitor.send(f"{page}/notes", page, note="  ")
    assert empty.status_code == 422
    assert "Please fill this in." in empty.text
    endless = visitor.send(f"{page}/notes", page, note="x" * 2001)
    assert "At most 2,000 characters fit here." in endless.text
    assert visitor.send(f"{page}/notes", page, note="Llamar <después> de las 5").status_code == 302
    text = visitor.text(page)
    assert "Llamar &lt;después&gt; de las 5" in text
    assert "Ana Prueba" in text
