"""The rejects file: what was rejected or quarantined, in the file's own columns, with the reasons."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from recupero.placements.imports.reasons import explain

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula; our own reading takes the apostrophe off again."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell


def reason_text(
    issues: Iterable[tuple[str, str]],
    translate: Callable[[str], str] = str,
    word: Callable[[str], str] = str,
) -> str:
    """All reasons of a row: pairs of field and code. `translate` says a reason, `word` names a field."""
    return "; ".join(f"{word(name)}: {explain(code, translate)}" for name, code in issues)


class RejectsFile:
    """Written row by row, so that it may be of any length. UTF-8 with a mark, as Excel wants it."""

    def __init__(self, path: Path, headings: Sequence[str], delimiter: str = ",") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.headings = path, list(headings)
        self._file = open(path, "w", encoding="utf-8-sig", newline="", opener=_private)  # noqa: SIM115 - closed by close()
        self._writer = csv.writer(self._file, delimiter=delimiter)
        self._writer.writerow([*(safe(name) for name in self.headings), "reason"])
        self.rows = 0

    def add(self, cells: Sequence[str | None], reason: str) -> None:
        self._writer.writerow([*(safe(cell or "") for cell in cells), reason])
        self.rows += 1

    def close(self) -> None:
        self._file.close()


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


def from_json(raw: str, headings: Sequence[str]) -> list[str | None]:
    """The cells of a stored row in the order of the headings."""
    row = json.loads(raw)
    return [row.get(name) for name in headings]
