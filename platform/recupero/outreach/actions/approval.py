"""Which actions wait for a person's yes: conditions of a portfolio's strategy, any one of which is enough.

A condition says one or more of `channel`, `template`, `tone`, `stage` (a value, or a list of which one must
fit), `from_balance_minor` and `vulnerable`, all of which must hold; `everything` always holds.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recupero.kernel.errors import UserError, Words
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.placements.lifecycle import STAGES
from recupero_sdk.law import CHANNELS

#: What is stated of people who must be treated with particular care.
VULNERABLE = frozenset({"lacks_capacity", "minor", "hospital", "vulnerable"})
_ONE_OF: Mapping[str, Collection[str]] = {
    "channel": CHANNELS, "template": TEMPLATES, "tone": TONES, "stage": STAGES,
}  # fmt: skip
_FLAGS = ("vulnerable", "everything")
KEYS = (*_ONE_OF, "from_balance_minor", *_FLAGS)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of an action that is to be scheduled. `situations` are those stated of its account."""

    channel: str
    template: str
    tone: str
    stage: str
    balance_minor: int
    situations: Collection[str]


_HOLDS: Mapping[str, Callable[[Any, Asked], bool]] = {
    "channel": lambda value, asked: asked.channel in values(value),
    "template": lambda value, asked: asked.template in values(value),
    "tone": lambda value, asked: asked.tone in values(value),
    "stage": lambda value, asked: asked.stage in values(value),
    "from_balance_minor": lambda value, asked: bool(asked.balance_minor >= value),
    "vulnerable": lambda _value, asked: not VULNERABLE.isdisjoint(asked.situations),
    "everything": lambda _value, _asked: True,
}


def values(value: Any) -> Sequence[Any]:
    """What a field of a condition names: one value, or those of a list."""
    return value if isinstance(value, list | tuple) else (value,)


def parse(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The conditions that a strategy keeps under `needs_yes`. Raises UserError at the key."""
    if not isinstance(value, list | tuple):
        raise UserError(
            "“%(name)s” must be a list of conditions", field="strategy.needs_yes",
            name=Words("strategy", ("needs_yes",)),
        )  # fmt: skip
    return tuple(_condition(place, row) for place, row in enumerate(value))


def _condition(place: int, row: Any) -> Mapping[str, Any]:
    at = f"strategy.needs_yes.{place}"
    if not isinstance(row, Mapping) or not row or any(name not in KEYS for name in row):
        raise UserError("a condition for a yes has some of %(known)s", field=at, known=", ".join(KEYS))
    for name, value in row.items():
        if name in _ONE_OF:
            _check_named(f"{at}.{name}", value, Words(name, tuple(_ONE_OF[name])))
        if name in _FLAGS and value is not True:
            raise UserError("“%(name)s” is true or left out", field=f"{at}.{name}", name=_key(name))
        if name == "from_balance_minor":
            _check_sum(f"{at}.{name}", value, _key(name))
    return dict(row)


def _key(name: str) -> Words:
    """A key of a condition, for a message: as the form names its field."""
    return Words("yes", (name,))


def _check_sum(field: str, value: Any, key: Words) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError("“%(name)s” must be a whole number", field=field, name=key)
    if value < 0:
        raise UserError("“%(name)s” must not be below 0", field=field, name=key)


def _check_named(field: str, value: Any, known: Words) -> None:
    named = values(value)
    wrong = next((one for one in named if not isinstance(one, str) or one not in known.codes), None)
    if wrong is not None:
        raise UserError(
            "'%(value)s' is not possible here: use %(known)s",
            field=field,
            value=wrong,
            known=known,
        )
    if not named or len(set(named)) < len(named):
        raise UserError("name one value or more, each once", field=field)


def needs_yes(conditions: Sequence[Mapping[str, Any]], asked: Asked) -> str | None:
    """Why a person has to agree to the action, `needs_yes:<what the condition names>`; None: nobody has
    to."""
    for row in conditions:
        if all(_HOLDS[name](value, asked) for name, value in row.items()):
            return f"needs_yes:{'+'.join(row)}"
    return None
