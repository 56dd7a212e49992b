"""What a contact takes from those that follow it: debtors tire of being contacted.

A contact is never worth only what it brings today. Who was contacted n times in 30 days is likely to be
contacted as often in the 30 to come, and each of those contacts finds them a little more tired for this one.
Until more is known, what a debtor's contacts of 30 days bring together is held to grow as the logarithm of
their number: the next one adds one over one more than there were. So contacts are shared out among debtors in
proportion to what they are worth (as seats are, by d'Hondt), and large debts do not get all of them.

Of harm, the odds of which are held to grow as one more than there were (`lines.PRESSURE` of the model of
actions), the next contact adds its own and n times what it adds to each of the later ones.
"""

from __future__ import annotations

from typing import Any

import polars as pl


def left() -> Any:
    """The share of what a contact would add to a rested debtor that is left, by `lately`, the contacts of 30
    days."""
    return 1 / (1 + _lately())


def grown() -> Any:
    """The times that a contact's harm counts, for what it adds to that of the contacts to come."""
    return (1 + 2 * _lately()) / (1 + _lately())


def _lately() -> Any:
    return pl.col("lately").fill_null(0).cast(pl.Float64)
