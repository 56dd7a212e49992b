"""What the law and the house rules say of contacting one account now, channel by channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g
from flask_babel import gettext as _

from recupero.contacts.proving import AccountWeek
from recupero.contacts.queries import packs
from recupero.portals.words.language import country as country_name
from recupero.portals.words.language import language
from recupero_sdk.law import Channel


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel now. `reasons` say in the reader's language why not, each with its citation."""

    channel: Channel
    has_point: bool
    allowed: bool
    next_at: datetime | None
    reasons: Sequence[tuple[str, str]]
    pack: str

    @property
    def open_later(self) -> bool:
        return self.has_point and (self.allowed or self.next_at is not None)


def channel_states(week: AccountWeek, language: str) -> list[ChannelState]:
    """Every channel of law for the account. Why a whole country is closed is told once above, not by each."""
    if week.unknown or week.closed:
        why = _("Nothing tells in which time zone this person is. Add their region or time zone first.")
        reasons = [] if week.closed else [(why, "-")]
        return [
            ChannelState(one.channel, point is not None, False, None, reasons, "")
            for one, point in week.channels
        ]
    return [
        ChannelState(
            one.channel, point is not None, one.now.allowed, one.now.next_lawful_at,
            [(why.explain(language), why.citation) for why in one.now.refusals if why.decides], week.pack,
        )
        for one, point in week.channels
    ]  # fmt: skip


def closed_because(states: Sequence[ChannelState]) -> list[tuple[str, str]]:
    """Why no channel at all can be used, now or later; empty where one can."""
    if any(state.open_later for state in states):
        return []
    return list(dict.fromkeys(reason for state in states for reason in state.reasons))


def rule_title(rule: str) -> str | None:
    """What a rule of a law is called; that a country has none which works is one by the name of coverage."""
    country, _dash, what = rule.partition("-")
    if what == "COVERAGE":
        return str(_("%(country)s is closed to contact", country=country_name(country)))
    if "rule_titles" not in g:
        g.rule_titles = rule_titles()
    known: dict[str, str] = g.rule_titles
    return known.get(rule)


def rule_titles() -> dict[str, str]:
    """What the rules of all laws are called, by their id, in the reader's language."""
    found: dict[str, str] = {}
    for pack in packs().by_country.values():
        for rule in pack.known():
            found[rule.id] = getattr(rule.title, language()) or rule.title.es
    return found
