"""Twilio's Messages API on this machine: refuses what the real one refuses, by the parameters that Twilio
publishes (`published.json`) and the numbers that it sets aside for tests
(https://www.twilio.com/docs/iam/test-credentials)."""

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from recupero_sdk.channels import E164
from recupero_sdk.conformance import twilio
from recupero_sdk.conformance.standin import Answer, Asked
from recupero_sdk.conformance.twilio import ACCOUNT, TOKEN, error, fits, signed
from recupero_sdk.settings import PluginConfig
from recupero_sdk.sms import segments

__all__ = ["ACCOUNT", "TOKEN", "Twilio", "running", "signed"]

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text())
SENDER, GOOD = "+15005550006", "+56912345678"
INVALID, LANDLINE, STOPPED, FOREIGN = "+15005550001", "+15005550009", "+15005550004", "+15005550003"
OTHERS_SENDER, FULL_SENDER = "+15005550007", "+15005550008"
_TO = {INVALID: 21211, LANDLINE: 21614, STOPPED: 21610, FOREIGN: 21408}
_FROM = {"+15005550001": 21212, OTHERS_SENDER: 21606, FULL_SENDER: 21611}


@dataclass
class Twilio(twilio.Account):
    """The messages that the account holds, and the files that came with some by their path."""

    kind, published, dead_code = "messages", PUBLISHED, 21614
    media: dict[str, Answer] = field(default_factory=dict)

    @property
    def messages(self) -> list[dict[str, object]]:
        return self.held

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path not in self.media:
            return super().answer(asked)
        self.asked.append(asked)
        return self.media[asked.path] if self.authorised(asked) else error(401, 20003)

    def made(self, form: Mapping[str, str]) -> dict[str, object]:
        service = form.get("MessagingServiceSid")
        return {
            "sid": f"SM{len(self.held) + 1:032x}", "messaging_service_sid": service, "body": form["Body"],
            "status": "accepted" if service else "queued", "date_sent": None,
            "num_segments": "0" if service else str(segments(form["Body"])),
        }  # fmt: skip

    def wrong(self, form: Mapping[str, str]) -> int:
        create = PUBLISHED["create"]
        if set(form) - set(create["parameters"]):
            return 20001
        if not form.get("To"):
            return 21604
        for names in create["conditional"]:
            given = {re.sub("(?!^)([A-Z])", r"_\1", name).lower() for name in form}
            if not given & set(names):
                return 21603 if "from" in names else 21602
        if any(not fits(form[name], create["parameters"][name]) for name in form):
            address = form.get("StatusCallback", "https://a.example")
            return 20001 if fits(address, {"format": "uri"}) else 21609
        if len(form["Body"]) > 1600:
            return 21617
        if not E164.fullmatch(form["To"]):
            return 21211
        return _TO.get(form["To"], 0) or _FROM.get(form.get("From", ""), 0)


def running(account: Twilio, **settings: str) -> AbstractContextManager[PluginConfig]:
    """The account at an address of this machine; the settings that reach it."""
    return twilio.running(account, **{"from_number": SENDER, **settings})
