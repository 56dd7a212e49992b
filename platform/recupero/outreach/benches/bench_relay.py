"""A relay for `recupero bench execute`, in a process of its own: takes every mail, notes its Message-ID.

    python -m recupero.outreach.benches.bench_relay FILE

prints the port of 127.0.0.1 on which it listens and ends with its standard input. A line of FILE is written
before the mail is acknowledged, so that it knows of each mail that anybody may believe delivered.
"""

import os
import socketserver
import sys
import threading
from contextlib import suppress
from pathlib import Path


class _Session(socketserver.StreamRequestHandler):
    """The commands of RFC 5321 that a client needs to hand mails over."""

    disable_nagle_algorithm = True
    log: int

    def handle(self) -> None:
        with suppress(ConnectionError):  # workers are killed in the midst of it: that is what it is for
            self._talk()

    def _talk(self) -> None:
        self.wfile.write(b"220 bench ready\r\n")
        while command := self.rfile.readline():
            match command[:4].upper():
                case b"EHLO":
                    self.wfile.write(b"250-bench\r\n250 8BITMIME\r\n")
                case b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    self._take()
                    self.wfile.write(b"250 taken\r\n")
                case b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                case _:
                    self.wfile.write(b"250 fine\r\n")

    def _take(self) -> None:
        identity = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            if line.lower().startswith(b"message-id:") and not identity:
                identity = line.partition(b":")[2].strip()
        if line:  # a client that dies in mid-mail has delivered nothing
            os.write(self.log, identity + b"\n")


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main(path: Path) -> None:
    _Session.log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with _Relay(("127.0.0.1", 0), _Session) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        sys.stdout.write(f"{relay.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        relay.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
