"""What changes payments: one door to links, charges, events, booking and promises."""

from recupero.payments.booking import Received, book_payment, reverse_payment
from recupero.payments.charges import payable, start_charge
from recupero.payments.door import BadEvent, BadSignature, receive_event
from recupero.payments.inbox import process_event
from recupero.payments.links import Door, ask_links, ensure_links, open_link, prove_identity, revoke_link
from recupero.payments.promises import make_promise, make_promises, settle_due

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
