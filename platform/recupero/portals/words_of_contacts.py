"""The words of messages and of what people write back (domain page, section 4)."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_accounts import HOLDS
from recupero.portals.words_of_money import Words

CHANNELS: Words = {
    "call": _("Call"),
    "sms": _("SMS"),
    "email": _("E-mail"),
    "whatsapp": _("WhatsApp"),
    "letter": _("Letter"),
    "visit": _("Visit"),
    "all": _("All channels"),
}
#: Where somebody wrote: over a channel, or on their page.
TALK_CHANNELS: Words = {**CHANNELS, "link": _("Their page")}
CONTACT_STATES: Words = {
    "reserved": _("About to be sent"),
    "sent": _("Sent"),
    "delivered": _("Delivered"),
    "answered": _("Answered"),
    "no_answer": _("No answer"),
    "failed": _("Failed"),
    "unknown": _("Unknown"),
    "received": _("Received"),
}
REFUSED_FILES: Words = {
    "archive": _("Not kept: archives are not taken"),
    "kind": _("Not kept: files of this kind are not taken"),
    "active": _("Not kept: it holds a program or other files"),
    "too_large": _("Not kept: too large"),
    "too_many": _("Not kept: too many files in one message"),
    "left_out": _("Not kept: the channel did not hand it over"),
}
UNPLACED: Words = {
    "unknown_sender": _("Nobody here has this number or address"),
    "shared_address": _("Several people have this number or address, and none was written to"),
    "unknown_message": _("News of a message that we do not know"),
    "unreadable": _("An entry of the provider that could not be read; it is kept here as it came"),
}
ACTION_STATES: Words = {
    "proposed": _("Waits for a yes"),
    "approved": _("Agreed to"),
    "scheduled": _("Scheduled"),
    "claimed": _("Being sent"),
    "reserved": _("Being sent"),
    "sent": _("Sent"),
    "delivered": _("Delivered"),
    "answered": _("Answered"),
    "closed": _("Closed"),
    "failed": _("Failed"),
    "unknown": _("Unknown"),
    "blocked": _("Stopped by the law"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
}
#: A draft, and what becomes of it once it is submitted.
DRAFT_STATES: Words = {"draft": _("Draft"), **ACTION_STATES}
PURPOSES: Words = {
    "reminder": _("Reminder"),
    "notice": _("Notice"),
    "collection": _("Collection"),
    "answer": _("Answer"),
    "reply": _("Answer"),
    "locate": _("Locating"),
    "wait": _("Wait"),
}
TEMPLATES: Words = {
    "reminder": _("Reminder before the due date"),
    "first_notice": _("First notice"),
    "follow_up": _("Follow-up"),
    "offer": _("Offer"),
    "promise_reminder": _("Reminder of a promise"),
    "broken_promise": _("After a broken promise"),
    "late_instalment": _("An instalment is late"),
    "card_confirmation": _("The bank asks to confirm an instalment"),
    "card_ended": _("A card cannot be charged any more"),
    "plan_resumed": _("A plan goes on after a pause"),
    "pause_over": _("An agreed pause is over"),
    "thanks": _("Thanks"),
    "paid_in_full": _("Paid in full"),
    "call": _("Call"),
    "call_back": _("Call that the debtor booked"),
    "own_page": _("Link to their page"),
    "receipt": _("Receipt on their page"),
    "promise_day": _("Asks for the day of a promise"),
    "page_code": _("Code for their page"),
    "call_link": _("Link sent during a call"),
    "reply": _("Answer of a person"),
    "stopped": _("Confirmation of a stop"),
    "stopped_wholly": _("Confirmation of a stop on every channel"),
    "stopped_calls": _("Confirmation that nobody calls any more"),
    "wait": _("Wait"),
}
REASONS: Words = {
    "reminder": _("The debt falls due soon: a reminder fits."),
    "first_notice": _("Nobody has written about this debt yet: the first notice fits."),
    "follow_up": _("There was no answer yet: a follow-up fits."),
    "offer": _("An offer may help here."),
    "promise_reminder": _("A promise falls due soon: a reminder of it fits."),
    "broken_promise": _("A promise was broken: a word about it fits."),
    "late_instalment": _("An instalment has not come in by its day: a word about it fits."),
    "thanks": _("A payment came in: thanks are due."),
    "explored": _("Chosen at random among the lawful, to learn what works."),
    "nothing_lawful": _("No channel is lawful or open at present."),
    "not_worth_it": _("Every contact would cost more than it brings."),
    "no_room": _("Others come first within the limits of the day."),
    "better_elsewhere": _("Another account of the same person comes first."),
    "model_gone": _("Why the model decided so cannot be told any more: its version is missing."),
}
HELD: Words = {
    **HOLDS,
    "already_scheduled": _("Something is under way"),
    "promise_running": _("Promise running"),
    "pace": _("Contacted lately"),
    "max_contacts_30d": _("Contacted often this month"),
    "declined": _("Somebody declined it lately"),
    "below_tolerance": _("Too little to chase"),
    "control": _("In the control group"),
    "strategy_invalid": _("Strategy cannot be read"),
    "opted_out": _("Opted out"),
    "no_contact_point": _("No number or address known"),
    "no_timezone": _("Time zone not known"),
    "debtor_wishes_other_channel": _("Wishes another channel"),
    "debtor_wishes_other_hours": _("Wishes other hours"),
    "connector_problem": _("The settings of the connector do not hold"),
}
PUT_OFF: Words = {
    "needs_yes": _("a person has to agree first"),
    "law": _("put off to a lawful moment"),
    "preferred_hours": _("put off to the hours the debtor asked for"),
    "pace": _("waits its turn: the provider's account takes no more a second"),
    "provider_down": _("waits until the provider works again"),
    "retry": _("tried again: the provider did not take it"),
    "address": _("goes to another address: this one does not work"),
    "lease_ended": _("tried again: a worker stopped"),
    "offer_left_out": _("goes without its offer: a rule on content is against it"),
}
#: Why an action ended or waits: what stands before the colon of its stored reason.
ACTION_WHY: Words = {
    **PUT_OFF,
    "law": _("The law does not allow it at that moment"),
    "content": _("Its words lack what the law requires"),
    "hold": _("On hold"),
    "account": _("Work on the account has ended"),
    "closed": _("Work on the account has ended"),
    "recalled": _("The creditor took the account back"),
    "paid": _("Paid meanwhile"),
    "promise": _("Promised meanwhile"),
    "opted_out": HELD["opted_out"],
    "declined": _("A person said no"),
    "too_late": _("Its time had passed before it could go out"),
    "not_confirmed": _("Whether it arrived was never confirmed"),
    "no_contact_point": HELD["no_contact_point"],
    "no_timezone": HELD["no_timezone"],
    "no_connector": _("No connector is switched on"),
    "connector_problem": HELD["connector_problem"],
    "template": _("Its template could not be filled in"),
    "asked_again": _("Asked for anew"),
    "draft": _("A colleague wrote instead"),
    "moved": _("Moved to another moment"),
    "not_wanted": _("Not wanted any more"),
    "preferred_channel": HELD["debtor_wishes_other_channel"],
    "never_rang": _("The call never rang"),
    "no_longer_before_due_date": _("The due date has passed"),
    "error": _("An error on our side"),
}
FORMS: Words = {
    "long": _("Long: e-mail and letter"),
    "short": _("Short: SMS and WhatsApp"),
}
TONES: Words = {
    "kind": _("Friendly"),
    "neutral": _("Neutral"),
    "firm": _("Firm"),
}
DISPUTE_VERDICTS: Words = {
    "owed": _("It is owed as it stands"),
    "corrected": _("The amount is corrected"),
    "not_owed": _("It is not owed"),
}
DISPUTE_REASONS: Words = {
    "already_paid": _("Has paid already"),
    "not_mine": _("Says it is not theirs"),
    "wrong_amount": _("Says the amount is wrong"),
    "other": _("Another reason"),
    "DISPUTE": _("Disputes the debt"),
    "PRICE_OR_BILLING_ERROR": _("Price or billing error"),
}
ACTS: Words = {
    "creditor": _("What you can mend"),
    "agency": _("What the agency can mend"),
    "debtor": _("What lies with the debtor"),
}
TOLD_BY: Words = {
    "call": _("Call"),
    "person": _("A person who looked into it"),
    "page": _("The debtor's own page"),
    "contact": _("Result of a contact"),
    "message": _("Message"),
}
TELLING_STEPS: Words = {
    "pay": _("shown how to pay"),
    "plan": _("shown how to pay in parts"),
    "promise": _("asked for a day"),
    "choices": _("shown what can be done"),
    "invoice": _("the invoice was asked for; nobody reminds meanwhile"),
    "rest": _("everything rests; a person looks at it"),
    "dispute": _("work stopped; a person looks into it"),
    "complaint": _("work stopped; a person answers"),
    "deceased": _("everything stopped; a person looks into it"),
    "person": _("handed over to a person"),
}
CAUSES: Words = {
    "FORGOT": _("Forgot"),
    "NO_INVOICE": _("The invoice never came"),
    "CASH_SHORT": _("Short of money"),
    "JOB_LOSS": _("Lost the job"),
    "ILLNESS": _("Illness"),
    "OVERINDEBTED": _("Too many debts"),
    "SERVICE_COMPLAINT": _("Unhappy with the service"),
    "PRICE_OR_BILLING_ERROR": _("Price or billing error"),
    "DISPUTE": _("Disputes the debt"),
    "PAYMENT_MEANS": _("The way to pay failed"),
    "WAITING_INCOME": _("Waits for income"),
    "UNWILLING": _("Does not want to"),
    "DECEASED": _("Deceased"),
    "OTHER": _("Another reason"),
}
INTENTS: Words = {
    "invoice_refused": _("The creditor has no invoice to send: tell them"),
    "last_reply": _("The law leaves one message"),
    "no_receipt": _("Asks for a receipt, and no payment is on record to which it belongs"),
    "agrees": _("Accepts what was proposed"),
    "angry": _("Is angry"),
    "asks_balance": _("Asks how much it is"),
    "asks_discount": _("Asks for a discount"),
    "asks_how": _("Asks how to pay"),
    "asks_identity": _("Asks who we are"),
    "asks_receipt": _("Asks for a receipt"),
    "call_me_back": _("Wants a call later"),
    "cannot_pay": _("Cannot pay now"),
    "complaint": _("Complains"),
    "dispute_answered": _("The creditor has answered the dispute: tell them"),
    "disputes": _("Disputes the debt"),
    "hardship": _("In hardship"),
    "hardship_over": _("Their pause for hardship is over: ask how they are"),
    "no_invoice": _("The invoice never came"),
    "other": _("Something else"),
    "paid_already": _("Has paid already"),
    "prefers": _("Wants another channel or hour"),
    "refuses": _("Refuses to pay"),
    "sends_proof": _("Sends a proof of payment"),
    "stop": _("Wants no more messages"),
    "thanks": _("Says thanks"),
    "unsure": _("Not understood for sure"),
    "wants_link": _("Wants the link to pay"),
    "wants_person": _("Wants a person"),
    "wants_plan": _("Wants to pay in instalments"),
    "will_pay": _("Will pay"),
    "wrong_person": _("Is somebody else"),
}
