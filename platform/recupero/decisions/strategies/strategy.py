"""A portfolio's strategy: the limits and preferences within which planning chooses. Data, kept as JSON.

Every key may be left out; docs/strategy.md lists them. An unknown key or a wild value is refused
where it is read, so that a typing error never silently frees a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy.orm import Session

from recupero.decisions.strategies import assistants
from recupero.decisions.strategies.assistants import VIRTUAL, Assistant
from recupero.kernel.errors import Faults, UserError, Words
from recupero.outreach.actions import approval
from recupero.outreach.actions.kinds import CALL, TONES
from recupero.placements.events import StrategyStated
from recupero_sdk.law import CHANNELS

#: What a segment or an arm may say otherwise. Limits that are shared (daily, budget) are the portfolio's.
OTHERWISE = (
    "channels", "pace_days", "max_contacts_30d", "exploration", "minimum_value_minor", "tolerance_minor",
    "promise_reminder_days", "annoyance_minor", "tones", "needs_yes", "human_only", "assistants",
    "offers", "offer_after",
)  # fmt: skip
#: Kinds of offers, in the usual order: all by a day, in parts, less as the whole.
OFFERS = ("full", "plan", "settlement")
#: Stages by days past due: before the due date, soon after it, and later.
DPD_STAGES = ("preventive", "early", "late")
MOST_BRANCHES = 12  # segments of a strategy, and arms


@dataclass(frozen=True, slots=True)
class Segment:
    """Accounts of which all that `when` says holds; `then` is what holds for them instead."""

    name: str
    when: Mapping[str, Any]
    then: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arm:
    """A share of the people, drawn by lot for good, for whom something else holds: a challenger."""

    name: str
    share: float
    then: Mapping[str, Any]


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
    `annoyance_minor`: what a complaint or an opt-out is held to cost, minor units; None: what is usual in the
    currency (`decisions.strategies.annoyance`).
    `tolerance_minor`: a debtor who owes less than this in the portfolio's currency is not chased.
    `promise_reminder_days`: days before a promise's date on which it is recalled. `tones`: tone by purpose.
    `needs_yes`: conditions under which an action waits for a person's yes (`outreach.actions.approval`).
    `human_only`: nothing but calls by people. `assistants`: who speaks, the first of them by each channel; a
    segment or an arm names some of them. `offers`: the kinds that are made, in order of preference, within
    the creditor's policy; `offer_after`: contacts in 30 days after which a follow-up offers payment in parts,
    where that is among them. `segments` and `arms`: where something else holds
    (`decisions.strategies.branches`).
    """

    channels: tuple[str, ...] = ("email", "whatsapp", "sms")
    pace_days: float = 5.0
    max_contacts_30d: int = 8
    daily: Mapping[str, int] = field(default_factory=dict)
    budget_minor: int | None = None
    costs_minor: Mapping[str, int] = field(default_factory=dict)
    exploration: float = 0.05
    minimum_value_minor: int = 0
    annoyance_minor: int | None = None
    tolerance_minor: int = 0
    promise_reminder_days: int = 1
    tones: Mapping[str, str] = field(default_factory=dict)
    needs_yes: tuple[Mapping[str, Any], ...] = ()
    human_only: bool = False
    assistants: tuple[Assistant, ...] = ()
    offers: tuple[str, ...] = OFFERS
    offer_after: int | None = None
    segments: tuple[Segment, ...] = ()
    arms: tuple[Arm, ...] = ()

    def tone(self, template: str, channel: str) -> str:
        """The tone in which a template is written: the one that is named for it, else its assistant's."""
        speaker = self.assistant(channel)
        return self.tones.get(template) or (speaker.tone if speaker else "") or "neutral"

    def assistant(self, channel: str) -> Assistant | None:
        """Who speaks by the channel; None: nobody by name."""
        return next((one for one in self.assistants if one.speaks(channel)), None)

    def machine_calls(self, *, by_machine: bool) -> bool:
        """Whether a machine leads calls; `by_machine`: whether one does where nothing is said."""
        speaker = self.assistant(CALL)
        return not self.human_only and (by_machine if speaker is None else speaker.kind == VIRTUAL)

    def rank(self, channel: str) -> int:
        """Place of the channel in the order of preference, 0 first."""
        return self.channels.index(channel)


