"""What stopped a contact, and where people said that they may be contacted or not, in words.

Codes are those that the rooms keep (`outreach.service.Move`, `permissions.source`); a code without a word is
a provider's or a plug-in's own and is shown as it is.
"""

from recupero.kernel.marking import N_
from recupero.reports.words import CHANNELS, CLOSE_CODES, Words

#: Why a contact was not made: what stands before the colon of its stored reason.
_WHY = {
    "law": N_("The law does not allow it at that moment"),
    "content": N_("Its words lack what the law requires"),
    "hold": N_("On hold"),
    "account": N_("Work on the account has ended"),
    "closed": N_("Work on the account has ended"),
    "recalled": N_("The creditor took the account back"),
    "paid": N_("Paid meanwhile"),
    "promise": N_("Promised meanwhile"),
    "opted_out": N_("Opted out"),
    "declined": N_("A person said no"),
    "too_late": N_("Its time had passed before it could go out"),
    "not_confirmed": N_("Whether it arrived was never confirmed"),
    "no_contact_point": N_("No number or address known"),
    "no_timezone": N_("Time zone not known"),
    "no_connector": N_("No connector is switched on"),
    "connector_problem": N_("The settings of the connector do not hold"),
    "template": N_("Its template could not be filled in"),
    "asked_again": N_("Asked for anew"),
    "draft": N_("A colleague wrote instead"),
    "not_wanted": N_("Not wanted any more"),
    "preferred_channel": N_("Wishes another channel"),
    "never_rang": N_("The call never rang"),
    "no_longer_before_due_date": N_("The due date has passed"),
    "error": N_("An error on our side"),
}
#: What is behind the colon.
_ABOUT = {
    **CHANNELS,
    **CLOSE_CODES,
    "insolvency": N_("Insolvency"),
    "deceased": N_("Deceased"),
    "breathing_space": N_("Breathing space"),
    "court": N_("Court case"),
    "cease": N_("Contact ceased"),
    "attorney": N_("Represented by a lawyer"),
    "dispute": N_("Dispute"),
    "complaint": N_("Complaint"),
    "hardship": N_("Hardship"),
    "vulnerable": N_("Vulnerable person"),
    "plan": N_("Plan running"),
    "promise": N_("Promise running"),
    "client": N_("Asked by the creditor"),
    "person": N_("Wishes a person"),
    "resolved": N_("Resolved"),
    "exhausted": N_("Exhausted"),
    "closed": N_("Closed"),
    "recalled": N_("Recalled"),
    "returned": N_("Returned"),
}
#: Where somebody allowed or forbade to be contacted: what stands before the colon of the source.
_SOURCES = {
    "placement": N_("the creditor's file"),
    "page": N_("their own page"),
    "unsubscribe": N_("the link of a message"),
    "reading": N_("what they wrote"),
    "inbound": N_("what they wrote"),
    "complaint": N_("a complaint through their provider"),
    "disposition": N_("a conversation"),
    "phone": N_("a call"),
    "simulation": N_("the demonstration"),
}


def why(words: Words, kind: str) -> str:
    """Of which kind the reason is."""
    return words(_WHY[kind]) if kind in _WHY else kind


def about(words: Words, code: str) -> str:
    """What the reason is about; a dash where it says no more."""
    if not code:
        return "–"
    return words(_ABOUT[code]) if code in _ABOUT else code


def said_in(words: Words, source: str) -> str:
    """Where it was said."""
    place = source.partition(":")[0]
    return words(_SOURCES[place]) if place in _SOURCES else source
