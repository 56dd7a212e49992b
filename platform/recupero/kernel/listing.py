"""A part of a list, in the order that a page or a file asks for; rooms' queries cut their rows by it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, String, func, literal, select, tuple_, union_all

#: How many rows of a list may be passed over: further on one narrows the list rather than turns pages.
FURTHEST = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows of a list: in which order, from which on, at most how many (None: all).

    `sort` is a name that the list knows to sort by; "" is the list's own order.
    """

    sort: str = ""
    descending: bool = False
    offset: int = 0
    limit: int | None = 50


def begins(column: ColumnElement[str] | Any, typed: str) -> ColumnElement[bool]:
    """Condition that the column's value begins with what was typed. It is written into the statement: only of
    what PostgreSQL knows as it plans does it look in an index, and of a parameter it knows nothing once it
    keeps one plan for all."""
    return func.starts_with(column, literal(typed, String, literal_execute=True))


def arranged(
    query: Select[*tuple[Any, ...]], by: Mapping[str, Any], part: Part, *own: ColumnElement[Any] | Any
) -> Select[*tuple[Any, ...]]:
    """`query` in the order asked for and cut to the part.

    `by` holds the columns or expressions that the list sorts by, by the name that pages ask with: no other
    is ever sorted by. `own` is the list's own order, which ends in something unique: it also decides
    between rows that are alike in what was asked for. Rows without a value come last either way.
    """
    column = by.get(part.sort)
    if column is not None:
        ordered = column.desc() if part.descending else column.asc()
        # A column that is never empty is left as it is, so that its index serves.
        query = query.order_by(ordered.nulls_last() if getattr(column, "nullable", True) else ordered)
    return query.order_by(*own).limit(part.limit).offset(part.offset or None)


def arranged_of(
    query: Select[*tuple[Any, ...]],
    key: tuple[Any, Any],
    tenants: Collection[int],
    by: Mapping[str, Any],
    part: Part,
    *own: ColumnElement[Any] | Any,
) -> Select[*tuple[Any, ...]]:
    """`arranged` over the rows of several tenants, at the cost of a few rows of each.

    Every index begins with the tenant, so that none holds the rows of several in one order: the first rows
    of each tenant are found in its own, and the part is cut from those. `key` names the tenant and the id of
    the rows' own table, from which `query` selects.
    """
    whole = arranged(query, by, part, *own)
    if len(tenants) < 2 or part.limit is None:
        return whole
    tenant, _identity = key
    reach = replace(part, offset=0, limit=part.offset + part.limit)
    narrow = query.with_only_columns(*key)
    first = [arranged(narrow.where(tenant == one), by, reach, *own).subquery() for one in tenants]
    return whole.where(tuple_(*key).in_(union_all(*(select(one) for one in first))))