def parse(data: Mapping[str, Any]) -> Strategy:
    """The strategy that a portfolio keeps. Raises UserError naming the key and what it must be, with what is
    wrong at other keys as its `others`."""
    _refuse_unknown(data, sorted(field.name for field in fields(Strategy)), "strategy")
    faults, checked = Faults(), dict[str, Any]()
    for name, value in data.items():
        with faults.caught():
            checked[name] = _CHECKS[name](name, value)
    faults.tell()
    found = Strategy(**checked)
    kinds: dict[str, Sequence[Segment | Arm]] = {"segments": found.segments, "arms": found.arms}
    for kind, branches in kinds.items():
        for place, branch in enumerate(branches):
            at = f"strategy.{kind}.{place}.then.assistants"
            assistants.named(at, branch.then.get("assistants", ()), found.assistants)
    return found


def _refuse_unknown(data: Mapping[str, Any], known: Collection[str], at: str) -> None:
    for name in data:
        if name not in known:
            raise UserError(
                "unknown key '%(name)s' in the strategy: use %(known)s",
                field=at,
                name=name,
                known=", ".join(known),
            )


def check_stated(session: Session, event: StrategyStated) -> None:
    """A portfolio gets no strategy that could not be read. Raises UserError at the key."""
    parse(event.strategy)


def _key(name: str) -> Words:
    """The key at a place such as `segments.0.then.pace_days`, for a message: as the form names its field."""
    last = [part for part in name.split(".") if not part.isdecimal() and part not in CHANNELS][-1]
    return Words("strategy", (last,))


