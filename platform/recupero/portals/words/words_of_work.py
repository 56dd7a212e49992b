"""The words of strategies and of what waits for somebody's yes."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

#: What a look back could not tell the worth of.
TRIED: Words = {
    "the strategy": _("the strategy"),
    "its contacts": _("the strategy's contacts"),
    "its waiting": _("the strategy's waiting"),
}
STRATEGY: Words = {
    "channels": _("Channels"),
    "pace_days": _("Least days between two contacts"),
    "max_contacts_30d": _("Most contacts in 30 days"),
    "daily": _("Most a day"),
    "budget_minor": _("Most cost of the actions of one day"),
    "costs_minor": _("Cost of one"),
    "exploration": _("Share of people whose action is drawn at random"),
    "minimum_value_minor": _("Expected value below which nothing is done"),
    "annoyance_minor": _("What a complaint or an opt-out is held to cost"),
    "tolerance_minor": _("Sum below which nobody is chased"),
    "promise_reminder_days": _("Days before a promise on which it is recalled"),
    "tones": _("Tone"),
    "needs_yes": _("What needs a yes"),
    "human_only": _("Nothing but calls by people"),
    "assistants": _("Who speaks"),
    "offers": _("Offers, the preferred first"),
    "offer_after": _("Contacts in 30 days after which payment in parts is offered"),
    "segments": _("Segments"),
    "arms": _("Arms, by lot"),
    "share": _("Share of people"),
    "when": _("For whom it holds"),
    "then": _("What holds there instead"),
    "stages": _("Stage"),
    "from_dpd": _("Days past due from"),
    "to_dpd": _("Days past due up to"),
    "from_balance_minor": _("Balance from"),
    "to_balance_minor": _("Balance up to"),
    "regions": _("Regions (ISO 3166-2, by commas)"),
    "languages": _("Languages (by commas)"),
    "vulnerable": _("People who need particular care"),
}
#: Stages by days past due.
DPD_STAGES: Words = {
    "preventive": _("Before the due date"),
    "early": _("Early: up to 90 days past due"),
    "late": _("Late: more than 90 days past due"),
}
#: Why a person has to agree: the conditions of a strategy, and a person's own words.
YES: Words = {
    "channel": _("Channel"),
    "template": _("Message"),
    "tone": _("Tone"),
    "stage": _("Stage"),
    "from_balance_minor": _("Balance from"),
    "vulnerable": _("People who need particular care"),
    "everything": _("Everything"),
}
#: Why a strategy would have left somebody alone.
ALONE: Words = {
    "below_tolerance": _("Too little to chase"),
    "pace": _("Contacted lately"),
    "max_contacts_30d": _("Contacted often this month"),
    "not_worth_it": _("Not worth a contact"),
    "nothing_lawful": _("None of its channels was open"),
    "no_room": _("No room within the limits of the day"),
}
#: Who speaks for a strategy.
ASSISTANTS: Words = {
    "human": _("A person"),
    "virtual": _("A machine"),
}
#: Kinds of offers of a strategy.
OFFERS: Words = {
    "full": _("All by a day"),
    "plan": _("In parts"),
    "settlement": _("Less, as the whole"),
}
