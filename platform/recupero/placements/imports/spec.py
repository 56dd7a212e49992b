"""A mapping: how a creditor's file becomes our fields. Saved as JSON; `parse` checks it whole.

```json
{"columns": {"client_account": "Operación", "name": ["Nombre", "Apellido"], "phone": ["Fono 1", "Fono 2"],
             "principal": {"columns": ["Prestado"], "minus": ["Amortizado"]},
             "region": {"columns": ["Estado"], "prefix": "US-"}, "name": {"template": "Cliente {Código}"}},
 "constants": {"country": "CL", "currency": "CLP"},
 "dates": "dmy", "decimal": ",", "optional": ["national_id"], "keep": ["Sucursal"],
 "filter": {"column": "Estado", "in": ["Castigado"]}}
```
docs/placement-files.md describes every key.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from recupero.kernel.errors import UserError, Words
from recupero.kernel.money import is_currency
from recupero.placements.imports.fields import FIELDS, KINDS, REQUIRED

DATE_ORDERS = ("dmy", "mdy", "ymd")
_PLACEHOLDER = re.compile(r"{([^{}]+)}")
_SOURCE_KEYS = {"columns", "join", "minus", "first_of", "template", "prefix", "values"}
_KEYS = {
    "kind", "columns", "constants", "dates", "decimal", "round", "optional", "keep", "filter", "control",
    "delimiter", "encoding", "sheet", "header_row",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value comes from: columns joined by `join`, or the first that has a value; a template
    with `{Column}` in it; amounts less the `minus` columns. Then `values` translates, `prefix` goes
    before.
    """

    columns: tuple[str, ...] = ()
    join: str = " "
    first_of: bool = False
    template: str | None = None
    minus: tuple[str, ...] = ()
    prefix: str = ""
    values: dict[str, str] = field(default_factory=dict)

    def needs(self) -> tuple[str, ...]:
        """Every column of the file that this reads."""
        placed = tuple(_PLACEHOLDER.findall(self.template)) if self.template else ()
        return (*self.columns, *self.minus, *placed)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows of the file are meant: those whose `column` is (or is not) among `values`."""

    column: str
    values: tuple[str, ...]
    keep: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A record in the file that declares totals: the row whose `column` holds `value`; the count stands in
    the column `rows`, the sum of balances in the column `balance`."""

    column: str
    value: str
    rows: str | None
    balance: str | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. `decimal` is the mark before the minor digits; `round` rounds finer amounts."""

    kind: str
    sources: dict[str, Source]
    constants: dict[str, str]
    dates: str = "dmy"
    decimal: str = "."
    round: bool = False
    optional: frozenset[str] = frozenset()
    keep: tuple[str, ...] | None = ()  # None keeps every column that is not mapped
    filter: Filter | None = None
    control: Control | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | int = 0
    header_row: int = 1

    def needs(self) -> list[str]:
        """Every column of the file that the mapping names."""
        named = [column for source in self.sources.values() for column in source.needs()]
        named += self.keep or ()
        named += [self.filter.column] if self.filter else []
        if self.control:
            named += [name for name in (self.control.column, self.control.rows, self.control.balance) if name]
        return list(dict.fromkeys(named))

    def has(self, name: str) -> bool:
        """Whether the field has a source or a constant."""
        return name in self.sources or name in self.constants


def parse(spec: dict[str, Any], kind: str = "placement") -> Mapping:
    """The mapping of a JSON object. Raises UserError that names the key and what to write instead."""
    if not isinstance(spec, dict):
        raise UserError("the mapping must be a JSON object", field="mapping")
    kind = spec.get("kind", kind)
    if kind not in KINDS:
        raise UserError(
            "unknown kind of file '%(kind)s': use %(known)s", field="kind", kind=kind, known=", ".join(KINDS)
        )
    _known(spec, _KEYS, "mapping")
    known = FIELDS[kind]
    columns, constants = _object(spec, "columns"), _object(spec, "constants")
    for name in (*columns, *constants):
        if name not in known:
            raise UserError(
                "unknown field '%(name)s': use %(known)s", field="mapping", name=name, known=", ".join(known)
            )
    mapping = Mapping(
        kind=kind,
        sources={name: _source(name, value) for name, value in columns.items()},
        constants={name: str(value) for name, value in constants.items()},
        dates=_one_of(spec, "dates", DATE_ORDERS, "dmy"),
        decimal=_one_of(spec, "decimal", (".", ","), "."),
        round=bool(spec.get("round", False)),
        optional=frozenset(_texts(spec.get("optional", []), "optional")),
        keep=None if spec.get("keep") == "all" else _texts(spec.get("keep", []), "keep"),
        filter=_filter(spec.get("filter")),
        control=_control(spec.get("control")),
        delimiter=_delimiter(spec.get("delimiter")),
        encoding=spec.get("encoding"),
        sheet=spec.get("sheet", 0),
        header_row=_header_row(spec.get("header_row", 1)),
    )
    _check_required(mapping)
    return mapping


def _check_required(mapping: Mapping) -> None:
    for group in REQUIRED[mapping.kind]:
        if not any(mapping.has(name) for name in group):
            raise UserError(
                "the mapping names no column for %(fields)s: one is enough",
                field=group[0],
                fields=Words("field", tuple(group)),
            )
    currency = mapping.constants.get("currency")
    if currency is not None and not is_currency(currency):
        raise UserError(
            "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR",
            field="currency",
            currency=currency,
        )


def _source(name: str, value: Any) -> Source:
    if isinstance(value, str):
        return Source((value,))
    if isinstance(value, list):
        return Source(_texts(value, name))
    if not isinstance(value, dict):
        raise UserError("name a column, a list of columns or an object for '%(key)s'", field=name, key=name)
    _known(value, _SOURCE_KEYS, name)
    return Source(
        columns=_texts(value.get("columns", value.get("first_of", [])), name),
        join=str(value.get("join", " ")),
        first_of="first_of" in value,
        template=value.get("template"),
        minus=_texts(value.get("minus", []), name),
        prefix=str(value.get("prefix", "")),
        values={str(key): str(one) for key, one in _object(value, "values").items()},
    )


def _filter(value: Any) -> Filter | None:
    if value is None:
        return None
    if not isinstance(value, dict) or "column" not in value or ("in" in value) == ("not_in" in value):
        raise UserError(
            'write the filter as {"column": …, "in": […]} or {"column": …, "not_in": […]}', field="filter"
        )
    wanted = value.get("in", value.get("not_in"))
    return Filter(str(value["column"]), _texts(wanted, "filter"), keep="in" in value)


def _control(value: Any) -> Control | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not {"column", "value"} <= value.keys():
        raise UserError(
            'write the control record as {"column": …, "value": …, "rows": …, "balance": …}', field="control"
        )
    return Control(str(value["column"]), str(value["value"]), value.get("rows"), value.get("balance"))


def _delimiter(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) != 1):
        raise UserError("the delimiter is one character", field="delimiter")
    return value


def _header_row(value: Any) -> int:
    if not isinstance(value, int) or not 1 <= value <= 100:
        raise UserError("the row of the headings is a number from 1 to 100", field="header_row")
    return value


def _known(value: dict[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(set(value) - keys)
    if unknown:
        raise UserError(
            "unknown key '%(key)s' in '%(where)s': use %(known)s",
            field=where,
            key=unknown[0],
            where=where,
            known=", ".join(sorted(keys)),
        )


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key, {})
    if not isinstance(found, dict):
        raise UserError("'%(key)s' must be a JSON object", field=key, key=key)
    return found


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | int | float) for one in value):
        raise UserError("'%(key)s' must be a list of texts", field=where, key=where)
    return tuple(str(one) for one in value)


def _one_of(spec: dict[str, Any], key: str, choices: tuple[str, ...], default: str) -> str:
    value = spec.get(key, default)
    if value not in choices:
        raise UserError(
            "'%(value)s' does not fit '%(key)s': use %(known)s",
            field=key,
            key=key,
            value=value,
            known=", ".join(choices),
        )
    return str(value)
