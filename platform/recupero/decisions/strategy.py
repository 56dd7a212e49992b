"""A portfolio's strategy: the limits and preferences within which planning chooses. Data, kept as JSON.

Every key may be left out; docs/decisions-and-models.md lists them. An unknown key or a wild value is refused
where it is read, so that a typing error never silently frees a limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy.orm import Session

from recupero.kernel.errors import UserError
from recupero.outreach import approval
from recupero.outreach.words import TONES
from recupero.placements.events import StrategyStated
from recupero_sdk.law import CHANNELS


@dataclass(frozen=True, slots=True)
class Strategy:
    """What may be done for a portfolio's accounts, and how often.

    `channels`: channels of law in order of preference; a `call` becomes a task for an agent, a `visit` is
    never
    planned. `pace_days`: least days between two contacts with a debtor. `max_contacts_30d`: most contacts in
    30 days. `daily`: most actions a local day by channel (`call`: those that agents make). `budget_minor`:
    most cost of one local day of actions.
    `costs_minor`: cost of one action by channel, minor units. `exploration`: share of debtors whose action is
    drawn at random among the lawful ones. `minimum_value_minor`: expected value below which nothing is done.
    `annoyance_minor`: what a complaint or an opt-out is held to cost, minor units.
    `tolerance_minor`: a debtor who owes less than this in the portfolio's currency is not chased.
    `promise_reminder_days`: days before a promise's date on which it is recalled. `tones`: tone by purpose.
    `needs_yes`: conditions under which an action waits for a person's yes (`outreach.approval`).
    """

    channels: tuple[str, ...] = ("email", "whatsapp", "sms")
    pace_days: float = 5.0
    max_contacts_30d: int = 8
    daily: Mapping[str, int] = field(default_factory=dict)
    budget_minor: int | None = None
    costs_minor: Mapping[str, int] = field(default_factory=dict)
    exploration: float = 0.05
    minimum_value_minor: int = 0
    annoyance_minor: int = 1000
    tolerance_minor: int = 0
    promise_reminder_days: int = 1
    tones: Mapping[str, str] = field(default_factory=dict)
    needs_yes: tuple[Mapping[str, Any], ...] = ()

    def tone(self, template: str) -> str:
        """The tone in which a template is written."""
        return self.tones.get(template, "neutral")

    def rank(self, channel: str) -> int:
        """Place of the channel in the order of preference, 0 first."""
        return self.channels.index(channel)


def parse(data: Mapping[str, Any]) -> Strategy:
    """The strategy that a portfolio keeps. Raises UserError naming the key and what it must be."""
    known = {field.name for field in fields(Strategy)}
    for name in data:
        if name not in known:
            raise UserError(
                "unknown key '%(name)s' in the strategy: use %(known)s",
                field="strategy",
                name=name,
                known=", ".join(sorted(known)),
            )
    return Strategy(**{name: _CHECKS[name](name, value) for name, value in data.items()})


def check_stated(session: Session, event: StrategyStated) -> None:
    """A portfolio gets no strategy that could not be read. Raises UserError at the key."""
    parse(event.strategy)


def _channels(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or any(each not in CHANNELS for each in value):
        raise UserError(
            "%(name)s must be a list of %(known)s",
            field=f"strategy.{name}",
            name=name,
            known=", ".join(CHANNELS),
        )
    return tuple(dict.fromkeys(value))


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UserError("%(name)s must be a whole number of at least 0", field=f"strategy.{name}", name=name)
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 365:
        raise UserError("%(name)s must be a number from 0 to 365", field=f"strategy.{name}", name=name)
    return float(value)


def _share(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.5:
        raise UserError("%(name)s must be a share from 0 to 0.5", field=f"strategy.{name}", name=name)
    return float(value)


def _by_channel(name: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or any(channel not in CHANNELS for channel in value):
        raise UserError(
            "%(name)s must give a number by channel: %(known)s",
            field=f"strategy.{name}",
            name=name,
            known=", ".join(CHANNELS),
        )
    return {channel: _whole(f"{name}.{channel}", number) for channel, number in value.items()}


def _tones(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or any(tone not in TONES for tone in value.values()):
        raise UserError(
            "%(name)s must give a tone by purpose: %(known)s",
            field=f"strategy.{name}",
            name=name,
            known=", ".join(TONES),
        )
    return dict(value)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "channels": _channels,
    "pace_days": _number,
    "max_contacts_30d": _whole,
    "daily": _by_channel,
    "budget_minor": lambda name, value: None if value is None else _whole(name, value),
    "costs_minor": _by_channel,
    "exploration": _share,
    "minimum_value_minor": _whole,
    "annoyance_minor": _whole,
    "tolerance_minor": _whole,
    "promise_reminder_days": _whole,
    "tones": _tones,
    "needs_yes": lambda _name, value: approval.parse(value),
}
