"""Handing messages to an agency's own system, each key once (the README tells the form)."""

import http.client
import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from recupero_channel_webhook import hearing
from recupero_channel_webhook.reach import Forbidden, Target, connected, foreseen, target_of
from recupero_sdk.batches import InDoubt, Stopped, all_refused, one_by_one
from recupero_sdk.channels import Capabilities, Cost, Message, Receipt, SendOutcome
from recupero_sdk.inbound import InboundAnswer, InboundRequest
from recupero_sdk.settings import PluginConfig, Setting
from recupero_sdk.signatures import SHORTEST_SECRET, signed_headers

CARRIED = ("email", "sms", "whatsapp", "letter")
MOST_BYTES = 65_536
_FIELDS = (
    "key", "channel", "recipient", "subject", "text", "html", "language", "sender_name", "reply_to",
    "unsubscribe_url", "template", "code", "answers", "callback_url",
)  # fmt: skip
_PASSING = (408, 425, 429)
_FOR_ALL = (401, 403, 404, 405)
_DEAD = 410


class Webhook:
    """An agency's own system behind an https address."""

    key = "webhook"
    capabilities = Capabilities(channels=CARRIED, two_way=True, confirms_delivery=True, batch_size=50)
    settings: Sequence[Setting] = (
        Setting("url", "Address that takes the messages (https)", required=True),
        Setting("secret", "Secret that signs, both ways", required=True, secret=True),
        Setting("channels", "Channels that go there: email, sms, whatsapp, letter", required=True),
        Setting("per_second", "Messages a second that it takes"),
        Setting("concurrency", "Connections at once"),
        Setting("timeout", "Seconds to wait", default="20"),
    )

    def check(self, config: PluginConfig) -> str | None:
        """What is missing or malformed in the settings. Connects to nothing."""
        if problem := (
            config.missing("url", "secret", "channels")
            or config.not_above_zero("per_second", "concurrency", "timeout")
        ):
            return problem
        if len(config.get("secret")) < SHORTEST_SECRET:
            return f"secret must have at least {SHORTEST_SECRET} characters"
        unknown = set(hearing.channels_of(config)) - set(CARRIED)
        if unknown:
            return f"channels must be of {', '.join(CARRIED)}"
        try:
            foreseen(target_of(config.get("url")))
        except (ValueError, Forbidden) as error:
            return str(error)
        return None

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Which messages would be handed over; connects to nothing."""
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        return [_unfit(message, config) or Receipt(message.key, SendOutcome.SENT) for message in messages]

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """One request a message over one connection.

        Raises `Uncertain` where a connection broke, or an answer made no sense, while the other side had a
        message.
        """
        problem, line = self.check(config), _Line(config)
        if problem:
            return all_refused(messages, problem)
        try:
            return one_by_one(messages, lambda one: _unfit(one, config) or line.carry(one))
        finally:
            line.close()

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """What became of messages, and what people wrote."""
        return hearing.hear(request, config)


def _unfit(message: Message, config: PluginConfig) -> Receipt | None:
    if message.channel in hearing.channels_of(config):
        return None
    reason = "this channel does not go there: see the setting channels"
    return Receipt(message.key, SendOutcome.REFUSED, reason=reason)


class _Line:
    """The connection of one batch, opened with its first message and again where the other side closed it."""

    def __init__(self, config: PluginConfig) -> None:
        self._config = config
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def carry(self, message: Message) -> Receipt:
        """The receipt. Raises `Stopped` and `InDoubt`."""
        body = json.dumps({name: getattr(message, name) for name in _FIELDS}).encode()
        target = target_of(self._config.get("url"))
        connection = self._opened(target)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": json.dumps(message.key)[1:-1],
            "User-Agent": "Recupero",
            **signed_headers(self._config.get("secret"), body),
        }
        try:
            connection.request("POST", target.path, body, headers)
            answer = connection.getresponse()
            content = answer.read(MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise InDoubt(f"connection lost: {type(error).__name__}") from error
        if answer.will_close or len(content) > MOST_BYTES:
            self.close()
        return _receipt(message, answer.status, content)

    def _opened(self, target: Target) -> http.client.HTTPConnection:
        if self._connection is None or self._connection.sock is None:
            try:
                self._connection = connected(target, float(self._config.get("timeout", "20")))
            except Forbidden as error:
                raise Stopped(SendOutcome.REFUSED, str(error)) from error
            except OSError as error:
                raise Stopped(SendOutcome.RETRY, f"no connection: {type(error).__name__}") from error
        return self._connection


def _receipt(message: Message, status: int, content: bytes) -> Receipt:
    """What an answer means. Raises `Stopped` for what holds for all, `InDoubt` where it was taken unsaid."""
    reason = f"HTTP {status}"
    if 200 <= status < 300:
        told = _told(content)
        reference = told.get("reference")
        if not isinstance(reference, str) or not 0 < len(reference) <= 180 or not reference.isprintable():
            raise InDoubt(f"{reason} without a reference")
        return Receipt(message.key, SendOutcome.SENT, reference, cost=_cost(told.get("cost")))
    if status in _PASSING or status >= 500:
        raise Stopped(SendOutcome.RETRY, reason)
    if 300 <= status < 400:
        raise Stopped(SendOutcome.REFUSED, f"{reason}: redirects are not followed")
    if status in _FOR_ALL:
        raise Stopped(SendOutcome.REFUSED, reason)
    return Receipt(
        message.key, SendOutcome.PERMANENT if status == _DEAD else SendOutcome.REFUSED, reason=reason
    )


def _told(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _cost(told: object) -> Cost | None:
    """The price where it is told as it should be; a message that was sent does not fail over its price."""
    if not isinstance(told, dict):
        return None
    amount, currency, units = told.get("amount"), told.get("currency"), told.get("units", 1)
    if not isinstance(amount, str) or not isinstance(currency, str) or type(units) is not int or units < 1:
        return None
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return None
    right = value.is_finite() and 0 <= value < 1_000_000 and len(currency) == 3 and currency.isupper()
    return Cost(round(value * 1_000_000), currency, units) if right else None
