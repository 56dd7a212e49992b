"""What plug-ins say in English is said in the reader's language, also what was kept before it was read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from recupero.kernel import runtime
from recupero.kernel.errors import Quoted, UserError, fill
from recupero.portals.frame.errors import said, told
from recupero.portals.words.words import as_told, because
from recupero.portals.words.words_of_providers import SAID
from recupero_sdk.channels import Channel
from recupero_sdk.settings import PluginConfig

_SECRET = "0123456789abcdef0123456789abcdef"
#: Settings that hold, by connector.
_GOOD = {
    "sms": {"account_sid": "AC" + "5" * 32, "auth_token": _SECRET, "from_number": "+15005550006"},
    "voice": {"account_sid": "AC" + "5" * 32, "auth_token": _SECRET, "caller": "+15005550006"},
    "email": {"host": "mail.example.com", "sender": "a@example.com"},
    "whatsapp": {
        "phone_number_id": "1", "business_account_id": "2", "access_token": "t", "app_secret": _SECRET,
        "verify_token": "v",
    },
    "webhook": {"url": "https://example.com", "secret": _SECRET, "channels": "sms"},
}  # fmt: skip


#: The same words in every language, whatever stands in their place.
_ALIKE = ("%(name)s: %(problem)s", "status ")
#: Values that no connector takes for settings of these names.
_WRONG = {
    "concurrency": "0", "timeout": "x", "prices": "abc", "sender": "x", "security": "x", "channels": "fax",
    "api_version": "one", "templates": "abc", "inbound_secret": "x", "logo": "x", "replace": "x",
    "dkim_domain": "x", "imap_host": "x", "url": "ftp://x", "secret": "x", "currency": "x", "caller": "x",
    "voices": "x", "account_sid": "x",
}  # fmt: skip


def problems_of(key: str) -> set[str]:
    """What the connector says where one setting is missing or wrong."""
    channel: Channel = runtime.current().plugins.channels[key]
    secrets, good = {one.name for one in channel.settings if one.secret}, _GOOD[key]
    found = set()
    for name, value in [*dict.fromkeys(good, "").items(), *_WRONG.items()]:
        typed = {**good, name: value}
        config = PluginConfig(
            {one: text for one, text in typed.items() if one not in secrets},
            {one: text for one, text in typed.items() if one in secrets},
        )
        found.add(channel.check(config) or "")
    return found - {""}


@pytest.mark.parametrize("locale", ["es", "pt"])
def test_each_sentence_is_known_by_its_form_whatever_stands_in_its_places(app: Flask, locale: str) -> None:
    for template in SAID:
        places = dict.fromkeys(re.findall(r"%\((\w+)\)s", template), "zq7, zq8")
        english = fill(template, places)
        with app.test_request_context(), force_locale("en"):
            assert as_told(english) == english
        with app.test_request_context(), force_locale(locale):
            assert as_told(english) != english or template.startswith(_ALIKE)
            assert as_told(english).count("zq7, zq8") == len(places)


@pytest.mark.parametrize("key", _GOOD)
def test_what_is_wrong_with_a_setting_is_said_in_spanish(app: Flask, key: str) -> None:
    found = problems_of(key)
    assert len(found) > 3
    with app.test_request_context(), force_locale("es"):
        assert [one for one in found if as_told(one) == one] == []


_REASONS = ("Receipt", "Stopped", "InDoubt", "Uncertain", "Rejected", "Unreadable", "Unaddressed", "Unfilled")


def reasons() -> Iterator[str]:
    """What the channels that come with the platform, and the SDK, give as reasons, with something in each of
    their places."""
    files = [*Path("plugins/channels").glob("*/recupero_*/*.py"), *Path("platform/sdk").rglob("*.py")]
    calls = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    for call in calls:
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in _REASONS:
            for told in [*call.args, *(one.value for one in call.keywords if one.arg == "reason")]:
                if isinstance(told, ast.Constant) and isinstance(told.value, str):
                    yield told.value
                if isinstance(told, ast.JoinedStr):
                    yield "".join(getattr(one, "value", "") if isinstance(one, ast.Constant) else "zq7"
                                  for one in told.values)  # fmt: skip


def test_every_reason_that_a_channel_gives_has_words(app: Flask) -> None:
    found = set(reasons())
    assert len(found) > 40
    with app.test_request_context():
        assert sorted(one for one in found if one not in SAID) == []


def test_pages_and_the_api_say_what_a_plug_in_said(app: Flask) -> None:
    error = UserError(
        "the plug-in cannot work so: %(problem)s", problem=Quoted("url must begin with https://")
    )
    assert error.message.endswith("url must begin with https://")
    with app.test_request_context(), force_locale("es"):
        assert said(error).endswith("url debe comenzar con https://")
        assert told(error).endswith("url debe comenzar con https://")
        assert because("permanent: the number is not in E.164").endswith("formato E.164")
        assert as_told("unexpected '}'\n  line 3") == "«}» no va ahí (línea 3)"
        assert because("retry: Twilio 20429").endswith(": Twilio 20429")
        assert because("Twilio 30005") == "Twilio 30005"
        assert as_told("prices: `x` is no price; write +52=0.0431, or default=0.05").startswith(
            "prices: `x` no es un precio; escriba +52=0.0431"
        )
