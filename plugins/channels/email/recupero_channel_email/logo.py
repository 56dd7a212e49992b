"""The agency's logo, kept as text among the settings: a path would let a creditor read the server's files."""

import base64
import binascii
from dataclasses import dataclass

from recupero_sdk.settings import PluginConfig

#: What a picture in every mail may weigh.
MOST_BYTES = 200_000
_BEGINNINGS = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture; `subtype` of image/, png or jpeg."""

    subtype: str
    content: bytes


def logo_of(config: PluginConfig) -> Logo | None:
    """The logo, or None where there is none. Raises ValueError, in plain words, where it cannot be used."""
    text = "".join(config.get("logo").split())
    if not text:
        return None
    try:
        content = base64.b64decode(text.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("logo is not base64") from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"logo weighs {len(content)} bytes; {MOST_BYTES} at most")
    for subtype, beginning in _BEGINNINGS.items():
        if content.startswith(beginning):
            return Logo(subtype, content)
    raise ValueError("logo is neither PNG nor JPEG")
