"""The terms under which a portfolio is placed.

Besides whole numbers there is what limits offers: `exception_approver`, who lets an offer beyond the
creditor's terms through (creditor, administrator, supervisor), and `offer_limits`, rows that are tighter than
the terms for a `role` (agent, supervisor, page, api, model), a `desk`, or both. `payments.offers.policy` says
how they count. And there is `commission`, the schedule of what the agency earns: rows of `rates`, of which
the first that fits a payment gives its rate (else `commission_rate`), and for all of them `minimum_minor`,
`maximum_minor`, `tax_rate` and the `parts` that earn. `ledger.commission` says how they count. `accrual` lets
interest grow and `allocation_order` says which part of a debt is paid first (`accrual_terms`); these two hold
from a day on, and what they were before is kept in `before` (`dated_terms`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from recupero.kernel.errors import Faults, UserError, Words
from recupero.placements.accrual_terms import check_accrual, check_order
from recupero.tenancy.permissions import Permission

#: Name: lowest, highest. Rates in basis points, money in minor units of the portfolio's currency.
TERMS: dict[str, tuple[int, int]] = {
    "commission_rate": (0, 10_000),  # basis points of what is collected
    "settlement_floor_percent": (0, 100),  # lowest settlement in percent of the balance
    "max_instalments": (1, 120),  # most instalments of a plan
    "minimum_instalment_minor": (0, 10**15),  # lowest instalment
    "minimum_instalment_percent": (0, 100),  # lowest instalment in percent of the balance; the higher counts
    "first_payment_days": (0, 365),  # days in which a plan's first payment falls
    "plan_grace_days": (0, 60),  # days after which an instalment that did not come breaks the plan
    "offer_days": (1, 365),  # longest time for which a settlement is offered
    "promise_minimum_minor": (0, 10**15),  # lowest promise
    "promise_minimum_percent": (0, 100),  # lowest promise in percent of the balance; the higher counts
    "promise_days_ahead": (0, 365),  # days in which a promise is due
    "promises_at_once": (1, 100),  # open promises of one debtor
    "recall_days": (1, 3_650),  # days after which the creditor takes accounts back
    "tolerance_minor": (0, 10**9),  # a remainder up to this counts as paid
}


#: What a row of `offer_limits` may tighten.
OFFER_LIMITS = (
    "settlement_floor_percent", "max_instalments", "minimum_instalment_minor", "minimum_instalment_percent",
    "first_payment_days", "offer_days", "promise_minimum_minor", "promise_minimum_percent",
    "promise_days_ahead", "promises_at_once",
)  # fmt: skip
#: What the agency and the creditor have agreed about each other. Setting it is the matter of who manages
#: creditors; who manages terms sets the others: what accrues, what money pays first, what may be offered.
CONTRACT = frozenset({"commission_rate", "commission", "recall_days", "tolerance_minor"})
APPROVERS = ("creditor", "administrator", "supervisor")
OFFERER_ROLES = ("agent", "supervisor", "page", "api", "model")

_AGE, _MONEY, _RATE = (0, 36_500), (0, 10**15), (0, 10_000)
#: Conditions and rate of a row of the schedule; lower ends are included, upper ends are not.
RATE_ROW: dict[str, tuple[int, int]] = {
    "rate": _RATE,
    "from_age_days": _AGE,
    "to_age_days": _AGE,
    "from_balance_minor": _MONEY,
    "to_balance_minor": _MONEY,
    "placement_number": (1, 9),
}
_YES_NO = ("legal", "settlement")
SCHEDULE: dict[str, tuple[int, int]] = {"minimum_minor": _MONEY, "maximum_minor": _MONEY, "tax_rate": _RATE}
PARTS = ("principal", "interest", "fee", "cost", "tax")


def needed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[Permission]:
    """What somebody needs to change terms from these to those."""
    names = {*before, *after} - {"before"}
    changed = {name for name in names if before.get(name) != after.get(name)}
    found = {Permission.TENANCY_MANAGE} if changed & CONTRACT else set()
    return found | ({Permission.TERMS_MANAGE} if changed - CONTRACT else set())


def check_terms(terms: dict[str, Any]) -> dict[str, Any]:
    """The terms, within their bounds. Raises UserError on an unknown or wild one."""
    faults, checked = Faults(), dict[str, Any]()
    for name, value in terms.items():
        with faults.caught():
            checked[name] = _NESTED[name](value) if name in _NESTED else _whole(name, value, TERMS)
    faults.tell()
    return checked


def _approver(value: Any) -> str:
    if value not in APPROVERS:
        raise UserError(
            "exceptions are approved by one of %(known)s",
            field="exception_approver",
            known=", ".join(APPROVERS),
        )
    return str(value)


def _offer_limits(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise UserError("the limits of offers are a list of rows with a role or a desk", field="offer_limits")
    return _rows("offer_limits", value, _limit_row)


def _limit_row(row: Any) -> dict[str, Any]:
    faults, checked = Faults(), dict[str, Any]()
    if not isinstance(row, dict) or not (row.get("role") or row.get("desk")):
        raise UserError("each row of the limits of offers needs a role or a desk", field="role")
    if row.get("role") not in (None, *OFFERER_ROLES):
        known = ", ".join(OFFERER_ROLES)
        faults.note(UserError("the role of a limit is one of %(known)s", field="role", known=known))
    bounds = {limit: TERMS[limit] for limit in OFFER_LIMITS}
    for key in row.keys() - {"role", "desk"}:
        with faults.caught():
            checked[key] = _whole(key, row[key], bounds)
    faults.tell()
    return checked | {key: str(row[key]) for key in ("role", "desk") if row.get(key)}


def _whole(name: str, value: Any, known: dict[str, tuple[int, int]]) -> int:
    if name not in known:
        raise UserError(
            "unknown term '%(name)s': use %(known)s", field="terms", name=name, known=", ".join(known)
        )
    lowest, highest = known[name]
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UserError(
            "%(term)s must be a whole number from %(lowest)s to %(highest)s",
            field=name,
            term=Words("term", (name,)),
            lowest=lowest,
            highest=highest,
        )
    return value


def _schedule(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError("the commission schedule must be an object with rates", field="commission")
    faults, checked = Faults(), dict[str, Any]()
    with faults.caught():
        checked["rates"] = _rows("rates", value.get("rates", []), _row)
    for name, stated in value.items():
        with faults.caught():
            if name == "parts":
                checked[name] = _parts(stated)
            elif name != "rates":
                checked[name] = _whole(name, stated, SCHEDULE)
    faults.tell()
    if checked.get("minimum_minor", 0) > checked.get("maximum_minor", 10**15):
        raise UserError("the least commission is above the highest: change one of them", field="commission")
    return checked


def _rows(name: str, rows: Any, check: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row as `check` lets it through. All that is wrong is told, of the second row's rate at
    `rates.1.rate`: rows count from 0."""
    faults, checked = Faults(), list[dict[str, Any]]()
    for number, row in enumerate(rows):
        try:
            checked.append(check(row))
        except UserError as error:
            for one in (error, *error.others):
                one.field = f"{name}.{number}.{one.field}"
                faults.note(one)
    faults.tell()
    return checked


def _row(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or "rate" not in row:
        raise UserError("each row of the commission schedule needs a rate", field="rate")
    faults, checked = Faults(), dict[str, Any]()
    for name, value in row.items():
        with faults.caught():
            checked[name] = _yes_no(name, value) if name in _YES_NO else _whole(name, value, RATE_ROW)
    for what in ("age_days", "balance_minor"):
        if checked.get(f"from_{what}", 0) >= checked.get(f"to_{what}", 10**16):
            faults.note(
                UserError("a row of the commission schedule ends before it begins", field=f"to_{what}")
            )
    faults.tell()
    return checked


def _yes_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UserError("%(term)s must be true or false", field=name, term=Words("term", (name,)))
    return value


def _parts(stated: Any) -> list[str]:
    if not isinstance(stated, list) or not stated or not set(stated) <= set(PARTS):
        raise UserError(
            "the parts that earn commission are some of %(known)s", field="parts", known=", ".join(PARTS)
        )
    return stated


_NESTED: dict[str, Callable[[Any], Any]] = {
    "commission": _schedule,
    "accrual": check_accrual,
    "allocation_order": lambda stated: check_order(stated, PARTS),
    "exception_approver": _approver,
    "offer_limits": _offer_limits,
}
