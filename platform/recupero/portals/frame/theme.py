"""Light or dark: what the reader chose in the page, kept in their browser; else as their system asks.

The cookie is as secure as the session's: by the public address, since behind a proxy every request is http.
"""

from flask import Response, current_app, request

THEMES = ("light", "dark")
_COOKIE = "recupero_theme"
_KEPT = 365 * 24 * 3600  # seconds


def theme() -> str | None:
    """`light` or `dark`; None: as the system asks."""
    wanted = request.args.get("theme", request.cookies.get(_COOKIE))
    return wanted if wanted in THEMES else None


def keep_theme(response: Response) -> Response:
    """Keep `?theme=light`, `dark` or `system` for a year, whoever signs in at this browser."""
    wanted = request.args.get("theme")
    if wanted in THEMES:
        response.set_cookie(
            _COOKIE,
            wanted,
            max_age=_KEPT,
            httponly=True,
            samesite="Lax",
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )
    elif wanted == "system":
        response.delete_cookie(_COOKIE)
    return response
