"""Sending through Twilio's Messages API, each key once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from recupero_channel_sms import hearing
from recupero_channel_sms.failures import REFUSALS
from recupero_sdk import twilio
from recupero_sdk.batches import all_refused, one_by_one
from recupero_sdk.channels import E164, Capabilities, Cost, Message, Receipt, SendOutcome
from recupero_sdk.inbound import InboundAnswer, InboundRequest
from recupero_sdk.prices import Tariff
from recupero_sdk.settings import PluginConfig, Setting
from recupero_sdk.sms import REPLACING, replaced, segments

#: The longest text that Twilio takes, in characters.
MAX_CHARACTERS = 1600
#: Words without a code of their own count as the same message for so long.
REPEAT = timedelta(days=1)
#: How many of the newest messages to a number are looked through for a repeated one.
LOOKED_THROUGH = 20
_NEVER_LEFT = ("failed", "canceled")
_WHOLE_NUMBERS = ("max_segments", "attachment_bytes", "per_second", "concurrency", "timeout")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A message as it would go out."""

    message: Message
    text: str
    units: int
    cost: Cost | None


class Sms:
    """Text messages over one Twilio account."""

    key = "sms"
    capabilities = Capabilities(
        channels=("sms",),
        two_way=True,
        confirms_delivery=True,
        batch_size=50,
        unit_cost_minor=5,
        cost_currency="USD",
    )
    settings: Sequence[Setting] = (
        Setting("account_sid", "Account SID (AC…)", required=True),
        Setting("auth_token", "Auth token", required=True, secret=True),
        Setting("from_number", "Sender: number in E.164, short code or name"),
        Setting("messaging_service", "Messaging service SID (MG…), instead of a sender or beside it"),
        Setting("prices", "Price of a segment by prefix: default=0.05, +52=0.0431"),
        Setting("currency", "Currency of the prices", default="USD"),
        Setting("replace", "Replace look-alikes: none, typographic or accents", default="typographic"),
        Setting("max_segments", "Segments at most", default="24"),
        Setting("attachment_bytes", "Largest attachment in bytes", default="5000000"),
        Setting("per_second", "Messages a second that the account takes"),
        Setting("concurrency", "Connections at once"),
        Setting("timeout", "Seconds to wait", default="20"),
        Setting("api_base", "Address of the API, for tests"),
    )

    def check(self, config: PluginConfig) -> str | None:
        """What is missing or malformed in the settings. Connects to nothing."""
        if problem := twilio.problem(config) or config.not_above_zero(*_WHOLE_NUMBERS):
            return problem
        if not config.get("from_number") and not config.get("messaging_service"):
            return "from_number or messaging_service is missing"
        if config.get("messaging_service") and not config.get("messaging_service").startswith("MG"):
            return "messaging_service must begin with MG"
        if config.get("replace", "typographic") not in REPLACING:
            return f"replace must be one of {', '.join(REPLACING)}"
        try:
            _tariff(config)
        except ValueError as error:
            return f"prices: {error}"
        return None

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """The receipts `send` would give, with segments and price; asks nobody."""
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        return [_foreseen(_draft(message, config)) for message in messages]

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """One request a message over one connection, and before it one that looks whether the message went
        out already. A message in doubt is looked for once more.

        Raises `Uncertain` where a connection broke while Twilio had a message and it is not to be found.
        """
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        with twilio.reached(config) as client:
            return one_by_one(messages, lambda message: _send(client, message, config))

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """News of our messages, and what people write to us."""
        return hearing.hear(request, config)


def _tariff(config: PluginConfig) -> Tariff:
    return Tariff.parse(config.get("prices"), config.get("currency", "USD"))


def _foreseen(draft: _Draft | Receipt) -> Receipt:
    if isinstance(draft, Receipt):
        return draft
    return Receipt(draft.message.key, SendOutcome.SENT, cost=draft.cost)


def _draft(message: Message, config: PluginConfig) -> _Draft | Receipt:
    """The message as it would go out, or why it cannot."""
    if not E164.fullmatch(message.recipient):
        return Receipt(message.key, SendOutcome.PERMANENT, reason="the number is not in E.164")
    text = replaced(message.text.replace("\r\n", "\n").strip(), config.get("replace", "typographic"))
    if not text:
        return Receipt(message.key, SendOutcome.REFUSED, reason="there are no words")
    units, most = segments(text), int(config.get("max_segments", "24"))
    if units > most or len(text) > MAX_CHARACTERS:
        reason = f"the text is too long: {units} segments, {len(text)} characters; {most} segments at most"
        return Receipt(message.key, SendOutcome.REFUSED, reason=reason)
    return _Draft(message, text, units, _tariff(config).cost(message.recipient, units))


def _send(client: Client, message: Message, config: PluginConfig) -> Receipt:
    """The receipt. Raises `Stopped` and `InDoubt`."""
    draft = _draft(message, config)
    if isinstance(draft, Receipt):
        return draft
    parameters = _parameters(draft, config)
    try:
        known = twilio.once(
            lambda: _sent_already(client, draft),
            lambda: twilio.taken(lambda: client.messages.create(**parameters)),
        )
    except TwilioException as error:
        return REFUSALS.receipt(error, message.key)
    return Receipt(message.key, SendOutcome.SENT, known.sid, cost=_cost(draft, known, config))


def _parameters(draft: _Draft, config: PluginConfig) -> dict[str, str]:
    message = draft.message
    found = {
        "from_": config.get("from_number"),
        "messaging_service_sid": config.get("messaging_service"),
        "status_callback": message.callback_url,
    }
    return {
        "to": message.recipient,
        "body": draft.text,
        **{name: text for name, text in found.items() if text},
    }


def _sent_already(client: Client, draft: _Draft) -> Any:
    """The message as Twilio has it, or None. Twilio knows no idempotency key and gives back nothing of ours
    but the words: the message's code in them tells it; without one the same words within a day do."""
    code, since = draft.message.code, datetime.now(UTC) - REPEAT
    number = draft.message.recipient
    for known in twilio.read(lambda: client.messages.list(to=number, limit=LOOKED_THROUGH)):
        body = known.body or ""
        if known.direction == "inbound" or known.status in _NEVER_LEFT:
            continue
        if code and code in draft.text:
            if code in body:
                return known
        elif body.endswith(draft.text) and known.date_created and known.date_created > since:
            return known
    return None


def _cost(draft: _Draft, known: Any, config: PluginConfig) -> Cost | None:
    """By Twilio's own count of segments, which a messaging service tells only later (0 until then)."""
    counted = int(known.num_segments or 0)
    if counted in (0, draft.units):
        return draft.cost
    return _tariff(config).cost(draft.message.recipient, counted)
