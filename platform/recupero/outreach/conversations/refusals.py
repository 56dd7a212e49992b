"""Requests in a provider's name that a connector refused, and entries that it could not read, counted
by creditor and connector.

One that is forged harms nobody. Many that are not mean that a secret or the public address differs on the two
sides, and that news and answers stay away: so the connector's page tells. The counts live in Redis, until
none came for a week.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from recupero.kernel import clock, runtime

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Refused:
    """How many since when, the moment of the newest and why it was refused, in the connector's words."""

    count: int
    since: datetime
    newest: datetime
    reason: str


def note(tenant_id: int, connector: str, reason: str, count: int = 1) -> None:
    """So many more were refused."""
    key, now = _key(tenant_id, connector), clock.now().isoformat()
    pipeline = runtime.current().redis.pipeline()
    pipeline.hincrby(key, "count", count)
    pipeline.hsetnx(key, "since", now)
    pipeline.hset(key, mapping={"newest": now, "reason": reason[:200]})
    pipeline.expire(key, KEPT)
    pipeline.execute()


def of(tenant_id: int, connector: str) -> Refused | None:
    """What was refused; None where nothing was."""
    names = ("count", "since", "newest", "reason")
    told = runtime.current().redis.hmget(_key(tenant_id, connector), names)
    count, since, newest, reason = (
        one.decode() if isinstance(one, bytes) else str(one or "") for one in told
    )
    if not count:
        return None
    return Refused(int(count), datetime.fromisoformat(since), datetime.fromisoformat(newest), reason)


def _key(tenant_id: int, connector: str) -> str:
    return f"refused:{tenant_id}:{connector}"
