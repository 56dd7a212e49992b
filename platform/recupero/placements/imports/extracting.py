"""Apply a mapping: from the columns of a file to our fields, still as text."""

import re

import polars as pl

from recupero.kernel.errors import UserError
from recupero.placements.imports.fields import FIELDS
from recupero.placements.imports.reading import PROBLEM, ROW
from recupero.placements.imports.spec import Control, Mapping, Source

_PLACEHOLDER = re.compile(r"({[^{}]+})")


def check_columns(mapping: Mapping, headings: list[str]) -> None:
    """Raises UserError where the mapping names a column that the file does not have."""
    missing = [name for name in mapping.needs() if name not in headings]
    if missing:
        shown = ", ".join(headings[:40])
        raise UserError(
            "the file has no column '%(column)s'; it has: %(shown)s",
            field="mapping",
            column=missing[0],
            shown=shown,
        )


def split_control(chunk: pl.DataFrame, control: Control | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The data rows, and the records that declare totals."""
    if control is None:
        return chunk, chunk.clear()
    is_control = (pl.col(control.column) == control.value).fill_null(value=False)
    return chunk.filter(~is_control), chunk.filter(is_control)


def meant(mapping: Mapping) -> pl.Expr:
    """Which rows the mapping's filter keeps."""
    if mapping.filter is None:
        return pl.lit(value=True)
    listed = pl.col(mapping.filter.column).is_in(mapping.filter.values).fill_null(value=False)
    return listed if mapping.filter.keep else ~listed


def extract(chunk: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """A text column per mapped field. A field of several columns gets one each: `phone`, `phone#1`, …; what
    is added to an amount stands in `total+1`, …, what is taken off in `total-0`, …"""
    columns: list[pl.Expr] = [pl.col(ROW), pl.col(PROBLEM)]
    for name, source in mapping.sources.items():
        field = FIELDS[mapping.kind][name]
        columns += (
            _amounts(name, source) if field.type == "amount" else _columns(name, source, many=field.many)
        )
    columns += [
        pl.lit(value).alias(name) for name, value in mapping.constants.items() if name not in mapping.sources
    ]
    frame = chunk.select(columns)
    defaults = [name for name in mapping.constants if name in mapping.sources]
    return frame.with_columns(pl.col(name).fill_null(mapping.constants[name]) for name in defaults)


def columns_of(frame: pl.DataFrame, name: str) -> list[str]:
    """The text columns of a field that may come from several columns of the file."""
    return [column for column in frame.columns if column == name or column.startswith(f"{name}#")]


def _columns(name: str, source: Source, *, many: bool) -> list[pl.Expr]:
    if many and source.template is None and not source.first_of:
        return [
            _finish(pl.col(column), source).alias(name if place == 0 else f"{name}#{place}")
            for place, column in enumerate(source.columns)
        ]
    return [_finish(_value(source), source).alias(name)]


def _amounts(name: str, source: Source) -> list[pl.Expr]:
    if source.first_of or source.template is not None:
        return [_finish(_value(source), source).alias(name)]
    first, *more = source.columns
    added = [pl.col(column).alias(f"{name}+{place}") for place, column in enumerate(more, 1)]
    taken_off = [pl.col(column).alias(f"{name}-{place}") for place, column in enumerate(source.minus)]
    return [_finish(pl.col(first), source).alias(name), *added, *taken_off]


def _value(source: Source) -> pl.Expr:
    if source.template is not None:
        parts = [part for part in _PLACEHOLDER.split(source.template) if part]
        pieces = [pl.col(part[1:-1]) if part.startswith("{") else pl.lit(part) for part in parts]
        return pl.concat_str(pieces)
    if len(source.columns) == 1:
        return pl.col(source.columns[0])
    if source.first_of:
        return pl.coalesce(*source.columns)
    joined = pl.concat_str(list(source.columns), separator=source.join, ignore_nulls=True)
    return pl.when(pl.any_horizontal(pl.col(column).is_not_null() for column in source.columns)).then(joined)


def _finish(value: pl.Expr, source: Source) -> pl.Expr:
    if source.values:
        value = value.replace(source.values)
    return pl.lit(source.prefix) + value if source.prefix else value
