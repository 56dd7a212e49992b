"""Whose a message is: by the message of ours that it answers, else by the address it came from."""

import re
from collections.abc import Iterable

from sqlalchemy.orm import Session

from recupero.contacts import news
from recupero.contacts import queries as contacts
from recupero.kernel.database import scope_of
from recupero.placements import reach
from recupero_sdk.inbound import MessageEvent
from recupero_sdk.law import CHANNELS

UNKNOWN = "unknown_sender"
SHARED = "shared_address"
FORGED = "forged_sender"
_KEY = re.compile(r"(\d{1,18})-(\d{1,18})")
_NOT_DIGIT = re.compile(r"[^0-9]")


def contact_ids(session: Session, names: Iterable[str]) -> list[int]:
    """Contacts of the tenant in scope whose message keys (`<tenant>-<contact>`) stand in these names."""
    tenant = str(scope_of(session).tenant())
    found = (_KEY.fullmatch(name.strip("<> ").partition("@")[0]) for name in names)
    return [int(key[2]) for key in found if key is not None and key[1] == tenant]


def answered(session: Session, connector: str, said: MessageEvent) -> int | None:
    """The contact that the message names as what it answers: the nearest one that we know."""
    for name in said.answers:
        keys = contact_ids(session, [name])
        contact_id = news.contact_named(session, connector, [name], keys=keys)
        if contact_id is not None:
            return contact_id
    return None


def at_address(session: Session, said: MessageEvent) -> list[int]:
    """Debtors of the tenant in scope who have the address that the message came from."""
    if said.channel not in CHANNELS or not said.sender.strip():
        return []
    if said.channel == "email":
        points = reach.points_at(session, "email", said.sender)
    else:
        digits = _NOT_DIGIT.sub("", said.sender)
        points = reach.points_at(session, "phone", f"+{digits}") if digits else []
    return list(dict.fromkeys(debtor_id for debtor_id, _point in points))


def find(session: Session, connector: str, said: MessageEvent, debtors: list[int]) -> int | str:
    """The account that the message is about; a text instead is why nobody can tell.

    `debtors` are those at its address. Of several the one whom we approached last is meant. A message from
    a forged address is nobody's, whatever it claims to answer: whoever forges one guesses that as well.
    """
    if said.forged:
        return FORGED
    ours = answered(session, connector, said)
    if ours is not None:
        account_id = contacts.account_of(session, ours)
        if account_id is not None:
            return account_id
    accounts = reach.accounts_of(session, debtors)
    everyone = [account for ids in accounts.values() for account in ids]
    last = news.last_approached(session, everyone)
    if last is not None:
        return last
    if len(accounts) > 1:
        return SHARED
    return everyone[0] if everyone else UNKNOWN
