"""Every metric that a report shows, defined once: what it is, what is counted over what, by which formula.

The formulas are those of the domain page, section 8 (`docs/reports.md` repeats them). The texts are message
ids; `words` translates them. A catalogue of one thing: it stays in one file, however many metrics there are.
"""
# ruff: noqa: E501 - a message id is one literal

from recupero.kernel.marking import N_
from recupero.reports.figures import Figure, Metric, Unit

METRICS: dict[str, Metric] = {}


def _metric(
    key: str,
    formula: str,
    unit: Unit,
    label: str,
    definition: str,
    numerator: str,
    denominator: str | None = None,
) -> Metric:
    if key in METRICS:
        raise ValueError(f"the metric {key} is defined twice")
    return METRICS.setdefault(key, Metric(key, label, definition, numerator, denominator, formula, unit))


PLACED_ACCOUNTS = _metric(
    "placed_accounts", "8.1", Unit.COUNT, N_("Accounts placed"),
    N_("Accounts accepted from the creditor's files up to the end of the period."),
    N_("accounts accepted"),
)  # fmt: skip
PLACED = _metric(
    "placed", "8.1", Unit.MONEY, N_("Placed"),
    N_("Balance of those accounts on the day they were placed."),
    N_("balance at placement of accepted accounts"),
)  # fmt: skip
PLACED_IN_PERIOD = _metric(
    "placed_in_period", "8.1", Unit.MONEY, N_("Placed in the period"),
    N_("Balance at placement of the accounts placed within the period."),
    N_("balance at placement of accounts placed in the period"),
)  # fmt: skip
COLLECTED = _metric(
    "collected", "8.1", Unit.MONEY, N_("Collected"),
    N_("Payments received in the period, to the agency and directly to the creditor, less reversals dated in it."),
    N_("payments received less reversals, both dated in the period"),
)  # fmt: skip
COLLECTED_AGENCY = _metric(
    "collected_agency", "8.1", Unit.MONEY, N_("Paid to the agency"),
    N_("The part of what was collected that came through the agency."),
    N_("payments to the agency less their reversals"),
)  # fmt: skip
COLLECTED_DIRECT = _metric(
    "collected_direct", "8.1", Unit.MONEY, N_("Paid to the creditor"),
    N_("The part of what was collected that debtors paid directly to the creditor, as the creditor reported it."),
    N_("direct payments less their reversals"),
)  # fmt: skip
REVERSED = _metric(
    "reversed", "8.1", Unit.MONEY, N_("Reversed"),
    N_("Payments undone in the period, whenever they were received. Already deducted from what was collected."),
    N_("reversals dated in the period"),
)  # fmt: skip
LIQUIDATION = _metric(
    "liquidation", "8.1", Unit.PERCENT, N_("Gross liquidation"),
    N_("Payments since placement up to the end of the month, over the balance placed. Cumulative by placement month; month 0 is the month of placement."),
    N_("payments since placement, less reversals"), N_("balance placed, accepted accounts"),
)  # fmt: skip
LIQUIDATION_NET = _metric(
    "liquidation_net", "8.1", Unit.PERCENT, N_("Net liquidation"),
    N_("As gross liquidation, but over the balance placed less invalid accounts: errors, duplicates, insolvent, deceased, and recalled within 30 days of placement."),
    N_("payments since placement, less reversals"), N_("balance placed less invalid accounts"),
)  # fmt: skip
LIQUIDATION_IN_MONTH = _metric(
    "liquidation_in_month", "8.1", Unit.PERCENT, N_("In-month liquidation"),
    N_("Payments within one month, over the balance placed: one step of the stairs. The steps add up to the cumulative rate."),
    N_("payments in the month, less reversals"), N_("balance placed of the placement month"),
)  # fmt: skip
FEES = _metric(
    "fees", "8.6", Unit.MONEY, N_("Commission"),
    N_("Commission booked in the period, less commission given back for reversed payments."),
    N_("commission booked"),
)  # fmt: skip
FEE_TAX = _metric(
    "fee_tax", "8.6", Unit.MONEY, N_("Tax on the fees"),
    N_("Tax charged on the commission of the period. It is no part of the fees, nor of what comes back net."),
    N_("tax on commission booked"),
)  # fmt: skip
AVERAGE_FEE = _metric(
    "average_fee", "8.6", Unit.PERCENT, N_("Average fee"),
    N_("Fees over what was collected."), N_("fees"), N_("collected"),
)  # fmt: skip
NET_BACK = _metric(
    "net_back", "8.1", Unit.MONEY, N_("Net back to the creditor"),
    N_("What was collected, less fees."),
    N_("collected less fees"),
)  # fmt: skip
NET_BACK_RATE = _metric(
    "net_back_rate", "8.1", Unit.PERCENT, N_("Net back rate"),
    N_("What came back to the creditor since placement after fees, over the balance placed."),
    N_("collected since placement less fees"), N_("balance placed"),
)  # fmt: skip
WORKABLE = _metric(
    "workable", "8.2", Unit.COUNT, N_("Workable accounts"),
    N_("Accounts that were active and without a hold at any time of the period."),
    N_("accounts active without hold"),
)  # fmt: skip
PENETRATION = _metric(
    "penetration", "8.2", Unit.PERCENT, N_("Penetration"),
    N_("Share of workable accounts with at least one attempt."),
    N_("workable accounts with one attempt or more"), N_("workable accounts"),
)  # fmt: skip
ATTEMPTS = _metric(
    "attempts", "8.2", Unit.COUNT, N_("Attempts"),
    N_("Tries to reach somebody, whatever the result: calls made and messages sent."),
    N_("outbound contacts made"),
)  # fmt: skip
INTENSITY = _metric(
    "intensity", "8.2", Unit.TIMES, N_("Intensity"),
    N_("Attempts per attempted account."), N_("attempts"), N_("accounts attempted"),
)  # fmt: skip
CONNECTS = _metric(
    "connects", "8.2", Unit.COUNT, N_("Contacts"),
    N_("Contacts in which a person answered, whoever it was, or wrote or called by themselves."),
    N_("contacts answered or received"),
)  # fmt: skip
CONNECT_RATE = _metric(
    "connect_rate", "8.2", Unit.PERCENT, N_("Contact rate"),
    N_("Calls that a person answered, whoever it was, over calls made."), N_("calls answered"), N_("calls made"),
)  # fmt: skip
RIGHT_PARTY = _metric(
    "right_party", "8.2", Unit.COUNT, N_("Right-party contacts"),
    N_("Live exchanges with the verified debtor or an authorised person, in either direction."),
    N_("right-party contacts"),
)  # fmt: skip
RIGHT_PARTY_RATE = _metric(
    "right_party_rate", "8.2", Unit.PERCENT, N_("Right-party rate"),
    N_("Right-party contacts per attempt."), N_("right-party contacts"), N_("attempts"),
)  # fmt: skip
CONTACTABILITY = _metric(
    "contactability", "8.2", Unit.PERCENT, N_("Contactability"),
    N_("Share of workable accounts with at least one right-party contact."),
    N_("workable accounts with a right-party contact"), N_("workable accounts"),
)  # fmt: skip
PROMISES = _metric(
    "promises", "8.3", Unit.COUNT, N_("Promises"),
    N_("Promises to pay made in the period."), N_("promises made"),
)  # fmt: skip
PROMISE_RATE = _metric(
    "promise_rate", "8.3", Unit.PERCENT, N_("Promise rate"),
    N_("Promises made, over right-party contacts."), N_("promises made"), N_("right-party contacts"),
)  # fmt: skip
KEPT_RATE = _metric(
    "kept_rate", "8.3", Unit.PERCENT, N_("Kept promises"),
    N_("Promises due in the period and paid within grace and tolerance, over promises due in it, by due date. Cancelled ones and those still within grace are left out."),
    N_("promises kept"), N_("promises due and settled"),
)  # fmt: skip
PARTLY_KEPT_RATE = _metric(
    "partly_kept_rate", "8.3", Unit.PERCENT, N_("Partly kept promises"),
    N_("Promises due in the period that were paid in part, over promises due in it."),
    N_("promises partly kept"), N_("promises due and settled"),
)  # fmt: skip
BROKEN_RATE = _metric(
    "broken_rate", "8.3", Unit.PERCENT, N_("Broken promises"),
    N_("Promises due in the period without a payment, over promises due in it."),
    N_("promises broken"), N_("promises due and settled"),
)  # fmt: skip
KEPT_VALUE_RATE = _metric(
    "kept_value_rate", "8.3", Unit.PERCENT, N_("Kept promises by value"),
    N_("Receipts counted for promises due in the period, capped at what was promised, over what was promised."),
    N_("receipts for promises, capped"), N_("amount promised"),
)  # fmt: skip
PAYMENTS = _metric(
    "payments", "8.2", Unit.COUNT, N_("Payments"),
    N_("Payments received in the period, before reversals."), N_("payments received"),
)  # fmt: skip
PIF_RATE = _metric(
    "pif_rate", "8.5", Unit.PERCENT, N_("Paid in full"),
    N_("Accounts closed as paid in full by the end of the period, over accounts placed."),
    N_("accounts closed PIF"), N_("accounts placed"),
)  # fmt: skip
SIF_RATE = _metric(
    "sif_rate", "8.5", Unit.PERCENT, N_("Settled in full"),
    N_("Accounts closed as settled with a discount by the end of the period, over accounts placed."),
    N_("accounts closed SIF"), N_("accounts placed"),
)  # fmt: skip
COMPLAINT_RATE = _metric(
    "complaint_rate", "8.7", Unit.PER_THOUSAND, N_("Complaints"),
    N_("Complaints received per 1,000 accounts contacted."), N_("complaints"), N_("accounts attempted"),
)  # fmt: skip
OPT_OUT_RATE = _metric(
    "opt_out_rate", "8.7", Unit.PER_THOUSAND, N_("Opt-outs"),
    N_("Debtors' refusals of a channel per 1,000 accounts contacted."), N_("opt-outs"), N_("accounts attempted"),
)  # fmt: skip
DISPUTE_RATE = _metric(
    "dispute_rate", "8.7", Unit.PER_THOUSAND, N_("Disputes"),
    N_("Disputes opened per 1,000 accounts contacted."), N_("disputes"), N_("accounts attempted"),
)  # fmt: skip
OUT_OF_POLICY = _metric(
    "out_of_policy", "8.7", Unit.PERCENT, N_("Out-of-policy contacts"),
    N_("Contacts made against a rule in force, over contacts made. The target is exactly zero; contacts that the law stopped are not among them."),
    N_("contacts against a rule"), N_("attempts"),
)  # fmt: skip

