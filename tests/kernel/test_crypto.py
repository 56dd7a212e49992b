"""Personal fields are unreadable in the database, found by blind index, and survive a key rotation."""

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text

from recupero.kernel import crypto, migrate, runtime
from recupero.kernel.config import Config
from recupero.kernel.crypto import Keyring
from recupero.kernel.database import Scope
from recupero.tenancy import rotation
from recupero.tenancy.permissions import Role
from recupero.tenancy.service import create_user
from recupero.tenancy.tables import User
from tests.factories import World

RING = Keyring.generate()


@given(st.lists(st.none() | st.text()))
def test_a_column_comes_back_as_it_went_in(values: list[str | None]) -> None:
    sealed = RING.encrypt_many(values)
    assert [None if blob is None else RING.decrypt(blob) for blob in sealed] == values


def test_equal_values_look_different_but_index_alike() -> None:
    assert RING.encrypt("11.111.111-1") != RING.encrypt("11.111.111-1")
    assert RING.blind_index("111111111") == RING.blind_indexes(["111111111", None])[0]
    assert RING.blind_index("111111111") != Keyring.generate().blind_index("111111111")


def test_a_changed_byte_is_refused() -> None:
    blob = bytearray(RING.encrypt("ana@example.com"))
    blob[-1] ^= 1
    with pytest.raises(InvalidTag):
        RING.decrypt(bytes(blob))


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    ring = Keyring.load_or_create(tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert Keyring.load_or_create(tmp_path / "keys.json").keys == ring.keys


def test_a_running_process_follows_a_rotation(tmp_path: Path) -> None:
    running = Keyring.load_or_create(tmp_path / "keys.json")
    rotated = running.rotated()
    rotated.save(tmp_path / "keys.json")
    assert running.decrypt(rotated.encrypt("Ana")) == "Ana"
    assert running.active == rotated.active


def test_rotation_rewrites_every_personal_field(
    platform: runtime.Runtime, world: World, config: Config
) -> None:
    agency = world.agency()
    _user(platform, agency)
    before = _stored(config)
    done = rotation.rotate(platform.database, platform.config)
    after = _stored(config)
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
        create_user(
            session, email="ana@example.com", name="Ana Soto", password="correct horse",
            role=Role.AGENT, tenant_ids=None, locale="es", actor="system",
        )  # fmt: skip


def _stored(config: Config) -> bytes:
    engine = create_engine(config.owner_database_url)
    with engine.connect() as connection:
        blob: bytes = connection.execute(text("SELECT name FROM users")).scalar_one()
    engine.dispose()
    assert b"Ana" not in blob
    return blob
