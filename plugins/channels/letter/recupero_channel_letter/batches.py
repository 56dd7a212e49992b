"""Print batches in a folder. What is seen there under its own name is whole, and each letter is in one batch.

A batch is built under a hidden name. Renaming it to `.ready-…` decides: from there on it goes out, whoever
finishes it. Then each letter is noted in `.sent/`, so that its key is known when the print shop has taken the
batch away, and the batch gets its name. One process at a time does this (`.lock`).
"""

import csv
import fcntl
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from recupero_channel_letter.typesetting import Printed

COLUMNS = ("key", "reference", "file", "pages", "sheets", "sha256")
_LEFT_BEHIND = 86_400  # seconds after which a batch that was never decided is rubbish
_READY, _BUILDING = ".ready-", ".building-"


def hand_over(folder: Path, letters: Sequence[Printed]) -> dict[str, dict[str, Any]]:
    """Put those letters that are not known yet into a new batch; the note of each by its code. Raises
    OSError; then either all of the new ones go out, or none."""
    with _alone(folder):
        _finish(folder)
        notes = known(folder, [letter.code for letter in letters])
        new = [letter for letter in letters if letter.code not in notes]
        if new:
            _decide(folder, {letter.code: letter for letter in new}.values())
            _finish(folder)
            notes |= known(folder, [letter.code for letter in new])
        return notes


def known(folder: Path, codes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The notes of letters that went out."""
    found: dict[str, dict[str, Any]] = {}
    for code in codes:
        note = folder / ".sent" / f"{code}.json"
        if note.exists():
            found[code] = json.loads(note.read_text(encoding="utf-8"))
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".sent").mkdir(mode=0o700, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _decide(folder: Path, letters: Collection[Printed]) -> None:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    building = folder / f"{_BUILDING}{name}"
    building.mkdir(mode=0o700)
    rows = []
    for letter in letters:
        _write(building / letter.file, letter.pdf)
        rows.append(
            {
                "key": letter.message.key,
                "reference": letter.code,
                "file": letter.file,
                "pages": letter.pages,
                "sheets": letter.sheets,
                "sha256": letter.sha256,
            }
        )
    with open(building / "manifest.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    manifest = {"batch": name, "letters": rows, "sheets": sum(letter.sheets for letter in letters)}
    _write(building / "manifest.json", json.dumps(manifest, indent=1).encode())
    _sync(building)
    building.rename(folder / f"{_READY}{name}")
    _sync(folder)


def _finish(folder: Path) -> None:
    """Note and name the batches that were decided; throw away what never was."""
    for ready in sorted(folder.glob(f"{_READY}*")):
        manifest = json.loads((ready / "manifest.json").read_text(encoding="utf-8"))
        for row in manifest["letters"]:
            note = folder / ".sent" / f"{row['reference']}.json"
            part = note.with_suffix(".part")
            _write(part, json.dumps({**row, "batch": manifest["batch"]}).encode())
            part.rename(note)
        _sync(folder / ".sent")
        ready.rename(folder / manifest["batch"])
    for left in folder.glob(f"{_BUILDING}*"):
        if time.time() - left.stat().st_mtime > _LEFT_BEHIND:
            shutil.rmtree(left)


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
