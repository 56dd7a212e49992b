"""Bank statements: stored line by line, each matched with what the books know of it, by rule where sure and
by hand where not. What is matched is cleared; the rest explains the difference between bank and books."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.payments.books.booking import Received, book_payment
from recupero.payments.incoming import bank_items, clues
from recupero.payments.incoming.bank_files import read_statements
from recupero.payments.incoming.bank_shapes import FileLine, FileStatement
from recupero.payments.incoming.receipts import end_of, of_one_debtor
from recupero.payments.incoming_tables import BankLine, BankStatement
from recupero.payments.tables import Payment
from recupero.tenancy import queries as tenancy


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its statements, lines in it, lines that are new, and those matched at once."""

    statement_ids: tuple[int, ...]
    lines: int
    added: int
    matched: int


def take_file(
    session: Session,
    content: bytes,
    *,
    file_name: str,
    actor: str,
    account: str = "",
    currency: str = "",
    closing_minor: int | None = None,
) -> Taken:
    """Store a statement file of the tenant in scope and match its lines. The same file, and lines that
    another file told already, add nothing. `account`, `currency` (the tenant's unless given) and
    `closing_minor` hold for a CSV file that does not state them.

    Raises UserError as `read_statements` does.
    """
    currency = currency or tenancy.tenant(session).currency
    taken = Taken((), 0, 0, 0)
    for number, found in enumerate(read_statements(content, account=account, currency=currency)):
        digest = hashlib.sha256(content + number.to_bytes(2)).digest()
        taken = _add(taken, _take(session, found, digest, file_name, actor, closing_minor))
    return taken


def _add(one: Taken, other: Taken) -> Taken:
    return Taken(
        (*one.statement_ids, *other.statement_ids), one.lines + other.lines, one.added + other.added,
        one.matched + other.matched,
    )  # fmt: skip


def _take(
    session: Session, found: FileStatement, digest: bytes, file_name: str, actor: str, closing: int | None
) -> Taken:
    tenant = scope_of(session).tenant()
    statement_id = session.execute(
        insert(BankStatement)
        .values(
            tenant_id=tenant, account=found.account, currency=found.currency, reference=found.reference,
            opening_minor=found.opening_minor,
            closing_minor=closing if found.closing_minor is None else found.closing_minor,
            closing_on=found.closing_on, format=found.format, file_name=file_name, content_hash=digest,
            taken_by=actor, taken_at=clock.now(), lines=len(found.lines), added=0,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "content_hash"])
        .returning(BankStatement.id)
    ).scalar_one_or_none()  # fmt: skip
    if statement_id is None:
        known = select(BankStatement.id).where(
            BankStatement.tenant_id == tenant, BankStatement.content_hash == digest
        )
        return Taken((session.execute(known).scalar_one(),), len(found.lines), 0, 0)
    added = _store(session, statement_id, found.currency, found.lines)
    session.execute(
        update(BankStatement)
        .where(BankStatement.tenant_id == tenant, BankStatement.id == statement_id)
        .values(added=added)
    )
    matched = match_open(session)
    audit.record(
        session, "payments.bank_statement", f"statement:{statement_id}", actor=actor, tenant_id=tenant,
        lines=len(found.lines), added=added, matched=matched,
    )  # fmt: skip
    return Taken((statement_id,), len(found.lines), added, matched)


def _store(session: Session, statement_id: int, currency: str, lines: Sequence[FileLine]) -> int:
    rows = [
        {"tenant_id": scope_of(session).tenant(), "statement_id": statement_id, "line_key": line.key,
         "booked_on": line.booked_on, "amount_minor": line.amount_minor, "currency": currency,
         "reference": line.reference or None, "name": line.name or None,
         "counter_account": line.counter_account or None,
         "counter_index": clues.index_of(line.counter_account) if line.counter_account else None,
         "state": "open"}
        for line in lines
    ]  # fmt: skip
    if not rows:
        return 0
    added = session.execute(
        insert(BankLine)
        .on_conflict_do_nothing(index_elements=["tenant_id", "line_key"])
        .returning(BankLine.id),
        rows,
    )
    return len(added.all())


