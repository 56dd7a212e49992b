"""The audit trail: a chain per agency in which every change, gap and insertion shows."""

from sqlalchemy import create_engine, text

from recupero.kernel import audit
from recupero.kernel.config import Config
from recupero.kernel.database import Scope
from tests.factories import World


def _chain(world: World, events: int = 3) -> Scope:
    agency = world.agency()  # records its own event
    for number in range(events):
        with world.platform.database.transaction(agency) as session:
            audit.record(session, "tests.act", f"thing:{number}", actor="user:1", number=number)
    return agency


def _tamper(config: Config, statement: str) -> None:
    """As the owner of the tables can, who need not be a superuser."""
    engine = create_engine(config.owner_database_url)
    with engine.begin() as connection:
        for change in ("DISABLE TRIGGER append_only", "NO FORCE ROW LEVEL SECURITY"):
            connection.execute(text(f"ALTER TABLE audit_events {change}"))
        connection.execute(text(statement))
        for change in ("ENABLE TRIGGER append_only", "FORCE ROW LEVEL SECURITY"):
            connection.execute(text(f"ALTER TABLE audit_events {change}"))
    engine.dispose()


def test_an_untouched_chain_verifies_and_its_head_is_the_newest_event(world: World) -> None:
    agency = _chain(world)
    with world.platform.database.transaction(agency) as session:
        assert audit.verify(session) == []
        assert audit.head(session)[0] == audit.count(session) == 4


def test_a_changed_event_is_found(world: World, config: Config) -> None:
    agency = _chain(world)
    _tamper(config, "UPDATE audit_events SET details = '{\"number\": 99}' WHERE seq = 3")
    with world.platform.database.transaction(agency) as session:
        assert audit.verify(session) == ["audit event 3 was changed after it was written"]


def test_a_removed_event_is_found(world: World, config: Config) -> None:
    agency = _chain(world)
    _tamper(config, "DELETE FROM audit_events WHERE seq = 2")
    with world.platform.database.transaction(agency) as session:
        assert audit.verify(session)[0] == "audit event 2 is missing before 3"


def test_agencies_do_not_see_each_others_trail(world: World) -> None:
    first, second = _chain(world, 1), _chain(world, 5)
    with world.platform.database.transaction(first) as session:
        assert audit.count(session) == 2
    with world.platform.database.transaction(second) as session:
        assert audit.count(session) == 6
