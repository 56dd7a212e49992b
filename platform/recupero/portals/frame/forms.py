"""What was typed into a form and what is wrong with it, so that a page can show both again."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import NumberFormatError, parse_decimal
from flask import g, request
from flask_babel import get_locale

from recupero.kernel.errors import Faults, UserError
from recupero.kernel.money import minor_units, to_minor
from recupero.portals.frame.errors import said

#: In which anything of a debt may be: beyond them, days can no more be counted on and back.
YEARS = range(1800, 3000)
#: Numbers that the database keeps.
_STORABLE = range(-(2**63), 2**63)
_SOME_DAY = date(2000, 1, 1)  # stands in for one that cannot be read
_LONGEST_ID = 18  # digits, which a column of ids holds whatever they are

_T = TypeVar("_T")
_Read = ParamSpec("_Read")


def id_of(text: str) -> int | None:
    """The id that a list's or a form's value names; None where it is none, or longer than any."""
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_ID else None


def ids_of(name: str) -> list[int]:
    """The ids that were ticked under a name in the form that was sent; what is none is left out."""
    return [one for one in map(id_of, request.form.getlist(name)) if one is not None]


def _stands_in(value: _T) -> "Callable[[Callable[_Read, _T]], Callable[_Read, _T]]":
    """A reader of a field that answers `value` where the form is read `together` and the field is wrong."""

    def decorate(read: "Callable[_Read, _T]") -> "Callable[_Read, _T]":
        @wraps(read)
        def reading(*args: _Read.args, **kwargs: _Read.kwargs) -> _T:
            try:
                return read(*args, **kwargs)
            except UserError as error:
                form = args[0]
                if not isinstance(form, Form) or form._faults is None:
                    raise
                form._faults.note(error)
                return value

        return reading

    return decorate


class Errors(dict[str, str]):
    """What is wrong, by field; it remembers which of it a page has told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        g.setdefault("faults", {})[id(self)] = self

    def __getitem__(self, name: str) -> str:
        self.told.add(name)
        return super().__getitem__(name)

    def get(self, name: str, otherwise: str = "") -> str:  # type: ignore[override]  # of texts alone
        self.told.add(name)
        return super().get(name, otherwise)

    def values(self) -> Any:
        self.told.update(self)
        return super().values()

    def items(self) -> Any:
        self.told.update(self)
        return super().items()


def untold() -> list[str]:
    """What is wrong with what was sent and stands at no field of the page as drawn so far, such as a fault of
    a field that the page does not have. The frame tells it above the page: nothing is refused in silence."""
    found: Mapping[int, Errors] = g.get("faults", {})
    told = {(name, errors[name]) for errors in found.values() for name in errors.told & errors.keys()}
    wrong = [(name, errors[name]) for errors in found.values() for name in errors]
    return list(dict.fromkeys(text for name, text in wrong if (name, text) not in told))


