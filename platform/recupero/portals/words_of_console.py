"""The words of the agency's console: what was found how, and what a line of time shows."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_money import Words

FOUND_BY: Words = {
    "account": _("By account number"),
    "identity": _("By national id or reference"),
    "reach": _("By phone or e-mail"),
    "name": _("By name"),
}
TIMELINE: Words = {
    "contacts": _("Contacts"),
    "payments": _("Payments"),
    "promises": _("Promises"),
    "notes": _("Notes"),
    "decisions": _("Decisions"),
    "documents": _("Documents"),
    "holds": _("Holds"),
}
