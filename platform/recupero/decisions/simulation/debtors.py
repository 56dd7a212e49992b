"""How simulated debtors behave: documented, seeded, and calibrated to published orders of magnitude.

Everything is drawn from `random.Random(seed/account)`, so that the same debtor answers in the same way
whatever the platform does elsewhere. The calibration aims, for agency work: 8 % of the placed balance
recovered in twelve months on a first placement and 3 % on a second, a right-party contact on 4-8 % of the
attempts, and contact data of which a part is wrong. The rates are per message; they are ours, chosen to meet
those aims, not measurements.
"""

import math
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

# Chance that a delivered message is read, by channel of law.
READ = {"email": 0.24, "sms": 0.55, "whatsapp": 0.65, "letter": 0.45}
# Chance that an address in a creditor's file is wrong or dead.
WRONG = {"email": 0.14, "phone": 0.18, "address": 0.12}
# Chance that somebody picks up an agent's call, and that it is the debtor.
PICKS_UP, IS_DEBTOR = 0.22, 0.28
SELF_CURE_PER_DAY = 0.00012
WORN = 0.25  # how much of the interest is left with each further placement


class Reaction(StrEnum):
    """What a debtor does after reading a message and proving who they are on the page."""

    NOTHING = "nothing"
    LOOK = "look"
    PAY_FULL = "pay_full"
    PAY_PART = "pay_part"
    PROMISE = "promise"
    DISPUTE = "dispute"
    HARDSHIP = "hardship"
    OPT_OUT = "opt_out"


@dataclass
class SimulatedDebtor:
    """Hidden traits and the state that builds up. `interest` in following up, `means` to pay, both 0-1."""

    rng: random.Random = field(repr=False)
    interest: float
    means: float
    pay_day: int
    favourite: str
    reliability: float
    annoyance: float = 0.0
    promised_for: date | None = None

    @classmethod
    def draw(cls, seed: int, key: str, *, placement_number: int, days_past_due: int) -> "SimulatedDebtor":
        """The debtor behind the account `key`. A later placement and an older debt answer less."""
        rng = random.Random(f"{seed}/{key}")
        worn = WORN ** (placement_number - 1) * math.exp(-max(days_past_due - 60, 0) / 900)
        return cls(
            rng=rng,
            interest=rng.betavariate(1.1, 4.2) * worn,
            means=rng.betavariate(1.6, 3.0),
            pay_day=rng.choice((1, 5, 15, 25, 28, 30)),
            favourite=rng.choice(tuple(READ)),
            reliability=rng.betavariate(3.2, 2.6),
        )

    def address_works(self, kind: str) -> bool:
        """Whether an address of this debtor's is right; asked once per address, in a fixed order."""
        return self.rng.random() >= WRONG[kind]

    def reads(self, channel: str) -> bool:
        """Whether a delivered message is read. Each message annoys a little, an unloved channel more."""
        chance = READ.get(channel, 0.3) * (1.25 if channel == self.favourite else 0.85)
        self.annoyance = min(1.0, self.annoyance + (0.02 if channel == self.favourite else 0.045))
        return self.rng.random() < chance * (1 - 0.5 * self.annoyance)

    def reacts(self, today: date) -> Reaction:
        """What comes of a message that was read. Nothing, most of the time."""
        if self.rng.random() >= min(0.9, 1.15 * self.interest):
            return self._rejects()
        near_pay_day = 0 <= (today - _pay_day_before(today, self.pay_day)).days <= 4
        able = min(1.0, self.means * (1.5 if near_pay_day else 0.8))
        draw = self.rng.random()
        if draw < 0.12 * able:
            return Reaction.PAY_FULL
        if draw < 0.40 * able:
            return Reaction.PAY_PART
        if draw < 0.40 * able + 0.22:
            return Reaction.PROMISE
        if draw > 0.97:
            return Reaction.DISPUTE
        if draw > 0.93 and self.means < 0.25:
            return Reaction.HARDSHIP
        return Reaction.LOOK

    def _rejects(self) -> Reaction:
        return Reaction.OPT_OUT if self.rng.random() < 0.012 * self.annoyance else Reaction.NOTHING

    def part(self) -> float:
        """Share of the balance of a part payment."""
        return self.rng.uniform(0.15, 0.6)

    def promise_date(self, today: date) -> date:
        """The next pay day at least two days ahead."""
        return _pay_day_after(today + timedelta(days=2), self.pay_day)

    def keeps_promise(self) -> bool:
        """Whether the promised money comes on its day."""
        return self.rng.random() < self.reliability

    def cures_alone(self) -> bool:
        """Whether the debtor pays today without having been asked; drawn once a day."""
        return self.rng.random() < SELF_CURE_PER_DAY * (0.1 + 2 * self.interest)

    def answers_call(self) -> str:
        """Disposition of a call (domain page, 4.1)."""
        if self.rng.random() >= PICKS_UP:
            return self.rng.choice(("NOAN", "NOAN", "VMNM", "BUSY"))
        if self.rng.random() >= IS_DEBTOR:
            return self.rng.choice(("TPNA", "WRNG", "HUNV"))
        return "RTPY" if self.rng.random() > 0.3 + self.interest else "PTPF"


def _pay_day_before(day: date, pay_day: int) -> date:
    """The last pay day on or before `day`; a pay day past the month's end is its last day."""
    this = _in_month(day, pay_day)
    return this if this <= day else _in_month(day.replace(day=1) - timedelta(days=1), pay_day)


def _pay_day_after(day: date, pay_day: int) -> date:
    """The first pay day on or after `day`."""
    this = _in_month(day, pay_day)
    return this if this >= day else _in_month(_last_of_month(day) + timedelta(days=1), pay_day)


def _in_month(day: date, pay_day: int) -> date:
    return day.replace(day=min(pay_day, _last_of_month(day).day))


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
