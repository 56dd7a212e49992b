"""Reaching an address that a creditor wrote, and nothing of ours by it: a name is resolved once, every
address it has is judged, and the connection goes to the one that was judged."""

import http.client
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Networks that the operator opens for webhooks beside the public internet, as `10.1.0.0/16,127.0.0.0/8`.
OPENED = "RECUPERO_WEBHOOK_NETWORKS"
#: Public by their number, but each holds an IPv4 address that need not be: NAT64, 6to4, Teredo.
_CARRYING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(Exception):
    """The address is not one that webhooks may reach."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address as it was written, taken apart. `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str


def target_of(url: str) -> Target:
    """Raises ValueError, in plain words, for what is no address of a webhook."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url must be an https address in plain letters")
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("url has no such port") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("url must begin with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("url must hold neither user name nor password nor fragment")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = 443 if parts.scheme == "https" else 80
    return Target(parts.scheme, parts.hostname, usual if port is None else port, path)


def foreseen(target: Target) -> None:
    """Raises `Forbidden` for what will be refused whatever names resolve to: an address in numbers that is
    not open, and plain http to anywhere but this machine."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if target.host == "localhost" else target.host)
    except ValueError:
        if target.scheme == "http":
            raise Forbidden("url must begin with https://") from None
        return
    _judge(address, target.scheme)


def connected(target: Target, timeout: float) -> http.client.HTTPConnection:
    """A connection that is open. Raises `Forbidden`, OSError."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        _judge(address, target.scheme)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout)
    stream: socket.socket = socket.create_connection((str(addresses[0]), target.port), timeout)
    if target.scheme == "https":
        try:
            stream = ssl.create_default_context().wrap_socket(stream, server_hostname=target.host)
        except BaseException:
            stream.close()
            raise
    connection.sock = stream
    connection.auto_open = 0  # a second connection would resolve the name again
    return connection


def _judge(address: _Address, scheme: str) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    meant = mapped or address
    opened = any(meant in network for network in _opened() if network.version == meant.version)
    if scheme == "http" and not (opened and meant.is_loopback):
        raise Forbidden("url must begin with https://")
    carrying = any(meant in network for network in _CARRYING if network.version == meant.version)
    if not opened and (not meant.is_global or meant.is_multicast or carrying):
        raise Forbidden("url lies in a network that is not open to webhooks")


def _opened() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    parts = (part.strip() for part in os.environ.get(OPENED, "").split(","))
    return [ipaddress.ip_network(part) for part in parts if part]
