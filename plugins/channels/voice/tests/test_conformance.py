"""The connector for calls proves what the SDK's kits ask, through Twilio's own library."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from recupero_channel_voice import Voice

from recupero_sdk.conformance.channel import Mood, Provider, ProviderConformance
from recupero_sdk.conformance.inbound import ConversesConformance
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from twilio_calls import ACCOUNT, CALLER, GOOD, TOKEN, Twilio, running, signed

MOODS = {
    "works": Twilio,
    "busy": lambda: Twilio(status=429, code=20429),
    "refuses": lambda: Twilio(token="another"),
    "no_such_address": lambda: Twilio(dead_at=2),
    "hangs_up": lambda: Twilio(hang_up_at=2),
}


class TestConformance(ProviderConformance):
    channel = Voice()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = GOOD

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        twilio = MOODS[mood]()
        with running(twilio) as config:
            yield Provider(config, lambda: [str(call["sid"]) for call in twilio.calls])


class TestCalls(ConversesConformance):
    channel = Voice()

    def config(self) -> PluginConfig:
        return PluginConfig({"account_sid": ACCOUNT, "caller": CALLER}, {"auth_token": TOKEN})

    def bodies(self) -> Mapping[str, bytes]:
        call = {
            "CallSid": "CA" + "0c" * 16, "AccountSid": ACCOUNT, "From": CALLER, "To": GOOD,
            "CallStatus": "in-progress", "Direction": "outbound-api", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        told = {
            "a person": {**call, "AnsweredBy": "human"},
            "a machine": {**call, "AnsweredBy": "machine_end_beep"},
            "a key": {**call, "Digits": "1", "FinishedOnKey": ""},
            "a word": {**call, "SpeechResult": "sí, soy yo", "Confidence": "0.91"},
            "a transfer": {**call, "DialCallStatus": "no-answer", "DialCallSid": "CA" + "0d" * 16},
            "the end": {**call, "CallStatus": "completed", "CallDuration": "61", "Duration": "2"},
        }
        return {name: urlencode(form).encode() for name, form in told.items()}

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        return signed(request, config.get("auth_token"))
