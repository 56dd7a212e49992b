"""Errors that reach people. Anything else that is raised is a defect and is reported as such."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

_PLACE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Words:
    """Codes inside a message that a page says as words; `kind` names their list in `portals.words.words`.

    Only for what the reader is told. A code to be typed or sent is given as text, since it must stay.
    `english` are the same words for who reads no page; without them the codes are told.
    """

    kind: str
    codes: tuple[str, ...]
    english: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return ", ".join(self.english or self.codes)


@dataclass(frozen=True, slots=True)
class InLanguages:
    """Part of a message that brings its own wording: by language (es, en, pt)."""

    texts: Mapping[str, str]

    def __str__(self) -> str:
        return self.texts["en"]


@dataclass(frozen=True, slots=True)
class Quoted:
    """Part of a message that a plug-in said in English: told in the reader's language where it is known."""

    text: str

    def __str__(self) -> str:
        return self.text


class UserError(Exception):
    """Something the user did or sent cannot be done as it is.

    The message says which row, field or value, and what to do. `template` is the English text, written out
    where it is raised, since that is where the translation catalogues read it; `values` fill its places,
    `%(name)s`. `message` is both in English; `portals.frame.errors` says it in the reader's language. `field`
    and `row` let a form or an import report put it in its place; `status` is the HTTP status of the answer.
    `others` are what else is wrong with the same request, for forms that tell all of it at once.
    """

    status = 422
    others: Sequence["UserError"] = ()

    def __init__(
        self, template: str, *, field: str | None = None, row: int | None = None, **values: object
    ) -> None:
        self.template = template
        self.values = values
        self.message = fill(template, values)
        self.field = field
        self.row = row
        super().__init__(self.message)

    def to_json(self) -> dict[str, Any]:
        """What is stored of an error that is told later. `Words` stay words and numbers numbers; other values
        become text."""
        values = {
            name: {"kind": value.kind, "codes": value.codes} if isinstance(value, Words)
            else value if isinstance(value, int | float)
            else str(value)
            for name, value in self.values.items()
        }  # fmt: skip
        return {"template": self.template, "values": values, "field": self.field, "row": self.row}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The error that `to_json` stored."""
        values = {
            name: Words(value["kind"], tuple(value["codes"])) if isinstance(value, Mapping) else value
            for name, value in stored["values"].items()
        }
        return cls(stored["template"], field=stored["field"], row=stored["row"], **values)


def fill(template: str, values: Mapping[str, object]) -> str:
    """The template with its places filled; a `%` that begins no place stays. Raises KeyError for a place
    without value."""
    return _PLACE.sub(lambda place: str(values[place[1]]), template)


class Faults:
    """What is wrong with one request, gathered so that people are told all of it at once."""

    def __init__(self) -> None:
        self.found: list[UserError] = []

    def note(self, error: UserError) -> None:
        self.found.append(error)

    @contextmanager
    def caught(self, **at: str) -> Iterator[None]:
        """Keep what the block refuses and go on after it; what is missing, forbidden or changed is raised.
        `at` says what a field of the block is called where it is told."""
        try:
            yield
        except UserError as error:
            if error.status != UserError.status:
                raise
            for one in (error, *error.others):
                one.field = at.get(one.field or "", one.field)
                self.found.append(one)

    def tell(self) -> None:
        """Raise the first fault of each field, the rest as `others` of the first; none where all is well."""
        by_field: dict[str | None, UserError] = {}
        for fault in self.found:
            by_field.setdefault(fault.field, fault)
        if by_field:
            first, *first.others = by_field.values()
            raise first


class NotFound(UserError):
    """No such thing in the caller's scope; whether it exists elsewhere is not told."""

    status = 404


class Forbidden(UserError):
    """The caller's role or key does not carry the permission."""

    status = 403


class Conflict(UserError):
    """The thing has changed, or the request contradicts its present state."""

    status = 409
