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
CASES: Words = {
    "complaint": _("Complaint"),
    "dispute": _("Dispute"),
    "hardship": _("Hardship"),
}
CASE_STATES: Words = {
    "late": _("Late"),
    "soon": _("Due soon or late"),
}
HOLD_SOURCES: Words = {
    "page": _("their own page"),
    "file": _("the creditor's file"),
    "hardship": _("a hardship case"),
    "hand_over": _("a hand-over to people"),
    "plan": _("a running plan"),
    "call": _("a call"),
    "reading": _("what they wrote"),
    "inbound": _("what they wrote"),
    "system": _("the platform"),
    "bulk": _("many at once"),
}
CAPACITY: Words = {
    "daily": _("Most a day"),
    "budget": _("Cost of a day"),
    "provider": _("Provider"),
    "language": _("Minutes in the language"),
    "trained": _("Minutes of people trained for"),
}
