"""Where money goes: a pure replay of what happened to one debtor's debts in one currency.

The same facts give the same result in whatever order they became known, because they are always replayed in
the order in which they happened. So a late or doubled event leaves the books as if it had come in time.

Rules (domain page, 2 and 6): the oldest due debt first, within a debt costs, fees, tax, interest, principal
(a contract may say otherwise). What no debt takes waits in suspense and is used as soon as something is owed.
A reversal takes back from suspense first, then in the opposite order, so that a whole one mirrors exactly.
Interest and late fees grow in the same replay, because what they come to depends on when money came.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum

from recupero.ledger.accrual import Accrual, Meter
from recupero.ledger.books import ALLOCATION_ORDER, Part
from recupero.ledger.commission import Line

Allocations = dict[Line, int]


@dataclass(frozen=True, slots=True)
class Debt:
    """An account as money sees it: `order` is which part is paid first, `accrual` what grows on it. Money of
    before the moments of `earlier`, oldest first, pays in their orders."""

    account_id: int
    due_date: date
    order: Sequence[str] = ALLOCATION_ORDER
    accrual: Accrual | None = None
    earlier: Sequence[tuple[datetime, Sequence[str]]] = ()

    def order_at(self, moment: datetime) -> Sequence[str]:
        """Which part the money of a moment pays first."""
        return next((order for until, order in self.earlier if moment < until), self.order)


class Step(IntEnum):
    """Kinds of happening, in the order in which they count at the same instant."""

    OWED = 1
    RECEIVED = 2
    REFUNDED = 3
    DISPUTED = 4
    DISPUTE_WON = 5


@dataclass(frozen=True, slots=True)
class Happening:
    """One fact. OWED changes what is due on `line` by `amount` (may be negative). The others concern the
    payment `key`: RECEIVED `amount` for any of `account_ids`; REFUNDED and DISPUTED `amount` in total so far
    (so that saying it twice changes nothing); DISPUTE_WON gives a dispute's money back."""

    at: datetime
    step: Step
    key: str
    amount: int
    line: Line | None = None
    account_ids: frozenset[int] = frozenset()


@dataclass(slots=True)
class Receipt:
    """A payment in the replay: `lines` is where its money lies now, `suspense` what no debt took; `order`
    that in which it pays what is owed."""

    key: str
    amount: int
    account_ids: frozenset[int]
    order: Sequence[Line] = ()
    lines: Allocations = field(default_factory=dict)
    suspense: int = 0
    refunded: int = 0
    disputed: int = 0
    taken: int = 0

    @property
    def held(self) -> int:
        """What is left of the payment after refunds and disputes."""
        return self.amount - self.taken

    @property
    def paid_back(self) -> int:
        """The part of what was taken that refunds account for; the rest was disputed."""
        return min(self.amount, self.refunded)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay comes to: each payment's place by key, and what has accrued on each line."""

    receipts: dict[str, Receipt]
    accrued: Allocations


def replay(debts: Iterable[Debt], happenings: Iterable[Happening]) -> dict[str, Receipt]:
    """Each payment's place after everything has happened, by key, in the order received.

    Law: for each payment the sum of `lines` and `suspense` is `held`. A happening of a payment that was not
    received changes nothing; one that is dated before its payment counts at its payment (clocks differ).
    """
    return replay_until(debts, happenings, None).receipts


def replay_until(debts: Iterable[Debt], happenings: Iterable[Happening], until: datetime | None) -> Replayed:
    """As `replay`, with what accrues up to the day of `until` (None: to that of the last happening)."""
    facts = _netted(happenings)
    received = {one.key: one.at for one in facts if one.step is Step.RECEIVED}
    state = _State(debts)

    def when(one: Happening) -> tuple[datetime, Step, str, int, Line]:
        at = max(one.at, received.get(one.key, one.at))
        return at, one.step, one.key, one.amount, one.line or (0, "")

    for happening in sorted(facts, key=when):
        state.accrue(when(happening)[0])
        state.happen(happening)
    if until is not None:
        state.accrue(until)
    return Replayed(state.receipts, state.accrued())


def _netted(happenings: Iterable[Happening]) -> list[Happening]:
    """The facts with what is owed at one instant on one line as one: a correction and its undoing, however
    often they were booked, move no money."""
    facts, owed = list[Happening](), defaultdict[tuple[datetime, Line], int](int)
    for one in happenings:
        if one.step is Step.OWED and one.line is not None:
            owed[one.at, one.line] += one.amount
        else:
            facts.append(one)
    net = [Happening(at, Step.OWED, "", amount, line=line) for (at, line), amount in owed.items() if amount]
    return facts + net


