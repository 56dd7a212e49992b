"""The bank against the books: what the trust account of a creditor must show, and where to look when it does
not.

Domain page, section 6: the trust balance "equals bank balance after uncleared items".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from sqlalchemy import ARRAY, BigInteger, Date, bindparam, select, text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.ledger import trust
from recupero.ledger.events import BooksChecked
from recupero.payments.incoming.bank_items import Item, uncleared
from recupero.payments.incoming_tables import BankStatement

Key = tuple[int, str]  # tenant and currency
MOST = 20  # places named where a difference may come from


@dataclass(frozen=True, slots=True)
class BankPosition:
    """Bank against books in one currency of a creditor, minor units.

    `closing_minor` is the newest balance at the bank, over all accounts that statements were taken of, and
    `closing_on` its day (None: no statement yet); `opening_minor` lay there before the first statement.
    `open_minor` are lines that nothing explains, `aside_minor` those that are none of the books' business;
    `uncleared_minor` items in the books that the bank has not shown; `at_gateway_minor` money that a gateway
    holds. `difference_minor` is what none of this explains: it must be 0.
    """

    tenant_id: int
    currency: str
    closing_on: date | None
    closing_minor: int
    opening_minor: int
    open_minor: int
    aside_minor: int
    uncleared_minor: int
    at_gateway_minor: int
    books_minor: int

    @property
    def difference_minor(self) -> int:
        shown = self.closing_minor - self.opening_minor - self.open_minor - self.aside_minor
        return self.books_minor - (shown + self.uncleared_minor + self.at_gateway_minor)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a difference may come from: `kind` gap (between two statements the bank moved by the
    amount: one is missing), undone (a line cleared something that is not in the books any more), same (a
    line or an item of exactly the difference). `subject` and `subject_id` name the line or item, if any."""

    kind: str
    amount_minor: int
    on: date
    words: str
    subject: str | None = None
    subject_id: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement says of its account, and the sum of the lines that it brought, minor units."""

    id: int
    account: str
    opening_minor: int | None
    closing_minor: int | None
    closing_on: date
    brought_minor: int


@dataclass(slots=True)
class _AtBank:
    """One currency of a creditor: its statements by account, in the order of their days."""

    accounts: defaultdict[str, list[Statement]] = field(default_factory=lambda: defaultdict(list))

    def opening(self) -> int:
        return sum(_opening(told) for told in self.accounts.values())

    def closing_on(self) -> date:
        return max(one.closing_on for told in self.accounts.values() for one in told)


def _opening(told: Sequence[Statement]) -> int:
    """What the account held before the first line that is known of it: by the first balance that a statement
    gives, less what statements before it brought. 0 where none gives one."""
    before = 0
    for one in told:
        if one.opening_minor is not None:
            return one.opening_minor - before
        if one.closing_minor is not None:
            return one.closing_minor - one.brought_minor - before
        before += one.brought_minor
    return 0


_BROUGHT = text("""
SELECT statement_id, sum(amount_minor) FROM bank_lines WHERE tenant_id = ANY(:tenants) GROUP BY statement_id
""")


def _statements(session: Session) -> dict[Key, _AtBank]:
    """Statements of the tenants in scope. Account numbers are encrypted: no SQL can group by them."""
    tenants = list(scope_of(session).tenant_ids)
    brought = {row[0]: int(row[1]) for row in session.execute(_BROUGHT, {"tenants": tenants})}
    rows = session.execute(
        select(BankStatement.tenant_id, BankStatement.currency, BankStatement.id, BankStatement.account,
               BankStatement.opening_minor, BankStatement.closing_minor, BankStatement.closing_on)
        .where(BankStatement.tenant_id.in_(tenants))
        .order_by(BankStatement.closing_on, BankStatement.id)
    )  # fmt: skip
    found: defaultdict[Key, _AtBank] = defaultdict(_AtBank)
    for tenant, currency, number, account, opening, closing, day in rows:
        told = found[tenant, currency].accounts["".join(account.split())]
        told.append(Statement(number, account, opening, closing, day, brought.get(number, 0)))
    return found


# Lines of statements that give no balance, after the day of the newest balance of their account.
_SINCE = text("""
SELECT l.tenant_id, l.currency, sum(l.amount_minor)
FROM unnest(:statements, :days, :balances) AS s (id, day, balance_id)
JOIN bank_lines l ON l.statement_id = s.id
    AND (s.day IS NULL OR l.booked_on > s.day OR (l.booked_on = s.day AND l.statement_id > s.balance_id))
