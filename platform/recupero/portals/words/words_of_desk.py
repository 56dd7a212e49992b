"""The words of the agent's desk and of calls."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

#: Answers in a call that are none of its script's.
CALL_ANSWERS: Words = {
    "proven": _("identity proven"),
    "wrong": _("not right"),
    "person": _("wants a person"),
    "later": _("has no time now"),
    "stop": _("wants no more calls"),
    "refuses": _("will not tell who they are"),
    "hardship": _("is in hardship"),
    "angry": _("is angry"),
    "disputes": _("disputes the debt"),
    "paid_already": _("says it is paid"),
}
#: What to heed with somebody.
CARE: Words = {
    "minor": _("Is under age"),
    "hospital": _("Is in hospital"),
    "lacks_capacity": _("Cannot decide alone"),
    "vulnerable": _("Needs particular care: slow, simple, no pressure"),
    "angry": _("Was angry lately: listen first, apologise where it is due"),
    "complained": _("Complained before: stay exact and calm"),
    "hardship": _("Told of hardship: ask how they are before anything else"),
    "refused": _("Refused before: ask why, do not repeat the demand"),
    "language": _("Wanted another language"),
}
#: Why an account is at a desk.
SITTINGS: Words = {
    "call_back": _("They were promised a call for now"),
    "handed_over": _("They are to be taken over by a person"),
    "queue": _("The best call of today's plan for you"),
    "chosen": _("You chose this account"),
}
#: What the time at the desk goes into.
TIMES: Words = {
    "before": _("Before the call"),
    "talk": _("Talking"),
    "wrap": _("Wrapping up"),
}
PERIODS: Words = {"day": _("Today"), "week": _("This week")}
MEASURES: Words = {
    "worked": _("Accounts worked"),
    "reached": _("People reached"),
    "agreed": _("Agreements"),
}
