"""The connector for text messages proves what the SDK's kits ask, through Twilio's own library."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from recupero_channel_sms import Sms

from recupero_sdk.conformance.channel import Mood, Provider, ProviderConformance
from recupero_sdk.conformance.inbound import ListensConformance
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from twilio_messages import ACCOUNT, GOOD, SENDER, TOKEN, Twilio, running, signed

MOODS = {
    "works": Twilio,
    "busy": lambda: Twilio(status=429, code=20429),
    "refuses": lambda: Twilio(token="another"),
    "no_such_address": lambda: Twilio(dead_at=2),
    "hangs_up": lambda: Twilio(hang_up_at=2),
}
SID = "SM" + "0a" * 16


class TestConformance(ProviderConformance):
    channel = Sms()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = GOOD

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        twilio = MOODS[mood]()
        with running(twilio) as config:
            yield Provider(config, lambda: [str(message["sid"]) for message in twilio.messages])


class TestInbound(ListensConformance):
    channel = Sms()

    def config(self) -> PluginConfig:
        return PluginConfig({"account_sid": ACCOUNT, "from_number": SENDER}, {"auth_token": TOKEN})

    def bodies(self) -> Mapping[str, bytes]:
        ours = {
            "MessageSid": SID,
            "AccountSid": ACCOUNT,
            "From": SENDER,
            "To": GOOD,
            "ApiVersion": "2010-04-01",
        }
        theirs = {**ours, "MessageSid": "SM" + "0b" * 16, "From": GOOD, "To": SENDER, "NumMedia": "0"}
        told = {
            "sent": {**ours, "MessageStatus": "sent", "SmsStatus": "sent"},
            "delivered": {**ours, "MessageStatus": "delivered", "SmsStatus": "delivered"},
            "undelivered": {**ours, "MessageStatus": "undelivered", "ErrorCode": "30005"},
            "an answer": {**theirs, "Body": "Mañana pago, ¿está bien?", "NumSegments": "1"},
        }
        return {name: urlencode(form).encode() for name, form in told.items()}

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        return signed(request, config.get("auth_token"))
