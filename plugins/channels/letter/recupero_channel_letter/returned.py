"""The list of returned mail: a table with the code, the reason and the date."""

import csv
import io
import re
import unicodedata
from datetime import UTC, date, datetime, time

from recupero_channel_letter.codes import is_code
from recupero_sdk.inbound import Event, Fate, FileRead, StatusEvent

MOST_BYTES, MOST_LINES = 10_000_000, 100_000
_NAMES = {
    "reference": ("reference", "reference code", "referencia", "codigo", "code"),
    "reason": ("reason", "motivo", "causa"),
    "date": ("date", "fecha", "data"),
}
#: What the post writes on it, in words of three languages, without accents.
_REASONS: dict[str, tuple[Fate, tuple[str, ...]]] = {
    "moved": (Fate.PERMANENT, ("moved", "mudado", "se mudo", "cambio de domicilio", "mudou-se")),
    "unknown": (Fate.PERMANENT, ("unknown", "desconocido", "destinatario desconocido", "desconhecido")),
    "no such address": (
        Fate.PERMANENT,
        ("no such address", "insufficient address", "direccion inexistente", "direccion insuficiente",
         "direccion incorrecta", "no existe numero", "endereco inexistente", "endereco insuficiente",
         "nao existe o numero"),
    ),
    "deceased": (Fate.DECEASED, ("deceased", "fallecido", "falecido")),
    "refused": (Fate.FAILED, ("refused", "rehusado", "rechazado", "recusado")),
    "unclaimed": (Fate.FAILED, ("unclaimed", "no reclamado", "no retirado", "nao procurado")),
    "absent": (Fate.FAILED, ("absent", "ausente", "vacant", "desocupado")),
    "damaged": (Fate.FAILED, ("damaged", "deteriorado", "danado", "danificado")),
    "delivered": (Fate.DELIVERED, ("delivered", "entregado", "entregue")),
}  # fmt: skip
_BY_WORD = {word: (name, fate) for name, (fate, words) in _REASONS.items() for word in words}
_DAY = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")


def read(content: bytes) -> FileRead:
    """The events of a file. Raises ValueError, in plain words, where it is no such table."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"the file has more than {MOST_BYTES} bytes")
    if b"\x00" in content:
        raise ValueError("this is no text; save the table as CSV")
    text = _text(content)
    first = text.partition("\n")[0]
    mark = max(";,\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    events: dict[str, Event] = {}
    problems: list[tuple[int, str]] = []
    try:
        places = _places(next(rows, []))
        for row in rows:
            if rows.line_num > MOST_LINES:
                raise ValueError(f"the file has more than {MOST_LINES} lines")
            if any(cell.strip() for cell in row):
                _take(row, places, rows.line_num, events, problems)
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num} is no line of a table") from error
    return FileRead(list(events.values()), problems)


def _take(
    row: list[str],
    places: dict[str, int],
    line: int,
    events: dict[str, Event],
    problems: list[tuple[int, str]],
) -> None:
    cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
    code, word, day = cells["reference"].upper(), _bare(cells["reason"]), _day(cells["date"])
    if not is_code(code):
        problems.append((line, "the reference is not one of ours: its check digits are wrong"))
    elif word not in _BY_WORD:
        problems.append((line, f"the reason is not known; use one of {', '.join(_REASONS)}"))
    elif day is None:
        problems.append((line, "the date must be written as 2026-11-03 or 03/11/2026"))
    else:
        reason, fate = _BY_WORD[word]
        at = datetime.combine(day, time(12), UTC)
        name = f"returned:{code}:{reason}"
        events.setdefault(name, StatusEvent(name, code, fate, at, f"returned mail: {reason}"))


def _places(head: list[str]) -> dict[str, int]:
    names = [_bare(cell) for cell in head]
    found: dict[str, int] = {}
    for column, known in _NAMES.items():
        places = [place for place, name in enumerate(names) if name in known]
        if len(places) != 1:
            raise ValueError(f"the first line must name one column {' or '.join(known)}")
        found[column] = places[0]
    return found


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _bare(text: str) -> str:
    """In small letters, without accents, on one line."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).replace("_", " ").split())


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    try:
        if found is not None:
            return date(int(found[3]), int(found[2]), int(found[1]))
        return date.fromisoformat(text)
    except ValueError:
        return None
