"""Files that came with messages, in Meta's two steps: ask where the file is, then fetch it, both with the
account's token (https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media)."""

import logging
import mimetypes
import re
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests

from recupero_channel_whatsapp.account import API, address
from recupero_channel_whatsapp.reading import Told, text
from recupero_sdk.inbound import Attachment
from recupero_sdk.settings import PluginConfig

log = logging.getLogger(__name__)

#: Kinds that are carried; of others the size is told and the content left out.
CARRIED = ("image/", "audio/", "video/mp4", "video/3gpp", "application/pdf", "text/plain")
NOT_CARRIED = ("image/svg",)  # a picture that can hold a program
#: Meta waits for its answer; whatever cannot be fetched until then is told without its content.
SECONDS_FOR_ALL, SECONDS_FOR_ONE = 10.0, 4.0
_STORES = (".fbsbx.com", ".facebook.com", ".whatsapp.net", ".fbcdn.net")
_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
_CHUNK = 65_536


class Fetching:
    """Fetches the files of one request, within the time that it has; entered as a context, which keeps the
    connection."""

    def __init__(self, config: PluginConfig) -> None:
        self._config = config
        self._limit = int(config.get("attachment_bytes", "5000000"))
        self._ends = time.monotonic() + SECONDS_FOR_ALL
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {config.get('access_token')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def attachment(self, told: Told) -> Attachment:
        """The file that a message describes. One that cannot be fetched is told with size 0 and no
        content."""
        kind = text(told, "mime_type").partition(";")[0].strip().lower()
        name = text(told, "filename") or f"1{mimetypes.guess_extension(kind) or ''}"
        try:
            return self._fetched(name, kind, text(told, "id"))
        except (requests.RequestException, ValueError, OSError) as error:
            log.warning("a file of a message could not be fetched: %s", type(error).__name__)
            return Attachment(name, kind, 0)

    def _fetched(self, name: str, kind: str, media_id: str) -> Attachment:
        """Raises ValueError where the file is nowhere that we would look, and what requests raises."""
        if not _ID.fullmatch(media_id):
            raise ValueError("no ID of a file")
        where = f"{address(self._config, media_id)}?phone_number_id={self._config.get('phone_number_id')}"
        with self._asked(where) as answer:
            told = answer.json()
        url, size = str(told["url"]) if isinstance(told, dict) and "url" in told else "", _size(told)
        if size > self._limit or not kind.startswith(CARRIED) or kind.startswith(NOT_CARRIED):
            return Attachment(name, kind, size)
        if not self._is_store(url):
            raise ValueError("the file lies at a foreign address")
        with self._asked(url) as answer:
            content = self._read(answer)
        if len(content) > self._limit:
            return Attachment(name, kind, max(size, len(content)))
        return Attachment(name, kind, len(content), content)

    def _asked(self, url: str) -> requests.Response:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise ValueError("no time is left")
        wait = min(left, SECONDS_FOR_ONE)
        answer = self._session.get(url, timeout=wait, stream=True, allow_redirects=False)
        if answer.status_code != requests.codes.ok:
            answer.close()
            raise ValueError(f"answered {answer.status_code}")
        return answer

    def _read(self, answer: requests.Response) -> bytes:
        """The content, or a little more than the limit of it. Raises ValueError where the time runs out."""
        content = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            content += chunk
            if len(content) > self._limit:
                break
            if time.monotonic() > self._ends:
                raise ValueError("no time is left")
        return bytes(content)

    def _is_store(self, url: str) -> bool:
        """Whether the token may be shown there: a store of Meta's over https, or the address that is set."""
        parts, base = urlsplit(url), urlsplit(self._config.get("api_base", API))
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
            return True
        return parts.scheme == "https" and f".{parts.hostname or ''}".endswith(_STORES)


def _size(told: object) -> int:
    size = told.get("file_size") if isinstance(told, dict) else None
    return int(size) if isinstance(size, int | str) and str(size).isdecimal() else 0
