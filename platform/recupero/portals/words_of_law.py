"""The words of what the law is told: sectors, owners and parties, as people choose them."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_money import Words

SECTORS: Words = {
    "bank": _("Bank"),
    "finance": _("Finance company"),
    "insurance": _("Insurance"),
    "telecom": _("Telecommunications"),
    "utility": _("Electricity, gas, water"),
    "transport": _("Transport"),
    "post": _("Post"),
    "retail": _("Retail"),
    "health": _("Health"),
    "education": _("Education"),
    "housing": _("Housing"),
    "public": _("Public body"),
    "other": _("Other"),
}
OWNER_TYPES: Words = {
    "original_creditor": _("The creditor who lent or sold"),
    "debt_buyer": _("A buyer of the debts"),
}
PARTIES: Words = {
    "third": _("The agency in its own name"),
    "first": _("The agency in the creditor's name"),
}
FACTS: Words = {
    "creditor_sector": _("Sector of the creditor"),
    "owner_type": _("Who owns the debts"),
    "party": _("Who appears to the debtor"),
    "debt_kind": _("Kind of debt"),
}
