"""Lists that people sort, filter, turn the pages of and take home as a file.

A page states its columns and filters; the macro `listing` of macros.html shows them, and the same rows, read
by the same query, are handed out as CSV, XLSX and JSON. An address may ask for what is stated here only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Self, TypeVar

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import audit
from recupero.kernel.errors import UserError
from recupero.kernel.listing import FURTHEST, Part
from recupero.kernel.money import Money
from recupero.portals.frame import table_files
from recupero.tenancy.guard import the_caller, transaction

Row = TypeVar("Row")
Cell = str | int | float | bool | date | datetime | Money | None

#: Rows that fit a file; a longer list is narrowed first.
MOST_IN_A_FILE = 50_000
_SWITCHES = {"lang", "theme"}  # of the frame: kept elsewhere than in addresses
_KINDS = (
    (Money, "money"), (bool, "bool"), (int, "number"), (float, "number"), (datetime, "moment"), (date, "day"),
)  # fmt: skip


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: `name` in addresses and in files for machines, `label` for people.

    `value` is what is shown, sorted and handed out: a text, a number, a Money, a day, a moment, yes or no.
    With `words` it is a code of that kind (words.label), shown as a `badge` where asked for. `link` leads on
    from it, `note` is a second, quieter line. `sorts=False` where the list cannot be sorted by it.
    """

    name: str
    label: str
    value: Callable[[Row], Cell]
    link: Callable[[Row], str | None] | None = None
    note: Callable[[Row], str | None] | None = None
    words: str | None = None
    badge: bool = False
    numeric: bool = False
    sorts: bool = True


