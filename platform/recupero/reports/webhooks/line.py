"""One signed request to an address outside: never to one of our own network, whatever a name resolves to."""

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from recupero.kernel import runtime
from recupero.kernel.errors import UserError

SIGNATURE = "Recupero-Signature"
SECONDS = 10.0  # for each step of the conversation, and twice that for all of them
ALLOWED = "RECUPERO_WEBHOOK_HOSTS"  # hosts that may lie in our own network, separated by commas


class Refused(Exception):
    """Nothing was sent, or nothing came back. Its text names no more than a kind of trouble."""


def signature(secrets: Sequence[str], body: bytes, at: datetime) -> str:
    """`t=<seconds since 1970>,v1=<hex>[,v1=<hex>]`: HMAC-SHA-256 of `t.body` under each secret that holds."""
    moment = int(at.timestamp())
    signed = f"{moment}.".encode() + body
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={moment}", *(f"v1={mark}" for mark in marks)])


def check_url(url: str) -> SplitResult:
    """The parts of an address that may be told things. Raises UserError: no HTTPS, no host, or a host that is
    plainly one of our own network."""
    if len(url) > 1000 or not url.isascii() or any(not 32 < ord(one) < 127 for one in url):
        raise UserError("this is no address: write it as https://example.com/hook", field="url")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.username or parts.password or parts.scheme not in {"https", "http"}:
        raise UserError("this is no address: write it as https://example.com/hook", field="url")
    if host in _allowed():
        return parts
    if parts.scheme != "https":
        raise UserError("events are told over HTTPS only: write https://…", field="url")
    if _is_number(host) and not _is_public(host):
        raise UserError("this address lies in a private network, where nothing is told", field="url")
    return parts


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The HTTP status that the address answers with. Redirects are not followed and the answer is not read.

    Raises Refused where it cannot be reached, or resolves to an address that is not public.
    """
    try:
        parts = check_url(url)
    except UserError as error:
        raise Refused("the address is not allowed") from error
    host = parts.hostname or ""
    connection = _Connection(host, parts.port, _place(host, parts), secure=parts.scheme == "https")
    watch = threading.Timer(2 * SECONDS, connection.cut)  # one who answers byte by byte is cut off
    watch.daemon = True
    watch.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(_trouble(error)) from error
    finally:
        watch.cancel()
        connection.close()


def _trouble(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return "its certificate does not hold"
    if isinstance(error, ConnectionRefusedError):
        return "nobody answers there"
    return "the connection broke"


class _Connection(http.client.HTTPConnection):
    """To one network address, which was checked: the name is not asked for again."""

    def __init__(self, host: str, port: int | None, place: str, *, secure: bool) -> None:
        super().__init__(host, port or (443 if secure else 80), timeout=SECONDS)
        self._place, self._secure = place, secure

    def connect(self) -> None:
        self.sock = socket.create_connection((self._place, self.port), SECONDS)
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already


def _place(host: str, parts: SplitResult) -> str:
    """The network address of the host, once it is known to be public. Raises Refused."""
    try:
        found = socket.getaddrinfo(host, parts.port or parts.scheme, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("its name is not known") from error
    places = [str(one[4][0]) for one in found]
    if host not in _allowed() and not all(map(_is_public, places)):
        raise Refused("its name leads into a private network")
    return places[0]


def _allowed() -> frozenset[str]:
    told = runtime.current().config.environment.get(ALLOWED, "")
    return frozenset(host.strip().lower() for host in told.split(",") if host.strip())


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(place: str) -> bool:
    """Neither private, loopback, link-local, reserved nor multicast; nor an IPv4 address of these within one
    of IPv6."""
    address = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            address = inner
        elif address in ipaddress.ip_network("64:ff9b::/96"):
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast
