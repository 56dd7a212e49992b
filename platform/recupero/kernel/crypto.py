"""Field encryption and blind indexes for personal data.

A field is stored as `key number (1 byte) | nonce (12) | AES-256-GCM ciphertext and tag`; the key number
lets old and new keys live side by side while `recupero keys rotate` re-encrypts. A blind index is
HMAC-SHA-256 (first 16 bytes) of the normalised value under a key of its own, so that equal values can be
found without reading them.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_NONCE = 12
_INDEX_BYTES = 16


@dataclass
class Keyring:
    """Keys by number (0-255) with the `active` one for new values, the blind-index key, the session key.

    A ring that was read from a file reads it again when it meets a key number that it does not know: so
    running processes follow a rotation without a restart.
    """

    keys: dict[int, bytes]
    active: int
    index_key: bytes
    session_key: bytes
    path: Path | None = None

    @classmethod
    def generate(cls) -> "Keyring":
        return cls({1: secrets.token_bytes(32)}, 1, secrets.token_bytes(32), secrets.token_bytes(32))

    @classmethod
    def load_or_create(cls, path: Path) -> "Keyring":
        """Read the key file, or make one readable by its owner only."""
        if not path.exists():
            cls.generate().save(path)
        ring = cls.from_json(path.read_text())
        ring.path = path
        return ring

    @classmethod
    def from_json(cls, text: str) -> "Keyring":
        raw = json.loads(text)
        keys = {int(number): base64.b64decode(key) for number, key in raw["keys"].items()}
        return cls(
            keys, int(raw["active"]), base64.b64decode(raw["index_key"]), base64.b64decode(raw["session_key"])
        )

    def to_json(self) -> str:
        def text(key: bytes) -> str:
            return base64.b64encode(key).decode()

        return json.dumps(
            {
                "keys": {str(number): text(key) for number, key in self.keys.items()},
                "active": self.active,
                "index_key": text(self.index_key),
                "session_key": text(self.session_key),
            }
        )

    def save(self, path: Path) -> None:
        """Write beside and rename, so that a crash never leaves half a key file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.to_json())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def rotated(self) -> "Keyring":
        """The same ring with a fresh active key; the older ones stay for reading."""
        number = max(self.keys) + 1
        if number > 255:
            raise ValueError("the key file is full: drop keys that no stored value uses any more")
        keys = {**self.keys, number: secrets.token_bytes(32)}
        return Keyring(keys, number, self.index_key, self.session_key, self.path)

    def encrypt(self, value: str) -> bytes:
        return self.encrypt_many([value])[0] or b""

    def encrypt_many(self, values: Sequence[str | None]) -> list[bytes | None]:
        """Encrypt a column of texts; None stays None."""
        prefix, seal = bytes([self.active]), _cipher(self.keys[self.active]).encrypt
        nonces = os.urandom(_NONCE * len(values))
        sealed: list[bytes | None] = []
        for place, value in enumerate(values):
            if value is None:
                sealed.append(None)
                continue
            nonce = nonces[place * _NONCE : (place + 1) * _NONCE]
            sealed.append(prefix + nonce + seal(nonce, value.encode(), None))
        return sealed

    def decrypt(self, blob: bytes) -> str:
        """Plain text of a stored field. InvalidTag where it was tampered with, KeyError on a lost key."""
        blob = bytes(blob)
        if blob[0] not in self.keys:
            self._read_again()
        opened = _cipher(self.keys[blob[0]]).decrypt(blob[1 : 1 + _NONCE], blob[1 + _NONCE :], None)
        return opened.decode()

    def _read_again(self) -> None:
        if self.path is not None:
            fresh = Keyring.from_json(self.path.read_text())
            self.keys, self.active = fresh.keys, fresh.active

    def blind_index(self, value: str) -> bytes:
        """16-byte keyed index of a value that the caller has normalised (`normalise_…` of its room)."""
        return hmac.digest(self.index_key, value.encode(), "sha256")[:_INDEX_BYTES]

    def blind_indexes(self, values: Sequence[str | None]) -> list[bytes | None]:
        """`blind_index` of a column; None stays None."""
        key = self.index_key
        return [
            None if value is None else hmac.digest(key, value.encode(), "sha256")[:_INDEX_BYTES]
            for value in values
        ]


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def hash_token(token: str) -> bytes:
    """SHA-256 of a random token of at least 128 bits, for tables that must not hold the token itself."""
    return hashlib.sha256(token.encode()).digest()


_ring: Keyring | None = None


def use_keyring(ring: Keyring) -> None:
    """Set the process's keys; done once by `runtime.start`."""
    global _ring
    _ring = ring


def keyring() -> Keyring:
    if _ring is None:
        raise RuntimeError("no keys loaded: recupero.kernel.runtime.start() comes first")
    return _ring


class EncryptedText(TypeDecorator[str]):
    """A text column that is stored encrypted and read in the clear."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().encrypt(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else keyring().decrypt(value)
