"""The words of money: how people read the codes of payments, bank lines, statements, plans, settlements."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

Words = Mapping[str, LazyString]

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
STARTS: Words = {"placed": _("The day of placement"), "due": _("The due date")}
DAY_COUNTS: Words = {
    "act/365": _("Calendar days, year of 365"),
    "act/360": _("Calendar days, year of 360"),
    "30/360": _("Months of 30 days, year of 360"),
}
OFFERERS: Words = {
    "agent": _("Agents"),
    "supervisor": _("Supervisors"),
    "page": _("The debtor's own page"),
    "api": _("Programs"),
    "model": _("Models"),
}
BANK_CANDIDATES: Words = {
    "gap": _("A statement is missing in between"),
    "undone": _("A line cleared what is not in the books any more"),
    "same": _("Exactly as much"),
}
BANK_ITEMS: Words = {
    "payment": _("Payment"),
    "payout": _("Payout of a gateway"),
    "returned": _("Payout that came back"),
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
WAYS: Words = {
    "agency": _("Paid to the agency"),
    "direct": _("Paid to the creditor"),
    "back": _("Taken back"),
}
PROMISE_STATES: Words = {
    "open": _("Open"),
    "kept": _("Kept"),
    "partly_kept": _("Partly kept"),
    "broken": _("Broken"),
    "cancelled": _("Cancelled"),
}
DOCUMENTS: Words = {
    "receipt": _("Receipt"),
    "balance": _("What is owed"),
    "paid_in_full": _("Paid in full"),
    "plan": _("Payment plan"),
    "offer": _("Offer to settle"),
    "settlement": _("Settlement agreed"),
    "settled": _("Settled in full"),
    "invoice": _("Original invoice"),
}
INVOICE_REQUESTS: Words = {
    "open": _("Waits for an answer"),
    "answered": _("Invoice given"),
    "refused": _("None to give"),
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
MANDATE_STATES: Words = {
    "asked": _("Waits for the card"),
    "active": _("Active"),
    "ended": _("Ended"),
}
MANDATE_ENDS: Words = {
    "revoked": _("the debtor ended it"),
    "replaced": _("asked for anew"),
    "plan_ended": _("the plan ended"),
    "link_revoked": _("the payment link was revoked"),
    "expired": _("the card expired"),
    "gone": _("the card cannot be charged any more"),
    "over": _("its last day is over"),
    "refused": _("the gateway refused"),
}
CHARGE_OUTCOMES: Words = {
    "succeeded": _("paid"),
    "pending": _("on its way"),
    "declined": _("declined"),
    "needs_payer": _("the bank asks the holder to confirm"),
    "gone": _("the card cannot be charged any more"),
    "refused": _("the gateway refused"),
    "withdrawn": _("not asked for"),
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
    "replaced": _("Replaced"),
}
APPROVERS: Words = {
    "supervisor": _("a supervisor"),
    "administrator": _("an administrator"),
    "creditor": _("the creditor"),
}
#: Why an offer is asked for, where the debtor gave no reason.
ASKED_ON_PAGE = "asked on the debtor's page"
OFFER_WHYS: Words = {ASKED_ON_PAGE: _("asked on the debtor's page")}
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
#: Rates that a country's caps on interest go by.
PUBLISHED_RATES: Words = {
    "current_interest_rate": _("Current interest rate"),
    "maximum_conventional_rate": _("Maximum conventional rate"),
    "certified_current_bank_rate": _("Certified current bank rate"),
    "maximum_default_interest_rate": _("Maximum default interest rate"),
    "ordinary_rate": _("Ordinary rate of the contract"),
}
