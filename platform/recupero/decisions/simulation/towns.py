"""The simulated debtors of one creditor, met as their accounts are placed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.simulation.debtors import SimulatedDebtor, Visible
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.placements import reach
from recupero.placements.reach import Placed
from recupero.tenancy import queries as tenancy


@dataclass
class Town:
    """The debtors of one creditor, by account."""

    scope: Scope
    zone: ZoneInfo
    debtors: dict[int, SimulatedDebtor] = field(default_factory=dict)
    # account id: the day on which the promised money comes, and which share of the balance it is
    promises: dict[int, tuple[date, float]] = field(default_factory=dict)
    last_contact: int = 0
    last_account: int = 0

    def now(self) -> datetime:
        """The moment in the creditor's zone."""
        return clock.now().astimezone(self.zone)

    def today(self) -> date:
        """The date in the creditor's zone."""
        return self.now().date()

    def meet(self, session: Session, seed: int) -> None:
        """Draw the traits of the debtors whose accounts were placed since the last call."""
        placed, slug = reach.placed_after(session, self.last_account), tenancy.tenant(session).slug
        for account, seen in zip(placed, _visible(placed), strict=True):
            name = f"{slug}/{account.client_account}"
            self.debtors[account.account_id] = SimulatedDebtor.draw(seed, name, account.placed_on, seen)
            self.last_account = max(self.last_account, account.account_id)


def _visible(placed: Sequence[Placed]) -> list[Visible]:
    """What the file shows of each account, its size beside that of those placed with it."""
    logs = np.log1p(np.array([one.placed_minor for one in placed], dtype=np.float64))
    spread = max(float(logs.std()), 1e-9) if len(logs) else 1.0
    return [
        Visible(
            placement_number=one.placement_number,
            days_past_due=(one.placed_on - one.due_date).days,
            size=float(log - logs.mean()) / spread,
            years=(one.due_date - one.open_date).days / 365.25 if one.open_date else 2.0,
        )
        for one, log in zip(placed, logs, strict=True)
    ]