WHERE l.tenant_id = ANY(:tenants) GROUP BY l.tenant_id, l.currency
""").bindparams(
    bindparam("statements", type_=ARRAY(BigInteger)), bindparam("days", type_=ARRAY(Date)),
    bindparam("balances", type_=ARRAY(BigInteger)),
)  # fmt: skip


def _balances(session: Session, banks: dict[Key, _AtBank]) -> Counter[Key]:
    """The newest balance of each bank: as stated, and where later files state none, with their lines."""
    found: Counter[Key] = Counter()
    unstated: list[tuple[int, date | None, int | None]] = []
    for key, bank in banks.items():
        for told in bank.accounts.values():
            stated = next((one for one in reversed(told) if one.closing_minor is not None), None)
            found[key] += (stated.closing_minor or 0) if stated else _opening(told)
            day, number = (stated.closing_on, stated.id) if stated else (None, None)
            unstated += [(one.id, day, number) for one in told if one.closing_minor is None]
    asked = {
        "tenants": list(scope_of(session).tenant_ids),
        "statements": [one for one, _day, _number in unstated],
        "days": [day for _one, day, _number in unstated],
        "balances": [number for _one, _day, number in unstated],
    }
    for tenant, currency, amount in session.execute(_SINCE, asked) if unstated else ():
        found[tenant, currency] += int(amount)
    return found


_LINES = text("""
SELECT tenant_id, currency, coalesce(sum(amount_minor) FILTER (WHERE state = 'open'), 0),
       coalesce(sum(amount_minor) FILTER (WHERE state = 'aside'), 0)
FROM bank_lines WHERE tenant_id = ANY(:tenants) GROUP BY tenant_id, currency
""")
_AT_GATEWAY = text("""
SELECT tenant_id, currency, sum(amount) FROM (
    SELECT tenant_id, currency, held_minor AS amount FROM gateway_sums WHERE tenant_id = ANY(:tenants)
    UNION ALL
    SELECT t.tenant_id, t.currency, t.amount_minor FROM refund_tasks t
    JOIN payments p ON p.tenant_id = t.tenant_id AND p.id = t.payment_id AND p.kind = 'gateway'
    WHERE t.state = 'done' AND t.means <> 'gateway' AND t.tenant_id = ANY(:tenants)
    UNION ALL
    SELECT tenant_id, currency, -amount_minor FROM ledger_entries
    WHERE book = 'gateway_fees' AND tenant_id = ANY(:tenants)
    UNION ALL
    SELECT tenant_id, currency, -amount_minor FROM gateway_payouts
    WHERE state = 'paid' AND tenant_id = ANY(:tenants)
) held GROUP BY tenant_id, currency
""")


def bank_positions(session: Session, items: Sequence[Item] | None = None) -> list[BankPosition]:
    """Bank against books for each creditor in scope and currency in which there is money or a statement.
    `items`: what no bank line has cleared, where the caller has read it (`bank_items.uncleared`)."""
    asked = {"tenants": list(scope_of(session).tenant_ids)}
    lines = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in session.execute(_LINES, asked)}
    held = {(row[0], row[1]): int(row[2]) for row in session.execute(_AT_GATEWAY, asked)}
    books = {(one.tenant_id, one.currency): one.balance_minor for one in trust.positions(session)}
    missing: Counter[Key] = Counter()
    for item in uncleared(session) if items is None else items:
        missing[item.tenant_id, item.currency] += item.amount_minor
    banks = _statements(session)
    balances = _balances(session, banks)
    return [
        BankPosition(
            *key, banks[key].closing_on() if key in banks else None, balances[key],
            banks[key].opening() if key in banks else 0, *lines.get(key, (0, 0)), missing[key],
            held.get(key, 0), books.get(key, 0),
        )
        for key in sorted({*books, *banks, *missing})
    ]  # fmt: skip


def position(session: Session, currency: str, items: Sequence[Item] | None = None) -> BankPosition:
    """Bank against books of the tenant in scope in one currency; `items` as for `bank_positions`."""
    tenant = scope_of(session).tenant()
    mine = {one.currency: one for one in bank_positions(session, items)}
    return mine.get(currency, BankPosition(tenant, currency, None, 0, 0, 0, 0, 0, 0, 0))


def total(positions: Sequence[BankPosition]) -> BankPosition:
    """Positions of several creditors in one currency together; their tenant is 0, their day the oldest."""
    days = [one.closing_on for one in positions if one.closing_on]
    sums = {name: sum(getattr(one, name) for one in positions) for name in _SUMS}
    return BankPosition(0, positions[0].currency, min(days, default=None), **sums)


_SUMS = (
    "closing_minor", "opening_minor", "open_minor", "aside_minor", "uncleared_minor", "at_gateway_minor",
    "books_minor",
)  # fmt: skip


def check_bank(session: Session, checked: BooksChecked) -> None:
    """Add where the bank and the books of a creditor in scope differ after everything not cleared."""
    for one in bank_positions(session):
        if one.difference_minor:
            bank = f"the bank of {one.closing_on}" if one.closing_on else "what the bank is to show"
            checked.problems.append(
                f"tenant {one.tenant_id}: {bank} and the books differ by {one.difference_minor} "
                f"{one.currency} after everything not cleared"
            )


# A line that cleared something: what the books say of that now (none: it is gone).
_UNDONE = text("""
SELECT l.id, l.booked_on, l.amount_minor, l.subject, l.subject_id FROM bank_lines l
LEFT JOIN payments p ON l.subject = 'payment' AND p.tenant_id = l.tenant_id AND p.id = l.subject_id
LEFT JOIN gateway_payouts g
    ON l.subject IN ('payout', 'returned') AND g.tenant_id = l.tenant_id AND g.id = l.subject_id
