"""The creditor's own portal: what it reads about its accounts, and what it does with them."""

from recupero.portals.creditor import (
    accounts,
    actions,
    activity,
    causes,
    compare,
    complaints,
    depth,
    disputes,
    drilled,
    money,
    months,
    overview,
    paid,
    report,
    rolls,
)

__all__ = [
    "accounts", "actions", "activity", "causes", "compare", "complaints", "depth", "disputes", "drilled",
    "money", "months", "overview", "paid", "report", "rolls",
]  # fmt: skip
