"""The blueprint that the areas of the portals add their pages to, and the page that says what went wrong."""

from urllib.parse import urlsplit

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

blueprint = Blueprint("portals", __name__)


def error_page(message: str, status: int, reference: str | None = None) -> ResponseReturnValue:
    """A page in the reader's language: what is wrong and where to go on. Never a stack trace. Whoever came by
    a link or a code, and has no login, finds it in the frame of those pages."""
    page = render_template(
        "debtor/error.html" if _without_login() else "error.html",
        title=_title(status),
        message=message,
        reference=reference,
        plain=True,
        back=_way_back(),
        status=status,
    )
    return page, status


def _without_login() -> bool:
    return request.path == "/m" or request.path.startswith(("/p/", "/u/", "/sandbox/"))


def _way_back() -> str | None:
    """The page of ours that led here, where that was another one; else, below a debtor's link, their page."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host or not came.path or came.path == request.path:
        below = request.path.startswith("/p/") and request.path.count("/") > 2
        return "/".join(request.path.split("/")[:3]) if below else None
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
        503: _("We are away for a moment"),
    }
    unforeseen: str = _("Something went wrong on our side")
    return titles.get(status, unforeseen if status >= 500 else titles[400])
