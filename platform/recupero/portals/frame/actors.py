"""Who did something, in words: the trail has `user:7`, `key:3` or `system:demo`, people read names."""

from flask import g

from recupero.portals.words.words import LABELS, label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import current_caller, transaction


def who(actor: str | None) -> str:
    """A user's or key's name; the house, the debtor or an order by what it is; what nobody named, as it is
    written. The names are read once for a page."""
    if not actor:
        return "–"
    name = _names().get(actor) if actor.startswith(("user:", "key:")) else None
    if name is not None:
        return name
    if actor in LABELS["actor"]:
        return label("actor", actor)
    kind, _colon, number = actor.partition(":")
    if kind not in LABELS["actor"]:
        return actor
    return f"{label('actor', kind)} {number}".strip() if number.isdecimal() else label("actor", kind)


def _names() -> dict[str, str]:
    """Users and keys of the agency by how the trail names them; nobody for who sees nothing of the agency."""
    if "actor_names" not in g:
        g.actor_names = _read()
    names: dict[str, str] = g.actor_names
    return names


def _read() -> dict[str, str]:
    caller = current_caller()
    if caller is None or caller.scope.agency_id is None:
        return {}
    with transaction() as session:
        users = {f"user:{one.id}": one.name for one in tenancy.users(session)}
        keys = {f"key:{one.id}": f"{label('actor', 'key')} „{one.name}“" for one in tenancy.api_keys(session)}
        return users | keys
