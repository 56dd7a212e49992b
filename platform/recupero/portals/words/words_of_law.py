"""The words of what the law is told: sectors, owners and parties; events, situations and permissions."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

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
#: Kinds of debt that the packs' periods and exceptions tell apart.
DEBT_KINDS: Words = {
    "bank": _("Bank credit"),
    "bearer_document": _("Document to bearer"),
    "bill": _("Bill of exchange or cheque"),
    "civil": _("Civil obligation"),
    "commercial": _("Commercial obligation"),
    "credit_card": _("Credit card"),
    "decree": _("Court decree"),
    "development": _("Development credit"),
    "executive": _("Enforceable document"),
    "farm": _("Farm credit"),
    "high_cost_short_term": _("High-cost short-term credit"),
    "instalment_capital": _("Capital owed in instalments"),
    "instrument": _("Written instrument"),
    "interest": _("Interest"),
    "liberal_profession": _("Fees of a liberal profession"),
    "merchant_sale": _("Sale by a merchant"),
    "microcredit": _("Microcredit"),
    "mortgage": _("Mortgage"),
    "oral_contract": _("Oral contract"),
    "ordinary": _("Ordinary debt"),
    "other": _("Other"),
    "periodic": _("Periodic payments"),
    "periodic_payment": _("Periodic payment"),
    "promissory_note": _("Promissory note"),
    "rent": _("Rent"),
    "retail_sale": _("Retail sale"),
    "rural": _("Rural credit"),
    "service": _("Service"),
    "small_service": _("Small service"),
    "supply": _("Supply of water, power or the like"),
}
EVENTS: Words = {
    "payment": _("Payment"),
    "acknowledgement": _("Debt acknowledged in writing"),
    "demand": _("Formal demand served"),
    "suit": _("Suit filed"),
    "judgment": _("Judgment given"),
    "dispute": _("Debt disputed"),
    "verification": _("Debt verified to the debtor"),
    "complaint": _("Complaint received"),
    "complaint_answered": _("Complaint answered"),
    "cease_request": _("Asked to stop contact"),
    "do_not_call": _("Entered in a do-not-call register"),
    "breathing_space": _("Breathing space began"),
    "crisis_moratorium": _("Mental health crisis moratorium began"),
    "attorney_notice": _("Lawyer named"),
    "validation_notice": _("Validation notice given"),
    "rights_notice": _("Notice of rights given"),
    "transfer_notice": _("Notice of the transfer of the debt given"),
    "visit_notice": _("Visit announced"),
    "email_notice": _("Notice of contact by e-mail given"),
    "bureau_notice": _("Notice of the credit bureau given"),
    "letter_of_claim": _("Letter of claim sent"),
    "workplace_request": _("Asked not to be contacted at work"),
    "limitation_refused": _("Refused to pay because of limitation"),
}
SITUATIONS: Words = {
    "bureau_notice_served": _("Told of the entry in a credit bureau"),
    "lacks_capacity": _("Lacks legal capacity"),
    "limitation_refused": _("Pleads limitation"),
    "no_visits": _("Wants no visits"),
    "judgment": _("A judgment stands"),
    "minor": _("Is a minor"),
    "adr_case": _("A mediation or arbitration runs"),
    "undocumented": _("No document proves the debt"),
    "hospital": _("Is in hospital"),
}
ALLOWED: Words = {
    "workplace": _("Contact at the workplace"),
    "employer": _("Contact with the employer"),
    "third_party": _("Talk with third parties"),
    "visit": _("Visits"),
    "third_party_address": _("Letters to the address of a third party"),
    "other_hours": _("Contact at other hours"),
}
STATED_KINDS: Words = {
    "event": _("It happened on a day"),
    "situation": _("It is so"),
    "permission": _("The debtor allows it"),
}
OUTCOMES: Words = {
    "allowed": _("kept"),
    "refused": _("refuses"),
    "informational": _("noted"),
    "absent": _("not there"),
}
COUNTED: Words = {
    "agency": _("of the person, for whichever creditor"),
    "creditor": _("of the person with one creditor"),
    "debt": _("about one debt"),
}
COUNTS: Words = {
    "attempts": _("whatever was tried"),
    "reached": _("only what reached somebody"),
}
WEEK_PARTS: Words = {
    "weekdays": _("Monday to Friday"),
    "saturday": _("Saturday"),
    "sunday": _("Sunday"),
}
RULE_KINDS: Words = {
    "hours": _("Permitted hours"),
    "closed_days": _("Closed days"),
    "frequency": _("Cap on contacts"),
    "gap": _("Time between contacts"),
    "channel_lock": _("One channel a period"),
    "channel_gate": _("Authorised channels"),
    "channel_ban": _("Forbidden channels"),
    "opt_out": _("Refused channels"),
    "stop": _("Holds"),
    "recipient": _("Who may be contacted"),
    "place": _("Places of visits"),
    "pause": _("Pause after an event"),
    "prior_notice": _("Notice before contact"),
    "inconvenient": _("Times and places to avoid"),
    "purpose": _("Purpose of a contact"),
    "disclosure": _("What must be said"),
    "banned_content": _("What must not be said"),
    "statement": _("Definitions and scope"),
    "clock": _("Deadlines"),
    "moratorium": _("Moratorium"),
    "limitation": _("Limitation"),
    "fee_ladder": _("Cap on expenses"),
    "rate_cap": _("Cap on interest and fees"),
    "charge_ban": _("Forbidden charges"),
    "register_listing": _("Credit registers"),
    "retention": _("Keeping of records"),
    "recording": _("Recording of calls"),
    "caller_identity": _("Caller's number"),
    "free_contact": _("Free contact"),
    "sanction": _("Sanctions"),
}
