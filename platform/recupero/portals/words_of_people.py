"""The words of who may come in."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_money import Words

USERS: Words = {"active": _("active"), "shut_out": _("shut out")}
KEYS: Words = {"valid": _("valid"), "expired": _("expired"), "revoked": _("revoked")}
