"""How much is tried: every day a little, with `RECUPERO_THOROUGH=1` ten times as much."""

import os

THOROUGH = os.environ.get("RECUPERO_THOROUGH") == "1"


def examples(everyday: int) -> int:
    """How many examples of a law hypothesis tries."""
    return everyday * 10 if THOROUGH else everyday
