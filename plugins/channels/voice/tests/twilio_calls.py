"""Twilio's Calls API on this machine: refuses what the real one refuses, by the parameters that Twilio
publishes (`published.json`) and the numbers that it sets aside for tests
(https://www.twilio.com/docs/iam/test-credentials)."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from recupero_sdk.channels import E164
from recupero_sdk.conformance import twilio
from recupero_sdk.conformance.twilio import ACCOUNT, TOKEN, fits, signed
from recupero_sdk.settings import PluginConfig

__all__ = ["ACCOUNT", "TOKEN", "Twilio", "running", "signed"]

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text())
CALLER, GOOD, AGENT = "+15005550006", "+56912345678", "+56221234567"
INVALID, UNREACHABLE, FOREIGN, BLOCKED = "+15005550001", "+15005550002", "+15005550003", "+15005550004"
_TO = {INVALID: 21217, UNREACHABLE: 21214, FOREIGN: 21215, BLOCKED: 21216}
_CHOICES = {
    "MachineDetection": {"Enable", "DetectMessageEnd"},
    "StatusCallbackEvent": {"initiated", "ringing", "answered", "completed"},
}


@dataclass
class Twilio(twilio.Account):
    """The calls that the account placed."""

    kind, published, dead_code = "calls", PUBLISHED, 21214

    @property
    def calls(self) -> list[dict[str, object]]:
        return self.held

    def made(self, form: Mapping[str, str]) -> dict[str, object]:
        return {
            "sid": f"CA{len(self.held) + 1:032x}", "status": "queued", "direction": "outbound-api",
            "start_time": None, "end_time": None, "duration": None, "price": None,
        }  # fmt: skip

    def wrong(self, form: Mapping[str, str]) -> int:
        parameters = PUBLISHED["create"]["parameters"]
        if set(form) - set(parameters):
            return 20001
        if not form.get("To"):
            return 21201
        if not form.get("From"):
            return 21213
        if not {"Url", "Twiml", "ApplicationSid"} & set(form):
            return 21205
        for name, text in form.items():
            if not fits(text, parameters[name]) or text not in _CHOICES.get(name, {text}):
                return 21205 if name in ("Url", "StatusCallback") else 20001
        if not E164.fullmatch(form["To"]):
            return 21211
        if not E164.fullmatch(form["From"]):
            return 21212
        return _TO.get(form["To"], 0) or (0 if form["From"] == CALLER else 21210)


def running(account: Twilio, **settings: str) -> AbstractContextManager[PluginConfig]:
    """The account at an address of this machine; the settings that reach it."""
    return twilio.running(account, **{"caller": CALLER, **settings})
