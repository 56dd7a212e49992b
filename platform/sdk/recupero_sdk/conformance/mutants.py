"""Rules changed by one small step: what the mutation check tries to smuggle past a pack's cases.

The walk knows types, not kinds: numbers move by one, times of day by a minute and an hour, dates by a day,
a choice becomes each other choice, a list loses each entry. A new kind of rule needs nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from recupero_sdk.law.schema import Rule
from recupero_sdk.law.terms import Text, WallMinute

#: What of a rule decides contacts; the rest (title, source, reading …) is for people.
DECIDING_FIELDS = (
    "channels", "regions", "areas", "agency_regions", "when", "unless", "displaces", "exempt_purposes",
    "scope", "in_force", "parameters",
)  # fmt: skip
#: Fields that only name or explain: (field, why no shift of it is tried).
NOT_SHIFTED = {
    "unit": "says what a number means; the number itself is shifted",
    "name": "words for people",
    "law": "words for people",
    "what": "words for people",
    "text": "words for people",
}

_MONTH_DAY = re.compile(r"\d\d-\d\d\Z")
_LEAP_YEAR = 2024
Path = tuple[str | int, ...]


class Wall(int):
    """A time of day in minutes, told apart from other numbers."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule after one shift: `path` says where, `shift` what, both for people; `values` are those that
    the shift takes away or adds, with the names on the way to them."""

    original: Rule
    rule: Rule
    path: str
    shift: str
    values: tuple[Any, ...]

    @property
    def name(self) -> str:
        return f"{self.path}: {self.shift}"


@dataclass(frozen=True, slots=True)
class _Shift:
    path: Path
    value: Any
    said: str
    touched: tuple[Any, ...]


_GONE = object()


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every rule one shift away that the schema still accepts."""
    data = rule.model_dump(by_alias=True)
    fields = type(rule).model_fields
    for name in DECIDING_FIELDS:
        if name not in fields:
            continue
        for shift in _shifts(getattr(rule, name), _hint(fields[name]), (name,)):
            try:
                changed = type(rule).model_validate(_put(data, shift.path, shift.value))
            except ValidationError:
                continue
            names = (step for step in shift.path if isinstance(step, str))
            yield Mutant(rule, changed, _said(shift.path), shift.said, (*shift.touched, *names))


def scalars(rule: Rule) -> Iterator[Any]:
    """Every single value by which the rule decides: numbers, dates, choices, times of day as `Wall`."""
    for name in DECIDING_FIELDS:
        if name in type(rule).model_fields:
            yield from _scalars(getattr(rule, name), _hint(type(rule).model_fields[name]))


def _scalars(value: Any, hint: Any) -> Iterator[Any]:
    hint, wall = _bare(hint)
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            if name not in NOT_SHIFTED:
                yield from _scalars(getattr(value, name), _hint(field))
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield key
            yield from _scalars(entry, Any)
    elif isinstance(value, tuple):
        for entry in value:
            yield from _scalars(entry, Any)
    elif value is not None:
        yield Wall(value) if wall else value


def _hint(field: Any) -> Any:
    """A field's annotation with the validators that pydantic keeps apart from it."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _shifts(value: Any, hint: Any, path: Path) -> Iterator[_Shift]:
    hint, wall = _bare(hint)
    if value is None or path[-1] in NOT_SHIFTED:
        return
    if _optional(hint) and path[0] != "in_force" and not isinstance(value, bool):
        yield _Shift(path, None, f"{_show(value, wall)} dropped", (value,))
    if isinstance(value, BaseModel):
        yield from _in_model(value, path)
    elif isinstance(value, dict):
        yield from _in_dict(value, hint, path)
    elif isinstance(value, tuple):
        yield from _in_list(value, hint, path)
    elif choices := _choices(hint):
        others = (other for other in choices if other not in (None, value))
        yield from (_Shift(path, other, f"{value} → {other}", (value, other)) for other in others)
    else:
        yield from _scalar(value, path, wall)


def _in_model(value: BaseModel, path: Path) -> Iterator[_Shift]:
    if isinstance(value, Text):
        return
    for name, field in type(value).model_fields.items():
        key = field.alias or name
        yield from _shifts(getattr(value, name), _hint(field), (*path, key))


def _in_dict(value: dict[Any, Any], hint: Any, path: Path) -> Iterator[_Shift]:
    of = get_args(hint)[1] if get_origin(hint) is dict else Any
    for key, entry in value.items():
        yield _Shift((*path, key), _GONE, f"{key} dropped", (key,))
        yield from _shifts(entry, of, (*path, key))


def _in_list(value: tuple[Any, ...], hint: Any, path: Path) -> Iterator[_Shift]:
    args = [arg for arg in get_args(hint) if arg is not Ellipsis] if get_origin(hint) is tuple else []
    for index, entry in enumerate(value):
        scalar = isinstance(entry, str | int | date)
        said = str(entry) if scalar else f"entry {index + 1}"
        touched = (entry,) if scalar else tuple(_scalars(entry, Any))
        yield _Shift(path, (*value[:index], *value[index + 1 :]), f"{said} dropped", touched)
        if not scalar:
            context = tuple(_scalars(entry, Any))
            for shift in _shifts(entry, args[0] if args else Any, (*path, index)):
                yield replace(shift, touched=(*shift.touched, *context))


def _scalar(value: Any, path: Path, wall: bool) -> Iterator[_Shift]:
    moved: list[Any] = []
    if isinstance(value, bool):
        moved = [not value]
    elif isinstance(value, int):
        moved = [value + step for step in ((-60, -1, 1, 60) if wall else (-1, 1))]
    elif isinstance(value, Decimal):
        moved = [value - 1, value + 1]
    elif isinstance(value, date) and not isinstance(value, datetime):
        moved = [value + timedelta(days=step) for step in (-1, 1)]
    elif isinstance(value, str) and _MONTH_DAY.match(value):
        day = date.fromisoformat(f"{_LEAP_YEAR}-{value}")
        moved = [f"{day + timedelta(days=step):%m-%d}" for step in (-1, 1)]
    for other in moved:
        touched = (Wall(value), Wall(other)) if wall else (value, other)
        yield _Shift(path, other, f"{_show(value, wall)} → {_show(other, wall)}", touched)


def _bare(hint: Any) -> tuple[Any, bool]:
    """The type within `Annotated`, and whether it is a time of day in minutes."""
    wall = False
    while get_origin(hint) is Annotated:
        wall = wall or not set(get_args(WallMinute)[1:]).isdisjoint(get_args(hint)[1:])
        hint = get_args(hint)[0]
    return hint, wall


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


def _choices(hint: Any) -> tuple[Any, ...]:
    """The values of a Literal, also where None is one more."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(choice for part in get_args(hint) for choice in _choices(_bare(part)[0]))
    return get_args(hint) if get_origin(hint) is Literal else ()


def _show(value: Any, wall: bool) -> str:
    if wall and isinstance(value, int):
        return f"{value // 60:02d}:{value % 60:02d}"
    return type(value).__name__ if isinstance(value, BaseModel | dict) else str(value)


def _said(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _put(data: Any, path: Path, value: Any) -> Any:
    """A copy of nested `data` with the value at `path` replaced, or its key gone; nothing else is copied."""
    step, rest = path[0], path[1:]
    if isinstance(data, dict):
        if not rest and value is _GONE:
            return {key: entry for key, entry in data.items() if key != step}
        return {**data, step: _put(data[step], rest, value) if rest else value}
    entries = list(data)
    assert isinstance(step, int)
    entries[step] = _put(entries[step], rest, value) if rest else value
    return tuple(entries)
