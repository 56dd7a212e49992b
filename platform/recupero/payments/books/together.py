"""Payments booked together: worked out in memory debtor by debtor, written in one set of statements.

What comes out is what `booking` books one by one: the same replay in the same order.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, func, select, text
from sqlalchemy.orm import Session

from recupero.contacts import reached
from recupero.kernel import clock, events
from recupero.kernel.bulk import insert_rows
from recupero.kernel.database import scope_of
from recupero.ledger import queries as ledger_queries
from recupero.ledger import service as ledger
from recupero.ledger.allocation import Allocations, Happening, Step
from recupero.ledger.books import Book
from recupero.ledger.queries import ACCRUAL
from recupero.ledger.service import Booking, Entry
from recupero.payments.books import postings, promises, settlement_windows
from recupero.payments.books.booking import BROUGHT, Group, Received
from recupero.payments.books.contracts import Contracts
from recupero.payments.books.postings import Change, Lies
from recupero.payments.events import PaymentsBooked
from recupero.payments.tables import Allocation, Payment, Reversal
from recupero.placements.debts import OpenDebt, debts_of
from recupero.tenancy import queries as tenancy

_AT_ONCE = 5_000
Key = tuple[int, str]  # a debtor and a currency


class Together:
    """The debts of some debtors of the tenant in scope, their rows locked, and what is booked on them until
    `write`. One that books the same payments at the same time must be kept out by the caller."""

    def __init__(self, session: Session, debtor_ids: Collection[int], currency: str | None = None) -> None:
        self._session, self._tenant = session, scope_of(session).tenant()
        self._timezone = tenancy.tenant(session).timezone
        debts = debts_of(session, debtor_ids, currency)
        self._contracts = Contracts(session, debts)
        self._groups = groups_of(session, debts)
        self._owed = owed_of(session, debts)
        self._settlements = settlement_windows.windows(session, [debt.account_id for debt in debts])
        self._payments: list[Payment] = []
        self._reversals: list[Reversal] = []
        self._taken_back: list[tuple[int, int]] = []  # debtor and payment
        self._bookings: list[Booking] = []
        self._allocations: list[dict[str, Any]] = []
        self._touched: defaultdict[int, set[int]] = defaultdict(set)  # accounts by debtor
        self._grown: dict[Key, tuple[Allocations, Allocations]] = {}
        self._ids = _blocks(lambda: ledger.new_ids(session, 1000))
        self._payment_ids = _blocks(lambda: _payment_ids(session, 1000))

    def group(self, debt: OpenDebt) -> Group:
        """The debts and payments that the debt is paid and allocated with."""
        return self._groups[debt.debtor_id, debt.currency]

    def owed(self, debt: OpenDebt) -> dict[str, int]:
        """What is owed on the debt now, by part."""
        parts: defaultdict[str, int] = defaultdict(int)
        for fact in self._owed[debt.debtor_id, debt.currency]:
            if fact.line is not None and fact.line[0] == debt.account_id:
                parts[fact.line[1]] += fact.amount
        for placed in self.group(debt).placed.values():
            for (account_id, part), lies in placed.items():
                if account_id == debt.account_id:
                    parts[part] -= lies.amount
        return parts

    def knows(self, debtor_id: int, currency: str) -> bool:
        """Whether the debtor has a debt in this currency."""
        return (debtor_id, currency) in self._groups

    def receive(self, received: Received, brought_by: tuple[int, str] | None) -> Payment:
        """Book a payment of a debtor who is known. Its key is new."""
        group = self._groups[received.debtor_id or 0, received.currency]
        allowed = [debt for debt in group.debts if debt.account_id in set(received.account_ids)]
        payment = Payment(
            tenant_id=self._tenant, id=next(self._payment_ids), debtor_id=received.debtor_id,
            link_id=received.link_id, charge_id=received.charge_id, gateway=received.gateway,
            external_key=received.external_key, kind=received.kind, amount_minor=received.amount_minor,
            currency=received.currency, account_ids=[debt.account_id for debt in allowed],
            rates=postings.rates(
                allowed, received.received_at, self._timezone,
                settlement_windows.settled_at(self._settlements, received.received_at),
            ),
            state="booked",
            refunded_minor=0, charged_back_minor=0, received_at=received.received_at, booked_at=clock.now(),
            transaction_id=0,
            contact_id=brought_by and brought_by[0], channel=brought_by and brought_by[1], note=received.note,
        )  # fmt: skip
        self._payments.append(payment)
        group.payments.append(payment)
        trigger = f"payment:{payment.external_key}"
        self._move(group.debts[0], trigger, payment.received_at, about=payment, first=True)
        return payment

    def take_back(self, debt: OpenDebt, payment: Payment, event_key: str, total: int, at: datetime) -> None:
        """Note that `total` minor units of the payment have gone back so far, and book it."""
        fact = Reversal(
            tenant_id=self._tenant, payment_key=payment.external_key, event_key=event_key, kind="refund",
            total_minor=total, occurred_at=at, booked_at=clock.now(),
        )  # fmt: skip
        self._reversals.append(fact)
        self._taken_back.append((debt.debtor_id, payment.id))
        self.group(debt).facts.append(fact)
        self._move(debt, f"reversal:{event_key}", at, about=payment)

    def adjust(
        self, debt: OpenDebt, key: str, changes: dict[str, int], at: datetime, note: str | None
    ) -> None:
        """Change what is owed on parts of the debt, and let the debtor's payments follow."""
        account, portfolio, currency = debt.account_id, debt.portfolio_id, debt.currency
        entries = [
            Entry(Book.RECEIVABLE, change, currency, account, part, portfolio)
            for part, change in changes.items()
        ]
        total = sum(changes.values())
        entries.append(Entry(Book.PLACEMENT_CONTROL, -total, currency, account, None, portfolio))
        self._bookings.append(Booking(next(self._ids), "adjustment", key, at, entries, note))
        self._owed[debt.debtor_id, currency] += [
            Happening(at, Step.OWED, key, change, line=(account, part)) for part, change in changes.items()
        ]
        self._touched[debt.debtor_id].add(account)
        self._move(debt, key, at, about=None)

    def _move(
        self, debt: OpenDebt, trigger: str, at: datetime, *, about: Payment | None, first: bool = False
    ) -> None:
        """As `Group.move`, without writing."""
        group, key = self.group(debt), (debt.debtor_id, debt.currency)
        replayed, booked = group.replayed(self._contracts, self._owed[key])
        self._grown[key] = replayed.accrued, booked
        for payment in group.payments:
            receipt = replayed.receipts[payment.external_key]
            change = postings.change(payment, receipt, group.placed[payment.id])
            if change:
                own = payment is about
                kind = ("payment" if first else "reversal") if own else "reallocation"
                self._note(group, payment, change, kind, trigger if own else f"{trigger}:{payment.id}", at)
            payment.state = postings.state(receipt)

    def _note(
        self, group: Group, payment: Payment, change: Change, kind: str, key: str, at: datetime
    ) -> None:
        portfolios = {debt.account_id: debt.portfolio_id for debt in group.debts}
        identity = next(self._ids)
        self._bookings.append(
            Booking(identity, kind, key, at, postings.entries(payment, change, portfolios),
                    reverses_id=payment.transaction_id if kind == "reversal" else None)
        )  # fmt: skip
        if kind == "payment":
            payment.transaction_id = identity
        payment.refunded_minor += change.refunded
        payment.charged_back_minor += change.charged_back
        placed = group.placed[payment.id]
        for place, move in change.moves.items():
            lies = placed.get(place, Lies())
            placed[place] = Lies(lies.amount + move.amount, lies.fee + move.fee, lies.tax + move.tax)
        self._allocations += postings.allocations(payment, change, identity, at)
        self._touched[group.debts[0].debtor_id] |= change.accounts

    def accrue(self) -> None:
        """Let interest and late fees grow up to today on all these debts."""
        for group in self._groups.values():
            self._move(group.debts[0], f"{ACCRUAL}:{next(self._ids)}", clock.now(), about=None)

    def _book_accruals(self) -> None:
        for key, (grown, booked) in self._grown.items():
            entries = postings.accruals(grown, booked, self._groups[key].debts)
            if entries:
                identity = next(self._ids)
                self._bookings.append(
                    Booking(identity, ACCRUAL, f"{ACCRUAL}:{identity}", clock.now(), entries)
                )

    def settle_suspense(self, debtor_id: int, currency: str, trigger: str) -> None:
        """What the debtor owes has changed: use or free what waits of theirs."""
        group = self._groups.get((debtor_id, currency))
        if group is not None:
            self._move(group.debts[0], trigger, clock.now(), about=None)

    def write(self) -> None:
        """Write what was booked; promises are judged again and `PaymentsBooked` is published."""
        self.put_down()
        for some in _slices(sorted(self._touched)):
            accounts = sorted(account for debtor in some for account in self._touched[debtor])
            promises.review(self._session, accounts)
            theirs = set(some)
            new = tuple(one.id for one in self._payments if one.debtor_id in theirs)
            back = tuple(sorted({payment for debtor, payment in self._taken_back if debtor in theirs}))
            events.publish(self._session, PaymentsBooked(tuple(accounts), tuple(some), new, back))

    def put_down(self) -> None:
        """Write what was booked, for a caller who tells of it."""
        session = self._session
        self._book_accruals()
        session.flush()  # the states of payments that were there before
        insert_rows(session, Payment, [_values(payment) for payment in self._payments])
        insert_rows(session, Reversal, [_values(fact) for fact in self._reversals])
        insert_rows(session, Allocation, self._allocations)
        ledger.book_many(session, self._bookings)


def groups_of(session: Session, debts: Sequence[OpenDebt]) -> dict[Key, Group]:
    """These debts, all that their debtors have in a currency, with every payment for them."""
    groups: dict[Key, Group] = {}
    for debt in debts:
        groups.setdefault((debt.debtor_id, debt.currency), Group([], [], [])).debts.append(debt)
    tenant, debtors = scope_of(session).tenant(), {debtor_id for debtor_id, _ in groups}
    found = select(Payment).where(Payment.tenant_id == tenant, Payment.debtor_id.in_(_numbers(debtors)))
    by_key, by_id = dict[str, Group](), dict[int, Group]()
    for payment in session.execute(found.order_by(Payment.id)).scalars():
        group = groups.get((payment.debtor_id or 0, payment.currency))
        if group is not None:
            group.payments.append(payment)
            by_key[payment.external_key] = by_id[payment.id] = group
    facts = select(Reversal).where(
        Reversal.tenant_id == tenant,
        Reversal.payment_key.in_(_texts(by_key)),
        Reversal.booked_at.is_not(None),
    )
    for fact in session.execute(facts).scalars():
        by_key[fact.payment_key].facts.append(fact)
    lies = (
        select(Allocation.payment_id, Allocation.account_id, Allocation.part,
               func.sum(Allocation.amount_minor), func.sum(Allocation.fee_minor),
               func.sum(Allocation.tax_minor))
        .where(Allocation.tenant_id == tenant, Allocation.payment_id.in_(_numbers(by_id)))
        .group_by(Allocation.payment_id, Allocation.account_id, Allocation.part)
    )  # fmt: skip
    for payment_id, account_id, part, *sums in session.execute(lies):
        by_id[payment_id].placed[payment_id][account_id, part] = Lies(*map(int, sums))
    return groups


