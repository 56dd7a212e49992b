"""Creditors' systems are told of what happens: signed, in the same transaction, at least once."""

import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from sqlalchemy import select, update

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.payments.books import booking, promises
from recupero.payments.books.booking import Received
from recupero.placements import service as placements
from recupero.reports.webhooks import line, sending, service, telling
from recupero.reports.webhooks.tables import WebhookEvent
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import Machine, machine
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor


@dataclass
class Listener:
    """A creditor's system: it keeps what it is told, and answers with `status`."""

    url: str = ""
    status: int = 200
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _headers, body in self.told]


@pytest.fixture
def listener(platform: runtime.Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    found = Listener()

    class Hear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.told.append((dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hear)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    monkeypatch.setitem(platform.config.environment, line.ALLOWED, "127.0.0.1")
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def owed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    return place(platform, world.tenant(), [{"principal": 100_000}])


@pytest.fixture
def visitor(app: Flask, platform: runtime.Runtime) -> Visitor:
    return Visitor(app.test_client(), platform)


@contextmanager
def listening(platform: runtime.Runtime, scope: Scope, url: str, *kinds: str) -> Iterator[tuple[int, str]]:
    """A webhook's id and secret."""
    with platform.database.transaction(scope) as session:
        made = service.add(session, name="erp", url=url, kinds=kinds or telling.KINDS, actor="user:1")
    yield made.id, made.secret


def pay(platform: runtime.Runtime, placed: Placed, key: str, amount: int = 40_000) -> None:
    with platform.database.transaction(placed.scope) as session:
        booking.book_payment(
            session,
            Received(
                external_key=key, kind="manual", amount_minor=amount, currency="CLP", received_at=clock.now(),
                debtor_id=placed.debtor_id, account_ids=tuple(placed.account_ids),
            ),
        )  # fmt: skip


def states(platform: runtime.Runtime, scope: Scope) -> list[tuple[str, str, int]]:
    with platform.database.transaction(scope) as session:
        rows = session.execute(select(WebhookEvent).order_by(WebhookEvent.id)).scalars()
        return [(row.kind, row.state, row.attempts) for row in rows]


def test_what_happens_is_told_signed_and_names_no_person(
    platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    with listening(platform, owed.scope, listener.url) as (_webhook_id, secret):
        pay(platform, owed, "p-1")
        with platform.database.transaction(owed.scope) as session:
            promises.make_promise(
                session, account_id=owed.account_ids[0], amount_minor=5_000,
                due_date=clock.now().date() + timedelta(days=3), made_with="api",
            )  # fmt: skip
            placements.open_hold(
                session, debtor_id=owed.debtor_id, account_id=None, kind="dispute", source="test"
            )
            placements.open_hold(
                session, debtor_id=owed.debtor_id, account_id=None, kind="hardship", source="test"
            )
        with platform.database.transaction(owed.scope) as session:
            placements.recall_accounts(session, owed.account_ids)
        jobs.drain()
    assert listener.types() == [
        "payment.booked", "promise.made", "dispute.opened", "account.closed", "account.recalled",
    ]  # fmt: skip
    headers, body = listener.told[0]
    told = json.loads(body)
    assert told["data"]["amount_minor"] == 40_000
    assert [one["id"] for one in told["data"]["accounts"]] == owed.account_ids
    assert (told["creditor_id"], told["id"]) == (owed.scope.tenant(), headers["Recupero-Event"])
    moment, mark = headers["Recupero-Signature"].split(",")
    signed = moment.removeprefix("t=").encode() + b"." + body
    assert mark == "v1=" + hmac.new(secret.encode(), signed, "sha256").hexdigest()
    assert "María" not in str(listener.told)


def test_what_is_rolled_back_is_never_told(
    platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    with (
        listening(platform, owed.scope, listener.url),
        pytest.raises(RuntimeError, match="after all"),
        platform.database.transaction(owed.scope) as session,
    ):
        placements.close_accounts(session, owed.account_ids, "CEASED")
        raise RuntimeError("not after all")
    jobs.drain()
    assert states(platform, owed.scope) == [] == listener.told


def test_only_what_was_asked_for_is_told_and_to_nobody_else(
    platform: runtime.Runtime, world: World, owed: Placed, listener: Listener
) -> None:
    other = world.tenant(Scope(owed.scope.agency_id))
    with (
        listening(platform, owed.scope, listener.url, "account.recalled"),
        listening(platform, other, listener.url),
    ):
        pay(platform, owed, "p-1")
        jobs.drain()
    assert listener.told == []


def test_a_failure_is_tried_again_later_then_given_up_and_sent_again_by_hand(
    platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    listener.status = 302  # a redirect is no answer, and is not followed
    with listening(platform, owed.scope, listener.url, "payment.booked") as (webhook_id, _secret):
        pay(platform, owed, "p-1", 1_000)
        pay(platform, owed, "p-2", 1_000)
        jobs.drain()
        assert len(listener.told) == 1  # the second waits for the first one's next try
        for pause in sending.PAUSES:
            clock.advance(pause + timedelta(minutes=1))
            jobs.drain()
        assert states(platform, owed.scope)[0] == ("payment.booked", "dead", len(sending.PAUSES) + 1)
        listener.status, first = 204, json.loads(listener.told[0][1])["id"]
        with platform.database.transaction(owed.scope) as session:
            assert service.dead(session)[webhook_id] >= 1
            service.again(session, webhook_id, int(first.removeprefix("evt_")), actor="user:1")
        jobs.drain()
        assert states(platform, owed.scope)[0] == ("payment.booked", "delivered", 1)
        assert json.loads(listener.told[-1][1])["id"] == first


def test_what_a_dead_worker_was_sending_is_sent_again(
    platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    with listening(platform, owed.scope, listener.url, "payment.booked"):
        pay(platform, owed, "p-1")
        assert len(sending._claim(platform.database, owed.scope)) == 1  # and then it died
        jobs.drain()
        assert listener.told == []
        clock.advance(sending.LEASE + timedelta(minutes=1))
        assert sending.revive(platform.database, owed.scope)
        jobs.drain()
    assert [state for _kind, state, _tries in states(platform, owed.scope)] == ["delivered"]
    assert len(listener.told) == 1


def test_an_old_secret_signs_beside_the_new_one_for_a_day(
    platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    with listening(platform, owed.scope, listener.url, "payment.booked") as (webhook_id, old):
        with platform.database.transaction(owed.scope) as session:
            new = service.rotate(session, webhook_id, actor="user:1")
        pay(platform, owed, "p-1", 1_000)
        jobs.drain()
        clock.advance(timedelta(hours=25))
        pay(platform, owed, "p-2", 1_000)
        jobs.drain()
    first, second = (headers["Recupero-Signature"] for headers, _body in listener.told)
    moment = datetime.fromtimestamp(int(first.split(",")[0].removeprefix("t=")), clock.now().tzinfo)
    assert first == line.signature((new, old), listener.told[0][1], moment)
    assert second.count("v1=") == 1


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.1.2.3/", "ftp://a.example/",
     "https://169.254.169.254/latest", "https://[::ffff:192.168.0.1]/", "https://u:p@example.com/", "https://",
     "https://example.com:99999/", "https://exa mple.com/", "https://[64:ff9b::7f00:1]/", "https://100.64.0.1/"],
)  # fmt: skip
def test_no_address_of_a_private_network_is_taken(platform: runtime.Runtime, url: str) -> None:
    with pytest.raises(UserError) as refused:
        line.check_url(url)
    assert refused.value.field == "url"


def test_a_name_that_leads_into_a_private_network_is_not_called(platform: runtime.Runtime) -> None:
    with pytest.raises(line.Refused, match="private network"):
        line.post("https://localhost/x", b"{}", {})


def test_a_machine_sets_one_up_and_sees_what_was_told(
    app: Flask, platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    api: Machine = machine(app, platform, owed.scope)
    made = api.send(
        "/api/v1/webhooks",
        tenant_id=owed.scope.tenant(),
        name="erp",
        url=listener.url,
        kinds=["payment.booked"],
    )
    path = f"/api/v1/webhooks/{made['id']}"
    assert made["secret"].startswith("whsec_")
    assert "secret" not in api.get("/api/v1/webhooks")["items"][0]
    assert api.call("POST", f"{path}/test").status_code == 204
    jobs.drain()
    (event,) = api.get(f"{path}/events", state="delivered")["items"]
    assert (event["kind"], event["status"]) == ("test", 200)
    assert api.call("POST", f"{path}/events/{event['id']}/again").status_code == 204
    refused = api.send(path, 422, "PUT", name="erp", url="http://10.0.0.1/", kinds=["payment.booked"])
    assert refused["field"] == "url"
    api.send(path, 200, "PUT", name="erp", url=listener.url, kinds=["account.closed"], active=False)
    api.send(f"{path}/test", 409)
    assert api.call("DELETE", path).status_code == 204
    assert api.get("/api/v1/webhooks")["items"] == []
    reader = machine(app, platform, owed.scope, Permission.REPORTS_READ)
    assert reader.call("GET", "/api/v1/webhooks").status_code == 403


def test_a_creditors_administrator_sets_one_up_on_the_page(
    visitor: Visitor, platform: runtime.Runtime, owed: Placed, listener: Listener
) -> None:
    visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, owed.scope)
    page = visitor.send("/hooks", name="ERP", url="http://192.168.1.1/x", kinds="payment.booked")
    assert page.status_code == 422
    assert "192.168.1.1" in page.text
    made = visitor.send("/hooks", name="ERP", url=listener.url, kinds="payment.booked")
    assert "whsec_" in made.text
    with platform.database.transaction(owed.scope) as session:
        (webhook,) = service.webhooks(session)
    visitor.send(f"/hooks/{webhook.id}/test", _page=f"/hooks/{webhook.id}")
    jobs.drain()
    assert "HTTP 200" in visitor.get(f"/hooks/{webhook.id}").text
    assert webhook.secret not in visitor.get(f"/hooks/{webhook.id}").text
    with platform.database.transaction(owed.scope) as session:
        session.execute(update(WebhookEvent).values(state="dead"))
    assert "ERP" in visitor.get("/hooks").text
    visitor.send(f"/hooks/{webhook.id}/remove", _page=f"/hooks/{webhook.id}")
    assert "whsec" not in visitor.get("/hooks").text
