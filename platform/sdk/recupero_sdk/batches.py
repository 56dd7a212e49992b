"""For connectors that send one message after the other: what a failure means for the rest of the batch.

def send(self, messages, config):
    return one_by_one(messages, lambda message: self._post(message, config))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recupero_sdk.channels import Message, Receipt, SendOutcome, Uncertain


class Stopped(Exception):
    """Raised over one message for a reason that holds for all: the account is refused, the provider busy or
    not to be reached. This message and those after it are not sent; where they are refused, their receipts
    say that it holds for all."""

    def __init__(self, outcome: SendOutcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


class InDoubt(Exception):
    """Raised over a message that the provider may have: the connection broke after it was handed over. Those
    after it are not tried."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def untried(message: Message) -> Receipt:
    """Of a message that was not handed over, since the connection was lost over one before it."""
    return Receipt(message.key, SendOutcome.RETRY, reason="the connection was lost before it was tried")


def all_refused(messages: Sequence[Message], reason: str) -> list[Receipt]:
    """The receipts where the account or its settings cannot carry anything: a person has to mend them."""
    return _not_sent(messages, SendOutcome.REFUSED, reason)


def one_by_one(messages: Sequence[Message], carry: Callable[[Message], Receipt]) -> list[Receipt]:
    """A receipt for each message in order, made by `carry`, which may raise `Stopped` and `InDoubt`.

    Raises `Uncertain` for the one in doubt, with the receipts of the others."""
    receipts: list[Receipt] = []
    for place, message in enumerate(messages):
        try:
            receipts.append(carry(message))
        except Stopped as stop:
            return receipts + _not_sent(messages[place:], stop.outcome, stop.reason)
        except InDoubt as doubt:
            later = [untried(one) for one in messages[place + 1 :]]
            raise Uncertain(doubt.reason, receipts + later) from doubt
    return receipts


def _not_sent(messages: Sequence[Message], outcome: SendOutcome, reason: str) -> list[Receipt]:
    refused = outcome is SendOutcome.REFUSED
    return [Receipt(one.key, outcome, reason=reason, for_all=refused) for one in messages]