def match_open(session: Session) -> int:
    """Match the open lines of the tenant in scope where it is sure; how many were.

    First with what is in the books already and not cleared (the same amount, days that fit, and nothing else
    it could be); then money that came in with debts that it is beyond doubt for, which books it.
    """
    lines = open_lines(session)
    if not lines:
        return 0
    items = bank_items.uncleared(session)
    matched = 0
    left: list[BankLine] = []
    for line in lines:
        item = bank_items.sure(line, items, lines)
        if item is None:
            left.append(line)
            continue
        _clear(session, line, item.subject, item.subject_id, by=f"rule:{item.subject}")
        items.remove(item)
        matched += 1
    return matched + _match_new(session, [line for line in left if line.amount_minor > 0])


def _match_new(session: Session, lines: Sequence[BankLine]) -> int:
    matched = 0
    for line_id, suggestions in suggestions_for(session, lines).items():
        accounts = clues.sure(suggestions)
        if accounts:
            line = next(one for one in lines if one.id == line_id)
            why = "+".join(sorted(suggestions[0].why))
            _book(session, line, accounts, by=f"rule:{why}")
            matched += 1
    return matched


def suggestions_for(session: Session, lines: Sequence[BankLine]) -> dict[int, list[clues.Suggestion]]:
    """Whose money each line may be, best first; lines of the tenant in scope."""
    country = tenancy.tenant(session).country
    return clues.suggest(
        session,
        {
            line.id: clues.Clues(
                line.amount_minor, line.currency, tuple(filter(None, (line.reference,))), line.name or "",
                line.counter_account or "", country,
            )
            for line in lines
        },
    )  # fmt: skip


def book_line(session: Session, line_id: int, account_ids: Collection[int], *, actor: str) -> None:
    """Book a line of money that came in: for these accounts, or to wait in suspense where there are none.

    Raises NotFound, Conflict where the line is not open, UserError where money went out or accounts do not
    fit."""
    line = _open(session, line_id)
    if line.amount_minor <= 0:
        raise UserError("no money came in by this line: match it with what went out")
    of_one_debtor(session, account_ids, line.currency)
    _book(session, line, sorted(set(account_ids)), by=actor)
    _record(session, "book_bank_line", line, actor)


def _book(session: Session, line: BankLine, account_ids: Sequence[int], *, by: str) -> None:
    debts = of_one_debtor(session, account_ids, line.currency)
    payment_id = book_payment(
        session,
        Received(
            external_key=f"bank:{line.line_key.hex()}", kind="manual", amount_minor=line.amount_minor,
            currency=line.currency, received_at=end_of(session, line.booked_on),
            debtor_id=debts[0].debtor_id if debts else None, account_ids=list(account_ids),
            note=None if debts else "nobody knows yet whose money it is",
        ),
    )  # fmt: skip
    if payment_id is None:
        raise Conflict("this line is booked already")
    _clear(session, line, "payment", payment_id, by=by)


def match_line(session: Session, line_id: int, *, subject: str, subject_id: int, actor: str) -> None:
    """Say which thing in the books a line clears. Raises NotFound, Conflict where either is not open any more
    or the amounts differ."""
    line = _open(session, line_id)
    item = next(
        (
            one
            for one in bank_items.uncleared(session)
            if (one.subject, one.subject_id) == (subject, subject_id)
        ),
        None,
    )
    if item is None:
        raise Conflict("this is cleared already or is not in the books")
    if (item.amount_minor, item.currency) != (line.amount_minor, line.currency):
        raise Conflict("the amounts differ: the line clears only what is exactly as much")
    _clear(session, line, subject, subject_id, by=actor)
    _record(session, "match_bank_line", line, actor, to=f"{subject}:{subject_id}")


