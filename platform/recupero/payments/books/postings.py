"""From where a payment's money lies to where it belongs: the moves between, and their postings. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from recupero.ledger.allocation import Receipt
from recupero.ledger.books import Book
from recupero.ledger.commission import Earning, FeeTerms, Line, commission, fee_terms
from recupero.ledger.service import Entry
from recupero.payments.tables import PAID_TO_CREDITOR, Payment
from recupero.placements.debts import OpenDebt

SUSPENSE = "suspense"
Place = tuple[int | None, str]  # an account and a part, or None and SUSPENSE


class Lies(NamedTuple):
    """Money of a payment at one place, with the fee on it and the tax on that; minor units."""

    amount: int = 0
    fee: int = 0
    tax: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What has to be booked for one payment: how much more (or less) lies at each place, and how much more of
    it counts as refunded or charged back. False where nothing has to be."""

    moves: Mapping[Place, Lies]
    refunded: int
    charged_back: int

    def __bool__(self) -> bool:
        return bool(self.moves or self.refunded or self.charged_back)

    @property
    def accounts(self) -> set[int]:
        """Accounts whose balance changes."""
        return {account for account, _part in self.moves if account is not None}


def change(payment: Payment, target: Receipt, placed: Mapping[Place, Lies]) -> Change:
    """The way from `placed`, where the books have a payment's money, to `target`, where a replay has it."""
    terms = {int(account): FeeTerms.from_json(kept) for account, kept in payment.rates.items()}
    charged = commission(target.lines, terms, target.order)
    wanted: dict[Place, Lies] = {line: Lies(sum_, *charged[line]) for line, sum_ in target.lines.items()}
    wanted[None, SUSPENSE] = Lies(target.suspense)
    moves = {}
    for place in sorted({*wanted, *placed}, key=lambda place: (place[0] or 0, place[1])):
        to, lies = wanted.get(place, Lies()), placed.get(place, Lies())
        if to != lies:
            moves[place] = Lies(to.amount - lies.amount, to.fee - lies.fee, to.tax - lies.tax)
    return Change(
        moves,
        refunded=target.paid_back - payment.refunded_minor,
        charged_back=target.taken - target.paid_back - payment.charged_back_minor,
    )


def rates(
    debts: Iterable[OpenDebt], received_at: datetime, timezone: str, settled: Collection[int] = ()
) -> dict[str, list[Any]]:
    """What the agency earns on each debt on the day of a payment, as the creditor's calendar has it.
    `settled`: the accounts that are paid under a settlement."""
    day = received_at.astimezone(ZoneInfo(timezone)).date()
    return {
        str(debt.account_id): fee_terms(
            debt.terms,
            Earning(
                due_date=debt.due_date, on=day, placed_minor=debt.placed_minor,
                placement_number=debt.placement_number, legal=debt.legal, settled=debt.account_id in settled,
            ),
        ).to_json()
        for debt in debts
    }  # fmt: skip


def state(receipt: Receipt) -> str:
    """`reversed` (all of it went back), `suspense` (no debt took any) or `booked`."""
    if not receipt.held:
        return "reversed"
    return "suspense" if receipt.suspense == receipt.held else "booked"


def entries(payment: Payment, change: Change, portfolios: Mapping[int, int]) -> list[Entry]:
    """The postings: the debt falls, and the money is the creditor's, less the fee and the tax on it."""
    direct, currency = payment.kind in PAID_TO_CREDITOR, payment.currency
    to_creditor = Book.CONNECT_PAYMENTS if payment.kind == "connect" else Book.DIRECT_PAYMENTS
    by_account: defaultdict[int, Lies] = defaultdict(Lies)
    posted: list[Entry] = []
    for (account, part), move in change.moves.items():
        if account is None:
            continue
        known = by_account[account]
        by_account[account] = Lies(known.amount + move.amount, known.fee + move.fee, known.tax + move.tax)
        posted.append(Entry(Book.RECEIVABLE, -move.amount, currency, account, part, portfolios[account]))
    for account, sums in by_account.items():
        earned = sums.fee + sums.tax
        for book, amount in (
            (to_creditor if direct else Book.PLACEMENT_CONTROL, sums.amount),
            (Book.CREDITOR_PAYABLE, earned if direct else earned - sums.amount),
            (Book.COMMISSION_EARNED, -sums.fee),
            (Book.COMMISSION_TAX, -sums.tax),
        ):
            posted.append(Entry(book, amount, currency, account, None, portfolios[account]))
    waiting = change.moves.get((None, SUSPENSE), Lies()).amount
    if direct:
        return [
            *posted,
            Entry(Book.DIRECT_EXCESS, -waiting, currency),
            Entry(to_creditor, waiting, currency),
        ]
    held = waiting + sum(sums.amount for sums in by_account.values())
    return [
        *posted,
        Entry(Book.SUSPENSE, -waiting, currency),
        Entry(Book.TRUST_CASH, held + change.refunded + change.charged_back, currency),
        Entry(Book.REFUNDS, -change.refunded, currency),
        Entry(Book.CHARGEBACKS, -change.charged_back, currency),
    ]


def accruals(grown: Mapping[Line, int], booked: Mapping[Line, int], debts: Iterable[OpenDebt]) -> list[Entry]:
    """The postings from what is booked as accrued to what has grown: a debt rises, or falls again."""
    known = {debt.account_id: debt for debt in debts}
    posted: list[Entry] = []
    by_account: defaultdict[int, int] = defaultdict(int)
    for account, part in sorted({*grown, *booked}):
        more = grown.get((account, part), 0) - booked.get((account, part), 0)
        if more:
            debt, by_account[account] = known[account], by_account[account] + more
            posted.append(Entry(Book.RECEIVABLE, more, debt.currency, account, part, debt.portfolio_id))
    for account, more in by_account.items():
        debt = known[account]
        posted.append(Entry(Book.PLACEMENT_CONTROL, -more, debt.currency, account, None, debt.portfolio_id))
    return posted


def allocations(payment: Payment, change: Change, transaction_id: int, at: datetime) -> list[dict[str, Any]]:
    """The rows of `allocations` that note the moves."""
    return [
        {"tenant_id": payment.tenant_id, "payment_id": payment.id, "transaction_id": transaction_id,
         "account_id": account, "part": part, "amount_minor": move.amount, "fee_minor": move.fee,
         "tax_minor": move.tax, "at": at}
        for (account, part), move in change.moves.items()
    ]  # fmt: skip
