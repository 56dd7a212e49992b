"""The terms under which a portfolio is placed."""

from typing import Any

from recupero.kernel.errors import UserError, Words

#: Name: lowest, highest. Rates in basis points, money in minor units of the portfolio's currency.
TERMS: dict[str, tuple[int, int]] = {
    "commission_rate": (0, 10_000),  # basis points of what is collected
    "settlement_floor_percent": (0, 100),  # lowest settlement in percent of the balance
    "max_instalments": (1, 120),  # most instalments of a plan
    "minimum_instalment_minor": (0, 10**15),  # lowest instalment
    "recall_days": (1, 3_650),  # days after which the creditor takes accounts back
    "tolerance_minor": (0, 10**9),  # a remainder up to this counts as paid
}


def check_terms(terms: dict[str, Any]) -> dict[str, int]:
    """The terms as whole numbers within their bounds. Raises UserError on an unknown or wild one."""
    checked: dict[str, int] = {}
    for name, value in terms.items():
        if name not in TERMS:
            raise UserError(
                "unknown term '%(name)s': use %(known)s", field="terms", name=name, known=", ".join(TERMS)
            )
        lowest, highest = TERMS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise UserError(
                "%(term)s must be a whole number from %(lowest)s to %(highest)s",
                field=name,
                term=Words("term", (name,)),
                lowest=lowest,
                highest=highest,
            )
        checked[name] = value
    return checked
