"""Sending through the Cloud API: free text while the window is open, an approved template otherwise.

The Cloud API knows no idempotency key and shows nobody what was sent. So the connector remembers by itself
which keys this process has handed over, and a key in doubt stays in doubt: nothing is sent again that may
have gone out. Each message carries its key (`biz_opaque_callback_data`); Meta's news bring it back and settle
one whose receipt was lost.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from recupero_channel_whatsapp import account, failures, hearing, templates
from recupero_sdk.batches import InDoubt, all_refused, one_by_one
from recupero_sdk.channels import E164, Capabilities, Cost, Message, Receipt, SendOutcome
from recupero_sdk.http import lost
from recupero_sdk.inbound import InboundAnswer, InboundRequest
from recupero_sdk.settings import PluginConfig, Setting

#: Free text is allowed for 24 hours after the person wrote; a little less, for clocks that differ.
WINDOW = timedelta(hours=24) - timedelta(minutes=2)
MAX_CHARACTERS = 4096
#: Keys that are remembered, newest; about as many as a number may send to in a day without a higher tier.
REMEMBERED = 100_000
_REQUIRED = ("phone_number_id", "business_account_id", "access_token", "app_secret", "verify_token")
_WHOLE_NUMBERS = ("attachment_bytes", "per_second", "concurrency", "timeout")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A message as it would go out: the type of the Cloud API, what stands under it, and its price."""

    message: Message
    type: str
    content: dict[str, Any]
    cost: Cost | None

    def body(self) -> dict[str, Any]:
        """The body of the request to send."""
        found = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": self.message.recipient.removeprefix("+"),
            "type": self.type,
            self.type: self.content,
            "biz_opaque_callback_data": self.message.key,
        }
        answers = self.message.answers or ""
        return {**found, "context": {"message_id": answers}} if answers.startswith("wamid.") else found


class WhatsApp:
    """WhatsApp messages from one business number."""

    key = "whatsapp"
    capabilities = Capabilities(
        channels=("whatsapp",),
        two_way=True,
        confirms_delivery=True,
        batch_size=50,
        unit_cost_minor=3,
        cost_currency="USD",
        per_second=80,
    )
    settings: Sequence[Setting] = (
        Setting("phone_number_id", "Phone number ID", required=True),
        Setting("business_account_id", "WhatsApp Business account ID", required=True),
        Setting("access_token", "Access token of a system user", required=True, secret=True),
        Setting("app_secret", "App secret", required=True, secret=True),
        Setting("verify_token", "Verify token of the webhook", required=True, secret=True),
        Setting(
            "templates", "Approved templates: first_notice.es = approved_name@es: name, amount | url: link"
        ),
        Setting("prices", "Price of a utility message by prefix: default=0.02, +56=0.02"),
        Setting("prices_marketing", "Price of a marketing message by prefix"),
        Setting("prices_authentication", "Price of an authentication message by prefix"),
        Setting("currency", "Currency of the prices", default="USD"),
        Setting("attachment_bytes", "Largest attachment in bytes", default="5000000"),
        Setting("per_second", "Messages a second that the number takes", default="80"),
        Setting("concurrency", "Connections at once"),
        Setting("timeout", "Seconds to wait", default="20"),
        Setting("api_version", "Version of the Graph API", default=account.VERSION),
        Setting("api_base", "Address of the API, for tests"),
    )

    def __init__(self) -> None:
        #: Receipt by address, number and key; None where it is in doubt.
        self._handed_over: OrderedDict[tuple[str, str], Receipt | None] = OrderedDict()

    def check(self, config: PluginConfig) -> str | None:
        """What is missing or malformed in the settings. Connects to nothing."""
        if problem := config.missing(*_REQUIRED) or config.not_above_zero(*_WHOLE_NUMBERS):
            return problem
        for name in ("phone_number_id", "business_account_id"):
            if not (config.get(name).isascii() and config.get(name).isdecimal()):
                return f"{name} must be digits: the ID that Meta shows, not the number itself"
        if not account.VERSION_FORM.fullmatch(config.get("api_version", account.VERSION)):
            return f"api_version must be written as {account.VERSION}"
        return _unreadable(config)

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """The receipts `send` would give, with the price; asks nobody."""
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        return [_foreseen(_draft(message, config)) for message in messages]

    def worded(self, message: Message, config: PluginConfig) -> str | None:
        """What the person reads of an approved template; None inside the window."""
        if self.check(config):
            return None
        draft = _draft(message, config)
        if isinstance(draft, Receipt) or draft.type != "template":
            return None
        return templates.parse(config.get("templates"))[templates.house_name(message)].read(message)

    def closes_at(self, message: Message, config: PluginConfig) -> datetime | None:
        """The end of the 24 hours; None where an approved template stands for the message after them."""
        if templates.house_name(message) in templates.parse(config.get("templates")):
            return None
        return datetime.min.replace(tzinfo=UTC) if message.heard_at is None else message.heard_at + WINDOW

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """One request a message over one connection; a key that this process has sent is not sent again.

        Raises `Uncertain` where a connection broke while Meta had a message, and for such a message again.
        """
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        with account.reached(config) as session:
            return one_by_one(messages, lambda message: self._once(session, message, config))

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """News of our messages, and what people write to us; also Meta's question whether the address is
        ours."""
        return hearing.hear(request, config)

    def _once(self, session: requests.Session, message: Message, config: PluginConfig) -> Receipt:
        """The receipt, of old where this key went out already. Raises `Stopped` and `InDoubt`."""
        known = (account.address(config, config.get("phone_number_id")), message.key)
        if known in self._handed_over:
            receipt = self._handed_over[known]
            if receipt is None:
                raise InDoubt("this message may have gone out before")
            return receipt
        try:
            receipt = _send(session, message, config)
        except InDoubt:
            self._remember(known, None)
            raise
        if receipt.outcome is SendOutcome.SENT:
            self._remember(known, receipt)
        return receipt

    def _remember(self, known: tuple[str, str], receipt: Receipt | None) -> None:
        self._handed_over[known] = receipt
        if len(self._handed_over) > REMEMBERED:
            self._handed_over.popitem(last=False)


