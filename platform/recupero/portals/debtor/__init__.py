"""The debtor's own pages, behind the payment link: each module adds its pages to one blueprint."""

from recupero.portals.debtor import cards, documents, offers
from recupero.portals.debtor.account import blueprint

__all__ = ["blueprint", "cards", "documents", "offers"]
