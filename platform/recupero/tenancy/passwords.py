"""Passwords: kept as argon2 hashes only."""

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

MIN_PASSWORD = 10

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def matches(kept: str, password: str) -> bool:
    """Whether what was kept came of this password."""
    try:
        return _hasher.verify(kept, password)
    except VerificationError:
        return False