LEFT JOIN refund_tasks r ON l.subject = 'refund' AND r.tenant_id = l.tenant_id AND r.id = l.subject_id
    AND r.state = 'done'
LEFT JOIN ledger_transactions t ON l.subject = 'transaction' AND t.tenant_id = l.tenant_id
    AND t.id = l.subject_id
WHERE l.tenant_id = :tenant AND l.currency = :currency AND l.state = 'matched'
  AND (coalesce(p.id, g.id, r.id, t.id) IS NULL
       OR (l.subject = 'payment' AND p.amount_minor <> l.amount_minor)
       OR (l.subject = 'payout' AND g.amount_minor <> l.amount_minor))
ORDER BY l.booked_on, l.id LIMIT :most
""")
_SAME = text("""
SELECT id, booked_on, amount_minor, state FROM bank_lines
WHERE tenant_id = :tenant AND currency = :currency AND abs(amount_minor) = abs(:amount)
ORDER BY booked_on DESC, id DESC LIMIT :most
""")


def candidates(session: Session, position: BankPosition) -> list[Candidate]:
    """Where the difference of a position of the tenant in scope may come from, likeliest first."""
    if not position.difference_minor:
        return []
    asked = {"tenant": position.tenant_id, "currency": position.currency, "most": MOST,
             "amount": position.difference_minor}  # fmt: skip
    bank = _statements(session).get((position.tenant_id, position.currency), _AtBank())
    found = list(_gaps(bank.accounts.values()))
    found += [
        Candidate("undone", amount, day, f"{subject} {number}", "line", line)
        for line, day, amount, subject, number in session.execute(_UNDONE, asked)
    ]
    found += [
        Candidate("same", amount, day, state, "line", line)
        for line, day, amount, state in session.execute(_SAME, asked)
    ]
    return (found + [_same(item) for item in uncleared(session) if _is_same(item, position)])[:MOST]


def _is_same(item: Item, position: BankPosition) -> bool:
    mine = (item.tenant_id, item.currency) == (position.tenant_id, position.currency)
    return mine and abs(item.amount_minor) == abs(position.difference_minor)


def _same(item: Item) -> Candidate:
    return Candidate("same", item.amount_minor, item.on, item.words, item.subject, item.subject_id)


def _gaps(accounts: Iterable[Sequence[Statement]]) -> Iterable[Candidate]:
    """Between two statements that give balances: what the bank moved that no line tells."""
    for told in accounts:
        balance, since = told[0].closing_minor, told[0].closing_on
        for _before, one in pairwise(told):
            if one.closing_minor is None:
                balance = None if balance is None else balance + one.brought_minor
                continue
            moved = one.closing_minor - one.brought_minor
            if balance is not None and moved != balance:
                yield Candidate("gap", moved - balance, one.closing_on, f"{since} - {one.closing_on}")
            balance, since = one.closing_minor, one.closing_on
