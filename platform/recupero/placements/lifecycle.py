"""Words of a placed account's life: statuses, stages, close codes and holds (domain page, 2.5, 3 and 4.3)."""

STATUSES = (
    "received", "validated", "acknowledged", "scrubbed", "notice", "active",
    "resolved", "exhausted", "closed", "returned", "recalled",
)  # fmt: skip
#: Nothing is collected any more in these.
ENDED = frozenset({"resolved", "exhausted", "closed", "returned", "recalled"})
STAGES = (
    "unreached", "reached", "negotiating", "promised", "on_plan", "settling", "legal",
)  # fmt: skip

#: Nothing is owed any more: paid, or settled for less.
PAID = ("PIF", "SIF")
SUCCESS = frozenset({"PIF", "SIF", "CURED", "CORRECTED"})
CLIENT_DECISION = frozenset({"RECALLED", "SOLD"})
UNCOLLECTABLE = frozenset({"UNTRACEABLE", "UNECONOMIC", "EXHAUSTED", "TIME_BARRED"})
LEGAL = frozenset({"INSOLVENT", "DECEASED", "FRAUD", "DISPUTE_UPHELD", "CEASED"})
REJECTED = frozenset({"INVALID_DATA", "DUPLICATE", "NOT_ELIGIBLE"})
CLOSE_CODES = SUCCESS | CLIENT_DECISION | UNCOLLECTABLE | LEGAL | REJECTED

#: Strongest first: where several are open, the first is the reason that is told.
HOLDS = (
    "insolvency", "deceased", "breathing_space", "court", "cease", "attorney", "dispute", "complaint",
    "hardship", "vulnerable", "person", "plan", "promise", "client",
)  # fmt: skip

#: Those that agreements open and end themselves; nobody does by hand.
BY_AGREEMENTS = ("plan", "promise")

#: Those under which nobody may call the debtor, whoever asked for the call.
SILENCING = ("insolvency", "deceased", "breathing_space", "court", "cease", "attorney")


def status_of(close_code: str) -> str:
    """Where an account ends under a close code: success resolves, the creditor recalls, the rest tells
    why.
    """
    if close_code in SUCCESS:
        return "resolved"
    if close_code in CLIENT_DECISION:
        return "recalled"
    if close_code in UNCOLLECTABLE or close_code in {"INSOLVENT", "DECEASED"}:
        return "exhausted"
    return "closed"
