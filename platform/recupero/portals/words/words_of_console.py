"""The words of the agency's console: what was found how, and what a line of time shows."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

FOUND_BY: Words = {
    "account": _("By account number"),
    "identity": _("By national id or reference"),
    "reach": _("By phone or e-mail"),
    "name": _("By name"),
}
TIMELINE: Words = {
    "contacts": _("Contacts"),
    "payments": _("Payments"),
    "promises": _("Promises and agreements"),
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
COMPLAINTS: Words = {
    "open": _("Is being looked into"),
    "late": _("Past its day"),
    "ended": _("Answered"),
}
HOLD_SOURCES: Words = {
    "page": _("their own page"),
    "file": _("the creditor's file"),
    "hardship": _("a hardship case"),
    "hand_over": _("a hand-over to people"),
    "plan": _("a running plan"),
    "promise": _("a promise to pay"),
    "call": _("a call"),
    "reading": _("what they wrote"),
    "unsubscribe": _("the link in a message"),
    "opted_out": _("the provider"),
    "complaint": _("the provider"),
    "disposition": _("the result of a contact"),
    "inbound": _("what they wrote"),
    "system": _("the platform"),
    "bulk": _("many at once"),
    "simulation": _("the demonstration"),
}
CAPACITY: Words = {
    "daily": _("Most a day"),
    "budget": _("Cost of a day"),
    "provider": _("Provider"),
    "language": _("Minutes in the language"),
    "trained": _("Minutes of people trained for"),
}
BULK: Words = {
    "hold": _("Put on hold"),
    "release": _("End holds"),
    "give": _("Give to somebody"),
    "answered": _("Nothing to answer"),
    "recall": _("Give back to the creditor"),
    "label": _("Put a label on"),
    "unlabel": _("Take a label off"),
    "strategy": _("One strategy for many portfolios"),
    "submit": _("Submit drafts"),
    "discard": _("Discard drafts"),
}
BULK_TOLD: Words = {
    "hold": _("Nobody is contacted about these accounts until the hold ends. Debtors can still pay."),
    "release": _("Holds of this kind on these accounts end at once. Whatever else stops the work stays."),
    "give": _("The conversations of these debtors are given to one person."),
    "answered": _("Nobody has to answer these conversations any more. Who writes again waits again."),
    "recall": _("Work on these accounts ends and they go back to their creditor."),
    "label": _("These accounts bear the label. Nothing else changes."),
    "unlabel": _("These accounts bear the label no more. Nothing else changes."),
    "submit": _("Each goes out at the next lawful moment, or waits for a yes where the strategy wants one."),
    "discard": _("These drafts are given up. Nothing of them was sent."),
}
BULK_SPARED: Words = {
    "ended": _("work on them has ended"),
    "held": _("on such a hold already"),
    "not_held": _("not on such a hold"),
    "whole": _("the hold is on everything of the debtor: end it there"),
    "no_talk": _("no conversation with the debtor yet"),
    "handed": _("a person has taken them over and says the cause first"),
    "answered": _("nobody waits for an answer there"),
    "same": _("they have it already"),
    "labelled": _("they bear the label already"),
    "not_labelled": _("they do not bear the label"),
    "elsewhere": _("the label is of another creditor"),
    "currency": _("its amounts are in another currency"),
}
BULK_STATES: Words = {
    "waiting": _("Being worked through"),
    "done": _("Done"),
    "undone": _("Taken back"),
}
#: Colours of labels.
LABEL_COLOURS: Words = {
    "grey": _("Grey"),
    "teal": _("Teal"),
    "green": _("Green"),
    "blue": _("Blue"),
    "violet": _("Violet"),
    "amber": _("Amber"),
    "red": _("Red"),
}
#: Who did something, where it was no user.
ACTORS: Words = {
    "user": _("User"),
    "key": _("API key"),
    "system": _("The platform"),
    "system:demo": _("The demonstration"),
    "system:cli": _("The command line"),
    "simulation": _("The demonstration"),
    "debtor": _("The debtor"),
    "creditor": _("The creditor"),
    "gateway": _("The payment gateway"),
    "payments": _("The books"),
    "agent": _("An agent"),
    "voice": _("The voice assistant"),
    "page": _("The debtor's page"),
    "nobody": _("Nobody who signed in"),
    "bulk": _("Order for many accounts"),
}
