"""The door for events of payment providers: checked, stored once, answered at once; `inbox` works them."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from recupero.kernel import clock, crypto, jobs
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import UserError
from recupero.payments.gateways import gateways
from recupero_sdk.gateways import Gateway, InvalidSignature, StaleEvent
from recupero_sdk.settings import PluginConfig

#: A process keeps a creditor's gateway settings for this long. A new secret counts at once, since a signature
#: that does not hold is checked again by settings that are read afresh; an old one is taken for as long.
KEPT_SECONDS = 5.0
_MOST_KEPT = 4096
_JOB, _QUEUE = "payments.process_events", "urgent"

# One round trip for an event, its job and the commit.
STORE = f"""
WITH stored AS (
    INSERT INTO provider_events
        (gateway, agency_id, tenant_id, event_id, body, headers, state, received_at)
    SELECT %(gateway)s, %(agency)s, %(tenant)s, told.event_id, told.body, told.headers::jsonb, 'received',
           %(now)s
    FROM unnest(%(event_ids)s::text[], %(bodies)s::bytea[], %(headers)s::text[])
         AS told(event_id, body, headers)
    ON CONFLICT (gateway, tenant_id, event_id) DO NOTHING
    RETURNING id
), asked AS (
    {jobs.ASK.format(when="EXISTS (SELECT FROM stored)")}
)
SELECT (SELECT count(*) FROM stored), (SELECT id FROM asked)
"""  # noqa: S608 - a statement of our own

Told = tuple[bytes, Mapping[str, str]]
Opened = tuple[Gateway, PluginConfig]
_kept: "WeakKeyDictionary[Database, dict[tuple[int, str], tuple[float, Opened]]]" = WeakKeyDictionary()


class BadSignature(UserError):
    """The event was not signed with the creditor's secret."""

    status = 401


class BadEvent(UserError):
    """The event is too old, or is no event."""

    status = 400


def receive_event(
    database: Database, scope: Scope, gateway_key: str, body: bytes, headers: Mapping[str, str]
) -> bool:
    """Check a provider's event for the tenant in scope, store it once and ask a worker to book it.

    False where it is stored already. Raises NotFound (no such gateway), BadSignature or BadEvent.
    """
    return bool(receive_events(database, scope, gateway_key, [(body, headers)]))


def receive_events(database: Database, scope: Scope, gateway_key: str, told: Sequence[Told]) -> int:
    """Many events of the tenant in scope at once (a provider's log played back), each checked, all stored by
    one statement; how many are new. Raises as `receive_event` does, and then stores none."""
    now = clock.now()
    ids = [_checked(database, scope, gateway_key, body, headers, now) for body, headers in told]
    stored, asked = database.at_once(STORE, parameters(scope, gateway_key, ids, told, now))
    if asked is not None:
        jobs.send_asked(asked, _QUEUE)
    return int(stored)


def parameters(
    scope: Scope, gateway_key: str, ids: Sequence[str], told: Sequence[Told], now: datetime
) -> dict[str, Any]:
    """What `STORE` takes. Only the signatures are kept of the headers, to check the event once more."""
    signatures = [
        {name: value for name, value in headers.items() if "signature" in name.lower()} for _, headers in told
    ]
    return {
        "gateway": gateway_key, "agency": scope.agency(), "tenant": scope.tenant(), "now": now,
        "event_ids": list(ids),
        "bodies": crypto.keyring().encrypt_many([body.decode() for body, _ in told]),
        "headers": [json.dumps(one) for one in signatures],
        **jobs.ask_parameters(_JOB, queue=_QUEUE, scope=scope, unique_key=_unique_key(scope)),
    }  # fmt: skip


def ask_worker(database: Database, scope: Scope) -> None:
    """One job books all events that wait for the tenant in scope; while it is queued none is added."""
    with database.transaction(scope) as session:
        jobs.enqueue(session, _JOB, queue=_QUEUE, unique_key=_unique_key(scope))


def _unique_key(scope: Scope) -> str:
    return f"events:{scope.tenant()}"


def _checked(
    database: Database,
    scope: Scope,
    gateway_key: str,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
) -> str:
    """The event's id, once its signature and age hold. Raises BadSignature or BadEvent."""
    try:
        try:
            event_id = _read(_opened(database, scope, gateway_key), body, headers, now)
        except InvalidSignature:  # by settings that may have changed since
            event_id = _read(_opened(database, scope, gateway_key, afresh=True), body, headers, now)
        event_id.encode(), body.decode()  # as they are stored
    except InvalidSignature as error:
        raise BadSignature("the event's signature does not hold: %(why)s", why=error) from error
    except StaleEvent as error:
        raise BadEvent("the event cannot be taken: %(why)s", why=error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadEvent("the event cannot be read") from error
    if "\0" in event_id:  # which no text in the database may hold
        raise BadEvent("the event cannot be read")
    return event_id


def _read(opened: Opened, body: bytes, headers: Mapping[str, str], now: datetime) -> str:
    gateway, config = opened
    return gateway.read_event(body, headers, config, now=now).event_id


def _opened(database: Database, scope: Scope, key: str, *, afresh: bool = False) -> Opened:
    """The tenant's gateway and its settings, `KEPT_SECONDS` old at most. Raises NotFound."""
    kept, now = _kept.setdefault(database, {}), time.monotonic()
    until, opened = kept.get((scope.tenant(), key), (0.0, None))
    if opened is not None and now < until and not afresh:
        return opened
    with database.transaction(scope) as session:
        opened = gateways.open_gateway(session, key)
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[scope.tenant(), key] = now + KEPT_SECONDS, opened
    return opened
