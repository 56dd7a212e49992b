"""Messages written for this plug-in, since no public set holds debtors' messages in Spanish.

None were taken from anybody: authors wrote them, each `writer` in a way of their own, as the README says.
"""

import csv
import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from recupero_sdk.texts import Example


@cache
def written() -> Sequence[Example]:
    """All messages, in the order of the file."""
    text = (files("recupero_intents") / "written.csv").read_text(encoding="utf-8")
    return tuple(
        Example(row["text"], tuple(row["intents"].split()), row["language"], row["writer"])
        for row in csv.DictReader(io.StringIO(text))
    )
