"""A mailbox that speaks real IMAP4rev1, as much of it as a reader needs, on a free port of this machine."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

from recupero_sdk.settings import PluginConfig

USER, PASSWORD = 'co"branza', 'pa ss\\"word'
_LINE = re.compile(rb"(\S+) (UID \S+|\S+) ?(.*)")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\S+)')
ARRIVED = "03-Nov-2026 10:15:00 -0300"


@dataclass
class Mailbox:
    """The mails by UID, and what was asked. `folder` exists besides INBOX."""

    mails: dict[int, bytes] = field(default_factory=dict)
    validity: int = 77
    folder: str = "Respuestas de clientes"
    asked: list[str] = field(default_factory=list)
    context: ssl.SSLContext | None = None

    def put(self, raw: bytes) -> int:
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = raw
        return uid


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mailbox: Mailbox

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


def _words(text: bytes) -> list[bytes]:
    pieces = ((one[0], one[1]) for one in _QUOTED.findall(text))
    return [re.sub(rb"\\(.)", rb"\1", quoted) if quoted else bare for quoted, bare in pieces]


class _Handler(StreamRequestHandler):
    server: _Server

    def setup(self) -> None:
        if self.server.mailbox.context is not None:
            self.request = self.server.mailbox.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def handle(self) -> None:
        self.known, self.selected = False, False
        self.say(b"* OK [CAPABILITY IMAP4rev1] ready")
        while line := self.rfile.readline(65536).rstrip(b"\r\n"):
            found = _LINE.fullmatch(line)
            if found is None:
                self.say(b"* BAD no command")
                return
            tag, command, rest = found[1], found[2].upper(), found[3]
            self.server.mailbox.asked.append(command.decode())
            self.say(tag + b" " + self.answer(command, rest))
            if command == b"LOGOUT":
                return

    def answer(self, command: bytes, rest: bytes) -> bytes:
        if command == b"CAPABILITY":
            self.say(b"* CAPABILITY IMAP4rev1")
        elif command == b"LOGIN":
            self.known = _words(rest) == [USER.encode(), PASSWORD.encode()]
            return b"OK welcome" if self.known else b"NO [AUTHENTICATIONFAILED] wrong"
        elif command == b"LOGOUT":
            self.say(b"* BYE")
        elif not self.known:
            return b"NO log in first"
        elif command == b"EXAMINE":
            return self.examine(_words(rest)[0].decode())
        elif not self.selected:
            return b"BAD select first"
        elif command == b"UID SEARCH":
            return self.search(rest)
        elif command == b"UID FETCH":
            return self.fetch(rest)
        else:
            return b"BAD this mailbox is only read"
        return b"OK done"

    def examine(self, folder: str) -> bytes:
        box = self.server.mailbox
        if folder not in ("INBOX", box.folder):
            return b"NO no such folder"
        self.selected = True
        self.say(b"* %d EXISTS" % len(box.mails))
        self.say(b"* OK [UIDVALIDITY %d] UIDs valid" % box.validity)
        return b"OK [READ-ONLY] selected"

    def search(self, rest: bytes) -> bytes:
        wanted = re.fullmatch(rb"UID (\d+):\*", rest)
        if wanted is None:
            return b"BAD unknown search"
        mails = self.server.mailbox.mails
        first = min(int(wanted[1]), max(mails, default=0))  # RFC 3501: the range is turned round
        self.say(b"* SEARCH" + b"".join(b" %d" % uid for uid in mails if uid >= first))
        return b"OK found"

    def fetch(self, rest: bytes) -> bytes:
        asked = re.fullmatch(rb"(\d+) \(UID RFC822.SIZE INTERNALDATE BODY\.PEEK\[\]<0\.(\d+)>\)", rest)
        if asked is None:
            return b"BAD unknown items"
        uid, mails = int(asked[1]), self.server.mailbox.mails
        if uid in mails:
            raw = mails[uid]
            part = raw[: int(asked[2])]
            place = sorted(mails).index(uid) + 1
            self.wfile.write(
                b'* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "%b" BODY[]<0> {%d}\r\n'
                % (place, uid, len(raw), ARRIVED.encode(), len(part))
            )
            self.wfile.write(part + b")\r\n")
        return b"OK fetched"


@contextmanager
def running(mailbox: Mailbox) -> Iterator[PluginConfig]:
    """The mailbox for the length of the block; the settings that reach it."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.mailbox = mailbox
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    settings = {
        "host": "127.0.0.1",
        "sender": "cobranza@agencia.example.com",
        "timeout": "5",
        "imap_host": "127.0.0.1",
        "imap_port": str(server.server_address[1]),
        "imap_security": "none" if mailbox.context is None else "ssl",
        "imap_username": USER,
        "imap_folder": mailbox.folder,
    }
    try:
        yield PluginConfig(settings, {"imap_password": PASSWORD})
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