def _channels(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or any(each not in CHANNELS for each in value):
        raise UserError(
            "“%(name)s” must be a list of %(known)s",
            field=f"strategy.{name}",
            name=_key(name),
            known=Words("channel", tuple(CHANNELS)),
        )
    return tuple(dict.fromkeys(value))


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError("“%(name)s” must be a whole number", field=f"strategy.{name}", name=_key(name))
    if value < 0:
        raise UserError("“%(name)s” must not be below 0", field=f"strategy.{name}", name=_key(name))
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 365:
        raise UserError(
            "“%(name)s” must be a number from 0 to 365", field=f"strategy.{name}", name=_key(name)
        )
    return float(value)


def _share(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.5:
        raise UserError(
            "“%(name)s” must be a share from 0 to 0.5, which is 50 percent",
            field=f"strategy.{name}",
            name=_key(name),
        )
    return float(value)


def _by_channel(name: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or any(channel not in CHANNELS for channel in value):
        raise UserError(
            "“%(name)s” must give a number by channel: %(known)s",
            field=f"strategy.{name}",
            name=_key(name),
            known=Words("channel", tuple(CHANNELS)),
        )
    return {channel: _whole(f"{name}.{channel}", number) for channel, number in value.items()}


def _tones(name: str, value: Any) -> dict[str, str]:
    tones = value if isinstance(value, Mapping) else {"": value}
    wrong = next((purpose for purpose, tone in tones.items() if tone not in TONES), None)
    if wrong is not None:
        raise UserError(
            "“%(name)s” must give a tone by purpose: %(known)s",
            field=f"strategy.{name}.{wrong}".rstrip("."),
            name=_key(name),
            known=Words("tone", tuple(TONES)),
        )
    return dict(tones)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UserError("“%(name)s” is true or false", field=f"strategy.{name}", name=_key(name))
    return value


def _some_of(known: Collection[str]) -> Callable[[str, Any], tuple[str, ...]]:
    def check(name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not value or any(each not in known for each in value):
            raise UserError(
                "“%(name)s” must be a list of %(known)s",
                field=f"strategy.{name}", name=_key(name), known=", ".join(known),
            )  # fmt: skip
        return tuple(value)

    return check


def _words(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or any(not isinstance(each, str) for each in value):
        raise UserError("“%(name)s” must be a list of texts", field=f"strategy.{name}", name=_key(name))
    return tuple(value)


def _days_past_due(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(
            "“%(name)s” must be a whole number of days", field=f"strategy.{name}", name=_key(name)
        )
    return value


#: What a segment may ask of an account, and how it is read.
WHEN: dict[str, Callable[[str, Any], Any]] = {
    "stages": _some_of(DPD_STAGES),
    "from_dpd": _days_past_due,
    "to_dpd": _days_past_due,
    "from_balance_minor": _whole,
    "to_balance_minor": _whole,
    "regions": _words,
    "languages": _words,
    "vulnerable": _flag,
}


def _segments(name: str, value: Any) -> tuple[Segment, ...]:
    rows = _rows(name, value, ("name", "when", "then"))
    return tuple(
        Segment(row["name"], _read(row["when"], WHEN, f"{name}.{place}.when"), _otherwise(row, name, place))
        for place, row in enumerate(rows)
    )


def _arms(name: str, value: Any) -> tuple[Arm, ...]:
    rows = _rows(name, value, ("name", "share", "then"))
    arms = tuple(
        Arm(row["name"], _part(f"{name}.{place}.share", row["share"]), _otherwise(row, name, place))
        for place, row in enumerate(rows)
    )
    if sum(arm.share for arm in arms) > 1:
        last = f"strategy.{name}.{len(arms) - 1}.share"
        raise UserError("the shares of the arms come to more than the whole", field=last)
    return arms


def _rows(name: str, value: Any, keys: tuple[str, ...]) -> list[Mapping[str, Any]]:
    """Rows with exactly these keys and names of their own. Raises UserError at the row."""
    if not isinstance(value, list | tuple) or len(value) > MOST_BRANCHES:
        raise UserError(
            "“%(name)s” must be a list of at most %(most)s", field=f"strategy.{name}", name=_key(name),
            most=MOST_BRANCHES,
        )  # fmt: skip
    named: set[str] = set()
    for place, row in enumerate(value):
        at = f"strategy.{name}.{place}"
        if not isinstance(row, Mapping) or set(row) != set(keys):
            raise UserError(
                "each of “%(name)s” has %(keys)s", field=at, name=_key(name), keys=", ".join(keys)
            )
        title = row["name"]
        if not isinstance(title, str) or not title.strip() or len(title) > 60 or title in named:
            raise UserError("a name of its own, of at most 60 letters, is needed here", field=f"{at}.name")
        named.add(title)
    return list(value)


def _otherwise(row: Mapping[str, Any], name: str, place: int) -> Mapping[str, Any]:
    checks = {key: _CHECKS[key] for key in OTHERWISE} | {"assistants": _words}
    return _read(row["then"], checks, f"{name}.{place}.then")


def _read(data: Any, checks: Mapping[str, Callable[[str, Any], Any]], at: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or not data:
        raise UserError(
            "“%(name)s” needs some of %(known)s",
            field=f"strategy.{at}",
            name=_key(at),
            known=", ".join(checks),
        )
    _refuse_unknown(data, list(checks), f"strategy.{at}")
    return {name: checks[name](f"{at}.{name}", value) for name, value in data.items()}


def _part(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise UserError(
            "“%(name)s” must be a share above 0 and at most 1, which is 100 percent",
            field=f"strategy.{name}",
            name=_key(name),
        )
    return float(value)


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
    "human_only": _flag,
    "assistants": assistants.parse,
    "offers": lambda name, value: tuple(dict.fromkeys(_some_of(OFFERS)(name, value))),
    "offer_after": lambda name, value: None if value is None else _whole(name, value),
    "segments": _segments,
    "arms": _arms,
}
