"""The blueprint that the areas of the portals add their pages to, and the page that says what went wrong."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

blueprint = Blueprint("portals", __name__)


def error_page(message: str, status: int, reference: str | None = None) -> ResponseReturnValue:
    """A page in the reader's language: what is wrong and where to go on. Never a stack trace."""
    page = render_template(
        "error.html", title=_title(status), message=message, reference=reference, plain=True
    )
    return page, status


def _title(status: int) -> str:
    titles: dict[int, str] = {
        400: _("This could not be understood"),
        403: _("This is not open to you"),
        404: _("This page does not exist"),
        405: _("This page does not exist"),
        409: _("This has changed meanwhile"),
        413: _("The file is too large"),
        422: _("Something needs mending"),
        429: _("Too many tries"),
    }
    unforeseen: str = _("Something went wrong on our side")
    return titles.get(status, unforeseen if status >= 500 else titles[400])
