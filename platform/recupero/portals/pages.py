"""The blueprint that the areas of the portals add their pages to, and the page that says what went wrong."""

from urllib.parse import urlsplit

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

blueprint = Blueprint("portals", __name__)


def error_page(message: str, status: int, reference: str | None = None) -> ResponseReturnValue:
    """A page in the reader's language: what is wrong and where to go on. Never a stack trace."""
    page = render_template(
        "error.html",
        title=_title(status),
        message=message,
        reference=reference,
        plain=True,
        back=_way_back(),
        status=status,
    )
    return page, status


def _way_back() -> str | None:
    """The page of ours that led here, where that was another one."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host or not came.path or came.path == request.path:
        return None
    return came._replace(scheme="", netloc="", fragment="").geturl()


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
