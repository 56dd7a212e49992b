"""Messages written for this plug-in, since no public set holds debtors' messages in Spanish.

None were taken from anybody: authors wrote them, each `writer` in a way of their own, as the README says.
"""

import csv
import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from recupero_sdk.texts import Example


@cache
def written() -> Sequence[Example]:
    """All messages, in the order of the file."""
    text = (files("recupero_intents") / "written.csv").read_text(encoding="utf-8")
    return tuple(
        Example(row["text"], tuple(row["intents"].split()), row["language"], row["writer"])
        for row in csv.DictReader(io.StringIO(text))
    )


def fitted(learned: str) -> bytes | None:
    """The model that was fitted on the messages with this digest; None where they are others."""
    kept = files("recupero_intents") / f"fitted-{learned}.npz"
    return kept.read_bytes() if kept.is_file() else None


def keep(blob: bytes, learned: str) -> Path:
    """Keep the fitted model of these messages beside them, and none of earlier ones."""
    folder = Path(__file__).parent
    for earlier in folder.glob("fitted-*.npz"):
        earlier.unlink()
    made = folder / f"fitted-{learned}.npz"
    made.write_bytes(blob)
    return made