def _unreadable(config: PluginConfig) -> str | None:
    """Which of the settings with a form of their own cannot be read."""
    for category, name in account.PRICES.items():
        try:
            account.tariff(config, category)
        except ValueError as error:
            return f"{name}: {error}"
    try:
        templates.parse(config.get("templates"))
    except ValueError as error:
        return f"templates: {error}"
    return None


def _foreseen(draft: _Draft | Receipt) -> Receipt:
    if isinstance(draft, Receipt):
        return draft
    return Receipt(draft.message.key, SendOutcome.SENT, cost=draft.cost)


def _draft(message: Message, config: PluginConfig, *, window_closed: bool = False) -> _Draft | Receipt:
    """The message as it would go out, or why it cannot. `window_closed`: Meta says so."""
    if not E164.fullmatch(message.recipient):
        return Receipt(message.key, SendOutcome.PERMANENT, reason="the number is not in E.164")
    heard = message.heard_at
    if window_closed or heard is None or datetime.now(UTC) - heard >= WINDOW:
        return _from_template(message, config)
    text = message.text.replace("\r\n", "\n").strip()
    if not text or len(text) > MAX_CHARACTERS:
        reason = f"the text has {len(text)} characters; 1 to {MAX_CHARACTERS} go"
        return Receipt(message.key, SendOutcome.REFUSED, reason=reason)
    free = account.cost(config, "service", message.recipient)
    return _Draft(message, "text", {"preview_url": False, "body": text}, free)


def _from_template(message: Message, config: PluginConfig) -> _Draft | Receipt:
    house = templates.house_name(message)
    approved = templates.parse(config.get("templates")).get(house)
    if approved is None:
        reason = f"the person has not written within 24 hours: set an approved template for `{house}`"
        return Receipt(message.key, SendOutcome.REFUSED, reason=f"{reason} in the setting templates")
    try:
        content = approved.filled(message)
    except templates.Unfilled as error:
        return Receipt(message.key, SendOutcome.REFUSED, reason=f"`{house}`: {error.reason}")
    return _Draft(message, "template", content, account.cost(config, "utility", message.recipient))


def _send(session: requests.Session, message: Message, config: PluginConfig) -> Receipt:
    """The receipt. Free text that Meta does not take since the window is closed goes out as a template.
    Raises `Stopped` and `InDoubt`."""
    draft = _draft(message, config)
    if isinstance(draft, Receipt):
        return draft
    response = _posted(session, draft, config)
    if draft.type == "text" and failures.code_of(response) == failures.WINDOW_CLOSED:
        again = _draft(message, config, window_closed=True)
        if isinstance(again, Receipt):
            return again
        draft, response = again, _posted(session, again, config)
    if response.status_code // 100 != 2:
        return failures.of_answer(response, message.key)
    return Receipt(message.key, SendOutcome.SENT, _reference(response), cost=draft.cost)


def _posted(session: requests.Session, draft: _Draft, config: PluginConfig) -> requests.Response:
    url = account.address(config, config.get("phone_number_id"), "messages")
    timeout = float(config.get("timeout", "20"))
    try:
        return session.post(url, json=draft.body(), timeout=timeout, allow_redirects=False)
    except requests.RequestException as error:
        raise InDoubt(lost(error, "Meta")) from error


def _reference(response: requests.Response) -> str:
    """Meta's id of the message it took. Raises `InDoubt` where a success says none."""
    try:
        reference = response.json()["messages"][0]["id"]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise InDoubt("Meta's answer says nothing") from error
    if not isinstance(reference, str) or not reference:
        raise InDoubt("Meta's answer says nothing")
    return reference
