"""Structured logs without personal data.

Rooms use the standard library: `logging.getLogger(__name__).info("imported", extra={"rows": 12})`. What is in
`extra` and what `context` has bound (agency, tenant, job, request) become fields of the line. A line is JSON,
or plain text on a terminal.

Rooms never log personal data; the redaction here is the second line of defence. It errs on the side of
hiding: e-mail addresses, runs of seven digits or more (phones, national ids, card numbers), identity numbers
with letters, passwords in addresses, bearer tokens, and the values that database errors quote. Ids that
machines give (of requests, jobs and traces) stay whole, whatever digits are in them.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

HIDDEN = "[hidden]"

_HANDLER = "recupero"
_CHATTY = ("alembic", "rq", "urllib3", "werkzeug", "matplotlib", "mail.log")

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
_context: ContextVar[Mapping[str, object]] = ContextVar("log_context", default={})  # noqa: B039 - never changed
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_PRIVATE_FIELD = re.compile(
    r"(^|_)(e?mail|phone|msisdn|address|street|national_id|birth\w*|surname|(first|last|full|given|family|debtor)"
    r"_?name|password|secret|token|otp|authorization|cookie|body|subject)$"
)
_PATTERNS = (
    # What databases quote: the parameters of a statement, and the row in an error's detail.
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), "[parameters: " + HIDDEN + "]"),
    (re.compile(r"DETAIL:.*"), f"DETAIL: {HIDDEN}"),
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s@/]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(?:sk|rk|pk|whsec|pat)_\w{8,}"), HIDDEN),
    (re.compile(r"[^\s@<>\[\]/\"(),;:=]+@[^\s@<>\[\]/\"'(),;:=]+\.\w+"), HIDDEN),
)
# Mexico's CURP and RFC, Spain's DNI and NIE.
_IDENTITY = re.compile(r"\b(?:[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3,8}|[XYZ]?\d{7,8}-?[A-Z])\b", re.IGNORECASE)
# A UUID, or sixteen bytes in hexadecimal: no number of a person has that length and a letter in it.
_MACHINES = re.compile(
    r"(?<![\w-])((?=[\d-]*[a-f])(?:[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}))(?![\w-])",
    re.IGNORECASE | re.ASCII,
)
# One of these stands in whatever the patterns above and below hide: most texts have none, and are done.
_SUSPECT = re.compile(r"[@:\[]|bearer|basic|[rps]k_|whsec_|pat_|\d(?:[ ().\-/]{0,2}\d){5}", re.IGNORECASE)
# Seven digits or more, with the separators of phones and ids between them; dates and times stay readable.
_DIGITS = re.compile(
    r"(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.]*)?)"
    r"|(?<!\w)\+?\(?\d(?:[ ().\-/]{0,2}\d){6,}(?:-[\dkK])?"
)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at the moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # the base class keeps the stream of its birth
        return sys.stderr


def configure(*, level: int | None = None, stream: TextIO | None = None, plain: bool | None = None) -> None:
    """Send all logs of this process to `stream` (default: standard error), once; later calls replace it.

    `plain` is text for people instead of JSON; by default that is so on a terminal. `level`: INFO by default,
    and WARNING where people read.
    """
    handler: logging.StreamHandler[TextIO] = (
        _StandardError() if stream is None else logging.StreamHandler(stream)
    )
    on_terminal = handler.stream.isatty() if plain is None else plain
    handler.setFormatter(PlainFormatter() if on_terminal else JsonFormatter())
    handler.set_name(_HANDLER)
    root = logging.getLogger()
    for other in [other for other in root.handlers if other.get_name() == _HANDLER]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level or (logging.WARNING if on_terminal else logging.INFO))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    os.environ.setdefault(
        "MLFLOW_LOGGING_LEVEL", "WARNING"
    )  # MLflow sets up its own logs when it is imported
    logging.captureWarnings(True)


def begin(**fields: object) -> None:
    """A new piece of work of this thread, as a request: forget what was bound, and bind `fields`."""
    _context.set(fields)


@contextmanager
def context(**fields: object) -> Iterator[None]:
    """Add `fields` (agency_id, tenant_id, job_id, request_id, …) to every line logged inside the block."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def redact(text: str) -> str:
    """`text` with everything hidden that looks like personal data or a secret."""
    if not _SUSPECT.search(text):
        return text
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    pieces = _MACHINES.split(text)  # every other one is an id
    pieces[::2] = map(_without_numbers, pieces[::2])
    return "".join(pieces)


def _without_numbers(text: str) -> str:
    text = _IDENTITY.sub(HIDDEN, text)
    return _DIGITS.sub(lambda match: match.group() if match.group("time") else HIDDEN, text)


def facts(record: logging.LogRecord) -> dict[str, object]:
    """A record as ordered fields, redacted: at, level, logger, message, context, extra, error."""
    extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    fields = {key: _clean(key, value) for key, value in {**_context.get(), **extra}.items()}
    line: dict[str, object] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": redact(record.getMessage()),
        **fields,
    }
    if record.exc_info and record.exc_info[1] is not None:
        line["error"] = redact("".join(traceback.format_exception(record.exc_info[1])))
    return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return _ENCODER.encode(facts(record))


class PlainFormatter(logging.Formatter):
    """`22:31:05 WARNING outreach: mail server away  tenant_id=3`."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(facts(record))


def plain(line: Mapping[str, object]) -> str:
    """A line's fields as text for people."""
    rest = dict(line)
    at, level, logger = str(rest.pop("at", ""))[11:19], rest.pop("level", "INFO"), str(rest.pop("logger", ""))
    message, error = rest.pop("message", ""), rest.pop("error", None)
    fields = "".join(f"  {key}={value}" for key, value in rest.items())
    text = f"{at} {level} {logger.removeprefix('recupero.')}: {message}{fields}"
    return text if error is None else f"{text}\n{error}"


def _clean(key: str, value: object) -> object:
    """A field's value: numbers are ids and counts and stay, text is redacted, private fields are hidden."""
    if _PRIVATE_FIELD.search(key):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", inner) for inner in value]
    return redact(str(value))