def set_aside(session: Session, line_id: int, *, reason: str, actor: str) -> None:
    """A line that is none of the books' business (the bank's own fee, a mistake). Raises NotFound, Conflict,
    UserError without reason."""
    if not reason.strip():
        raise UserError("say why, for whoever looks at it later", field="reason")
    line = _open(session, line_id)
    line.state, line.note, line.matched_by, line.matched_at = "aside", reason.strip(), actor, clock.now()
    session.flush()
    _record(session, "set_bank_line_aside", line, actor)


def reopen(session: Session, line_id: int, *, actor: str) -> None:
    """Undo a match that was made with something in the books, or an aside. What a line booked stays booked.

    Raises NotFound, Conflict where the line booked a payment itself or is open.
    """
    line = _locked(session, line_id)
    if line.state == "open" or (line.subject == "payment" and _booked_itself(session, line)):
        raise Conflict("this line cannot be opened again: its payment is in the books")
    line.state, line.subject, line.subject_id, line.note = "open", None, None, None
    line.matched_by = line.matched_at = None
    session.flush()
    _record(session, "reopen_bank_line", line, actor)


def _booked_itself(session: Session, line: BankLine) -> bool:
    query = select(Payment.external_key).where(
        Payment.tenant_id == line.tenant_id, Payment.id == line.subject_id
    )
    return session.execute(query).scalar_one() == f"bank:{line.line_key.hex()}"


def open_lines(session: Session) -> list[BankLine]:
    """Lines of the tenants in scope that nothing explains yet, oldest first."""
    return list(
        session.execute(
            select(BankLine)
            .where(BankLine.tenant_id.in_(scope_of(session).tenant_ids), BankLine.state == "open")
            .order_by(BankLine.booked_on, BankLine.id)
        ).scalars()
    )


def statements(session: Session, limit: int = 100) -> Sequence[BankStatement]:
    """Statements of the tenants in scope, newest first."""
    return (
        session.execute(
            select(BankStatement)
            .where(BankStatement.tenant_id.in_(scope_of(session).tenant_ids))
            .order_by(BankStatement.closing_on.desc(), BankStatement.id.desc())
            .limit(limit)
        )
        .scalars()
        .all()
    )


def lines_of(session: Session, statement_id: int) -> Sequence[BankLine]:
    """The lines that a statement of the tenants in scope added, as the bank has them. Raises NotFound."""
    mine = scope_of(session).tenant_ids
    known = select(BankStatement.id).where(
        BankStatement.tenant_id.in_(mine), BankStatement.id == statement_id
    )
    if session.execute(known).first() is None:
        raise NotFound("no such bank statement")
    query = select(BankLine).where(BankLine.tenant_id.in_(mine), BankLine.statement_id == statement_id)
    return session.execute(query.order_by(BankLine.id)).scalars().all()


def _clear(session: Session, line: BankLine, subject: str, subject_id: int, *, by: str) -> None:
    line.state, line.subject, line.subject_id = "matched", subject, subject_id
    line.matched_by, line.matched_at = by, clock.now()
    session.flush()


def _open(session: Session, line_id: int) -> BankLine:
    line = _locked(session, line_id)
    if line.state != "open":
        raise Conflict("somebody has dealt with this line already")
    return line


def _locked(session: Session, line_id: int) -> BankLine:
    line = session.execute(
        select(BankLine)
        .where(BankLine.tenant_id == scope_of(session).tenant(), BankLine.id == line_id)
        .with_for_update()
    ).scalar_one_or_none()
    if line is None:
        raise NotFound("no such line of a bank statement")
    return line


def _record(session: Session, what: str, line: BankLine, actor: str, **details: str) -> None:
    audit.record(
        session, f"payments.{what}", f"bank_line:{line.id}", actor=actor, tenant_id=line.tenant_id, **details
    )
