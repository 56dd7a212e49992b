"""The providers' address stands before the pages: it takes events and nothing else, and names nobody."""

import io
import logging
from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import REGISTRY
from werkzeug.test import Client

from recupero.kernel import runtime
from recupero.payments.gateways.webhooks import MAX_BODY, ROUTE, Webhooks
from tests.factories import World


def pages(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"a page"]


@pytest.fixture
def client(platform: runtime.Runtime) -> Client:
    return Client(Webhooks(pages, https_only=False))


def test_other_addresses_are_left_to_the_pages() -> None:
    client = Client(Webhooks(pages, https_only=False))
    for path in ("/", "/webhooks", "/p/webhooks/sandbox/1"):
        assert client.get(path).get_data() == b"a page"
    for path in ("/webhooks/", "/webhooks/sandbox", "/webhooks/sandbox/1/", "/webhooks/sandbox/1/2"):
        assert client.post(path).status_code == 404


def test_an_event_is_sent_by_post() -> None:
    for method in ("get", "head", "put", "delete", "options"):
        answer = getattr(Client(Webhooks(pages, https_only=False)), method)("/webhooks/sandbox/1")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_where_the_platform_is_encrypted_an_event_is_too(platform: runtime.Runtime) -> None:
    client = Client(Webhooks(pages, https_only=True))
    assert client.post("/webhooks/nothing/1").status_code == 403
    assert client.post("/webhooks/nothing/1", base_url="https://x").status_code == 404
    behind_a_proxy = {"X-Forwarded-Proto": "https"}
    assert client.post("/webhooks/nothing/1", headers=behind_a_proxy).status_code == 404


def test_a_body_without_a_length_is_not_read_beyond_the_limit(client: Client) -> None:
    sent = io.BytesIO(b"x" * (2 * MAX_BODY))
    answer = client.post(
        "/webhooks/sandbox/1",
        environ_overrides={"wsgi.input": sent, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert answer.status_code == 413
    assert sent.tell() <= MAX_BODY + 1


def test_an_unknown_address_names_no_creditor(client: Client, world: World) -> None:
    world.tenant()
    for path in ("/webhooks/sandbox/987654321", "/webhooks/nothing/1", "/webhooks/sandbox/%F1"):
        answer = client.post(path)
        assert (answer.status_code, answer.json) == (404, {"message": "no such address"})


def test_answers_are_json_that_no_cache_keeps(client: Client) -> None:
    answer = client.post("/webhooks/sandbox/1", headers={"X-Request-Id": "abcdef-123456"})
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"] == "abcdef-123456"


def test_events_are_counted_and_logged_by_route(caplog: pytest.LogCaptureFixture) -> None:
    labels = {"method": "POST", "route": ROUTE, "status": "4xx"}

    def counted() -> float:
        return REGISTRY.get_sample_value("recupero_http_request_seconds_count", labels) or 0.0

    before = counted()
    with caplog.at_level(logging.INFO):
        Client(Webhooks(pages, https_only=True)).post("/webhooks/secret/1")
    assert counted() == before + 1
    (record,) = (record for record in caplog.records if record.getMessage() == "request")
    assert vars(record)["route"] == ROUTE
    assert "secret" not in str(vars(record))


def test_what_fails_is_told_as_a_failure_so_that_it_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    closed = io.BytesIO()
    closed.close()  # reading it raises, as a connection that broke does
    with caplog.at_level(logging.ERROR):
        answer = Client(Webhooks(pages, https_only=False)).post(
            "/webhooks/sandbox/1", environ_overrides={"wsgi.input": closed}
        )
    assert answer.status_code == 500
    assert "an event could not be taken in" in caplog.text