CHARGED = _metric(
    "charged", "8.6", Unit.COUNT, N_("Messages charged"),
    N_("Messages and calls of the period of which the provider told the price. The others are in no cost."),
    N_("contacts with a known price"),
)  # fmt: skip
COST = _metric(
    "cost", "8.6", Unit.COST, N_("Cost"),
    N_("What providers charge for the messages and calls of the period, in the currency they charge in."),
    N_("prices of contacts"),
)  # fmt: skip
COST_EACH = _metric(
    "cost_each", "8.6", Unit.COST, N_("Cost per message"),
    N_("Cost over messages charged."), N_("cost"), N_("messages charged"),
)  # fmt: skip
COST_PER_PAYMENT = _metric(
    "cost_per_payment", "8.6", Unit.COST, N_("Cost per payment"),
    N_("Cost over payments received in the period."), N_("cost"), N_("payments received"),
)  # fmt: skip
COST_PER_THOUSAND = _metric(
    "cost_per_thousand", "8.6", Unit.COST, N_("Cost per 1,000 collected"),
    N_("Cost over what was collected, for each thousand of the debts' currency. Cost to collect, as far as messages go."),
    N_("cost, times the minor units of a thousand"), N_("minor units collected"),
)  # fmt: skip

FEE_YIELD = _metric(
    "fee_yield", "8.6", Unit.PERCENT, N_("Fee yield"),
    N_("Commission since placement, over the balance placed."), N_("fees since placement"), N_("balance placed"),
)  # fmt: skip
DELIVERED_RATE = _metric(
    "delivered_rate", "8.2", Unit.PERCENT, N_("Delivered"),
    N_("Digital messages that the provider says have arrived, over those sent."),
    N_("messages delivered"), N_("messages sent"),
)  # fmt: skip
OPENED_RATE = _metric(
    "opened_rate", "8.2", Unit.PERCENT, N_("Opened"),
    N_("Digital messages opened, over those delivered. Mail programs hide or invent openings: a hint, no count."),
    N_("messages opened"), N_("messages delivered"),
)  # fmt: skip
CLICKED_RATE = _metric(
    "clicked_rate", "8.2", Unit.PERCENT, N_("Link followed"),
    N_("Digital messages whose link the verified debtor followed, over those opened."),
    N_("messages with a followed link"), N_("messages opened"),
)  # fmt: skip
PAID_RATE = _metric(
    "paid_rate", "8.2", Unit.PERCENT, N_("Paid after the link"),
    N_("Payments that a digital message brought, over messages whose link was followed."),
    N_("payments brought by messages"), N_("messages with a followed link"),
)  # fmt: skip
RETURNED_RATE = _metric(
    "returned_rate", "8.5", Unit.PERCENT, N_("Returned unpaid"),
    N_("Accounts closed and returned with a balance by the end of the period, over accounts placed."),
    N_("accounts closed with a balance"), N_("accounts placed"),
)  # fmt: skip
RETURNED_MINOR = _metric(
    "returned_minor", "8.5", Unit.MONEY, N_("Balance returned"),
    N_("What accounts that were closed and returned still owe."), N_("balance of returned accounts"),
)  # fmt: skip

