"""What surrounds every page: security headers, forms' tokens, limits, language, the frame, error pages."""

import hashlib
import logging
import secrets
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, Request, Response, current_app, g, make_response, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFError, CSRFProtect
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from recupero.decisions.planning.explaining import explained
from recupero.kernel.runtime import Runtime
from recupero.portals.frame import actors, places, theme
from recupero.portals.frame.forms import untold
from recupero.portals.frame.navigation import navigation
from recupero.portals.frame.pages import error_page
from recupero.portals.words import language, told, words
from recupero.tenancy.guard import API_PREFIX, current_caller, page_asked_for

log = logging.getLogger(__name__)
csrf = CSRFProtect()
_YEAR = 365 * 24 * 60 * 60  # seconds
AWAY = 5  # seconds after which to ask again while the database is away


class _Limiter(Limiter):
    """Endpoints of the API have no limit of tries: nothing is looked up for them."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not (in_middleware and request.path.startswith(API_PREFIX)):
            super()._check_request_limit(callable_name, in_middleware)


limiter = _Limiter(key_func=get_remote_address)


class _Headers(Talisman):  # type: ignore[misc]  # flask-talisman has no types
    """Security headers, worked out once for each of http and https: no view has its own, and none a nonce."""

    def __init__(self, app: Flask, **options: Any) -> None:
        self._known: dict[bool, list[tuple[str, str]]] = {}
        super().__init__(app, **options)

    def _make_nonce(self) -> None:
        """Nothing inline is let in, so nothing is marked."""

    def _set_response_headers(self, response: Response) -> Response:
        # as Talisman tells https: a proxy may say so in a header
        secure = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
        known = self._known.get(secure)
        if known is None:
            bare = super()._set_response_headers(Response())
            known = self._known[secure] = [
                one for one in bare.headers if one[0] not in ("Content-Type", "Content-Length")
            ]
        for name, value in known:
            response.headers.setdefault(
                name, value
            )  # a file that somebody sent has a stricter one (`rest.file`)
        return response


class _Sessions(SecureCookieSessionInterface):
    """A request without the cookie, such as of the API, has an empty session: no keys are made for it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


# Nothing from elsewhere and nothing inline. `data:` images are the charts of reports.
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def install(app: Flask, platform: Runtime) -> None:
    """Put the frame around an application whose pages are registered by `recupero.app`."""
    secure = platform.config.base_url.startswith("https://")
    app.config.update(
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parents[1] / "translations"),
        BABEL_DEFAULT_LOCALE="en",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_CHECK_DEFAULT=False,  # `_protect_forms` decides, since the API knows no cookies
        RATELIMIT_STORAGE_URI=_limits_in(platform.config.redis_url),
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,  # signing in goes on, still limited, while Redis is away
        RATELIMIT_KEY_PREFIX="recupero",
    )
    # Payment pages return to the public address, which need not be the one that the browser used.
    policy = {**CONTENT_SECURITY_POLICY, "form-action": ["'self'", platform.config.base_url]}
    _Headers(
        app, content_security_policy=policy, force_https=secure,
        session_cookie_secure=secure, strict_transport_security=secure,
        referrer_policy="same-origin", frame_options="DENY",
        permissions_policy={"camera": "()", "geolocation": "()", "microphone": "()"},
    )  # fmt: skip
    app.session_interface = _Sessions()
    language.babel.init_app(app, locale_selector=language.locale, timezone_selector=language.timezone)
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(language.switch_language)
    app.before_request(_protect_forms)
    app.after_request(_say_what_caches_keep)
    app.after_request(theme.keep_theme)
    _dress_templates(app)
    _answer_errors(app)


def _limits_in(redis_url: str) -> str:
    """The address of Redis in the words of the library that counts tries."""
    return "redis+" + redis_url if redis_url.startswith("unix:") else redis_url


def _protect_forms() -> None:
    """The API and the providers' events know no cookies, so nobody can make a browser send them."""
    if not request.path.startswith((API_PREFIX, "/channels/", "/u/")):
        csrf.protect()


