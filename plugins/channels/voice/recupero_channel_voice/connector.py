"""Placing calls through Twilio's Calls API, each key once, and connecting agents with people."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from recupero_channel_voice import conversation
from recupero_channel_voice.failures import REFUSALS
from recupero_sdk import twilio
from recupero_sdk.batches import all_refused, one_by_one
from recupero_sdk.channels import E164, Capabilities, Message, Receipt, SendOutcome
from recupero_sdk.inbound import CallEvent, CallTurn, InboundAnswer, InboundRequest
from recupero_sdk.prices import Tariff
from recupero_sdk.settings import PluginConfig, Setting

#: A call to a number from ours that another process placed so recently is taken for the same call.
REPEAT = timedelta(minutes=15)
#: How many of the newest calls to a number are looked through, and how many of ours are remembered.
LOOKED_THROUGH, REMEMBERED = 20, 10_000
_UNDER_WAY = ("queued", "ringing", "in-progress")
_NEVER_RANG = ("failed", "canceled")
_DETECTION = {"enable": "Enable", "message_end": "DetectMessageEnd", "off": ""}
_WHOLE_NUMBERS = ("ring_seconds", "max_seconds", "per_second", "concurrency", "timeout")


class Voice:
    """Calls over one Twilio account."""

    key = "voice"
    capabilities = Capabilities(
        channels=("call",),
        two_way=True,
        confirms_delivery=True,
        batch_size=20,
        unit_cost_minor=5,
        cost_currency="USD",
    )
    settings: Sequence[Setting] = (
        Setting("account_sid", "Account SID (AC…)", required=True),
        Setting("auth_token", "Auth token", required=True, secret=True),
        Setting("caller", "Number that calls, in E.164: of the account, or verified", required=True),
        Setting("channels", "Who makes planned calls: call, the assistant; none, agents", default="call"),
        Setting("machine_detection", "Answering machines: enable, message_end or off", default="enable"),
        Setting("ring_seconds", "Seconds to ring", default="30"),
        Setting("max_seconds", "Seconds that a call may last", default="900"),
        Setting("prices", "Price of a minute by prefix: default=0.10, +52=0.0412"),
        Setting("currency", "Currency of the prices", default="USD"),
        Setting("voices", "Voices by language: es-MX=Polly.Mia-Neural, pt-BR=Polly.Camila-Neural"),
        Setting("per_second", "Calls a second that the account takes", default="1"),
        Setting("concurrency", "Connections at once"),
        Setting("timeout", "Seconds to wait", default="20"),
        Setting("api_base", "Address of the API, for tests"),
    )

    def __init__(self) -> None:
        self._placed: OrderedDict[str, str] = OrderedDict()  # our key by Twilio's id of the call

    def check(self, config: PluginConfig) -> str | None:
        """What is missing or malformed in the settings. Connects to nothing."""
        if problem := (
            twilio.problem(config) or config.missing("caller") or config.not_above_zero(*_WHOLE_NUMBERS)
        ):
            return problem
        if not E164.fullmatch(config.get("caller")):
            return "caller must be a number in E.164, such as +56221234567"
        if config.get("channels", "call") not in ("call", "none"):
            return "channels must be call or none"
        if config.get("machine_detection", "enable") not in _DETECTION:
            return f"machine_detection must be one of {', '.join(_DETECTION)}"
        try:
            Tariff.parse(config.get("prices"), config.get("currency", "USD"))
            conversation.voices(config)
        except ValueError as error:
            return f"prices or voices: {error}"
        return None

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """The receipts `send` would give; what a call costs is known when it has ended. Asks nobody."""
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        return [_unfit(message) or Receipt(message.key, SendOutcome.SENT) for message in messages]

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Place the calls; what is said in them the platform is asked at `/call`. Before each call Twilio is
        asked for one of the same key.

        Raises `Uncertain` where a connection broke while Twilio had a call and it is not to be found.
        """
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        with twilio.reached(config) as client:
            return one_by_one(
                messages, lambda message: self._place(client, _Wanted(message, message.recipient, config))
            )

    def connect(self, call: Message, agent: str, config: PluginConfig) -> Receipt:
        """Ring the agent; the person is dialled by the turn that answers stage `AGENT`. While the agent's
        telephone is under way with this key it is the same call; with another it is to be tried later.

        Raises `Uncertain` where it cannot be known whether it rings."""
        problem = self.check(config)
        if problem:
            return all_refused([call], problem)[0]
        if not E164.fullmatch(agent):
            return Receipt(call.key, SendOutcome.REFUSED, reason="the agent's number is not in E.164")
        with twilio.reached(config) as client:
            (receipt,) = one_by_one(
                [call], lambda call: self._place(client, _Wanted(call, agent, config, agent=True))
            )
        if receipt.outcome is SendOutcome.PERMANENT and _unfit(call) is None:
            return replace(
                receipt, outcome=SendOutcome.REFUSED
            )  # it was the agent's number, not the person's
        return receipt

    def hear_call(self, request: InboundRequest, config: PluginConfig) -> CallEvent:
        """Where a call stands, by what Twilio asks."""
        return conversation.hear_call(request, config)

    def say(self, turn: CallTurn, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """The turn as TwiML. Raises ValueError for a language without a voice or a number not in E.164."""
        return conversation.say(turn, request, config)

    def _place(self, client: Client, wanted: "_Wanted") -> Receipt:
        """The receipt. Raises `Stopped` and `InDoubt`."""
        key, parameters = wanted.message.key, wanted.parameters
        unfit = _unfit(wanted.message)
        if unfit is not None:
            return unfit
        try:
            call = twilio.once(
                lambda: self._placed_already(client, wanted),
                lambda: twilio.taken(lambda: client.calls.create(**parameters())),
            )
        except _Busy:
            return Receipt(key, SendOutcome.RETRY, reason="the agent's telephone is in use")
        except TwilioException as error:
            return REFUSALS.receipt(error, key)
        self._remember(call.sid, key)
        return Receipt(key, SendOutcome.SENT, call.sid)

    def _placed_already(self, client: Client, wanted: "_Wanted") -> Any:
        """The call as Twilio has it, or None. Twilio knows no idempotency key and gives back nothing of ours:
        what this process placed is known by key; what another one placed by number and time."""
        since = datetime.now(UTC) - REPEAT
        number, caller = wanted.number, wanted.config.get("caller")
        for call in twilio.read(lambda: client.calls.list(to=number, from_=caller, limit=LOOKED_THROUGH)):
            ours = self._placed.get(call.sid)
            under_way = call.status in _UNDER_WAY
            if ours == wanted.message.key and (under_way or not wanted.agent):
                return call
            if wanted.agent and under_way and ours is not None:
                raise _Busy
            recent = call.date_created is not None and call.date_created > since
            foreign = ours is None and call.status not in _NEVER_RANG
            if foreign and (under_way if wanted.agent else recent):
                return call
        return None

    def _remember(self, sid: str, key: str) -> None:
        self._placed[sid] = key
        while len(self._placed) > REMEMBERED:
            self._placed.popitem(last=False)


class _Busy(TwilioException):  # type: ignore[misc] # Twilio ships no types
    """The agent's telephone is under way with another call of ours."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A call to be placed: for a message, to a number (the person's, or an agent's)."""

    message: Message
    number: str
    config: PluginConfig
    agent: bool = False

    def parameters(self) -> dict[str, Any]:
        """For Twilio's client. The call is not recorded unless a turn asks for it."""
        config = self.config
        address = conversation.first_address(self.message, agent=self.agent)
        detection = _DETECTION[config.get("machine_detection", "enable")]
        return {
            "to": self.number,
            "from_": config.get("caller"),
            "url": address,
            "method": "POST",
            "status_callback": address,
            "status_callback_method": "POST",
            "status_callback_event": ["completed"],
            "timeout": int(config.get("ring_seconds", "30")),
            "time_limit": int(config.get("max_seconds", "900")),
            **({"machine_detection": detection} if detection else {}),
        }


def _unfit(message: Message) -> Receipt | None:
    """Why a call cannot be placed, as far as can be seen without asking."""
    if not E164.fullmatch(message.recipient):
        return Receipt(message.key, SendOutcome.PERMANENT, reason="the number is not in E.164")
    if not message.callback_url:
        reason = "the platform has no public address that could be asked what to say"
        return Receipt(message.key, SendOutcome.REFUSED, reason=reason)
    return None
