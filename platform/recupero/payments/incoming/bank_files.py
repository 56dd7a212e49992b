"""A bank's statement file, camt.053 or CSV, checked: nothing is stored here."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from recupero.kernel.errors import UserError
from recupero.payments.incoming.bank_camt import read_camt
from recupero.payments.incoming.bank_csv import read_csv
from recupero.payments.incoming.bank_shapes import FileLine, FileStatement

MAX_BYTES = 20 * 1024 * 1024


def read_statements(content: bytes, *, account: str, currency: str) -> list[FileStatement]:
    """The statements of a file. `account` and `currency` hold where a CSV file does not say.

    Raises UserError with the row and what to do where the file is too large, no statement, or does not add
    up.
    """
    if len(content) > MAX_BYTES:
        raise UserError("the file is larger than %(most)s MB: send one month at a time", most=MAX_BYTES >> 20)
    if not content.strip():
        raise UserError("the file is empty")
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        found = read_camt(content)
    else:
        found = [read_csv(content, account=account, currency=currency)]
    for statement in found:
        _check(statement)
    return [replace(one, lines=tuple(_keyed(one))) for one in found]


def _check(statement: FileStatement) -> None:
    """Opening and lines must come to closing: a page that is missing is noticed here."""
    if statement.opening_minor is None or statement.closing_minor is None:
        return
    reached = statement.opening_minor + sum(line.amount_minor for line in statement.lines)
    if reached != statement.closing_minor:
        raise UserError(
            "the statement does not add up: opening and lines come to %(reached)s, the bank says %(closing)s"
            " (minor units of %(currency)s): a part of it is missing",
            reached=reached, closing=statement.closing_minor, currency=statement.currency,
        )  # fmt: skip


def _keyed(statement: FileStatement) -> Iterator[FileLine]:
    """Lines that are alike are told apart by their number within the day."""
    seen: Counter[tuple[object, ...]] = Counter()
    for line in statement.lines:
        same = (line.booked_on, line.amount_minor, line.reference, line.name, line.counter_account)
        seen[same] += 1
        text = "\x1f".join(map(str, (statement.account, statement.currency, *same, seen[same])))
        yield replace(line, key=hashlib.sha256(text.encode()).digest())
