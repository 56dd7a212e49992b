"""Many rows at once: ids as one array, and what the planner is told of tables that were just filled."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from recupero.kernel.bulk import among, any_of, refresh_statistics
from recupero.kernel.database import PLATFORM
from recupero.tenancy.tables import Agency
from tests.factories import World


def test_ids_go_as_one_array_however_many(world: World) -> None:
    made = [world.agency().agency_id for _ in range(3)]
    static = select(Agency.id).where(any_of(Agency.id, "ids")).order_by(Agency.id)
    with world.platform.database.transaction(PLATFORM) as session:
        for wanted in ([], made[:1], made):
            given = select(Agency.id).where(among(Agency.id, wanted)).order_by(Agency.id)
            assert list(session.execute(given).scalars()) == wanted
            assert list(session.execute(static, {"ids": wanted}).scalars()) == wanted
            assert str(given) == str(select(Agency.id).where(among(Agency.id, made)).order_by(Agency.id))


def test_the_planner_is_told_by_a_role_that_owns_nothing(world: World) -> None:
    for _ in range(3):
        world.agency()
    known = text("SELECT reltuples FROM pg_class WHERE relname = 'agencies'")
    with world.platform.database.transaction(PLATFORM) as session:
        refresh_statistics(session, Agency)
        assert session.execute(known).scalar_one() == len(session.execute(select(Agency.id)).all())


def test_names_are_names_and_nothing_else(world: World) -> None:
    with (
        pytest.raises(ProgrammingError),
        world.platform.database.transaction(PLATFORM) as session,
    ):
        session.execute(text("SELECT recupero_analyse(ARRAY['agencies; DROP TABLE holds'])"))
