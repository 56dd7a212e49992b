"""The oracle: a policy that knows the simulated debtors' traits. A bound to compare with, never a product.

It ranks by the share of the balance that a contact brings on average today, by traits that no policy of the
platform sees, less what the debtor would have paid unasked and less the harm of one contact more. It looks
one contact ahead, so it is a strong policy and not the best one there could be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.planning.policies import Context
from recupero.decisions.simulation.debtors import SimulatedDebtor

if TYPE_CHECKING:
    import polars as pl

_KIND = {"email": "email", "sms": "phone", "whatsapp": "phone", "call": "phone", "letter": "address"}
UNASKED_DAYS = 120  # within which what is paid unasked would have come anyway
HARM = 0.15  # share of a contact's worth that each unit of annoyance already borne takes off


class Oracle:
    """Knows each debtor by tenant and account (`known`), in the zone they live in."""

    name = "oracle"

    def __init__(self, known: Callable[[int, int], SimulatedDebtor | None], zone: ZoneInfo) -> None:
        self._known, self._zone = known, zone

    def values(self, options: pl.DataFrame, context: Context) -> Floats:
        """Expected minor units of each option."""
        values = np.zeros(len(options))
        columns = options.select("account", "channel", "moment", "tone", "balance_minor")
        for place, (account, channel, moment, tone, balance) in enumerate(columns.iter_rows()):
            debtor = self._known(context.tenant_id, account)
            if debtor is None or not debtor.arrives(_KIND[channel], moment.date()):
                continue
            at = moment.astimezone(self._zone)
            anyway = min(1.0, UNASKED_DAYS * debtor.self_cure)
            harm = max(0.0, 1 - HARM * debtor.annoyed(at.date()))
            values[place] = debtor.expected_share(channel, tone, at) * (1 - anyway) * harm * balance
        return values
