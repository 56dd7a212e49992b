"""What changes payments: one door to links, charges, events, booking and promises."""

from recupero.payments.books.booking import Received, book_payment, reverse_payment
from recupero.payments.books.promises import make_promise, make_promises, settle_due
from recupero.payments.charging.inbox import process_event
from recupero.payments.gateways.charges import payable, start_charge
from recupero.payments.gateways.door import BadEvent, BadSignature, receive_event
from recupero.payments.gateways.links import (
    Door,
    ask_links,
    ensure_links,
    open_link,
    prove_identity,
    revoke_link,
)

__all__ = [
    "BadEvent",
    "BadSignature",
    "Door",
    "Received",
    "ask_links",
    "book_payment",
    "ensure_links",
    "make_promise",
    "make_promises",
    "open_link",
    "payable",
    "process_event",
    "prove_identity",
    "receive_event",
    "reverse_payment",
    "revoke_link",
    "settle_due",
    "start_charge",
]
