"""The words of calls and of the scripts that lead them."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

DISPOSITIONS: Words = {
    "NOAN": _("No answer"),
    "BUSY": _("Engaged"),
    "VMNM": _("Voicemail, no message left"),
    "VMLM": _("Voicemail, message left"),
    "DISC": _("Disconnected or invalid number"),
    "WRNG": _("Wrong number"),
    "TPNA": _("Third party, debtor absent"),
    "TPRF": _("Third party refuses"),
    "HUNV": _("Hung up before verification"),
    "HUPV": _("Hung up after verification"),
    "CBRQ": _("Call back requested"),
    "PTPF": _("Promise for the full amount"),
    "PTPP": _("Promise for a part"),
    "PLAN": _("Plan agreed"),
    "SETL": _("Settlement agreed"),
    "PAID": _("Paid during the contact"),
    "ALRD": _("Says it is paid already"),
    "NOIN": _("Did not receive the invoice"),
    "RTPY": _("Refuses to pay"),
    "UTPY": _("Unable to pay now"),
    "HARD": _("Hardship stated"),
    "DSPT": _("Disputes the debt"),
    "CMPL": _("Complaint"),
    "CEAS": _("Asks that contact stop"),
    "ATTY": _("Represented by a lawyer"),
    "DECD": _("Deceased"),
    "INSO": _("Insolvency"),
    "FRDI": _("Claims fraud or identity theft"),
    "LANG": _("Needs another language"),
    "DLVD": _("Delivered"),
    "OPEN": _("Opened"),
    "CLCK": _("Link opened"),
    "RPLY": _("Replied"),
    "BNCE": _("Bounced"),
    "OPTO": _("Opted out"),
    "INBD": _("Debtor got in touch"),
}
CALL_LEGS: Words = {
    "agent": _("The agent's telephone"),
    "person": _("The person's telephone"),
    "transfer": _("Put through to an agent"),
}
CALL_LEG_STATUSES: Words = {
    "ringing": _("rings"),
    "human": _("somebody took it"),
    "machine": _("a machine took it"),
    "answered": _("was answered"),
    "no_answer": _("nobody answered"),
    "busy": _("was engaged"),
    "failed": _("did not come about"),
    "invalid": _("no such number"),
}
CALL_STAGES: Words = {
    "greeting": _("Greeting"),
    "identity": _("Identity"),
    "third_party": _("Somebody else"),
    "disclosures": _("What must be said"),
    "purpose": _("The matter"),
    "listen": _("Listen"),
    "reason": _("The reason"),
    "solve": _("A way out"),
    "agree": _("Agree"),
    "confirm": _("Confirm"),
    "close": _("Close"),
}
SCRIPT_STATES: Words = {
    "draft": _("Draft"),
    "approved": _("Approved"),
    "retired": _("Retired"),
    "shipped": _("where no other fits"),
}
IDENTITY_FACTS: Words = {
    "national_id": _("Last four characters of the identity number"),
    "birth_date": _("Date of birth"),
    "client_account": _("Account number"),
    "postal_code": _("Postal code"),
}
DISCLOSURES: Words = {
    "agent": _("Mexico: the person who collects"),
    "collector_address": _("Mexico: the agency's address, telephone and who is responsible"),
    "creditor_address": _("Brazil: the creditor's address"),
    "creditor_tax_id": _("Brazil: the creditor's CNPJ or CPF"),
    "complaints_unit": _("Mexico: address, e-mail and telephone of the creditor's complaints unit"),
    "pay_creditor_only": _("Mexico: that payment goes to the creditor only"),
    "license_number": _("California: licence number"),
    "recording": _("Rio de Janeiro: that calls are recorded and can be had within seven working days"),
    "time_barred_notice": _("United States: the notice on time-barred debt"),
}
SCRIPT_SEGMENTS: Words = {
    "general": _("any account"),
    "reminder": _("not yet due"),
    "early": _("up to 30 days late"),
    "late": _("more than 90 days late"),
    "broken_promise": _("after a promise that was not kept"),
    "vulnerable": _("who must be treated with particular care"),
}