BATCH_TRACK = _metric(
    "batch_track", "8.1", Unit.PERCENT, N_("Batch track"),
    N_("Cumulative liquidation of the file less that of the file before it in the same portfolio, both at the same month since placement."),
    N_("liquidation of the file less that of the reference, as one fraction"), N_("product of both balances placed"),
)  # fmt: skip
COVERAGE = _metric(
    "coverage", "8.2", Unit.PERCENT, N_("Coverage"),
    N_("Workable accounts at the end of the period with a valid contact point for the channel that the debtor has not closed, over workable accounts then."),
    N_("workable accounts with a usable contact point"), N_("workable accounts at the end"),
)  # fmt: skip
PLAN_RATE = _metric(
    "plan_rate", "8.3", Unit.PERCENT, N_("Instalments paid in time"),
    N_("Instalments due in the period and paid by their day and grace, over instalments due in it."),
    N_("instalments paid in time"), N_("instalments due"),
)  # fmt: skip
PLAN_VALUE_RATE = _metric(
    "plan_value_rate", "8.3", Unit.PERCENT, N_("Instalments paid in time, by value"),
    N_("Amount of the instalments due in the period and paid in time, over the amount of all due in it."),
    N_("amount paid in time"), N_("amount due"),
)  # fmt: skip
CURE_RATE = _metric(
    "cure_rate", "8.4", Unit.PERCENT, N_("Cure rate"),
    N_("Accounts past due at the start of the period that owe nothing past due at its end, over accounts past due at the start."),
    N_("accounts at 0 days past due at the end"), N_("accounts in a bucket at the start"),
)  # fmt: skip
SELF_CURE_RATE = _metric(
    "self_cure_rate", "8.4", Unit.PERCENT, N_("Self-cure rate"),
    N_("Accounts cured without any outbound attempt in the period, over accounts past due at the start. It says something only beside a group that nobody contacts."),
    N_("accounts cured without an attempt"), N_("accounts in a bucket at the start"),
)  # fmt: skip
ROLL_RATE = _metric(
    "roll_rate", "8.4", Unit.PERCENT, N_("Roll rate"),
    N_("Balance in one bucket at the start of the period that is in another at its end, paid or written off; each row adds up to one. Accounts placed since are left out."),
    N_("balance in the bucket at the start, by where it is at the end"), N_("balance in the bucket at the start"),
)  # fmt: skip
SETTLEMENT_PERCENT = _metric(
    "settlement_percent", "8.5", Unit.PERCENT, N_("Average settlement"),
    N_("What was paid to settle, over the balance when it was settled, for settlements completed in the period."),
    N_("paid to settle"), N_("balance when settled"),
)  # fmt: skip
BLOCKED = _metric(
    "blocked", "8.7", Unit.COUNT, N_("Contacts stopped by a rule"),
    N_("Planned contacts that a rule, a hold or a wish stopped before anything was sent."), N_("actions blocked"),
)  # fmt: skip
PUT_OFF = _metric(
    "put_off", "8.7", Unit.COUNT, N_("Contacts put off"),
    N_("Times that a planned contact had to wait, since a rule or the house allows it only later."), N_("actions put off"),
)  # fmt: skip
DISPUTE_MEDIAN = _metric(
    "dispute_median", "8.7", Unit.DAYS, N_("Dispute cycle, median"),
    N_("Days from opening to decision of the disputes decided in the period: half took no longer."), N_("median days"),
)  # fmt: skip
DISPUTE_P90 = _metric(
    "dispute_p90", "8.7", Unit.DAYS, N_("Dispute cycle, 90th percentile"),
    N_("Days from opening to decision of the disputes decided in the period: nine of ten took no longer."), N_("days"),
)  # fmt: skip
DISPUTES_LATE = _metric(
    "disputes_late", "8.7", Unit.PERCENT, N_("Disputes past the deadline"),
    N_("Disputes decided after more than 30 days, over disputes decided in the period."),
    N_("decided after more than 30 days"), N_("disputes decided"),
)  # fmt: skip
HOURS_TO_ATTEMPT = _metric(
    "hours_to_attempt", "8.6", Unit.HOURS, N_("Placement to first attempt"),
    N_("Median hours from the moment the creditor's file was taken in to the first attempt, of accounts placed in the period. Accounts not attempted yet count as waiting so far (Kaplan-Meier); no figure where fewer than half have been attempted."),
    N_("median hours"),
)  # fmt: skip
HOURS_TO_PAYMENT = _metric(
    "hours_to_payment", "8.6", Unit.HOURS, N_("First attempt to first payment"),
    N_("Median hours from the first attempt to the first payment, of accounts placed in the period. Accounts that have not paid yet count as waiting so far (Kaplan-Meier); no figure where fewer than half have paid."),
    N_("median hours"),
)  # fmt: skip
DSO = _metric(
    "dso", "8.9", Unit.DAYS, N_("Days sales outstanding"),
    N_("For firms: what is owed at the end of the period times its days, over what was placed in the period, which stands for credit sales."),
    N_("owed at the end, times days"), N_("placed in the period"),
)  # fmt: skip
CEI = _metric(
    "cei", "8.9", Unit.PERCENT, N_("Collection effectiveness index"),
    N_("For firms: owed at the start plus placed less owed at the end, over owed at the start plus placed less what is owed at the end and not due yet."),
    N_("opening plus placed less closing"), N_("opening plus placed less current closing"),
)  # fmt: skip
AGE_MEAN = _metric(
    "age_mean", "8.9", Unit.DAYS, N_("Age at placement, mean"),
    N_("Days from delinquency to placement of the accounts placed in the period, on average."),
    N_("days, added up"), N_("accounts"),
)  # fmt: skip
AGE_MEDIAN = _metric(
    "age_median", "8.9", Unit.DAYS, N_("Age at placement, median"),
    N_("Days from delinquency to placement: half of the accounts placed in the period were no older."), N_("median days"),
)  # fmt: skip
COLLECTED_PER_HOUR = _metric(
    "collected_per_hour", "8.6", Unit.MONEY, N_("Collected per agent hour"),
    N_("What was collected in the period, over the hours that agents had its accounts at their desks."),
    N_("collected"), N_("agent hours"),
)  # fmt: skip
RIGHT_PARTY_PER_HOUR = _metric(
    "right_party_per_hour", "8.6", Unit.TIMES, N_("Right-party contacts per agent hour"),
    N_("Right-party contacts, over the hours that agents had accounts at their desks."),
    N_("right-party contacts"), N_("agent hours"),
)  # fmt: skip
PROMISES_PER_HOUR = _metric(
    "promises_per_hour", "8.6", Unit.TIMES, N_("Promises per agent hour"),
    N_("Promises made, over the hours that agents had accounts at their desks."), N_("promises made"), N_("agent hours"),
)  # fmt: skip
ACCOUNTS_PER_AGENT = _metric(
    "accounts_per_agent", "8.6", Unit.TIMES, N_("Accounts per agent"),
    N_("Different accounts that agents had at their desks, over agents."), N_("accounts"), N_("agents"),
)  # fmt: skip
COST_PER_RIGHT_PARTY = _metric(
    "cost_per_right_party", "8.6", Unit.COST, N_("Cost per right-party contact"),
    N_("Cost over right-party contacts in the period."), N_("cost"), N_("right-party contacts"),
)  # fmt: skip
COST_PER_ACCOUNT = _metric(
    "cost_per_account", "8.6", Unit.COST, N_("Cost per account"),
    N_("Cost over accounts attempted in the period."), N_("cost"), N_("accounts attempted"),
)  # fmt: skip
INCREMENT_PER_CONTACT = _metric(
    "increment_per_contact", "8.8", Unit.MONEY, N_("Increment per contact"),
    N_("What worked accounts paid beyond what as many of the control group would have, over the contacts made beyond those of the control group. Below the cost of a contact means: stop."),
    N_("collected from the treated less that of the control, scaled"), N_("contacts of the treated less those of the control, scaled"),
)  # fmt: skip


def increment_per_contact(
    collected: tuple[int, int], contacts: tuple[int, int], people: tuple[int, int]
) -> Figure:
    """Formula 8.8 from the pairs (treated, control): collected T - collected C x (nT / nC), over contacts T -
    contacts C x (nT / nC), both multiplied by nC so that nothing is rounded."""
    treated, control = people
    return Figure(
        INCREMENT_PER_CONTACT,
        collected[0] * control - collected[1] * treated,
        contacts[0] * control - contacts[1] * treated,
    )


def batch_track(collected: tuple[int, int], placed: tuple[int, int]) -> Figure:
    """Formula 8.1 from the pairs (file, reference) at one month since placement: the difference of the two
    rates as one fraction."""
    return Figure(BATCH_TRACK, collected[0] * placed[1] - collected[1] * placed[0], placed[0] * placed[1])
