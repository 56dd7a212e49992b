"""The connector to an agency's own system proves what the SDK's kits ask."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from recupero_channel_webhook import Webhook

from recupero_sdk.conformance.channel import Mood, Provider, ProviderConformance
from recupero_sdk.conformance.inbound import ListensConformance
from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig
from recupero_sdk.signatures import believed_json, signed_headers

SECRET = "a-secret-of-32-characters-at-least"


class TestConformance(ProviderConformance):
    channel = Webhook()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = "deudor@example.com"

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        taken: list[str] = []

        def answers(asked: Asked) -> Answer | None:
            request = InboundRequest(asked.method, "", asked.headers, {}, asked.body)
            told = believed_json(request, SECRET)  # what is not signed breaks the connection
            assert told["key"] == asked.headers["idempotency-key"]
            taken.append(told["key"])
            second = told["key"] == "7-2"
            if mood == "busy":
                return Answer(503)
            if mood == "refuses":
                return Answer.of_json(401, {"error": "deudor@example.com"})
            if mood == "no_such_address" and second:
                return Answer(410)
            return None if mood == "hangs_up" and second else Answer.of_json(200, {"reference": told["key"]})

        with (
            standing_in(answers) as url,
            patch.dict(os.environ, {"RECUPERO_WEBHOOK_NETWORKS": "127.0.0.0/8"}),
        ):
            settings = {"url": f"{url}/messages", "channels": "email", "timeout": "5"}
            yield Provider(PluginConfig(settings, {"secret": SECRET}), lambda: taken)


class TestInbound(ListensConformance):
    channel = Webhook()
    content_type = "application/json"
    signs_url = False

    def config(self) -> PluginConfig:
        settings = {"url": "https://own.example/messages", "channels": "sms, letter"}
        return PluginConfig(settings, {"secret": SECRET})

    def bodies(self) -> Mapping[str, bytes]:
        told: dict[str, dict[str, object]] = {
            fate: {"kind": "status", "reference": "r-1", "fate": fate, "at": "2026-11-03T14:05:00Z"}
            for fate in ("sent", "delivered", "read", "failed", "permanent", "complaint")
        }
        told["wrote"] = {
            "kind": "message",
            "id": "m-1",
            "channel": "sms",
            "from": "+56911111111",
            "text": "Sí",
        }
        return {name: json.dumps({"events": [entry]}).encode() for name, entry in told.items()}

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        headers = signed_headers(config.get("secret"), request.body)
        added = {name.lower(): value for name, value in headers.items()}
        return replace(request, headers={**request.headers, **added})