@dataclass(frozen=True)
class Pick(Generic[Row]):
    """A filter chosen from a list of code and word. `of` tells a row's codes where a list is read whole."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    of: Callable[[Row], str | Sequence[str]] | None = None

    def passes(self, row: Row, wanted: str) -> bool:
        found = self.of(row) if self.of else (wanted,)
        return wanted == found if isinstance(found, str) else wanted in found


@dataclass(frozen=True)
class Search(Generic[Row]):
    """A filter that is typed. `of` is the text that is searched where a list is read whole."""

    label: str
    hint: str = ""
    of: Callable[[Row], str] | None = None
    name: str = "q"

    def passes(self, row: Row, wanted: str) -> bool:
        text = self.of(row).casefold() if self.of else ""
        return self.of is None or all(word in text for word in wanted.casefold().split())


@dataclass
class Table(Generic[Row]):
    """A list as the address asks for it. `key` tells several on one page apart.

    Use: make one, read the rows with `part` and `chosen`, `fill` it (or `fill_whole` with a list that is
    short enough to be read whole), and `answer`.
    """

    name: str
    caption: str
    columns: Sequence[Column[Row]]
    filters: Sequence[Pick[Row] | Search[Row]] = ()
    sort: str = ""  # the order of the first visit, such as "-at"
    per_page: int = 50
    key: str = ""
    exports: bool = True
    endpoint: str = ""  # the page of the list, where forms of other addresses show it again
    rows: list[Row] = field(default_factory=list)
    total: int | None = None  # how many there are, where that is known
    more: bool = False

    def __post_init__(self) -> None:
        wanted = self._asked("sort") or self.sort
        sortable = {column.name for column in self.columns if column.sorts}
        self.sorted_by = wanted.lstrip("-") if wanted.lstrip("-") in sortable else self.sort.lstrip("-")
        self.descending = (wanted if self.sorted_by == wanted.lstrip("-") else self.sort).startswith("-")
        page = self._asked("page")
        last = FURTHEST // self.per_page
        self.page = min(max(int(page), 1), last) if page.isdecimal() and len(page) < 9 else 1
        self.form = self._asked("as") if self.exports and self._asked("as") in table_files.FORMS else ""
        self.chosen = {one.name: self._chosen(one) for one in self.filters}

    def _argument(self, name: str) -> str:
        return f"{self.key}-{name}" if self.key else name

    def _asked(self, name: str) -> str:
        return request.args.get(self._argument(name), "").replace("\0", "")  # which no column holds

    def _chosen(self, one: Pick[Row] | Search[Row]) -> str:
        asked = self._asked(one.name).strip()[:200]
        return asked if isinstance(one, Search) or asked in {str(code) for code, _ in one.options} else ""

    @property
    def part(self) -> Part:
        """What the query is asked for: one row more than the page shows, so that it knows of a next page."""
        if self.form:
            return Part(self.sorted_by, self.descending, 0, MOST_IN_A_FILE + 1)
        return Part(self.sorted_by, self.descending, (self.page - 1) * self.per_page, self.per_page + 1)

    @property
    def filtered(self) -> bool:
        return any(self.chosen.values())

    def fill(self, rows: Sequence[Row]) -> Self:
        """With the rows that a query read for `part`. Raises UserError where a file would be too long."""
        most = MOST_IN_A_FILE if self.form else self.per_page
        self.more = len(rows) > most
        if self.form and self.more:
            raise UserError("At most %(number)s rows fit a file: narrow the list first.", number=most)
        self.rows = list(rows[:most])
        return self

    def fill_whole(self, rows: Sequence[Row]) -> Self:
        """With all rows there are: they are filtered, sorted and cut here."""
        kept = [row for row in rows if all(self._passes(one, row) for one in self.filters)]
        for column in self.columns:
            if column.name == self.sorted_by:
                full = [row for row in kept if column.value(row) is not None]
                empty = [row for row in kept if column.value(row) is None]
                kept = sorted(full, key=lambda row: _rank(column, row), reverse=self.descending) + empty
        self.total = len(kept)
        part = self.part
        return self.fill(kept[part.offset : part.offset + (part.limit or 0)])

    def _passes(self, one: Pick[Row] | Search[Row], row: Row) -> bool:
        return not self.chosen[one.name] or one.passes(row, self.chosen[one.name])

    def url(self, **changes: str | int | None) -> str:
        """This page with the table otherwise: `page`, `sort` or `as` changed, everything else kept."""
        arguments: dict[str, Any] = {
            name: value for name, value in request.args.items()
            if name not in _SWITCHES and name not in {self._argument(one) for one in ("page", "as")}
        }  # fmt: skip
        arguments |= {self._argument(name): value for name, value in changes.items()}
        return url_for(self.endpoint or request.endpoint or "", **(request.view_args or {}), **arguments)

    def sort_url(self, column: Column[Row]) -> str:
        """By this column; the other way round where it is sorted by it already."""
        down = column.name == self.sorted_by and not self.descending
        return self.url(sort=f"-{column.name}" if down else column.name)

    def aria_sort(self, column: Column[Row]) -> str:
        if column.name != self.sorted_by:
            return ""
        return "descending" if self.descending else "ascending"

    @property
    def sortable(self) -> list[Column[Row]]:
        return [column for column in self.columns if column.sorts]

    def numeric(self, column: Column[Row]) -> bool:
        """Whether the column stands at the right, as amounts and counts do."""
        values = (column.value(row) for row in self.rows)
        first = next((value for value in values if value is not None), None)
        return column.numeric or self.kind(column, first) in ("money", "number")

    @staticmethod
    def kind(column: Column[Row], value: Cell) -> str:
        """How a value is written."""
        if value is None:
            return "none"
        if column.words is not None:
            return "badge" if column.badge else "words"
        return next((name for kind, name in _KINDS if isinstance(value, kind)), "text")

    @staticmethod
    def bare(column: Column[Row], row: Row) -> bool:
        """Whether a cell says nothing: on a phone it is left out."""
        return column.value(row) is None and not (column.note and column.note(row))

    @property
    def kept(self) -> dict[str, str]:
        """What a form of the filters carries on: everything in the address but the filters and the page."""
        own = {self._argument(name) for name in ("page", "as", *self.chosen)}
        return {name: value for name, value in request.args.items() if name not in own | _SWITCHES}

    @property
    def bare_url(self) -> str:
        """The list without its filters."""
        return self.url(sort=None, **dict.fromkeys(self.chosen))

    def field_name(self, one: Pick[Row] | Search[Row]) -> str:
        return self._argument(one.name)

    @property
    def previous_url(self) -> str | None:
        return self.url(page=self.page - 1 if self.page > 2 else None) if self.page > 1 else None

    @property
    def next_url(self) -> str | None:
        return self.url(page=self.page + 1) if self.more and self.page < FURTHEST // self.per_page else None

    @property
    def first_row(self) -> int:
        return (self.page - 1) * self.per_page + 1

    @property
    def last_row(self) -> int:
        return (self.page - 1) * self.per_page + len(self.rows)

    @property
    def file_urls(self) -> list[tuple[str, str]]:
        return (
            [(form.upper(), self.url(**{"as": form})) for form in table_files.FORMS] if self.exports else []
        )


def _rank(column: Column[Row], row: Row) -> Any:
    """By what a row stands in order: texts without regard to case, money by its amount."""
    value = column.value(row)
    if isinstance(value, Money):
        return (value.currency, value.minor)
    return value.casefold() if isinstance(value, str) else value


def shortened(text: str, most: int = 80) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def creditor_column(names: Mapping[int, str], *, sorts: bool = True) -> list[Column[Any]]:
    """Whose a row is, by its `tenant_id`: nothing that a creditor's own people are told."""
    if the_caller().is_creditor:
        return []
    return [Column("creditor", _("Creditor"), lambda row: names.get(row.tenant_id), sorts=sorts)]


def creditor_pick(names: Mapping[int, str]) -> list[Pick[Any]]:
    """A filter by creditor, where there are several."""
    options = [(str(id_), name) for id_, name in names.items()]
    pick = Pick[Any]("tenant", _("Creditor"), options, of=lambda row: str(row.tenant_id))
    return [pick] if len(names) > 1 else []


def answer(template: str, *tables: Table[Any], status: int = 200, **shown: Any) -> ResponseReturnValue:
    """The page with its tables, each under its name; or the file of the one that is asked for as a file.

    A file is noted in the audit trail: what was taken home, by whom, under which filters.
    """
    for table in tables:
        if table.form:
            _note(table)
            return table_files.response(table.name, table.form, table.columns, table.rows)
    return render_template(template, **{table.name: table for table in tables}, **shown), status


def _note(table: Table[Any]) -> None:
    caller = the_caller()
    if caller.scope.agency_id is None:
        return  # the platform's operator: no agency's trail
    filters = {name: value for name, value in table.chosen.items() if value and name != "q"}
    with transaction() as session:
        audit.record(
            session, "portals.list_exported", f"list:{table.name}", actor=caller.actor,
            form=table.form, rows=len(table.rows), filters=filters,
        )  # fmt: skip
