"""Light or dark: what the reader chose in the page, kept in their browser; else as their system asks."""

from flask import Response, request

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
            _COOKIE, wanted, max_age=_KEPT, httponly=True, samesite="Lax", secure=request.is_secure
        )
    elif wanted == "system":
        response.delete_cookie(_COOKIE)
    return response