def owed_of(session: Session, debts: Sequence[OpenDebt]) -> defaultdict[Key, list[Happening]]:
    """What was owed on these debts and when, by debtor and currency."""
    of_account = {debt.account_id: (debt.debtor_id, debt.currency) for debt in debts}
    owed: defaultdict[Key, list[Happening]] = defaultdict(list)
    for some in _slices(sorted(of_account)):
        for fact in ledger_queries.what_was_owed(session, some):
            if fact.line is not None:
                owed[of_account[fact.line[0]]].append(fact)
    return owed


def brought_by(
    session: Session, asked: Sequence[tuple[int, datetime]]
) -> dict[tuple[int, datetime], tuple[int, str]]:
    """The contact that each payment (its account and moment) is counted to."""
    return reached.last_reached_each(session, asked, within=BROUGHT) if asked else {}


def known_payments(session: Session, keys: Collection[str]) -> set[str]:
    """Which of these payments of the tenant in scope are booked."""
    query = select(Payment.external_key).where(
        Payment.tenant_id == scope_of(session).tenant(), Payment.external_key.in_(_texts(keys))
    )
    return set(session.execute(query).scalars())


def _numbers(values: Iterable[int]) -> Any:
    """Ids, however many, as one parameter."""
    return select(func.unnest(bindparam(None, list(values), type_=ARRAY(BigInteger))))


def _texts(values: Iterable[str]) -> Any:
    """Keys, however many, as one parameter."""
    return select(func.unnest(bindparam(None, list(values), type_=ARRAY(Text))))


def _values(row: Payment | Reversal) -> dict[str, Any]:
    columns = row.__table__.columns.keys()
    return {name: getattr(row, name) for name in columns if not (name == "id" and row.id is None)}


def _payment_ids(session: Session, count: int) -> list[int]:
    query = text("SELECT nextval(pg_get_serial_sequence('payments', 'id')) FROM generate_series(1, :count)")
    return list(session.execute(query, {"count": count}).scalars())


def _blocks(more: Callable[[], list[int]]) -> Iterator[int]:
    while True:
        yield from more()


def _slices(values: Iterable[int]) -> Iterator[list[int]]:
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some
