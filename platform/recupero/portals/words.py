"""The words for the codes that the rooms keep (domain page, sections 1, 3 and 4), and the tone of a badge."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

Words = Mapping[str, LazyString]

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
    "decisions.read": _("See decisions"),
    "decisions.plan": _("Plan"),
    "payments.read": _("See payments"),
    "payments.book": _("Book payments"),
    "remittances.read": _("See statements of remittance"),
    "remittances.prepare": _("Draw and review statements"),
    "remittances.issue": _("Issue statements"),
    "remittances.pay": _("Pay out, take fees"),
    "trust.read": _("See the trust account"),
    "offers.approve": _("Allow offers beyond an agent's limits"),
    "offers.grant": _("Allow offers beyond the creditor's terms"),
    "reports.read": _("Read reports"),
    "audit.read": _("Read the audit trail"),
}
STATUSES: Words = {
    "received": _("Received"),
    "validated": _("Validated"),
    "acknowledged": _("Acknowledged"),
    "scrubbed": _("Checked"),
    "notice": _("Notice period"),
    "active": _("Active"),
    "resolved": _("Resolved"),
    "exhausted": _("Exhausted"),
    "closed": _("Closed"),
    "recalled": _("Recalled"),
    "returned": _("Returned"),
}
STAGES: Words = {
    "unreached": _("Not reached"),
    "reached": _("Reached"),
    "negotiating": _("Negotiating"),
    "promised": _("Promised"),
    "on_plan": _("On a plan"),
    "settling": _("Settlement offered"),
    "legal": _("Legal review"),
}
CLOSE_CODES: Words = {
    "PIF": _("Paid in full"),
    "SIF": _("Settled in full"),
    "CURED": _("Cured"),
    "CORRECTED": _("Corrected to zero"),
    "RECALLED": _("Recalled by the creditor"),
    "SOLD": _("Sold"),
    "UNTRACEABLE": _("Cannot be found"),
    "UNECONOMIC": _("Not economic"),
    "EXHAUSTED": _("Term reached"),
    "TIME_BARRED": _("Time-barred"),
    "INSOLVENT": _("Insolvent"),
    "DECEASED": _("Deceased"),
    "FRAUD": _("Fraud"),
    "DISPUTE_UPHELD": _("Dispute upheld"),
    "CEASED": _("Contact ceased"),
    "INVALID_DATA": _("Invalid data"),
    "DUPLICATE": _("Duplicate"),
    "NOT_ELIGIBLE": _("Not eligible"),
}
CHANNELS: Words = {
    "call": _("Call"),
    "sms": _("SMS"),
    "email": _("E-mail"),
    "whatsapp": _("WhatsApp"),
    "letter": _("Letter"),
    "visit": _("Visit"),
    "all": _("All channels"),
}
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
ACTION_STATES: Words = {
    "scheduled": _("Scheduled"),
    "claimed": _("Being sent"),
    "reserved": _("Being sent"),
    "sent": _("Sent"),
    "done": _("Done"),
    "failed": _("Failed"),
    "unknown": _("Unknown"),
    "blocked": _("Stopped by the law"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
}
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
HOLDS: Words = {
    "insolvency": _("Insolvency"),
    "deceased": _("Deceased"),
    "breathing_space": _("Breathing space"),
    "court": _("Court case"),
    "cease": _("Contact ceased"),
    "attorney": _("Represented by a lawyer"),
    "dispute": _("Dispute"),
    "complaint": _("Complaint"),
    "hardship": _("Hardship"),
    "vulnerable": _("Vulnerable person"),
    "plan": _("Plan running"),
    "promise": _("Promise running"),
    "client": _("Asked by the creditor"),
}
PARTS: Words = {
    "principal": _("Principal"),
    "interest": _("Interest"),
    "fee": _("Fees"),
    "cost": _("Costs"),
    "tax": _("Tax"),
}
PAYMENT_STATES: Words = {
    "booked": _("Booked"),
    "reversed": _("Reversed"),
    "suspense": _("Not yet assigned"),
}
PAYMENT_KINDS: Words = {
    "gateway": _("Paid online"),
    "direct": _("Paid to the creditor"),
    "manual": _("Booked by hand"),
    "connect": _("Paid online to the creditor"),
}
MEANS: Words = {
    "transfer": _("Bank transfer"),
    "cash": _("Cash"),
    "cheque": _("Cheque"),
}
REFUND_MEANS: Words = {**MEANS, "gateway": _("Through the gateway")}
RECEIPT_STATES: Words = {
    "entered": _("To approve"),
    "approved": _("Approved"),
    "rejected": _("Refused"),
}
BANK_LINE_STATES: Words = {
    "open": _("Not explained"),
    "matched": _("Matched"),
    "aside": _("Set aside"),
}
BANK_ITEMS: Words = {
    "payment": _("Payment"),
    "payout": _("Payout of a gateway"),
    "refund": _("Paid back"),
    "transaction": _("Out of trust"),
}
CLUES: Words = {
    "number": _("account number"),
    "payer": _("bank account known"),
    "person": _("national id"),
    "name": _("name"),
    "amount": _("exact balance"),
    "promised": _("amount promised or asked for"),
}
RECONCILIATION_STATES: Words = {
    "running": _("Running"),
    "clean": _("Nothing missing"),
    "findings": _("Differences"),
    "failed": _("Failed"),
}
FINDINGS: Words = {
    "missing_payment": _("A payment that never reached us"),
    "missing_reversal": _("A refund or dispute that never reached us"),
    "missing_payout": _("A payout that never reached us"),
    "amount_differs": _("Another amount"),
    "unknown_to_gateway": _("Not on the gateway's record"),
    "fee_currency": _("A fee in another currency"),
}
PROMISE_STATES: Words = {
    "open": _("Open"),
    "kept": _("Kept"),
    "partly_kept": _("Partly kept"),
    "broken": _("Broken"),
    "cancelled": _("Cancelled"),
}
IMPORT_STATES: Words = {
    "queued": _("Waiting"),
    "tried": _("Tried, nothing kept"),
    "running": _("Running"),
    "done": _("Done"),
    "failed": _("Failed"),
}
IMPORT_OUTCOMES: Words = {
    "rejected": _("Rejected"),
    "quarantined": _("Set aside"),
    "duplicate": _("Duplicate"),
    "warning": _("Warning"),
}
IMPORT_KINDS: Words = {
    "placement": _("Placement"),
    "maintenance": _("Changes"),
    "financial": _("Payments and adjustments"),
    "recall": _("Recall"),
}
POINT_STATES: Words = {
    "untested": _("Untested"),
    "valid": _("Valid"),
    "invalid": _("Invalid"),
}
POINT_KINDS: Words = {
    "phone": _("Phone"),
    "email": _("E-mail"),
    "address": _("Address"),
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
    "gateway": _("Payment gateway"),
}
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
    "thanks": _("Thanks"),
    "call": _("Call"),
    "wait": _("Wait"),
}
REASONS: Words = {
    "reminder": _("The debt falls due soon: a reminder fits."),
    "first_notice": _("Nobody has written about this debt yet: the first notice fits."),
    "follow_up": _("There was no answer yet: a follow-up fits."),
    "offer": _("An offer may help here."),
    "promise_reminder": _("A promise falls due soon: a reminder of it fits."),
    "broken_promise": _("A promise was broken: a word about it fits."),
    "thanks": _("A payment came in: thanks are due."),
    "explored": _("Chosen at random among the lawful, to learn what works."),
    "nothing_lawful": _("No channel is lawful or open at present."),
    "not_worth_it": _("Every contact would cost more than it brings."),
    "better_elsewhere": _("Another account of the same person comes first."),
}
HELD: Words = {
    **HOLDS,
    "already_scheduled": _("Something is under way"),
    "promise_running": _("Promise running"),
    "pace": _("Contacted lately"),
    "max_contacts_30d": _("Contacted often this month"),
    "strategy_invalid": _("Strategy cannot be read"),
    "opted_out": _("Opted out"),
    "no_contact_point": _("No address known"),
    "no_timezone": _("Time zone not known"),
    "debtor_wishes_other_channel": _("Wishes another channel"),
}
FIELDS: Words = {
    "client_account": _("Account number"),
    "client_reference": _("Customer number"),
    "product": _("Product"),
    "original_creditor": _("Original creditor"),
    "currency": _("Currency"),
    "due_date": _("Due date"),
    "delinquency_date": _("In arrears since"),
    "open_date": _("Opened on"),
    "charge_off_date": _("Charged off on"),
    "last_payment_date": _("Last payment on"),
    "last_payment": _("Last payment, amount"),
    "limitation_date": _("Time-barred from"),
    "total": _("Total owed"),
    "principal": _("Principal"),
    "interest": _("Interest"),
    "fee": _("Fees"),
    "cost": _("Costs"),
    "tax": _("Tax"),
    "placement_number": _("Placement number"),
    "national_id": _("National id"),
    "name": _("Name"),
    "kind": _("Person or firm"),
    "region": _("Region"),
    "country": _("Country"),
    "timezone": _("Time zone"),
    "postal_code": _("Postal code"),
    "language": _("Language"),
    "birth_date": _("Date of birth"),
    "phone": _("Phone"),
    "work_phone": _("Phone at work"),
    "email": _("E-mail"),
    "address": _("Address"),
    "consent_call": _("Consents to calls"),
    "consent_sms": _("Consents to SMS"),
    "consent_email": _("Consents to e-mail"),
    "consent_whatsapp": _("Consents to WhatsApp"),
    "consent_letter": _("Consents to letters"),
    "consent_visit": _("Consents to visits"),
    "opt_out_call": _("No calls"),
    "opt_out_sms": _("No SMS"),
    "opt_out_email": _("No e-mail"),
    "opt_out_whatsapp": _("No WhatsApp"),
    "opt_out_letter": _("No letters"),
    "opt_out_visit": _("No visits"),
    "opt_out_all": _("No contact at all"),
    "consent_date": _("Consent given on"),
    "consent_source": _("Consent given where"),
    "disputed": _("Disputed"),
    "hardship": _("Hardship"),
    "represented": _("Represented by a lawyer"),
    "deceased": _("Deceased"),
    "insolvent": _("Insolvent"),
    "vulnerable": _("Vulnerable person"),
    "employer": _("Employer"),
    "score": _("Score"),
    "legal_status": _("Legal status"),
    "contract_rate": _("Contract rate"),
    "judgment_date": _("Date of judgment"),
    "last_statement_date": _("Last statement on"),
    "itemisation_date": _("Itemisation date"),
    "reference_name": _("Reference person"),
    "entry": _("Kind of entry"),
    "reference": _("Reference"),
    "part": _("Part of the balance"),
    "amount": _("Amount"),
    "paid_on": _("Paid on"),
    "recall_reason": _("Reason of the recall"),
}
DOCUMENTS: Words = {
    "receipt": _("Receipt"),
    "balance": _("What is owed"),
    "paid_in_full": _("Paid in full"),
    "invoice": _("Original invoice"),
}

TERMS: Words = {
    "commission_rate": _("Commission, in hundredths of a percent of what is collected"),
    "settlement_floor_percent": _("Lowest settlement, in percent of the balance"),
    "max_instalments": _("Most instalments of a plan"),
    "minimum_instalment_minor": _("Lowest instalment"),
    "minimum_instalment_percent": _("Lowest instalment, in percent of the balance"),
    "first_payment_days": _("Days in which a plan's first payment falls"),
    "plan_grace_days": _("Days of grace of an instalment"),
    "offer_days": _("Days for which a settlement is offered at most"),
    "promise_minimum_minor": _("Lowest promise"),
    "promise_minimum_percent": _("Lowest promise, in percent of the balance"),
    "promise_days_ahead": _("Days in which a promise is due"),
    "promises_at_once": _("Open promises of one debtor at most"),
    "recall_days": _("Days after which the creditor takes accounts back"),
    "tolerance_minor": _("Remainder that counts as paid"),
    "interest_rate": _("Interest, in hundredths of a percent a year"),
    "day_count": _("How days of interest are counted"),
    "from": _("The day interest runs from"),
    "late_fee_minor": _("Late fee"),
    "late_fee_rate": _("Late fee, in hundredths of a percent of the principal"),
    "late_fee_after_days": _("Days until the late fee"),
    "stopped_by": _("Holds during which no interest accrues"),
    "rate": _("Commission, in hundredths of a percent"),
    "from_age_days": _("From how many days after the due date"),
    "to_age_days": _("Up to how many days after the due date"),
    "from_balance_minor": _("From which placed balance"),
    "to_balance_minor": _("Up to which placed balance"),
    "placement_number": _("Placement number"),
    "minimum_minor": _("Lowest commission on a payment"),
    "maximum_minor": _("Highest commission on a payment"),
    "tax_rate": _("Tax on the commission, in hundredths of a percent"),
    "legal": _("Legal recovery"),
    "settlement": _("Settlement"),
}
REMITTANCE_STATES: Words = {
    "draft": _("Draft"),
    "reviewed": _("Reviewed"),
    "issued": _("Issued"),
    "paid": _("Paid out"),
}
REMITTANCE_METHODS: Words = {
    "net": _("Net"),
    "gross": _("Gross"),
    "combined": _("Combined"),
}
STATEMENT_LINES: Words = {
    "paid_to_agency": _("Paid to the agency"),
    "paid_to_client": _("Paid to the creditor"),
    "adjustment": _("Adjustment"),
    "reversal": _("Reversal"),
}
HARDSHIP: Words = {
    "job_loss": _("Lost my job"),
    "less_income": _("Less money comes in"),
    "illness": _("Illness"),
    "bereavement": _("Somebody died"),
    "separation": _("Separation"),
    "care": _("I care for somebody"),
    "over_indebted": _("Too many debts"),
    "disaster": _("Fire, flood, earthquake"),
    "other": _("Something else"),
}
SEVERITIES: Words = {"low": _("Light"), "medium": _("Medium"), "high": _("Severe")}
PLAN_STATES: Words = {
    "asked": _("Waits for approval"),
    "refused": _("Refused"),
    "running": _("Running"),
    "kept": _("Kept"),
    "broken": _("Broken"),
    "cancelled": _("Cancelled"),
    "replaced": _("Replaced"),
}
INSTALMENT_STATES: Words = {
    "open": _("To come"),
    "late": _("Late"),
    "paid": _("Paid"),
    "missed": _("Missed"),
}
SETTLEMENT_STATES: Words = {
    "asked": _("Waits for approval"),
    "refused": _("Refused"),
    "offered": _("Offered"),
    "withdrawn": _("Withdrawn"),
    "expired": _("Expired"),
    "accepted": _("Accepted"),
    "settled": _("Settled"),
    "lapsed": _("Not paid in time"),
}
APPROVERS: Words = {
    "supervisor": _("a supervisor"),
    "administrator": _("an administrator"),
    "creditor": _("the creditor"),
}
BEYOND: Words = {
    "settlement_floor": _("below the lowest settlement"),
    "max_instalments": _("more instalments than allowed"),
    "minimum_instalment": _("instalments below the lowest"),
    "first_payment_days": _("the first payment comes too late"),
    "offer_days": _("offered for too long"),
    "promise_minimum": _("below the lowest promise"),
    "promise_days_ahead": _("promised for too late"),
    "promises_at_once": _("too many promises at once"),
}
EVERY: Words = {
    "monthly": _("every month"),
    "fortnightly": _("every two weeks"),
    "weekly": _("every week"),
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
DATE_ORDERS: Words = {
    "dmy": _("day, month, year"),
    "mdy": _("month, day, year"),
    "ymd": _("year, month, day"),
}

LABELS: Mapping[str, Words] = {
    "role": ROLES,
    "permission": PERMISSIONS,
    "status": STATUSES,
    "stage": STAGES,
    "close": CLOSE_CODES,
    "channel": CHANNELS,
    "contact": CONTACT_STATES,
    "action": ACTION_STATES,
    "disposition": DISPOSITIONS,
    "hold": HOLDS,
    "part": PARTS,
    "payment": PAYMENT_STATES,
    "payment_kind": PAYMENT_KINDS,
    "means": MEANS,
    "refund_means": REFUND_MEANS,
    "receipt": RECEIPT_STATES,
    "bank_line": BANK_LINE_STATES,
    "bank_item": BANK_ITEMS,
    "clue": CLUES,
    "reconciliation": RECONCILIATION_STATES,
    "finding": FINDINGS,
    "promise": PROMISE_STATES,
    "import": IMPORT_STATES,
    "import_outcome": IMPORT_OUTCOMES,
    "import_kind": IMPORT_KINDS,
    "point": POINT_STATES,
    "point_kind": POINT_KINDS,
    "job": JOB_STATES,
    "plugin": PLUGIN_KINDS,
    "purpose": PURPOSES,
    "template": TEMPLATES,
    "field": FIELDS,
    "reason": REASONS,
    "held": HELD,
    "dates": DATE_ORDERS,
    "outcome": OUTCOMES,
    "counted": COUNTED,
    "counts": COUNTS,
    "week_part": WEEK_PARTS,
    "rule_kind": RULE_KINDS,
    "term": TERMS,
    "document": DOCUMENTS,
    "hardship": HARDSHIP,
    "severity": SEVERITIES,
    "plan": PLAN_STATES,
    "instalment": INSTALMENT_STATES,
    "settlement": SETTLEMENT_STATES,
    "approver": APPROVERS,
    "beyond": BEYOND,
    "every": EVERY,
    "disclosure": DISCLOSURES,
    "remittance": REMITTANCE_STATES,
    "remittance_method": REMITTANCE_METHODS,
    "statement_line": STATEMENT_LINES,
}

# ok, warn, bad, info; what is not named stays quiet.
_TONES: Mapping[str, str] = {
    "active": "info", "resolved": "ok", "recalled": "warn", "exhausted": "warn", "promised": "ok",
    "on_plan": "ok", "negotiating": "info", "sent": "info", "delivered": "ok", "answered": "ok",
    "received": "info", "failed": "bad", "unknown": "bad", "blocked": "warn", "expired": "warn",
    "scheduled": "info", "done": "ok", "booked": "ok", "reversed": "bad", "suspense": "warn", "kept": "ok",
    "partly_kept": "warn", "broken": "bad", "open": "info", "running": "info", "rejected": "bad",
    "quarantined": "warn", "warning": "warn", "valid": "ok", "invalid": "bad", "dead": "bad",
    "queued": "info", "draft": "info", "reviewed": "info", "issued": "warn", "paid": "ok",
    "entered": "warn", "approved": "ok", "matched": "ok", "clean": "ok",
    "findings": "warn",
    "asked": "warn", "late": "warn", "missed": "bad", "settled": "ok",
    "accepted": "info", "offered": "info", "lapsed": "bad", "refused": "bad",
}  # fmt: skip


def label(kind: str, code: object) -> str:
    """The reader's word for a code; a code that has none (a plug-in's own) is shown as it is."""
    if code is None:
        return "–"
    text = str(getattr(code, "value", code))
    return str(LABELS[kind].get(text, text))


def tone(kind: str, code: object) -> str:
    """The badge's tone: ok, warn, bad, info or mute."""
    return "bad" if kind == "hold" else _TONES.get(str(code), "mute")


def options(kind: str) -> list[tuple[str, str]]:
    """Code and word of all codes of a kind, for a list to choose from."""
    return [(code, str(word)) for code, word in LABELS[kind].items()]
