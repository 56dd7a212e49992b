"""Many rows at once: ids as one array, and what the planner is told of tables that were just filled."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import ProgrammingError

from recupero.kernel.bulk import BYTES, NUMBERS, TEXTS, TIMES, among, any_of, numbered, refresh_statistics
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


def test_numbers_and_bytes_arrive_as_they_were(world: World) -> None:
    numbers, told = [1, None, -(2**62)], [b"", None, bytes(range(256)), b'\\"{}']
    both = text("SELECT :numbers, :told").bindparams(
        bindparam("numbers", type_=NUMBERS), bindparam("told", type_=BYTES)
    )
    with world.platform.database.transaction(PLATFORM) as session:
        assert tuple(session.execute(both, {"numbers": numbers, "told": told}).one()) == (numbers, told)
        assert tuple(session.execute(both, {"numbers": [], "told": []}).one()) == ([], [])


def test_texts_and_moments_arrive_as_they_were(world: World) -> None:
    words = ["", None, "null", 'say "no"\\', "{a,b}", "año\n", ""]
    moments = [
        datetime(2026, 3, 10, 12, 0, 0, 1, tzinfo=UTC), None,
        datetime(1999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-3))),
    ]  # fmt: skip
    both = text("SELECT :words, :moments").bindparams(
        bindparam("words", type_=TEXTS), bindparam("moments", type_=TIMES)
    )
    with world.platform.database.transaction(PLATFORM) as session:
        assert tuple(session.execute(both, {"words": words, "moments": moments}).one()) == (words, moments)
        assert tuple(session.execute(both, {"words": [], "moments": []}).one()) == ([], [])


def test_what_rows_share_is_told_once() -> None:
    assert numbered(["b", "a", "b"]) == (["b", "a"], [0, 1, 0])
    assert numbered([]) == ([], [])


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
