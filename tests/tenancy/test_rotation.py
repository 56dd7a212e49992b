"""Key rotation reaches every personal field of every agency, from inside row-level security."""

from sqlalchemy import select, text

from recupero.kernel import crypto, migrate, runtime
from recupero.kernel.database import Scope
from recupero.tenancy import rotation, users
from recupero.tenancy.permissions import Role
from recupero.tenancy.tables import User
from tests.factories import World


def test_rotation_rewrites_every_personal_field(platform: runtime.Runtime, world: World) -> None:
    agency = world.agency()
    _user(platform, agency)
    before = _stored(platform, agency)
    done = rotation.rotate(platform.database, platform.config)
    after = _stored(platform, agency)
    assert done["users"] == 2  # e-mail and name
    assert before[0] != after[0]
    assert after[0] == crypto.keyring().active
    with platform.database.transaction(agency) as session:
        assert session.execute(select(User.name)).scalar_one() == "Ana Soto"


def test_append_only_tables_hold_no_encrypted_field() -> None:
    assert all(not table.info.get("append_only") for table, _ in rotation.encrypted_columns())
    assert {"users", "debtors"} <= {table.name for table, _ in rotation.encrypted_columns()}
    assert migrate.metadata().tables["audit_events"].info["append_only"]


def _user(platform: runtime.Runtime, agency: Scope) -> None:
    with platform.database.transaction(agency) as session:
        users.create(
            session, email="ana@example.com", name="Ana Soto", password="correct horse",
            role=Role.AGENT, tenant_ids=None, locale="es", actor="system",
        )  # fmt: skip


def _stored(platform: runtime.Runtime, agency: Scope) -> bytes:
    with platform.database.transaction(agency) as session:
        blob: bytes = session.execute(text("SELECT name FROM users")).scalar_one()
    assert b"Ana" not in blob
    return blob
