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
