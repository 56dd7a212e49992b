"""What was read for a report, sorted by what it is about, and the figures that it adds up to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from recupero.reports import metrics as m
from recupero.reports.figures import Figure
from recupero.reports.periods import Period
from recupero.reports.queries import Accounts, Cost, Flow, Group, Happened, Placed, Reader, Returned
from recupero.reports.report import MonthFlow

DIGITAL = frozenset({"sms", "email", "whatsapp", "webhook", "push", "chat"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the accounts of a currency: of one portfolio, one file or one placement month; or all."""

    currency: str
    portfolio_id: int | None = None
    batch_id: int | None = None
    cohort: date | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What was read, before it is added up."""

    period: Period
    placed: list[Placed]
    returned: list[Returned]
    happened: dict[Group, Happened]
    accounts: dict[Group, Accounts]
    costs: list[Cost]
    names: dict[tuple[str, int], str] = field(repr=False)
    _placed: Mapping[Part, list[Placed]] = field(repr=False)
    _flows: Mapping[Part, list[Flow]] = field(repr=False)

    @classmethod
    def read(cls, reader: Reader, period: Period) -> "Source":
        """All of a period."""
        placed = reader.placed()
        return cls(
            period, placed, reader.returned(), reader.happened(), reader.accounts(), reader.costs(),
            reader.names(), _placed_by_part(placed), _flows_by_part(reader.flows()),
        )  # fmt: skip

    def of(self, part: Part) -> "Money":
        """The money of a part."""
        return Money(self.period, self._placed.get(part, []), self._flows.get(part, []))

    def at(self, group: Group) -> "Counts":
        """What happened in a group."""
        return Counts(self.happened.get(group, Happened()), self.accounts.get(group, Accounts()))

    def digital(self, currency: str) -> Happened:
        """What happened by written channels without paper, together."""
        mine = [made for group, made in self.happened.items()
                if group.currency == currency and group.channel in DIGITAL]  # fmt: skip
        return Happened(*(sum(column) for column in zip(*mine, strict=True))) if mine else Happened()


def _placed_by_part(rows: Iterable[Placed]) -> Mapping[Part, list[Placed]]:
    parts: dict[Part, list[Placed]] = defaultdict(list)
    for row in rows:
        for part in (
            Part(row.currency),
            Part(row.currency, portfolio_id=row.portfolio_id),
            Part(row.currency, batch_id=row.batch_id),
            Part(row.currency, cohort=row.cohort),
        ):
            parts[part].append(row)
    return parts


def _flows_by_part(rows: Iterable[Flow]) -> Mapping[Part, list[Flow]]:
    parts: dict[Part, list[Flow]] = defaultdict(list)
    for row in rows:
        parts[Part(row.currency, row.portfolio_id, row.batch_id, row.cohort)].append(row)
        if row.portfolio_id is not None:  # the portfolios together are all
            parts[Part(row.currency)].append(row)
    return parts


class Money:
    """Placed balances and money moved, of one part of the accounts."""

    def __init__(self, period: Period, placed: list[Placed], flows: list[Flow]) -> None:
        self.period, self.placed, self.flows = period, placed, flows
        self._balance = sum(row.placed_minor for row in placed)
        self._accounts = sum(row.accounts for row in placed)
        self._within = [row for row in flows if row.month and period.first <= row.month <= period.last]
        self._all = sum(row.received_minor + row.reversed_minor for row in flows)
        self._fees = sum(row.fee_minor for row in flows)
        self._by_month: dict[date, int] = defaultdict(int)
        for row in flows:
            if row.month is not None:
                self._by_month[row.month] += row.received_minor + row.reversed_minor

    def placed_accounts(self) -> Figure:
        return Figure(m.PLACED_ACCOUNTS, self._accounts)

    def placed_balance(self) -> Figure:
        return Figure(m.PLACED, self._balance)

    def placed_in_period(self) -> Figure:
        first, last = self.period.first, self.period.last
        within = [row.placed_minor for row in self.placed if first <= row.cohort <= last]
        return Figure(m.PLACED_IN_PERIOD, sum(within))

    def _collected(self) -> int:
        return sum(row.received_minor + row.reversed_minor for row in self._within)

    def collected(self) -> Figure:
        return Figure(m.COLLECTED, self._collected())

    def collected_agency(self) -> Figure:
        return Figure(m.COLLECTED_AGENCY, self._by_way(direct=False))

    def collected_direct(self) -> Figure:
        return Figure(m.COLLECTED_DIRECT, self._by_way(direct=True))

    def _by_way(self, *, direct: bool) -> int:
        rows = [row for row in self._within if row.direct is direct]
        return sum(row.received_minor + row.reversed_minor for row in rows)

    def reversed(self) -> Figure:
        return Figure(m.REVERSED, -sum(row.reversed_minor for row in self._within))

    def liquidation(self) -> Figure:
        return Figure(m.LIQUIDATION, self._all, self._balance)

    def liquidation_net(self) -> Figure:
        valid = self._balance - sum(row.invalid_minor for row in self.placed)
        return Figure(m.LIQUIDATION_NET, self._all, valid)

    def stairs(self, months: list[date]) -> tuple[tuple[Figure, ...], tuple[Figure, ...]]:
        """Each month's step and the sum of them up to it. Money dated before the first month, the placement
        month, belongs to month 0, so that the steps add up."""
        steps = [self._by_month.get(month, 0) for month in months]
        if steps:
            steps[0] += sum(minor for month, minor in self._by_month.items() if month < months[0])
        climbed = [sum(steps[: number + 1]) for number in range(len(steps))]
        return (
            tuple(Figure(m.LIQUIDATION_IN_MONTH, minor, self._balance) for minor in steps),
            tuple(Figure(m.LIQUIDATION, minor, self._balance) for minor in climbed),
        )

    def fee(self) -> Figure:
        return Figure(m.FEES, sum(row.fee_minor for row in self._within))

    def fee_tax(self) -> Figure:
        return Figure(m.FEE_TAX, sum(row.tax_minor for row in self._within))

    def average_fee(self) -> Figure:
        return Figure(m.AVERAGE_FEE, self.fee().numerator, self._collected())

    def fee_yield(self) -> Figure:
        return Figure(m.FEE_YIELD, self._fees, self._balance)

    def net_back(self) -> Figure:
        return Figure(m.NET_BACK, self._collected() - self.fee().numerator)

    def net_back_rate(self) -> Figure:
        return Figure(m.NET_BACK_RATE, self._all - self._fees, self._balance)

    def pif(self) -> Figure:
        return Figure(m.PIF_RATE, sum(row.pif for row in self.placed), self._accounts)

    def sif(self) -> Figure:
        return Figure(m.SIF_RATE, sum(row.sif for row in self.placed), self._accounts)

    def by_month(self, months: list[date]) -> tuple[MonthFlow, ...]:
        """Money of each of these months, by whom it was paid to."""
        paid: dict[tuple[date, bool], int] = defaultdict(int)
        for row in self.flows:
            if row.month is not None and row.direct is not None:
                paid[row.month, row.direct] += row.received_minor + row.reversed_minor
        return tuple(MonthFlow(month, paid[month, False], paid[month, True]) for month in months)


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened within the period in one group."""

    happened: Happened
    accounts: Accounts

    def funnel(self) -> tuple[Figure, ...]:
        """Attempts → contacts → right-party contacts → promises → payments."""
        return (
            Figure(m.ATTEMPTS, self.happened.attempts),
            Figure(m.CONNECTS, self.happened.connects),
            Figure(m.RIGHT_PARTY, self.happened.right_party),
            Figure(m.PROMISES, self.happened.promises),
            Figure(m.PAYMENTS, self.happened.payments),
        )

    def workable(self) -> Figure:
        return Figure(m.WORKABLE, self.accounts.workable)

    def penetration(self) -> Figure:
        return Figure(m.PENETRATION, self.accounts.workable_attempted, self.accounts.workable)

    def intensity(self) -> Figure:
        return Figure(m.INTENSITY, self.happened.attempts, self.accounts.attempted)

    def connect_rate(self) -> Figure:
        """Of calls alone: ask it of the counts of that channel."""
        return Figure(m.CONNECT_RATE, self.happened.answered, self.happened.attempts)

    def right_party_rate(self) -> Figure:
        return Figure(m.RIGHT_PARTY_RATE, self.happened.right_party, self.happened.attempts)

    def contactability(self) -> Figure:
        return Figure(m.CONTACTABILITY, self.accounts.workable_reached, self.accounts.workable)

    def promise_rate(self) -> Figure:
        return Figure(m.PROMISE_RATE, self.happened.promises, self.happened.right_party)

    def kept_rate(self) -> Figure:
        return Figure(m.KEPT_RATE, self.happened.kept, self.happened.due)

    def settled_promises(self) -> tuple[Figure, ...]:
        due = self.happened.due
        return (
            self.kept_rate(),
            Figure(m.PARTLY_KEPT_RATE, self.happened.partly, due),
            Figure(m.BROKEN_RATE, self.happened.broken, due),
            Figure(m.KEPT_VALUE_RATE, self.happened.counted_minor, self.happened.promised_minor),
        )

    def what_they_say(self) -> tuple[Figure, ...]:
        """Complaints, disputes and opt-outs over accounts attempted, and contacts against the law."""
        attempted = self.accounts.attempted
        return (
            Figure(m.COMPLAINT_RATE, self.happened.complaints, attempted),
            Figure(m.DISPUTE_RATE, self.happened.disputes, attempted),
            Figure(m.OPT_OUT_RATE, self.happened.opt_outs, attempted),
            Figure(m.OUT_OF_POLICY, self.happened.out_of_policy, self.happened.attempts),
        )
