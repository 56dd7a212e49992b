"""Twilio's side of a creditor's calls: it asks our door, signed, and reads the answers as TwiML."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from plugins.channels.voice.tests.twilio_calls import ACCOUNT, CALLER, Twilio, signed
from recupero.contacts.tables import Contact
from recupero.kernel import jobs, runtime
from recupero.kernel.database import Scope
from recupero_sdk.inbound import InboundRequest

BIRTH, LAST_FOUR = "02041985", "6785"


@dataclass
class Said:
    """One answer of ours, as Twilio reads it: what is said, and the address that it asks next."""

    text: str
    following: str
    dialled: str
    hangs_up: bool
    whole: str


@dataclass
class Telephone:
    """Twilio's side of one creditor's calls."""

    client: FlaskClient
    scope: Scope
    twilio: Twilio
    sid: str = "CA" + "ab" * 16
    heard: list[Said] = field(default_factory=list)
    to: str = ""

    def ask(self, url: str, *, token: str | None = None, **form: str) -> Said:
        """POST to an address, signed as Twilio signs."""
        answer = self.post(url, token=token, **form)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.heard.append(_read(answer.get_data(as_text=True)))
        jobs.drain()
        return self.heard[-1]

    def post(self, url: str, *, token: str | None = None, **form: str) -> TestResponse:
        common = {
            "CallSid": self.sid, "AccountSid": ACCOUNT, "CallStatus": "in-progress",
            "Direction": "outbound-api", "From": CALLER, "To": self.to,
        }  # fmt: skip
        body, parts = urlencode(common | form).encode(), urlsplit(url)
        query = dict(parse_qsl(parts.query))
        request = signed(InboundRequest("POST", url, {}, query, body), *([token] if token else []))
        return self.client.post(
            f"{parts.path}?{parts.query}", data=body, content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": request.headers["x-twilio-signature"]},
        )  # fmt: skip

    def first(self) -> str:
        """The address that the platform gave Twilio with its newest call."""
        forms = (dict(asked.form()) for asked in reversed(self.twilio.asked))
        return next(form["Url"] for form in forms if form.get("Url"))

    def answered(self, **form: str) -> Said:
        """Somebody takes the call."""
        self.to = str(self.twilio.calls[-1]["to"])
        return self.ask(self.first(), **form)

    def press(self, *digits: str) -> Said:
        """Keys at one turn after the other; the last answer."""
        for one in digits:
            said = self.ask(self.heard[-1].following, Digits=one)
        return said

    def speak(self, words: str) -> Said:
        return self.ask(self.heard[-1].following, SpeechResult=words, Confidence="0.9")

    def end(self, status: str = "completed", seconds: int = 60) -> Said:
        return self.ask(self.first(), CallStatus=status, CallDuration=str(seconds))


def _read(body: str) -> Said:
    root = ElementTree.fromstring(body)
    gather, dial = root.find("Gather"), root.find("Dial")
    following = next((one.get("action", "") for one in (gather, dial) if one is not None), "")
    return Said(
        " ".join(one.text or "" for one in root.iter("Say")), following,
        dial.findtext("Number", "") if dial is not None else "", root.find("Hangup") is not None, body,
    )  # fmt: skip


def contact(scope: Scope) -> Contact:
    with runtime.current().database.transaction(scope) as session:
        return session.execute(select(Contact).where(Contact.channel == "call")).scalar_one()
