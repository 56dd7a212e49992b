"""What was typed into a form and what is wrong with it, so that a page can show both again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from flask import request
from flask_babel import gettext as _

from recupero.kernel.errors import UserError


@dataclass
class Form:
    """`values` as typed, `errors` by field name; "" is the form as a whole."""

    values: Mapping[str, object] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls) -> "Form":
        return cls(request.form.to_dict())

    def text(self, name: str) -> str:
        """The field without outer blanks. Raises UserError at the field where it is empty."""
        value = self.optional(name)
        if not value:
            raise UserError(_("Please fill this in."), field=name)
        return value

    def optional(self, name: str) -> str:
        return str(self.values.get(name, "")).strip()

    def whole(self, name: str) -> int:
        """A whole number. Raises UserError at the field."""
        try:
            return int(self.text(name))
        except ValueError:
            raise UserError(_("This is not a whole number."), field=name) from None

    def day(self, name: str) -> date:
        """A date as the browser's date field sends it. Raises UserError at the field."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise UserError(_("This is not a date."), field=name) from None

    def refuse(self, error: UserError, *known: str) -> None:
        """Put the error at its field where the form has that field, else above the form."""
        at = error.field if error.field in known or error.field in self.values else ""
        self.errors[at or ""] = error.message
