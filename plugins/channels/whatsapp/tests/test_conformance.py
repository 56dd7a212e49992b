"""The connector for WhatsApp proves what the SDK's kits ask, against a server that speaks the Cloud API."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from recupero_channel_whatsapp import WhatsApp

from recupero_sdk.channels import Message
from recupero_sdk.conformance.channel import Mood, Provider, ProviderConformance
from recupero_sdk.conformance.inbound import ListensConformance
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from cloud_api import APP_SECRET, GOOD, CloudApi, change, configured, running, signed, webhook

MOODS = {
    "works": CloudApi,
    "busy": lambda: CloudApi(status=429, code=130429),
    "refuses": lambda: CloudApi(token="another"),
    "no_such_address": lambda: CloudApi(dead_at=2),
    "hangs_up": lambda: CloudApi(hang_up_at=2),
}


class TestFreeText(ProviderConformance):
    channel = WhatsApp()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = GOOD

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        api = MOODS[mood]()
        with running(api, prices="default=0.02") as config:
            yield Provider(config, lambda: [str(message["id"]) for message in api.taken])

    def messages(self, count: int) -> list[Message]:
        return [replace(message, heard_at=datetime.now(UTC)) for message in super().messages(count)]


class TestTemplates(TestFreeText):
    def messages(self, count: int) -> list[Message]:
        values = {"name": "Ana", "creditor": "Tienda", "amount": "$1", "link": "https://a.example.com/p/x"}
        return [
            replace(message, heard_at=None, template="first_notice", values=values)
            for message in super().messages(count)
        ]


class TestInbound(ListensConformance):
    channel = WhatsApp()
    content_type: ClassVar[str] = "application/json"
    signs_url: ClassVar[bool] = False  # Meta signs the body alone; the number's ID in it is checked

    def config(self) -> PluginConfig:
        return configured()

    def bodies(self) -> Mapping[str, bytes]:
        ours = {"id": "wamid.1", "timestamp": "1749416383", "recipient_id": "56912345678"}
        theirs = {"from": "56912345678", "id": "wamid.2", "timestamp": "1749416383", "type": "text"}
        lost = [{"code": 131026, "title": "Message undeliverable"}]
        return {
            "sent": webhook(change(statuses=[{**ours, "status": "sent"}])),
            "read": webhook(change(statuses=[{**ours, "status": "read"}])),
            "failed": webhook(change(statuses=[{**ours, "status": "failed", "errors": lost}])),
            "an answer": webhook(change(messages=[{**theirs, "text": {"body": "Mañana pago, ¿bien?"}}])),
        }

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        return signed(request, config.get("app_secret", APP_SECRET))
