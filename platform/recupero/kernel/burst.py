"""Many requests at once to a web process of ours: what benchmarks over HTTP share."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from recupero.kernel.supervisor import ProcessSpec, listening

HOST = "127.0.0.1"
CONNECTIONS = 8


class Connection:
    """A kept HTTP connection that costs the client as little as can be."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer, read to its end."""
        self._socket.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), body

    def _more(self) -> bytes:
        found = self._socket.recv(65536)
        if not found:
            raise ConnectionError("the server closed the connection")
        return found


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """An HTTP request as it goes over the line; one with a body is JSON."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def together(work: Callable[[int, threading.Barrier], None]) -> float:
    """Seconds of `work(number, ready)` by `CONNECTIONS` threads that begin together. Raises what one
    raises."""
    ready, failed = threading.Barrier(CONNECTIONS + 1), list[BaseException]()

    def run(number: int) -> None:
        try:
            work(number, ready)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failed.append(error)
            ready.abort()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - began


@contextmanager
def serving(web: Callable[[int, int], ProcessSpec]) -> Iterator[int]:
    """A web process while the block runs, and its port. `web` makes it of the descriptor of the socket to
    listen on, and of the port."""
    with listening(HOST, 0) as listener:
        with socket.socket(fileno=os.dup(listener)) as known:
            port = known.getsockname()[1]
        spec = web(listener, port)
        process = subprocess.Popen(
            spec.command, env={**os.environ, **spec.environment}, pass_fds=spec.inherits,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)
