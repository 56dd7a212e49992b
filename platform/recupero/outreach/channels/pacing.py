"""What a provider account takes: messages a second, and connections at once, kept by all workers together.

The counts live in Redis, by account: creditors whose connector has the same secrets share one. A worker that
carries a batch out takes as many messages as the account will take within `HELD`; it sends them at that pace,
and holds no place longer. The others are put off, each to a moment of its own behind those put off before it,
so that no worker waits for them and nothing is asked for again and again. An emptied Redis begins anew.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from recupero.kernel import clock, crypto, runtime
from recupero.outreach.channels.connectors import Connector
from recupero_sdk.channels import Channel
from recupero_sdk.settings import PluginConfig

#: How long a worker may be kept by a slow account, in seconds.
HELD = 5.0
#: A place of a worker that died is free again after this; longer than a batch takes.
_PLACE_LASTS = timedelta(minutes=10)
_KEPT_SECONDS = 7 * 86_400

# KEYS: next free moment, end of those put off. ARGV: now, seconds between messages, wanted, held, how many go
# in any case, for how long keys are kept. Answers: how many may go, the moment of the first, the moment of
# the first put off, whether any wait.
_TAKE = """
local now, gap, wanted, held = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local first = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local room = math.max(tonumber(ARGV[5]), math.min(wanted, math.ceil((now + held - first) / gap - 0.000001)))
local next = first + room * gap
redis.call('SET', KEYS[1], string.format('%.6f', next), 'EX', ARGV[6])
local before = tonumber(redis.call('GET', KEYS[2]) or '0')
local behind = math.max(before, next)
if wanted > room then
    redis.call('SET', KEYS[2], string.format('%.6f', behind + (wanted - room) * gap), 'EX', ARGV[6])
end
local more = 0
if wanted > room or before > now then more = 1 end
return {room, string.format('%.6f', first), string.format('%.6f', behind), more}
"""
# KEYS: places. ARGV: now, places, name of the place, until when it lasts, for how long the key is kept.
_ENTER = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account takes; None is no limit."""

    per_second: float | None
    concurrency: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """An account as it is used now: its limits, connections in use, and until when messages wait for it."""

    limits: Limits
    busy: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Share:
    """How many messages of those wanted may go now, and when the others may, `gap` seconds apart."""

    room: int
    behind: float
    gap: float
    more: bool  # whether others wait, of these or of earlier batches

    def moment(self, place: int) -> datetime:
        """When the one at `place` of those put off may go."""
        return datetime.fromtimestamp(self.behind + place * self.gap, UTC)


def limits_of(channel: Channel, config: PluginConfig) -> Limits:
    """The limits of an account: its settings where the connector names them, else the connector's own."""
    known = {setting.name: setting.default for setting in channel.settings}
    own = channel.capabilities
    speed = config.get("per_second", known["per_second"]) if "per_second" in known else own.per_second
    places = config.get("concurrency", known["concurrency"]) if "concurrency" in known else own.concurrency
    return Limits(float(speed) if speed else None, int(places) if places else None)


def account(key: str, config: PluginConfig, tenant_id: int) -> str:
    """The name of a provider account: what has the same secrets is one, for whichever creditor."""
    told = json.dumps(sorted(config.secrets.items())) if config.secrets else str(tenant_id)
    digest = hashlib.sha256(crypto.keyring().blind_index(f"{key}:{told}")).hexdigest()[:24]
    return f"pace:{key}:{digest}"


def use(channel: Channel, config: PluginConfig, tenant_id: int) -> Use:
    """How much of an account is in use, for its page."""
    redis, name, now = runtime.current().redis, account(channel.key, config, tenant_id), _now()
    busy = redis.zcount(f"{name}:places", f"({now}", "+inf")
    behind = float(redis.get(f"{name}:behind") or 0)
    until = datetime.fromtimestamp(behind, UTC) if behind > now else None
    return Use(limits_of(channel, config), int(busy), until)


def _now() -> float:
    return clock.now().timestamp()


@dataclass(slots=True)
class Gate:
    """One batch before the accounts of its connectors: it enters each at most once, and leaves all at the
    end."""

    tenant_id: int
    _name: str = field(default_factory=lambda: uuid.uuid4().hex)
    _entered: set[str] = field(default_factory=set)
    _starts: dict[str, float] = field(default_factory=dict)

    def enters(self, connector: Connector) -> bool:
        """Whether a connection is free; it is this batch's then."""
        places = limits_of(connector.loaded(), connector.config).concurrency
        if places is None:
            return True
        key = f"{account(connector.key, connector.config, self.tenant_id)}:places"
        lasts = clock.now() + _PLACE_LASTS
        free = runtime.current().redis.eval(
            _ENTER, 1, key, _now(), places, self._name, lasts.timestamp(), _KEPT_SECONDS
        )
        if free:
            self._entered.add(key)
        return bool(free)

    def share(self, connector: Connector, wanted: int, least: int) -> Share:
        """How many of so many messages may go now; at least `least` do, whoever else waits."""
        speed = limits_of(connector.loaded(), connector.config).per_second
        if speed is None or wanted == 0:
            return Share(wanted, 0.0, 0.0, more=False)
        name = account(connector.key, connector.config, self.tenant_id)
        room, first, behind, more = runtime.current().redis.eval(
            _TAKE, 2, f"{name}:next", f"{name}:behind", _now(), 1 / speed, wanted, HELD, least, _KEPT_SECONDS
        )
        self._starts[connector.key] = float(first)
        return Share(int(room), float(behind), 1 / speed, more=bool(more))

    def parts(self, connector: Connector, count: int) -> Iterator[slice]:
        """Slices of `count` messages in the connector's batches, each at the moment the account takes it."""
        channel = connector.loaded()
        size, speed = max(1, channel.capabilities.batch_size), limits_of(channel, connector.config).per_second
        if speed is not None:
            size = min(size, max(1, int(speed)))
        at = self._starts.get(connector.key, 0.0)
        for start in range(0, count, size):
            if speed is not None:
                _wait_until(at + start / speed)
            yield slice(start, start + size)

    def leave(self) -> None:
        """Give the connections back."""
        for key in self._entered:
            runtime.current().redis.zrem(key, self._name)
        self._entered.clear()


@contextmanager
def gate(tenant_id: int) -> Iterator[Gate]:
    """A gate that is left at the end, come what may."""
    opened = Gate(tenant_id)
    try:
        yield opened
    finally:
        opened.leave()


def _wait_until(moment: float) -> None:
    """Within `HELD` by the making of shares. A simulated clock is nobody's to wait for."""
    if not clock.is_simulated():
        time.sleep(max(0.0, min(moment - _now(), HELD)))
