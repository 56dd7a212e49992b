"""How simulated debtors behave: hidden traits, what a contact does to them, what they do of themselves.

docs/simulation.md tells the model in words, with the figures it is calibrated to and where those come from.
Part of each trait follows from what a placement file shows (age and size of the debt, length of the
relation), the rest is the debtor's own, so that something can be learned and not everything. Every draw
belongs to the debtor, the day and the question (`draws`): the same debtor does the same whatever the platform
does elsewhere.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from recupero.decisions.simulation.draws import key_of, normal, uniform

#: Chance that a delivered message is read on the day, or a call taken, by a debtor of no particular habits.
READ: Mapping[str, float] = {"email": 0.22, "sms": 0.38, "whatsapp": 0.42, "letter": 0.40, "call": 0.22}
#: Chance that it is the debtor who takes a call.
IS_DEBTOR = 0.28
#: Chance that an address in a creditor's file is wrong or dead, and days in which the others die (mean).
WRONG: Mapping[str, float] = {"email": 0.14, "phone": 0.18, "address": 0.12}
LIVES: Mapping[str, float] = {"email": 1500.0, "phone": 900.0, "address": 1200.0}
PAY_DAYS = ((30, 0.35), (1, 0.10), (5, 0.20), (15, 0.15), (25, 0.12), (28, 0.08))
WORN = 0.6  # odds of acting that are left with each further placement
SELF_CURE_PER_DAY = 0.00007
TONES = ("kind", "neutral", "firm")
HALF_LIFE = 30.0  # days in which annoyance halves
HARDSHIP = 0.08  # share of debtors who cannot pay
MACHINE_BINDS = 0.8  # a promise to a machine is kept that much as often as one to a person


class Reaction(StrEnum):
    """What a debtor does upon a contact."""

    NOTHING = "nothing"
    LOOK = "look"
    PAY_FULL = "pay_full"
    PAY_PART = "pay_part"
    PROMISE = "promise"
    DISPUTE = "dispute"
    HARDSHIP = "hardship"
    OPT_OUT = "opt_out"
    COMPLAIN = "complain"


@dataclass(frozen=True, slots=True)
class Visible:
    """What the placement file shows of an account. `size`: standard deviations of the log balance from the
    mean of those placed with it; `years`: from opening to delinquency."""

    placement_number: int = 1
    days_past_due: int = 60
    size: float = 0.0
    years: float = 2.0


@dataclass(slots=True)
class SimulatedDebtor:
    """Hidden traits, and the annoyance that builds up."""

    key: int
    placed_on: date
    willing: float  # chance of acting on a message that was read, at ease
    means: float  # 0 to 1: chance of having the money on a pay day
    pay_day: int
    self_cure: float  # chance a day of paying unasked, on an ordinary day
    habits: Mapping[str, float]  # chance of reading or answering, by channel
    hour: int  # 0 morning, 1 midday, 2 evening
    tone: str  # the one that fits
    patience: float
    reliability: float
    hardship: bool
    annoyance: float = 0.0
    annoyed_on: date | None = None

    @classmethod
    def draw(cls, seed: int, name: str, placed_on: date, seen: Visible) -> "SimulatedDebtor":
        """The debtor behind the account `name`."""
        key = key_of(seed, name)
        means = _logistic(-0.7 - 0.35 * seen.size + 0.9 * normal(key, "means"))
        hardship = uniform(key, None, "hardship") < HARDSHIP
        odds = (
            -0.95 - 0.45 * seen.size + 0.45 * math.tanh(seen.years - 2) - 0.0025 * (seen.days_past_due - 60)
            + math.log(WORN) * (seen.placement_number - 1) + 1.1 * normal(key, "willing")
        )  # fmt: skip
        worn = WORN ** (seen.placement_number - 1) * math.exp(-max(seen.days_past_due - 60, 0) / 500)
        cure = SELF_CURE_PER_DAY * worn * math.exp(1.1 * normal(key, "cure") - 0.5 * seen.size) * 4 * means
        return cls(
            key=key,
            placed_on=placed_on,
            willing=_logistic(odds),
            means=0.02 if hardship else means,
            pay_day=_pay_day(uniform(key, None, "pay day")),
            self_cure=0.0 if hardship else cure,
            habits=_habits(key, seen.years),
            hour=min(2, int(uniform(key, None, "hour") * 4)),
            tone=TONES[min(2, int(uniform(key, None, "tone") * 2.5))],
            patience=math.exp(0.5 * normal(key, "patience")),
            reliability=_logistic(0.7 + 0.8 * normal(key, "reliability")),
            hardship=hardship,
        )

    def arrives(self, kind: str, today: date) -> bool:
        """Whether the address of this kind (email, phone, address) is right, and still is."""
        if uniform(self.key, None, f"wrong/{kind}") < WRONG[kind]:
            return False
        life = -LIVES[kind] * math.log(max(uniform(self.key, None, f"life/{kind}"), 1e-12))
        return (today - self.placed_on).days < life

    def annoyed(self, today: date) -> float:
        """The annoyance that is left today."""
        if self.annoyed_on is None:
            return 0.0
        return self.annoyance * math.pow(0.5, (today - self.annoyed_on).days / HALF_LIFE)

    def bear(self, channel: str, tone: str, today: date) -> None:
        """Bear one more contact: it annoys, a call and a firm word more, the favourite channel less."""
        weight = 0.10 if self.habits.get(channel, 0.0) >= max(self.habits.values()) else 0.16
        weight *= (1.5 if channel == "call" else 1.0) * (1.4 if tone == "firm" != self.tone else 1.0)
        self.annoyance, self.annoyed_on = self.annoyed(today) + weight / self.patience, today

    def read_chance(self, channel: str, at: datetime) -> float:
        """Chance that a contact at this local time is read, or a call taken."""
        fits = 1.3 if part_of_day(at) == self.hour else 0.8
        base = self.habits.get(channel, 0.3) * fits
        return min(0.95, base * math.exp(-0.8 * self.annoyed(at.date())))

    def act_chance(self, tone: str, today: date) -> float:
        """Chance of acting on what was read."""
        fits = 1.15 if tone == self.tone else 0.95
        return min(0.95, self.willing * fits * math.exp(-0.9 * self.annoyed(today)))

    def able(self, today: date) -> float:
        """Chance of having money at hand."""
        near = 0 <= (today - pay_day_before(today, self.pay_day)).days <= 4
        return min(1.0, self.means * (1.7 if near else 0.55))

    def reads(self, channel: str, at: datetime) -> bool:
        """Whether this contact is read, or this call taken."""
        return uniform(self.key, at.date(), f"reads/{channel}") < self.read_chance(channel, at)

    def objects(self, channel: str, today: date) -> Reaction | None:
        """Whether a contact that arrived was one too many."""
        annoyed = self.annoyed(today)
        if uniform(self.key, today, f"complains/{channel}") < complaint_chance(annoyed):
            return Reaction.COMPLAIN
        if uniform(self.key, today, f"opts out/{channel}") < opt_out_chance(annoyed):
            return Reaction.OPT_OUT
        return None

    def reacts(self, channel: str, tone: str, today: date) -> Reaction:
        """What comes of a message that was read or a talk. Nothing, most of the time."""
        if uniform(self.key, today, f"acts/{channel}") >= self.act_chance(tone, today):
            return Reaction.NOTHING
        able, which = self.able(today), uniform(self.key, today, f"does/{channel}")
        if self.hardship and which > 0.6:
            return Reaction.HARDSHIP
        if which > 0.975:
            return Reaction.DISPUTE
        if which < 0.14 * able:
            return Reaction.PAY_FULL
        if which < 0.50 * able:
            return Reaction.PAY_PART
        return Reaction.PROMISE if which < 0.50 * able + 0.27 else Reaction.LOOK

    def part(self, today: date) -> float:
        """Share of the balance of a part payment."""
        return 0.15 + 0.40 * uniform(self.key, today, "part")

    def promised_share(self, today: date) -> float:
        """Share of the balance that is promised: all of it by those who have means."""
        return 1.0 if self.means > 0.7 else self.part(today)

    def promise_date(self, today: date) -> date:
        """The next pay day at least two days ahead."""
        return pay_day_after(today + timedelta(days=2), self.pay_day)

    def keep_chance(self, *, to_machine: bool) -> float:
        """Chance that promised money comes on its day."""
        return 0.0 if self.hardship else self.reliability * (MACHINE_BINDS if to_machine else 1.0)

    def keeps_promise(self, today: date, *, to_machine: bool) -> bool:
        """Whether money promised today comes on its day."""
        return uniform(self.key, today, "keeps") < self.keep_chance(to_machine=to_machine)

    def answers_call(self, at: datetime) -> bool | None:
        """Whether the debtor takes a call; None where somebody else does."""
        if not self.reads("call", at):
            return False
        return True if uniform(self.key, at.date(), "is debtor") < IS_DEBTOR else None

    def expected_share(self, channel: str, tone: str, at: datetime) -> float:
        """Share of the balance that a contact brings on average, by the traits: what the oracle knows."""
        today = at.date()
        reached = self.read_chance(channel, at) * (IS_DEBTOR if channel == "call" else 1.0)
        able = self.able(today)
        promised = 1.0 if self.means > 0.7 else 0.35
        kept = 0.27 * promised * self.keep_chance(to_machine=channel != "call")
        return reached * self.act_chance(tone, today) * (0.14 * able + 0.36 * able * 0.35 + kept)


def complaint_chance(annoyed: float) -> float:
    """Chance of a complaint upon a contact."""
    return 0.0001 + 0.0012 * annoyed**2


def opt_out_chance(annoyed: float) -> float:
    """Chance of an opt-out from the channel upon a contact."""
    return 0.0005 + 0.003 * annoyed**2


def part_of_day(at: datetime) -> int:
    """0 before noon, 1 until four, 2 later."""
    return 0 if at.hour < 12 else 1 if at.hour < 16 else 2


def _habits(key: int, years: float) -> dict[str, float]:
    """Longer relations read mail and take calls, shorter ones look at their messengers; the rest is habit."""
    tilt = 0.35 * math.tanh(years - 2)
    sign = {"email": 1, "letter": 1, "call": 1, "sms": -1, "whatsapp": -1}
    return {
        channel: min(
            0.9, chance * math.exp(sign[channel] * tilt + 0.6 * normal(key, f"habit/{channel}") - 0.18)
        )
        for channel, chance in READ.items()
    }


def _pay_day(draw: float) -> int:
    for day, share in PAY_DAYS:
        if draw < share:
            return day
        draw -= share
    return PAY_DAYS[-1][0]


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def pay_day_before(day: date, pay_day: int) -> date:
    """The last pay day on or before `day`; a pay day past the month's end is its last day."""
    this = _in_month(day, pay_day)
    return this if this <= day else _in_month(day.replace(day=1) - timedelta(days=1), pay_day)


def pay_day_after(day: date, pay_day: int) -> date:
    """The first pay day on or after `day`."""
    this = _in_month(day, pay_day)
    return this if this >= day else _in_month(_last_of_month(day) + timedelta(days=1), pay_day)


def _in_month(day: date, pay_day: int) -> date:
    return day.replace(day=min(pay_day, _last_of_month(day).day))


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
