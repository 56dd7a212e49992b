"""Statements as they are read: lists of them, one with its sums, and its lines.

A creditor is shown what was issued, never a draft; `drafts=False` says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part, arranged
from recupero.ledger.statement import Line, Method, due
from recupero.ledger.tables import Remittance, RemittanceItem
from recupero.placements.debts import creditor_references

KINDS = ("paid_to_agency", "paid_to_client", "adjustment", "reversal")
STATES = ("draft", "reviewed", "issued", "paid")
ISSUED = ("issued", "paid")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of statements is narrowed to; None means all."""

    tenant_id: int | None = None
    currency: str | None = None
    state: str | None = None


def listed(
    session: Session, wanted: Filter | None = None, *, drafts: bool = True, before: int | None = None,
    limit: int = 50, part: Part | None = None,
) -> Sequence[Remittance]:  # fmt: skip
    """Statements of the tenants in scope, newest first, with an id below `before`; or the `part` of them."""
    wanted = wanted or Filter()
    query = select(Remittance).where(Remittance.tenant_id.in_(scope_of(session).tenant_ids))
    if not drafts:
        query = query.where(Remittance.state.in_(ISSUED))
    for column, value in (
        (Remittance.tenant_id, wanted.tenant_id),
        (Remittance.currency, wanted.currency),
        (Remittance.state, wanted.state),
    ):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(Remittance.id < before)
    by = {
        "number": Remittance.statement_number, "period": Remittance.period_to, "state": Remittance.state,
        "collected": Remittance.collected_minor, "direct": Remittance.direct_minor,
        "fees": Remittance.fees_minor + Remittance.tax_minor, "pays": Remittance.payable_minor,
    }  # fmt: skip
    wanted_part = part or Part(limit=limit)
    return session.execute(arranged(query, by, wanted_part, Remittance.id.desc())).scalars().all()


def currencies(session: Session, *, drafts: bool = True) -> list[str]:
    """Currencies in which the tenants in scope have statements."""
    query = select(Remittance.currency).where(Remittance.tenant_id.in_(scope_of(session).tenant_ids))
    if not drafts:
        query = query.where(Remittance.state.in_(ISSUED))
    return sorted(session.execute(query.distinct()).scalars())


def one(session: Session, remittance_id: int, *, drafts: bool = True) -> Remittance:
    """A statement of the tenants in scope. Raises NotFound."""
    found = session.execute(
        select(Remittance).where(
            Remittance.tenant_id.in_(scope_of(session).tenant_ids), Remittance.id == remittance_id
        )
    ).scalar_one_or_none()
    if found is None or (not drafts and found.state not in ISSUED):
        raise NotFound("no such statement")
    return found


@dataclass(frozen=True, slots=True)
class Sum:
    """The lines of one kind: how many, and their amounts in minor units."""

    kind: str
    direct: bool
    fee_taken: bool
    lines: int
    amount_minor: int
    fee_minor: int
    tax_minor: int

    @property
    def line(self) -> Line:
        """All of them as one: sums are what counts."""
        return Line(
            self.direct, self.kind != "adjustment", self.amount_minor, self.fee_minor, self.tax_minor,
            self.fee_taken,
        )  # fmt: skip


def sums(session: Session, remittance_id: int) -> list[Sum]:
    """A statement of the tenants in scope by kind of line, added up by the database."""
    item = RemittanceItem
    rows = session.execute(
        select(item.kind, item.direct, item.fee_taken, func.count(), func.sum(item.amount_minor),
               func.sum(item.fee_minor), func.sum(item.tax_minor))
        .where(item.tenant_id.in_(scope_of(session).tenant_ids), item.remittance_id == remittance_id)
        .group_by(item.kind, item.direct, item.fee_taken)
        .order_by(item.kind, item.direct, item.fee_taken)
    )  # fmt: skip
    return [Sum(*row[:4], *map(int, row[4:])) for row in rows]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line as the domain page, section 6, lists it; minor units. `debtor_reference` is the creditor's own
    number of who owes."""

    id: int
    at: datetime
    client_account: str
    debtor_reference: str | None
    kind: str
    direct: bool
    amount_minor: int
    parts: dict[str, int]
    fee_minor: int
    tax_minor: int
    balance_after_minor: int
    method: str
    fee_taken: bool = False

    @property
    def fee_rate(self) -> int:
        """Basis points that the fee comes to on this line."""
        return round(10_000 * self.fee_minor / self.amount_minor) if self.amount_minor else 0

    @property
    def costs_minor(self) -> int:
        """Costs recovered."""
        return self.parts.get("cost", 0)

    @property
    def due_to_client_minor(self) -> int:
        return self._due[0]

    @property
    def due_to_agency_minor(self) -> int:
        return self._due[1]

    @property
    def _due(self) -> tuple[int, int]:
        counts = self.kind != "adjustment"
        line = Line(self.direct, counts, self.amount_minor, self.fee_minor, self.tax_minor, self.fee_taken)
        return due(Method(self.method), line)


def lines(
    session: Session, remittance: Remittance, *, after: int = 0, limit: int | None = None
) -> Iterator[StatementLine]:
    """The lines of a statement in the order in which things happened, those above the id `after`."""
    query = _lines(remittance.method).where(
        RemittanceItem.tenant_id == remittance.tenant_id,
        RemittanceItem.remittance_id == remittance.id,
        RemittanceItem.id > after,
    )
    for row in session.execute(query.order_by(RemittanceItem.id).limit(limit)):
        yield StatementLine(*row)


def _lines(method: str) -> Select[*tuple[Any, ...]]:
    item, called = RemittanceItem, creditor_references().subquery()
    return select(
        item.id, item.at, called.c.client_account, called.c.client_reference, item.kind, item.direct,
        item.amount_minor, item.parts, item.fee_minor, item.tax_minor, item.balance_after_minor,
        literal(method), item.fee_taken,
    ).join(
        called, (called.c.tenant_id == item.tenant_id) & (called.c.account_id == item.account_id)
    )  # fmt: skip
