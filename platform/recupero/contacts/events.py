"""What contacts announces to the rooms above, inside the transaction in which it happened."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OptedOut:
    """The debtor closed a channel of law, or `all` of them, to us."""

    debtor_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class ContactAnswered:
    """Somebody answered or wrote: a reply to a message, a call taken, a message of the debtor's own."""

    contact_id: int
    account_id: int | None
    debtor_id: int
    right_party: bool


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A person wrote to us, and the message stands in their conversation with all its files. Not announced
    for what machines answer (out of office)."""

    contact_id: int
    debtor_id: int
    account_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class LinkVisited:
    """The debtor opened their own page and proved who they are. `contact_id`: the message they came from."""

    debtor_id: int
    contact_id: int | None
