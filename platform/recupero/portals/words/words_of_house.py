"""The words of the house itself: who may come in, what they may do, what runs and what is plugged in."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

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
    "accounts.bulk": _("Order for many accounts at once"),
    "desk.lead": _("Lead agents: their desks and goals"),
    "law.read": _("Ask the law"),
    "law.manage": _("Set house rules above the law"),
    "outbox.read": _("Read messages"),
    "inbox.read": _("Read the inbox"),
    "actions.approve": _("Agree to planned actions"),
    "words.write": _("Write messages and call scripts"),
    "words.approve": _("Approve messages and call scripts"),
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
    "models.promote": _("Say which model serves"),
    "reports.read": _("Read reports"),
    "feeds.manage": _("Set up reports by e-mail and webhooks"),
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
    "action": _("Model of actions"),
    "gateway": _("Payment gateway"),
}
USERS: Words = {"active": _("active"), "shut_out": _("shut out")}
KEYS: Words = {"valid": _("valid"), "expired": _("expired"), "revoked": _("revoked")}
PLUGIN_STATES: Words = {"working": _("working"), "failed": _("failed")}
WEBHOOK_EVENTS: Words = {
    "payment.booked": _("Payment booked"),
    "payment.reversed": _("Payment taken back"),
    "promise.made": _("Promise made"),
    "promise.broken": _("Promise broken"),
    "plan.agreed": _("Plan agreed"),
    "plan.broken": _("Plan broken"),
    "settlement.accepted": _("Settlement accepted"),
    "dispute.opened": _("Dispute opened"),
    "dispute.ended": _("Dispute ended"),
    "account.closed": _("Account closed"),
    "account.recalled": _("Account recalled"),
    "remittance.issued": _("Statement issued"),
    "report.ready": _("Report sent"),
    "test": _("Test"),
}
WEBHOOK_STATES: Words = {
    "waiting": _("Waiting"),
    "sending": _("Being sent"),
    "delivered": _("Delivered"),
    "dead": _("Given up"),
}
WEBHOOK_PROBLEMS: Words = {
    "the address is not allowed": _("The address is not allowed"),
    "its name is not known": _("Its name is not known"),
    "its name leads into a private network": _("Its name leads into a private network"),
    "no answer in time": _("No answer in time"),
    "its certificate does not hold": _("Its certificate does not hold"),
    "nobody answers there": _("Nobody answers there"),
    "the connection broke": _("The connection broke"),
}
REPORTS: Words = {"recovery": _("Recovery report"), "compliance": _("Compliance report")}
REPORT_MAILS: Words = {
    "waiting": _("Waiting"),
    "sending": _("Being sent"),
    "sent": _("Sent"),
    "failed": _("Failed"),
    "unknown": _("May have gone"),
}
REPORT_PROBLEMS: Words = {
    "no mail server is set up": _("No mail server is set up"),
    "the mail server refused": _("The mail server refused"),
    "the mail server refused the sender": _("The mail server refused the sender"),
    "the mail server refused a recipient": _("The mail server refused a recipient"),
    "the mail server refused the mail": _("The mail server refused the mail"),
    "the mail server cannot be reached": _("The mail server cannot be reached"),
    "the mail server offers no encrypted connection": _("The mail server offers no encrypted connection"),
    "the report could not be made": _("The report could not be made"),
    "the connection broke": _("The connection broke"),
}
