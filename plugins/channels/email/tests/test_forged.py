"""Who wrote a mail is believed as far as the server that received it does."""

import sys
from pathlib import Path

import pytest
from recupero_channel_email import reading

from recupero_sdk.inbound import MessageEvent

sys.path.insert(0, str(Path(__file__).parent))
from mails import reply

OURS = "mx.agencia.example.com"
PASSED = f"{OURS}; dkim=pass header.d=example.com; spf=pass smtp.mailfrom=example.com; dmarc=pass"
FAILED = f"{OURS} 1; dkim=none; spf=softfail (dmarc=pass);\r\n dmarc=fail (p=REJECT) header.from=example.com"


def forged(*results: str, authserv_id: str = OURS) -> bool:
    lines = "".join(f"Authentication-Results: {one}\r\n" for one in results)
    raw = lines.encode() + reply()
    (event,) = reading.events(raw, attachment_bytes=0, authserv_id=authserv_id)
    assert isinstance(event, MessageEvent)
    assert event.sender == "ana@example.com"
    return event.forged


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([], False),
        ([PASSED], False),
        ([FAILED], True),
        ([FAILED.upper()], True),
        ([f"{OURS}; dkim=fail (altered on its way); spf=pass; dmarc=none"], False),
        ([f"{OURS}; spf=fail smtp.mailfrom=example.com; dkim=none; dmarc=none"], True),
        ([f"{OURS}; spf=fail smtp.mailfrom=example.com; dkim=pass header.d=example.com"], False),
        ([f"{OURS}; none"], False),
        # two programs of one server write a header each
        ([f"{OURS}; dmarc=fail header.from=example.com", f"{OURS}; dkim=pass header.d=other.example"], True),
    ],
)
def test_what_our_server_found_of_the_sender_counts(results: list[str], found: bool) -> None:
    assert forged(*results) is found


@pytest.mark.parametrize("name", ["mx.elsewhere.example", f"{OURS}.evil.example", "", f"({OURS}) x"])
def test_what_others_wrote_counts_for_nothing(name: str) -> None:
    assert forged(PASSED.replace(OURS, name), FAILED) is True
    assert forged(FAILED.replace(OURS, name)) is False


def test_without_the_name_of_our_server_no_result_is_believed() -> None:
    assert forged(FAILED, authserv_id="") is False


def test_of_a_server_that_does_not_name_itself_the_newest_result_counts() -> None:
    nameless = "spf=fail (sender IP is 192.0.2.7); dkim=none; dmarc=fail action=none"
    assert forged(nameless, PASSED, authserv_id="-") is True
    assert forged("spf=pass; dkim=pass; dmarc=pass", nameless, authserv_id="-") is False