@dataclass
class Form:
    """`values` as typed, `errors` by field name; "" is the form as a whole."""

    values: Mapping[str, object] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)
    _faults: Faults | None = field(default=None, init=False, repr=False)

    @classmethod
    def sent(cls) -> "Form":
        return cls(request.form.to_dict())

    @classmethod
    def sent_or(cls, values: Mapping[str, object]) -> "Form":
        """What was sent; or, where the page is only opened, a form that holds `values`."""
        return cls.sent() if request.method == "POST" else cls(values)

    @property
    def is_sent(self) -> bool:
        return request.method == "POST"

    @property
    def status(self) -> int:
        """What the page that shows this form answers with."""
        return 422 if self.errors else 200

    @contextmanager
    def together(self, **at: str) -> Iterator[Faults]:
        """Read all fields before any is refused, so that people are told everything that is wrong at once.

        Within, a field that cannot be read answers a stand-in and reading goes on: only reading, checking and
        what a transaction around it takes back belong here. What a check raises counts too, unless its field
        is wrong already; one after which reading goes on stands under `caught` of the faults. `at` says where
        the fields of a check stand in the form. Raises UserError with `others` at the end.
        """
        self._faults = faults = Faults()
        try:
            with faults.caught(**at):
                yield faults
        finally:
            self._faults = None
        faults.tell()

    def wrong(self, error: UserError) -> None:
        """Refuse what was read; `together`, note it and go on."""
        if self._faults is None:
            raise error
        self._faults.note(error)

    @_stands_in("")
    def text(self, name: str) -> str:
        """The field without outer blanks. Raises UserError at the field where it is empty."""
        value = self.optional(name)
        if not value:
            raise UserError("Please fill this in.", field=name)
        return value

    def optional(self, name: str) -> str:
        """The field without outer blanks, and without NUL, which no text of the database holds."""
        return str(self.values.get(name, "")).replace("\x00", "").strip()

    @_stands_in("")
    def one_of(self, name: str, known: Collection[str]) -> str:
        """What was chosen from a list. Raises UserError at the field where it is none of `known`."""
        value = self.optional(name)
        if value not in known:
            raise UserError("Please choose one.", field=name)
        return value

    @_stands_in(0)
    def id(self, name: str) -> int:
        """The id of what was chosen from a list. Raises UserError at the field where it is none."""
        found = id_of(self.optional(name))
        if found is None:
            raise UserError("Please choose one.", field=name)
        return found

    @_stands_in(0)
    def whole(self, name: str) -> int:
        """A whole number. Raises UserError at the field."""
        try:
            value = int(self.text(name))
        except ValueError:
            raise UserError("This is not a whole number.", field=name) from None
        return self._storable(name, value)

    def _storable(self, name: str, value: int) -> int:
        if value not in _STORABLE:
            raise UserError("This number is too large.", field=name)
        return value

    @_stands_in(0)
    def hundredths(self, name: str) -> int:
        """A decimal number times a hundred. Raises UserError at the field."""
        try:
            value = Decimal(self.text(name).replace(",", ".")) * 100
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            raise UserError("This is not a number.", field=name)
        if value != int(value):
            raise UserError("Give at most two decimals.", field=name)
        return self._storable(name, int(value))

    @_stands_in(0)
    def percent(self, name: str, most: int = 100) -> int:
        """A percentage from 0 to `most`, as basis points. Raises UserError at the field."""
        value = self.hundredths(name)
        if not 0 <= value <= most * 100:
            raise UserError("This must be a percentage from 0 to %(most)s.", field=name, most=most)
        return value

    @_stands_in(0)
    def money(self, name: str, currency: str) -> int:
        """An amount as the reader writes it, in minor units. Raises UserError at the field.

        Three decimals of a currency that has fewer are refused, zeros too: who writes 50.000 on an English
        page nearly always means fifty thousand.
        """
        locale = get_locale() or Locale("en")
        try:
            amount = parse_decimal(self.text(name), locale=locale, strict=True)
            if amount.as_tuple().exponent == -3 and minor_units(currency) < 3:
                meant = str(int(amount * 1000))
                raise UserError("Do you mean %(meant)s? Write it without a sign for thousands.", meant=meant)
            return to_minor(amount, currency)
        except NumberFormatError:
            raise UserError("This is not an amount of money.", field=name) from None
        except UserError as error:
            error.field = name
            raise

    @_stands_in(_SOME_DAY)
    def day(self, name: str) -> date:
        """A date as the browser's date field sends it, in one of `YEARS`. Raises UserError at the field."""
        try:
            day = date.fromisoformat(self.text(name))
        except ValueError:
            raise UserError("This is not a date.", field=name) from None
        if day.year not in YEARS:
            raise UserError("This is not a date.", field=name)
        return day

    def end_of(self, name: str, zone: str) -> datetime | None:
        """The last moment of a day in `zone`; None where the field is empty. Raises UserError."""
        if not self.optional(name):
            return None
        return datetime.combine(self.day(name), time.max, ZoneInfo(zone))

    def refuse(self, error: UserError, *known: str) -> None:
        """Put the error, and what else is wrong, at its field where the form has it, else above the form."""
        for one in (*reversed(error.others), error):  # of two at one place the first is told
            at = one.field if one.field in known or one.field in self.values else ""
            self.errors[at or ""] = said(one)
