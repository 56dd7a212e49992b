"""The feature list: what each number means, where it comes from, and as of when it is known. Its expressions
are of the statement in `features`.

Sex, age, marital status, nationality and the like are not among them and never will be: they are protected.
"""

from dataclasses import dataclass

from recupero.kernel.marking import N_

#: The `sql` of what is worked out of rows once they are read: PostgreSQL would take far longer over it.
AFTERWARDS = ""
CHANNELS = ("email", "sms", "whatsapp", "call")
WINDOWS = (7, 30, 90)
#: Channels of whose messages somebody may tell that they were read, and the share that is read where nothing
#: is known of a debtor: of e-mails about a fifth (docs/simulation.md), the others ours.
READ_USUALLY = {"email": 0.2, "sms": 0.05, "whatsapp": 0.5}
#: Messages that the usual share weighs as much as.
READ_HELD = 2


@dataclass(frozen=True, slots=True)
class Spec:
    """One feature. `sql` is its expression over the statement below, or `AFTERWARDS`; `label` is a message id
    for reasons."""

    name: str
    label: str
    meaning: str
    unit: str
    source: str
    as_of: str
    sql: str


def _days(later: str, earlier: str) -> str:
    return f"date_part('epoch', {later} - {earlier}) / 86400"


_PLACED = "the placement file"
FIXED = "set at placement"
_CONTACTS = "contacts of the debtor with this creditor"
_BY_TIME = "contacts reserved at or before the moment; results by the time they became known"
_MONEY = "allocations booked at or before the moment"
_READING = "contacts of the debtor with this creditor: the provider's receipts, and visits to the page"
_READ_BY = "contacts reserved, and readings told, at or before the moment"
_ANY = "debts placed, and allocations booked, at or before the moment"
FEATURES: tuple[Spec, ...] = (
    Spec("balance_log", N_("Balance owed"), "natural log of 1 + balance", "log minor units",
         "placed amount less allocations", _MONEY, "ln(1 + greatest(a.balance, 0))"),
    Spec("balance_rank", N_("Balance among the portfolio's accounts"),
         "share of the portfolio's accounts with a smaller balance", "0 to 1",
         "placed amount less allocations", _MONEY, AFTERWARDS),
    Spec("paid_share", N_("Share already paid"), "allocated over placed", "0 to 1", "allocations", _MONEY,
         "a.paid::float8 / nullif(a.placed_minor, 0)"),
    Spec("principal_share", N_("Principal in the debt"), "principal over placed amount", "0 to 1", _PLACED,
         FIXED, "a.principal_minor::float8 / nullif(a.placed_minor, 0)"),
    Spec("days_past_due", N_("Days past due"), "business date less due date, negative before it", "days",
         _PLACED, "date in the creditor's zone at the moment", "a.today - a.due_date"),
    Spec("days_delinquent", N_("Days since the first missed payment"), "business date less delinquency date",
         "days", _PLACED, "date in the creditor's zone at the moment", "a.today - a.delinquency_date"),
    Spec("age_at_placement", N_("Age of the debt when placed"), "placement date less delinquency date",
         "days", _PLACED, FIXED, "a.placed_on - a.delinquency_date"),
    Spec("days_placed", N_("Days in our care"), "business date less placement date", "days", _PLACED,
         "date in the creditor's zone at the moment", "a.today - a.placed_on"),
    Spec("placement_number", N_("Placement number"), "1 for primary", "count", _PLACED, FIXED,
         "a.placement_number"),
    Spec("days_to_limitation", N_("Days until the claim lapses"), "limitation date less business date",
         "days", _PLACED, "date in the creditor's zone at the moment", "a.limitation_date - a.today"),
    Spec("account_age", N_("Age of the account"), "business date less open date", "days", _PLACED,
         "date in the creditor's zone at the moment", "a.today - a.open_date"),
    Spec("is_firm", N_("Debtor is a firm"), "1 for a firm, 0 for a person", "0 or 1", _PLACED, FIXED,
         "(d.kind = 'firm')::int"),
    Spec("phones", N_("Phone numbers that work"), "numbers not known to be bad", "count", "contact points and"
         " bounced or wrong contacts", "points added, and found bad, at or before the moment",
         "coalesce(k.phones, 0)"),
    Spec("emails", N_("E-mail addresses that work"), "addresses not known to be bad", "count",
         "contact points and bounced contacts", "points added, and found bad, at or before the moment",
         "coalesce(k.emails, 0)"),
    Spec("has_address", N_("Postal address known"), "1 where an address is known", "0 or 1", "contact points",
         "points added at or before the moment", "coalesce(k.addresses, 0)"),
    Spec("points_bad", N_("Contact data found wrong"), "points found bad", "count",
         "contacts that bounced or met a wrong number", "by the time they became known",
         "coalesce(k.bad, 0)"),
    Spec("consents", N_("Channels consented to"), "channels whose newest permission is consent", "count",
         "permissions", "filed at or before the moment", "coalesce(c.consents, 0)"),
    Spec("opt_outs", N_("Channels opted out of"), "channels whose newest permission is an opt-out", "count",
         "permissions", "filed at or before the moment", "coalesce(c.opt_outs, 0)"),
    Spec("other_accounts", N_("Other open debts"),
         "other open accounts of the same person with this creditor", "count", "accounts",
         "placed, and not closed, at the moment", AFTERWARDS),
    *(
        Spec(f"attempts_{channel}_{days}d", N_("Attempts by channel"),
             f"{channel} contacts sent in {days} days", "count", _CONTACTS, _BY_TIME,
             AFTERWARDS)
        for channel in CHANNELS for days in WINDOWS
    ),
    *(
        Spec(f"answers_{days}d", N_("Answers lately"), f"contacts answered, or received, in {days} days",
             "count", _CONTACTS, _BY_TIME, AFTERWARDS)
        for days in WINDOWS
    ),
    Spec("right_party_90d", N_("Spoke with the debtor"), "right-party contacts in 90 days", "count",
         _CONTACTS, _BY_TIME, AFTERWARDS),
    Spec("days_since_attempt", N_("Days since the last attempt"), "since the newest attempt in 90 days",
         "days", _CONTACTS, _BY_TIME, AFTERWARDS),
    Spec("days_since_answer", N_("Days since the last answer"), "since the newest answer in 90 days", "days",
         _CONTACTS, _BY_TIME, AFTERWARDS),
    *(
        Spec(f"read_{channel}", N_("Messages read"),
             f"share of the {channel} contacts of 90 days that were read (told by the provider, or by a visit"
             f" to the page), drawn to {usually} as strongly as {READ_HELD} contacts; unknown where the"
             " creditor was told of none in 90 days", "0 to 1", _READING, _READ_BY, AFTERWARDS)
        for channel, usually in READ_USUALLY.items()
    ),
    *(
        Spec(f"days_since_read_{channel}", N_("Days since a message was read"),
             f"since the newest reading of the {channel} contacts of 90 days", "days", _READING, _READ_BY,
             AFTERWARDS)
        for channel in READ_USUALLY
    ),
    Spec("link_opened", N_("Payment page opened"), "1 where a payment page was ever opened", "0 or 1",
         "payment links", "first opened at or before the moment", "(l.opened IS NOT NULL)::int"),
    Spec("days_since_opened", N_("Days since the payment page was opened"), "since the newest first opening",
         "days", "payment links", "first opened at or before the moment", _days("a.at", "l.opened")),
    Spec("promises", N_("Promises made"), "promises on the account", "count", "promises",
         "made at or before the moment", "coalesce(m.made, 0)"),
    Spec("promises_kept", N_("Promises kept"), "promises kept", "count", "promises",
         "settled at or before the moment", "coalesce(m.kept, 0)"),
    Spec("promises_broken", N_("Promises broken"), "promises broken", "count", "promises",
         "settled at or before the moment", "coalesce(m.broken, 0)"),
    Spec("promise_open", N_("A promise is running"), "1 where a promise is neither settled nor cancelled",
         "0 or 1", "promises", "made, and not settled, at the moment", "coalesce(m.running, 0)"),
    Spec("days_since_promise", N_("Days since the last promise"), "since the newest promise", "days",
         "promises", "made at or before the moment", _days("a.at", "m.newest")),
    Spec("payments", N_("Payments made"), "payments to the account, less those reversed", "count",
         "allocations", _MONEY, "a.payments"),
    Spec("days_since_payment", N_("Days since the last payment"), "since the newest allocation", "days",
         "allocations", _MONEY, _days("a.at", "a.newest")),
    Spec("person_balance_log", N_("Owed on all debts"),
         "natural log of 1 + what the person owes on all open debts, in the account's currency",
         "log minor units", "placed amounts less allocations", _ANY, "ln(1 + q.balance)"),
    Spec("person_balance_share", N_("This debt's share of all"), "balance over what the person owes on all",
         "0 to 1", "placed amounts less allocations", _ANY,
         "greatest(a.balance, 0)::float8 / nullif(q.balance, 0)"),
    Spec("person_days_delinquent", N_("Days since the oldest missed payment"),
         "business date less the oldest delinquency date of the person's open debts", "days", _PLACED,
         "date in the creditor's zone at the moment", "a.today - q.delinquent"),
    Spec("person_paid_share", N_("Share paid on all debts"),
         "allocated over placed, on all debts of the person, also closed ones", "0 to 1", "allocations", _ANY,
         "q.paid::float8 / nullif(q.placed, 0)"),
    Spec("person_payments", N_("Payments on all debts"),
         "payments to any debt of the person, less those reversed", "count", "allocations", _ANY,
         "q.payments"),
    Spec("person_days_since_payment", N_("Days since a payment on any debt"),
         "since the newest allocation to any debt of the person", "days", "allocations", _ANY,
         _days("a.at", "q.newest")),
    Spec("person_promises_kept", N_("Promises kept on any debt"), "promises kept on any debt of the person",
         "count", "promises", "settled at or before the moment", "coalesce(n.kept, 0)"),
    Spec("person_promises_broken", N_("Promises broken on any debt"),
         "promises broken on any debt of the person", "count", "promises", "settled at or before the moment",
         "coalesce(n.broken, 0)"),
    Spec("weekday", N_("Day of the week"), "1 Monday to 7 Sunday", "day", "the moment",
         "date in the creditor's zone", "date_part('isodow', a.today)"),
    Spec("day_of_month", N_("Day of the month"), "1 to 31", "day", "the moment",
         "date in the creditor's zone", "date_part('day', a.today)"),
)  # fmt: skip
NAMES: tuple[str, ...] = tuple(spec.name for spec in FEATURES)
BY_NAME: dict[str, Spec] = {spec.name: spec for spec in FEATURES}
