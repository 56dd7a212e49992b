"""What a portfolio's terms say of interest and late fees, checked: `terms["accrual"]` and `allocation_order`.

`rate` is basis points a year, or `contract` for the rate that the creditor placed each account with.
`day_count` is act/365, act/360 or 30/360, `from` the day it runs from: that of placement or the due date.
`late_fee_minor` and `late_fee_rate` (basis points of the open principal) make one late fee, due
`late_fee_after_days` later. `stopped_by` are further holds during which nothing accrues, `rates` the
published or agreed rates (basis points a year) by which a country's caps go.
"""

from typing import Any

from recupero.kernel.errors import Faults, UserError, Words
from recupero.placements.lifecycle import HOLDS

DAY_COUNTS = ("act/365", "act/360", "30/360")
STARTS = ("placed", "due")
CONTRACT = "contract"
_BOUNDS = {
    "rate": (0, 100_000),  # basis points a year
    "late_fee_minor": (0, 10**12),
    "late_fee_rate": (0, 10_000),
    "late_fee_after_days": (1, 3_650),
}


def check_accrual(value: Any) -> dict[str, Any]:
    """The terms of accrual within their bounds. Raises UserError."""
    if not isinstance(value, dict) or "rate" not in value:
        raise UserError("the terms of interest must be an object with a rate", field="accrual")
    faults, checked = Faults(), dict[str, Any]()
    for name, stated in value.items():
        with faults.caught():
            checked[name] = _checked(name, stated)
    faults.tell()
    return checked


def _checked(name: str, value: Any) -> Any:
    if name == "rate" and value == CONTRACT:
        return value
    if name in _BOUNDS:
        return _whole(name, value)
    if name == "day_count":
        return _one_of(name, value, DAY_COUNTS)
    if name == "from":
        return _one_of(name, value, STARTS)
    if name == "stopped_by":
        if not isinstance(value, list) or not all(one in HOLDS for one in value):
            raise UserError("%(term)s is some of %(known)s", field=name, term=Words("term", (name,)),
                            known=", ".join(HOLDS))  # fmt: skip
        return value
    if name == "rates" and isinstance(value, dict):
        return {str(rate): _whole("rate", stated) for rate, stated in value.items()}
    raise UserError(
        "unknown term '%(name)s': use %(known)s", field="terms", name=name,
        known=", ".join([*_BOUNDS, "day_count", "from", "stopped_by", "rates"]),
    )  # fmt: skip


def _whole(name: str, value: Any) -> int:
    lowest, highest = _BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UserError(
            "%(term)s must be a whole number from %(lowest)s to %(highest)s", field=name,
            term=Words("term", ("interest_rate" if name == "rate" else name,)),
            lowest=lowest, highest=highest,
        )  # fmt: skip
    return value


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UserError("%(term)s is one of %(known)s", field=name, term=Words("term", (name,)),
                        known=", ".join(known))  # fmt: skip
    return str(value)


def check_order(value: Any, parts: tuple[str, ...]) -> list[str]:
    """Which part money pays first: every part once. Raises UserError."""
    if not isinstance(value, list) or sorted(map(str, value)) != sorted(parts):
        raise UserError(
            "the order of allocation names each of %(known)s once", field="allocation_order",
            known=", ".join(parts),
        )  # fmt: skip
    return value
