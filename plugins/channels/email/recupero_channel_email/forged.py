"""Whether the server that received a mail found its sender's address forged: its `Authentication-Results`
(RFC 8601), which only a server of one's own may be believed."""

import re
from collections.abc import Sequence

#: The setting for a server that does not name itself at the head of its results (Microsoft 365).
NAMELESS = "-"
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*(dmarc|dkim|spf)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)


def is_forged(told: Sequence[str], authserv_id: str) -> bool:
    """Whether the results that our server wrote speak against the address in From: DMARC failed; or, where
    the address' domain says nothing of DMARC, SPF failed and no DKIM signature holds.

    `told` are the header's values, the newest first; `authserv_id` is the name that our server begins its own
    with, empty where none is to be believed.
    """
    found = [_results(one) for one in _ours(told, authserv_id.strip().lower())]
    said = {result for results in found for result in results}
    if said & {("dmarc", "pass"), ("dmarc", "fail")}:
        return ("dmarc", "pass") not in said
    return ("spf", "fail") in said and ("dkim", "pass") not in said


def _ours(told: Sequence[str], authserv_id: str) -> list[str]:
    """Others may have been written by anybody, the sender included."""
    if not authserv_id:
        return []
    if authserv_id == NAMELESS:
        return [one for one in told[:1] if _RESULT.match(one)]
    return [one for one in told if _name(one) == authserv_id]


def _name(told: str) -> str:
    words = _COMMENT.sub(" ", told.partition(";")[0]).split()
    return words[0].lower() if words else ""


def _results(told: str) -> list[tuple[str, str]]:
    found = map(_RESULT.match, _COMMENT.sub(" ", told).split(";"))
    return [(one[1].lower(), one[2].lower()) for one in found if one is not None]
