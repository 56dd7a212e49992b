"""What operators' machines ask: `/healthz` (the process lives), `/readyz` (it can do its work), `/metrics`.

Requests are counted and timed by route, never by address, so that no token and no person becomes a label.
What lies in the database (queues, due actions, dead letters) is measured there at each scrape, through the
gauges that the rooms hand in: so that it is right whichever process is asked.
"""

import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from flask import Blueprint, Flask, Response, abort, g, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from redis import Redis
from sqlalchemy.engine import Engine

from recupero.kernel import logs, migrate

log = logging.getLogger(__name__)

Check = Callable[[], str | None]
"""Answers None where all is well, else in a few words what is not; may raise."""

_REQUESTS = Histogram(
    "recupero_http_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static/<path:filename>"})
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
_REQUEST_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")


@dataclass(frozen=True)
class Gauge:
    """A figure measured at each scrape: a number, or one for each combination of label values."""

    name: str
    help: str
    measure: Callable[[], float | Mapping[tuple[str, ...], float]]
    labels: tuple[str, ...] = ()


def install(
    app: Flask, *, checks: Mapping[str, Check], gauges: Sequence[Gauge] = (), metrics_token: str | None = None
) -> None:
    """Add the three endpoints to `app`, and time, count and log its requests.

    `/metrics` answers callers on this machine, or those who send `Authorization: Bearer <metrics_token>`.
    """
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    app.register_blueprint(_blueprint(checks, gauges, metrics_token))


def standard_checks(database: Engine, redis: Redis) -> dict[str, Check]:
    """Database, migrations and Redis: what every process of the platform needs."""

    def database_answers() -> None:
        with database.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def migrated() -> str | None:
        with database.connect() as connection:
            return None if migrate.at_head(connection) else "migrations are missing: run recupero db upgrade"

    def redis_answers() -> None:
        redis.ping()

    return {"database": database_answers, "migrations": migrated, "redis": redis_answers}


def _blueprint(checks: Mapping[str, Check], gauges: Sequence[Gauge], token: str | None) -> Blueprint:
    blueprint = Blueprint("telemetry", __name__)

    def healthz() -> ResponseReturnValue:
        return jsonify(status="ok")

    def readyz() -> ResponseReturnValue:
        parts = {name: _result(name, check) for name, check in checks.items()}
        ready = all(result == "ok" for result in parts.values())
        return jsonify(status="ready" if ready else "not ready", parts=parts), 200 if ready else 503

    def metrics() -> ResponseReturnValue:
        if not (_on_this_machine() or _has_token(token)):
            abort(403)
        return Response(_scrape(gauges), content_type=CONTENT_TYPE_LATEST)

    for view, why in (
        (healthz, "tells only that the process lives"),
        (readyz, "names the parts that are ready, and nothing else"),
        (metrics, "asks for a token itself, or a caller on this machine"),
    ):
        view.public = why  # type: ignore[attr-defined]  # read by the test of the URL map
        blueprint.add_url_rule(f"/{view.__name__}", view_func=view)
    return blueprint


def _result(name: str, check: Check) -> str:
    try:
        return check() or "ok"
    except Exception as error:  # noqa: BLE001 - whatever fails means: not ready; the reason goes to the log
        log.warning("not ready", extra={"part": name, "reason": str(error)})
        return "cannot be reached"


def _on_this_machine() -> bool:
    """A caller on the loopback device who is not a proxy that speaks for somebody else."""
    forwarded = any(header in request.headers for header in _FORWARDED)
    return request.remote_addr in {"127.0.0.1", "::1"} and not forwarded


def _has_token(token: str | None) -> bool:
    sent = request.headers.get("Authorization", "").encode()
    return token is not None and hmac.compare_digest(sent, f"Bearer {token}".encode())


class _Measured:
    """The rooms' gauges as a Prometheus collector. One that fails is logged and shown, and hides no other."""

    def __init__(self, gauges: Sequence[Gauge]) -> None:
        self.gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        failed = GaugeMetricFamily(
            "recupero_gauge_failed", "1 where a gauge could not be measured", labels=["gauge"]
        )
        for gauge in self.gauges:
            try:
                values = gauge.measure()
            except Exception:  # the other gauges matter most when something is broken
                log.exception("a gauge could not be measured", extra={"gauge": gauge.name})
                failed.add_metric([gauge.name], 1)
                continue
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=list(gauge.labels))
            for labels, value in (values if isinstance(values, Mapping) else {(): values}).items():
                family.add_metric(list(labels), value)
            yield family
        yield failed


def _scrape(gauges: Sequence[Gauge]) -> bytes:
    """All metrics: the requests of all web processes together, and the gauges as they are now."""
    measured = CollectorRegistry()
    measured.register(_Measured(gauges))
    requests = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        requests = CollectorRegistry()
        MultiProcessCollector(requests)  # type: ignore[no-untyped-call]  # the package has no types
    return generate_latest(requests) + generate_latest(measured)


@cache
def _counted(method: str, route: str, hundreds: int) -> Histogram:
    """To look a histogram's labels up costs more than to count: a route has few of them."""
    return _REQUESTS.labels(method, route, f"{hundreds}xx")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under way: its method, the id that its log lines bear, and when it began."""

    method: str
    id: str
    began: float

    def answered(self, route: str, status: int) -> None:
        """Count, time and log it; `route` is the address's pattern, never the address."""
        seconds = time.perf_counter() - self.began
        _counted(self.method, route, status // 100).observe(seconds)
        facts = {"method": self.method, "route": route, "status": status}
        log.info("request", extra={**facts, "milliseconds": round(seconds * 1000)})


def begin(method: str, sent_id: str) -> Asked:
    """A request of this thread begins. `sent_id` is the `X-Request-Id` that came with it: kept where it is
    one, and nobody's number. Any word may be sent as a method: only those that exist count by name."""
    kept = _REQUEST_ID.fullmatch(sent_id) and logs.redact(sent_id) == sent_id
    request_id = sent_id if kept else _new_id()
    logs.begin(request_id=request_id)
    return Asked(method if method in _METHODS else "other", request_id, time.perf_counter())


def _new_id() -> str:
    """Sixteen bytes in hexadecimal; its first is a letter, so that nobody takes it for a number."""
    return secrets.choice("abcdef") + secrets.token_hex(16)[1:]


def _begin() -> None:
    g.asked = begin(request.method, request.headers.get("X-Request-Id", ""))


def _finish(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    if "asked" not in g or route in _QUIET:
        return response
    g.asked.answered(route, response.status_code)
    response.headers["X-Request-Id"] = g.asked.id
    return response


def _end(error: BaseException | None) -> None:
    logs.begin()
