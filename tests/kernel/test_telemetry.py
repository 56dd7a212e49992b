"""Health, readiness and metrics: true in sickness and in health, and closed to strangers."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

import recupero
from recupero.kernel import runtime, telemetry
from recupero.kernel.config import Config
from recupero.kernel.telemetry import Gauge
from tests import engines

_STRANGER = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def owner(config: Config) -> Iterator[Engine]:
    engine = create_engine(config.owner_database_url)
    yield engine
    engine.dispose()


def _client(
    checks: Mapping[str, telemetry.Check] | None = None, *gauges: Gauge, token: str | None = None
) -> FlaskClient:
    app = Flask("telemetry-test")
    telemetry.install(app, checks=checks or {}, gauges=gauges, metrics_token=token)

    @app.get("/pay/<token>")
    def pay(token: str) -> str:
        return "a page"

    return app.test_client()


def test_a_working_platform_is_ready(platform: runtime.Runtime) -> None:
    answer = _client(telemetry.standard_checks(platform.database.engine, platform.redis)).get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ready",
        "parts": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }


def test_an_unreachable_server_is_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    away = create_engine("postgresql+psycopg://ana@127.0.0.1:1/none")
    answer = _client(telemetry.standard_checks(away, Redis(port=1, retry=Retry(NoBackoff(), 0)))).get(
        "/readyz"
    )
    assert answer.status_code == 503
    assert answer.get_json()["parts"] == dict.fromkeys(
        ("database", "migrations", "redis"), "cannot be reached"
    )
    assert len(caplog.records) == 3
    assert _client().get("/healthz").get_json() == {"status": "ok"}


def test_a_database_without_its_migrations_is_not_ready(running: engines.TestEngines) -> None:
    engines.drop(running.owner_database_url, "unmigrated")
    url = engines.clone(running.owner_database_url, "template0", "unmigrated")
    empty = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with Redis.from_url(running.redis_url) as redis:
        answer = _client(telemetry.standard_checks(empty, redis)).get("/readyz")
    empty.dispose()
    engines.drop(running.owner_database_url, "unmigrated")
    assert answer.status_code == 503
    assert answer.get_json()["parts"]["migrations"] == "migrations are missing: run recupero db upgrade"


def test_requests_are_counted_by_route_and_no_token_becomes_a_label() -> None:
    client = _client()
    client.get("/pay/secret-token")
    client.get("/nowhere/secret-token")
    scraped = client.get("/metrics").get_data(as_text=True)
    assert 'recupero_http_request_seconds_count{method="GET",route="/pay/<token>",status="2xx"}' in scraped
    assert 'route="none",status="4xx"' in scraped
    assert "secret-token" not in scraped


def test_the_log_of_a_request_names_its_route_and_its_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = _client().get("/pay/secret-token", headers={"X-Request-Id": "abcdef-123456"})
    assert answer.headers["X-Request-Id"] == "abcdef-123456"
    (record,) = (record for record in caplog.records if record.getMessage() == "request")
    assert vars(record)["route"] == "/pay/<token>"
    assert "secret-token" not in str(vars(record))
    for bad in ("bad id\t", "56987654321", "GODE561231HDFRRN09"):
        ours = _client().get("/pay/x", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
        assert ours.isalnum()
        assert ours != bad


def test_gauges_are_measured_at_each_scrape(owner: Engine) -> None:
    def rows() -> float:
        with owner.connect() as connection:
            return float(connection.execute(text("SELECT 40 + 2")).scalar_one())

    client = _client(
        {},
        Gauge("recupero_rows", "Rows", rows),
        Gauge("recupero_queue", "Waiting", lambda: {("bulk",): 7, ("urgent",): 0}, labels=("queue",)),
    )
    scraped = client.get("/metrics").get_data(as_text=True)
    assert "recupero_rows 42.0" in scraped
    assert 'recupero_queue{queue="bulk"} 7.0' in scraped


def test_a_gauge_that_fails_is_shown_and_hides_no_other() -> None:
    def broken() -> float:
        raise RuntimeError("no such table")

    client = _client({}, Gauge("recupero_broken", "x", broken), Gauge("recupero_fine", "x", lambda: 1))
    scraped = client.get("/metrics").get_data(as_text=True)
    assert 'recupero_gauge_failed{gauge="recupero_broken"} 1.0' in scraped
    assert "recupero_fine 1.0" in scraped


def test_metrics_are_for_this_machine_or_for_the_token() -> None:
    client = _client(token="opensesame")
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base=_STRANGER).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    for sent, status in (("opensesame", 200), ("opensesam", 403), ("ópensesame", 403)):
        headers = {"Authorization": f"Bearer {sent}"}
        assert client.get("/metrics", headers=headers, environ_base=_STRANGER).status_code == status
    nothing = {"Authorization": "Bearer "}
    assert _client().get("/metrics", headers=nothing, environ_base=_STRANGER).status_code == 403


def test_web_processes_are_counted_together(tmp_path: Path) -> None:
    """Two processes with one folder, as gunicorn's workers have: a scrape of either counts both."""
    script = (
        "import os\nfrom flask import Flask\nfrom recupero.kernel import telemetry\n"
        "app = Flask('x')\ntelemetry.install(app, checks={})\napp.get('/page')(lambda: 'x')\n"
        "other = os.fork()\nclient = app.test_client()\nclient.get('/page')\n"
        "if other == 0:\n    os._exit(0)\n"
        "os.wait()\nprint(client.get('/metrics').get_data(as_text=True))"
    )
    environment = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(recupero.__file__).parents[1]),
    }
    command = [sys.executable, "-c", script]
    scraped = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert 'recupero_http_request_seconds_count{method="GET",route="/page",status="2xx"} 2.0' in scraped
