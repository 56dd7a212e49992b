"""Gunicorn's settings for a web process: `gunicorn -c python:recupero.kernel.web wsgi:app`.

Threads, not bare processes: a browser opens connections in advance and says nothing on them, which would
keep a process without threads from everybody else. No access log: addresses hold payment tokens. The
telemetry blueprint logs each request by its route instead.
"""

import gc
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

from recupero.kernel import logs

logs.configure()  # here, since the application is imported before any hook is called

# Seconds after which a thread that computes lets another go on. By Python's own 5 ms, an answer that waits
# four times for its turn while another thread computes a page comes 20 ms late.
sys.setswitchinterval(0.0005)

worker_class = "recupero.kernel.web_worker.FairWorker"
preload_app = True  # imported once; connections are opened by the first request, after the fork
workers = int(os.environ.get("RECUPERO_WEB_WORKERS", "2"))
threads = int(os.environ.get("RECUPERO_WEB_THREADS", "4"))
graceful_timeout = 10
timeout = 120
keepalive = 5
control_socket_disable = True
max_requests = 20_000  # a worker is renewed now and then, so that no leak grows for ever
max_requests_jitter = 2_000
# Headers of a proxy count only when they come from these addresses.
forwarded_allow_ips = os.environ.get("RECUPERO_PROXIES", "127.0.0.1,::1")


def on_starting(server: Any) -> None:
    """Gunicorn's own lines go the way of all logs, and counting begins anew."""
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
        Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(mode=0o700)


def when_ready(server: Any) -> None:
    """What is loaded before the fork stays: to look through it for garbage would stop all threads of a
    process for a fifth of a second now and then, and copy the memory that the processes share."""
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """A worker that has ended no longer counts among the live ones' gauges."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the package has no types
