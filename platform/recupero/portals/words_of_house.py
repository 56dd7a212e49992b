"""The words of the house itself: who may come in, what they may do, what runs and what is plugged in."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_money import Words

ROLES: Words = {
    "platform_operator": _("Platform operator"),
    "agency_administrator": _("Agency administrator"),
    "compliance_officer": _("Compliance officer"),
    "supervisor": _("Supervisor"),
    "agent": _("Agent"),
    "creditor_administrator": _("Creditor administrator"),
    "creditor_viewer": _("Creditor viewer"),
}
PERMISSIONS: Words = {
    "platform.operate": _("Operate the platform"),
    "tenancy.manage": _("Manage creditors, users and keys"),
    "tenancy.read": _("See creditors"),
    "placements.read": _("See placements"),
    "placements.import": _("Place accounts"),
    "accounts.read": _("See accounts"),
    "accounts.work": _("Work accounts"),
    "law.read": _("Ask the law"),
    "law.manage": _("Set house rules above the law"),
    "outbox.read": _("Read messages"),
    "inbox.read": _("Read the inbox"),
    "actions.approve": _("Agree to planned actions"),
    "decisions.read": _("See decisions"),
    "decisions.plan": _("Plan"),
    "payments.read": _("See payments"),
    "payments.book": _("Book payments"),
    "remittances.read": _("See statements of remittance"),
    "remittances.prepare": _("Draw and review statements"),
    "remittances.issue": _("Issue statements"),
    "remittances.pay": _("Pay out, take fees"),
    "trust.read": _("See the trust account"),
    "strategy.manage": _("Set the strategy of portfolios"),
    "terms.manage": _("Set interest, order of payment and offers of portfolios"),
    "offers.approve": _("Allow offers beyond an agent's limits"),
    "offers.grant": _("Allow offers beyond the creditor's terms"),
    "reports.read": _("Read reports"),
    "audit.read": _("Read the audit trail"),
}
SKILLS: Words = {
    "complaints": _("Complaints"),
    "disputes": _("Disputes"),
    "hardship": _("Hardship"),
    "identity": _("Wrong persons"),
}
JOB_STATES: Words = {
    "queued": _("Waiting"),
    "running": _("Running"),
    "done": _("Done"),
    "dead": _("Given up"),
}
PLUGIN_KINDS: Words = {
    "regulation": _("Law of a country"),
    "channel": _("Channel"),
    "model": _("Model"),
    "text": _("Model of texts"),
    "gateway": _("Payment gateway"),
}
USERS: Words = {"active": _("active"), "shut_out": _("shut out")}
KEYS: Words = {"valid": _("valid"), "expired": _("expired"), "revoked": _("revoked")}
PLUGIN_STATES: Words = {"working": _("working"), "failed": _("failed")}
