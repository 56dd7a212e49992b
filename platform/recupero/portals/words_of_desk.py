"""The words of the agent's desk and of calls."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_money import Words

#: Answers in a call that are none of its script's.
CALL_ANSWERS: Words = {
    "proven": _("identity proven"),
    "wrong": _("not right"),
    "person": _("wants a person"),
    "stop": _("wants no more calls"),
    "refuses": _("will not tell who they are"),
    "hardship": _("is in hardship"),
    "angry": _("is angry"),
    "disputes": _("disputes the debt"),
    "paid_already": _("says it is paid"),
}
