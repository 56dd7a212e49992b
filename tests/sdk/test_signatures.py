"""Signed JSON: only what the secret signed, and not long ago, is believed."""

import time

import pytest

from recupero_sdk.inbound import InboundRequest, Rejected
from recupero_sdk.signatures import TOLERANCE, believed_json, signed_headers

SECRET = "a-secret-of-32-characters-at-least"
BODY = '{"name": "Ñandú"}'.encode()


def asked(body: bytes = BODY, **headers: str) -> InboundRequest:
    told = {name.lower(): value for name, value in signed_headers(SECRET, body).items()}
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return InboundRequest("POST", "https://a.example/x", {**told, **changed}, {}, body)


def test_what_was_signed_is_read() -> None:
    assert believed_json(asked(), SECRET) == {"name": "Ñandú"}


def test_a_known_signature() -> None:
    """Worked out with `printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef`."""
    headers = signed_headers("0123456789abcdef", b"{}", 1_700_000_000)
    assert headers["X-Recupero-Timestamp"] == "1700000000"
    right = "e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e"
    assert headers["X-Recupero-Signature"] == f"sha256={right}"


@pytest.mark.parametrize(
    "headers",
    [
        {"x_recupero_signature": ""},
        {"x_recupero_timestamp": ""},
        {"x_recupero_signature": "sha256=" + "0" * 64},
        {"x_recupero_signature": "ñ\udcff"},
        {"x_recupero_timestamp": "ñ\udcff"},
        {"x_recupero_timestamp": "1700000000"},
    ],
)
def test_what_was_not_signed_so_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Rejected) as raised:
        believed_json(asked(**headers), SECRET)
    assert raised.value.status == 401


def test_a_secret_that_is_too_short_signs_nothing() -> None:
    with pytest.raises(Rejected):
        believed_json(asked(), "")


@pytest.mark.parametrize("seconds", [-TOLERANCE - 5, TOLERANCE + 5])
def test_what_was_signed_long_ago_or_will_be_is_stale(seconds: int) -> None:
    told = signed_headers(SECRET, BODY, int(time.time()) + seconds)
    request = InboundRequest("POST", "", {name.lower(): value for name, value in told.items()}, {}, BODY)
    with pytest.raises(Rejected, match="stale") as raised:
        believed_json(request, SECRET)
    assert raised.value.status == 400


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1]", b'"x"', b"[" * 5000])
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Rejected) as raised:
        believed_json(asked(body), SECRET)
    assert raised.value.status == 400