def _say_what_caches_keep(response: Response) -> Response:
    """What a signed-in user saw is not found in the browser's cache by the next one at the same desk. A file
    of ours whose address bears the mark of its content is asked for once."""
    if request.endpoint == "static":
        name = str((request.view_args or {}).get("filename"))
        if response.status_code < 400 and request.args.get("v") == _content_mark(name):
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def _dress_templates(app: Flask) -> None:
    app.jinja_env.filters.update({**language.FILTERS, "region": places.region, "who": actors.who})
    app.jinja_env.globals.update(
        label=words.label, because=words.because, as_told=words.as_told, tone=words.tone,
        options=words.options, asset=_asset,
        rule_word=told.rule_word, feature_word=told.feature_word, law_word=told.law_word,
        rules_word=told.rules_word, second_word=told.second_word, would_change=told.would_change,
        feature_value=told.feature_value, model_word=told.model_word, explained=explained,
    )  # fmt: skip
    app.jinja_env.globals["gettext"] = language.ended(app.jinja_env.globals["gettext"])
    app.jinja_env.globals["ngettext"] = language.counted(app.jinja_env.globals["ngettext"])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    return {
        "caller": current_caller(),
        "brand": language.brand(),
        "navigation": navigation(),
        "language": language.language(),
        "languages": language.LANGUAGES,
        "language_url": _language_url,
        "largest_request": current_app.config["MAX_CONTENT_LENGTH"],
        "theme": theme.theme(),
        "theme_url": _theme_url,
        "untold": untold,
    }


def _language_url(code: str) -> str:
    """This page in another language."""
    return _here(lang=code)


def _theme_url(name: str) -> str:
    """This page in `light`, `dark`, or as the `system` asks."""
    return _here(theme=name)


def _here(**switched: Any) -> str:
    """This page with a switch set. Where a page has no address to be opened by, home."""
    if request.endpoint is None or request.routing_exception is not None:
        return url_for("portals.home", **switched)
    kept: dict[str, Any] = {
        name: value for name, value in request.args.to_dict().items() if name not in ("lang", "theme")
    }
    return url_for(request.endpoint, **{**kept, **(request.view_args or {}), **switched})


def _asset(name: str) -> str:
    """Address of a file of ours with a mark of its content, so that a new version is fetched at once."""
    return url_for("static", filename=name, v=_content_mark(name))


@lru_cache
def _content_mark(name: str) -> str:
    return hashlib.sha256((Path(__file__).parents[1] / "static" / name).read_bytes()).hexdigest()[:10]


def _answer_errors(app: Flask) -> None:
    """Pages answer errors as pages; the API keeps the JSON of its own handler."""
    api_handler: Callable[[HTTPException], ResponseReturnValue] = app.error_handler_spec[None][None][
        HTTPException
    ]  # type: ignore[assignment]  # flask-smorest's, which answers at once

    def answer(error: HTTPException) -> ResponseReturnValue:
        if request.path.startswith(API_PREFIX):
            said_by_us = getattr(error, "data", None) or error.description != type(error).description
            error.description = error.description if said_by_us else _message(error.code or 500)
            return api_handler(error)
        if error.response is not None or (error.code or 500) < 400:
            return error
        return _page_for(error.code or 500)

    def answer_away(error: Exception) -> ResponseReturnValue:
        """What pages stand on cannot be reached at this moment, or gave up: trying again is worth while."""
        log.error("database or Redis away", exc_info=error)
        return answer(ServiceUnavailable(retry_after=AWAY))

    app.register_error_handler(HTTPException, answer)
    for kind in (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError, RedisError):
        app.register_error_handler(kind, answer_away)
    app.register_error_handler(CSRFError, _answer_lost_form)


def _answer_lost_form(_error: CSRFError) -> ResponseReturnValue:
    """A form whose session is gone: sign in and come back to its page."""
    if current_caller() is None and request.endpoint != "portals.sign_in_sent":
        return redirect(url_for("portals.sign_in", next=page_asked_for()))
    return error_page(_("The page was open for too long. Load it again and send the form once more."), 400)


def _message(status: int) -> str:
    """What is wrong where nothing more is known than the status, in the reader's language."""
    if status == 503:
        away: str = _("Try again in a moment; what you had saved is safe, and what you typed is kept.")
        return away
    if status >= 500:
        noted: str = _("It has been noted. Try again in a moment; what you had saved is safe.")
        return noted
    messages: dict[int, str] = {
        403: _("Your role does not include this page. Ask your administrator if you need it."),
        404: _("The address is wrong, or what was here belongs to somebody else or is gone."),
        405: _("The address is wrong, or what was here belongs to somebody else or is gone."),
        413: _("Send a smaller file: at most 256 MB."),
        429: _("There were too many tries from here. Wait a minute and try again."),
    }
    unread: str = _("The request could not be read. Go back and try again.")
    return messages.get(status, unread)


def _page_for(status: int) -> ResponseReturnValue:
    if status >= 500:
        g.caller, g.brand = None, language.PLATFORM_BRAND  # the database may be what failed: ask it nothing
        reference = secrets.token_hex(4)
        log.error("page failed", extra={"reference": reference})
        page = make_response(error_page(_message(status), status, reference))
        if status == 503:
            page.headers["Retry-After"] = str(AWAY)
        return page
    return error_page(_message(status), status)
