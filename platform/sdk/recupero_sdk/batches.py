"""For connectors that send one message after the other: what a failure means for the rest of the batch.

def send(self, messages, config):
    return one_by_one(messages, lambda message: self._post(message, config))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recupero_sdk.channels import Message, Receipt, SendOutcome, Uncertain


class Stopped(Exception):
    """Raised over one message for a reason that holds for all: the account is refused, the provider busy or
    not to be reached. This message and those after it are not sent."""

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


def one_by_one(messages: Sequence[Message], carry: Callable[[Message], Receipt]) -> list[Receipt]:
    """A receipt for each message in order, made by `carry`, which may raise `Stopped` and `InDoubt`.

    Raises `Uncertain` for the one in doubt, with the receipts of the others."""
    receipts: list[Receipt] = []
    for place, message in enumerate(messages):
        try:
            receipts.append(carry(message))
        except Stopped as stop:
            rest = messages[place:]
            return receipts + [Receipt(one.key, stop.outcome, reason=stop.reason) for one in rest]
        except InDoubt as doubt:
            later = [untried(one) for one in messages[place + 1 :]]
            raise Uncertain(doubt.reason, receipts + later) from doubt
    return receipts
