"""The debtor's own pages, behind the payment link: each module adds its pages to one blueprint."""

from recupero.portals.debtor import (
    cards,
    codes,
    documents,
    genuine,
    help_pages,
    offers,
    owed,
    reasons,
    sandbox,
    talk,
    wishes,
)
from recupero.portals.debtor.door import blueprint

__all__ = [
    "blueprint", "cards", "codes", "documents", "genuine", "help_pages", "offers", "owed", "reasons",
    "sandbox", "talk", "wishes",
]  # fmt: skip
