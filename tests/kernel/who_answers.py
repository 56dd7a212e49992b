"""A WSGI application that says which process answers and, at /frozen, how many objects the collector of
garbage leaves alone in it."""

import gc
import os
from collections.abc import Callable
from typing import Any


def app(environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> list[bytes]:
    told = gc.get_freeze_count() if environ["PATH_INFO"] == "/frozen" else os.getpid()
    body = str(told).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