class _Orders:
    """The lines of debts in the order in which money of a moment pays them: one list for the money between
    two changes of their terms."""

    def __init__(self, debts: Iterable[Debt]) -> None:
        self._debts = sorted(debts, key=lambda debt: (debt.due_date, debt.account_id))
        self._changes = sorted({until for debt in self._debts for until, _order in debt.earlier})
        self._known: dict[int, list[Line]] = {}

    def at(self, moment: datetime) -> list[Line]:
        which = bisect_right(self._changes, moment)
        if which not in self._known:
            self._known[which] = [
                (debt.account_id, part) for debt in self._debts for part in debt.order_at(moment)
            ]
        return self._known[which]


class _State:
    def __init__(self, debts: Iterable[Debt]) -> None:
        known = list(debts)
        self.orders = _Orders(known)
        self.owed: defaultdict[Line, int] = defaultdict(int)
        self.receipts: dict[str, Receipt] = {}
        self.meters = {debt.account_id: Meter(debt.accrual) for debt in known if debt.accrual is not None}

    def accrue(self, at: datetime) -> None:
        """Let interest and late fees grow up to the day of a moment."""
        for account, meter in self.meters.items():
            principal = self.owed[account, Part.PRINCIPAL]
            owed = sum(max(self.owed[account, part], 0) for part in Part)
            for part, amount in meter.run(at, principal, owed).items():
                self.owed[account, part] += amount

    def accrued(self) -> Allocations:
        return {
            (account, part): amount
            for account, meter in self.meters.items()
            for part, amount in meter.accrued.items()
        }

    def happen(self, happening: Happening) -> None:
        if happening.step is Step.OWED:
            self._owe(happening)
        elif happening.step is Step.RECEIVED:
            self.receipts[happening.key] = Receipt(
                happening.key, happening.amount, happening.account_ids, self.orders.at(happening.at),
                suspense=happening.amount,
            )  # fmt: skip
        elif happening.key in self.receipts:
            self._undo(self.receipts[happening.key], happening)
        self._use_suspense()

    def _owe(self, happening: Happening) -> None:
        """Change what is owed; money on what is no longer owed goes to suspense, newest payment first."""
        line = happening.line
        if line is None:
            raise ValueError("an OWED happening names its line")
        self.owed[line] += happening.amount
        if line[0] in self.meters and line[1] == Part.PRINCIPAL and happening.amount > 0:
            self.meters[line[0]].placed += happening.amount
        for receipt in reversed(self.receipts.values()):
            freed = min(max(-self.owed[line], 0), receipt.lines.get(line, 0))
            self._move(receipt, line, -freed)
            receipt.suspense += freed

    def _undo(self, receipt: Receipt, happening: Happening) -> None:
        if happening.step is Step.REFUNDED:
            receipt.refunded = max(receipt.refunded, happening.amount)
        else:
            receipt.disputed = happening.amount if happening.step is Step.DISPUTED else 0
        taken = min(receipt.amount, receipt.refunded + receipt.disputed)
        change, receipt.taken = taken - receipt.taken, taken
        if change < 0:
            receipt.suspense -= change
            return
        from_suspense = min(change, receipt.suspense)
        receipt.suspense -= from_suspense
        self._take_back(receipt, change - from_suspense)

    def _take_back(self, receipt: Receipt, amount: int) -> None:
        for line in reversed(receipt.order):
            back = min(amount, receipt.lines.get(line, 0))
            self._move(receipt, line, -back)
            amount -= back

    def _use_suspense(self) -> None:
        for receipt in self.receipts.values():
            for line in receipt.order:
                if not receipt.suspense:
                    break
                if line[0] in receipt.account_ids:
                    used = min(receipt.suspense, max(self.owed[line], 0))
                    self._move(receipt, line, used)
                    receipt.suspense -= used

    def _move(self, receipt: Receipt, line: Line, amount: int) -> None:
        """Put `amount` of the receipt on the line (negative: take it off)."""
        if not amount:
            return
        self.owed[line] -= amount
        left = receipt.lines.get(line, 0) + amount
        if left:
            receipt.lines[line] = left
        else:
            del receipt.lines[line]
