"""What an earlier start left in the data directory: how far the demo came, and its logins."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recupero.tenancy.permissions import Role

_STATE, _LOGINS = "demo.json", "demo-logins.json"


@dataclass(frozen=True)
class Login:
    """One sign-in to show; the password was made for this data directory."""

    role: Role
    email: str
    password: str


def state(folder: Path) -> str | None:
    """`loading`, `loaded`, or None where the demo was never begun."""
    path = folder / _STATE
    found: str | None = json.loads(path.read_text())["state"] if path.exists() else None
    return found


def mark(folder: Path, state: str) -> None:
    """Note how far the demo came."""
    (folder / _STATE).write_text(json.dumps({"state": state}))


def save_logins(folder: Path, logins: list[Login]) -> None:
    """Keep the demo's logins for its owner only, so that a second start can show them."""
    descriptor = os.open(folder / _LOGINS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump([[login.role, login.email, login.password] for login in logins], file)


def read_logins(folder: Path) -> list[Login]:
    """The logins of an earlier start."""
    kept = json.loads((folder / _LOGINS).read_text())
    return [Login(Role(role), email, password) for role, email, password in kept]


def closing_lines(folder: Path) -> Sequence[str]:
    """The logins, to show when the platform is ready."""
    logins = read_logins(folder)
    width = max(len(login.email) for login in logins)
    return ["", "Sign in as:", *(f"  {one.email:<{width}}  {one.password}   {one.role}" for one in logins)]
