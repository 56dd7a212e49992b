"""`recupero models benchmark` on public sets of messages: the platform's own model of texts, scored.

The set's own labels are learned and guessed; nothing of the test file but its texts is read before every
guess is made.
"""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from recupero.kernel.errors import UserError
from recupero_sdk.texts import Guess, TextModel


@dataclass(frozen=True, slots=True)
class TextSet:
    """One set: the column of its labels, and whether a text may have several of them, or none."""

    name: str
    labels: str
    several: bool = False


SETS = {
    each.name: each
    for each in (
        TextSet("es_assistant_intents", "intent"),
        TextSet("banking77_en", "category"),
        TextSet("nlupp_banking_en", "intents", several=True),
    )
}
#: From how probable a label counts as said, where a text may have several.
SAID = 0.5


def benchmark(
    model: TextModel, name: str, train: Path, test: Path, predictions: Path | None
) -> dict[str, Any]:
    """Train on one file, guess every text of the other, and score where its labels are given.

    Returns `metrics` and `seconds`. Raises UserError for a file that is not of this set.
    """
    began = time.perf_counter()
    known = SETS[name]
    old, new = _read(known, train, labelled=True), _read(known, test, labelled=False)
    told = [_labels(known, row) for row in old]
    fitted = model.train([row["text"] for row in old], told).fitted
    guessed = model.predict(fitted, [row["text"] for row in new])
    if predictions is not None:
        _write(known, predictions, new, guessed)
    found = _scored(known, new, guessed) if known.labels in new[0] else {}
    return {
        "name": name, "rows_train": len(old), "rows_test": len(new), "metrics": found,
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def _read(known: TextSet, file: Path, *, labelled: bool) -> list[dict[str, str]]:
    try:
        with _opened(file) as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            "%(file)s cannot be read as CSV (plain or gzip): %(why)s", field="file", file=file, why=error
        ) from error
    wanted = ["row_id", "text", *([known.labels] if labelled else [])]
    missing = wanted if not rows else [column for column in wanted if column not in rows[0]]
    if missing:
        raise UserError(
            "%(file)s lacks the columns %(missing)s", field="file", file=file, missing=", ".join(missing)
        )
    return rows


def _opened(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")


def _labels(known: TextSet, row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[known.labels].split()) if known.several else (row[known.labels],)


def _said(row: Sequence[Guess]) -> list[str]:
    return [guess.label for guess in row if guess.probability >= SAID]


def _write(
    known: TextSet, file: Path, new: Sequence[dict[str, str]], guessed: Sequence[Sequence[Guess]]
) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["row_id", "intents"] if known.several else ["row_id", "intent", "p"])
        for row, guesses in zip(new, guessed, strict=True):
            if known.several:
                lines.writerow([row["row_id"], " ".join(_said(guesses))])
            else:
                lines.writerow([row["row_id"], guesses[0].label, f"{guesses[0].probability:.6f}"])


def _scored(
    known: TextSet, new: Sequence[dict[str, str]], guessed: Sequence[Sequence[Guess]]
) -> dict[str, float]:
    """One label: accuracy, calibration error, and accuracy where the model is surest of half the texts.
    Several: micro F1, and the share of texts whose labels are all right."""
    if known.several:
        return _of_several([set(_labels(known, row)) for row in new], [set(_said(row)) for row in guessed])
    right = [guesses[0].label == row[known.labels] for row, guesses in zip(new, guessed, strict=True)]
    chances = [guesses[0].probability for guesses in guessed]
    surest = sorted(zip(chances, right, strict=True), reverse=True)[: max(1, len(right) // 2)]
    return {
        "accuracy": round(sum(right) / len(right), 4),
        "calibration_error": round(_calibration_error(chances, right), 4),
        "accuracy_surest_half": round(sum(hit for _chance, hit in surest) / len(surest), 4),
    }


def _of_several(told: Sequence[set[str]], said: Sequence[set[str]]) -> dict[str, float]:
    hits = sum(len(one & other) for one, other in zip(told, said, strict=True))
    total = sum(len(one) + len(other) for one, other in zip(told, said, strict=True))
    same = sum(one == other for one, other in zip(told, said, strict=True))
    return {"f1": round(2 * hits / max(total, 1), 4), "all_right": round(same / len(told), 4)}


def _calibration_error(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for chance, hit in zip(chances, right, strict=True):
        bins.setdefault(min(int(chance * 10), 9), []).append((chance, hit))
    gaps = [abs(sum(c for c, _h in rows) - sum(h for _c, h in rows)) for rows in bins.values()]
    return sum(gaps) / len(chances)
