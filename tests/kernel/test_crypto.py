"""Personal fields are sealed, found by blind index, and readable by processes that a rotation overtook."""

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel.crypto import Keyring

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
