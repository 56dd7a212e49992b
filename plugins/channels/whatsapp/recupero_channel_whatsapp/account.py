"""One business number: reaching it through the Graph API, believing what is signed for it, and its prices."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from recupero_sdk.channels import Cost
from recupero_sdk.inbound import InboundRequest, Rejected
from recupero_sdk.prices import Tariff
from recupero_sdk.settings import PluginConfig

API, VERSION = "https://graph.facebook.com", "v24.0"
VERSION_FORM = re.compile(r"v[1-9][0-9]?\.0")
SIGNATURE = "x-hub-signature-256"
#: The setting with the prices of a category of messages (https://developers.facebook.com/documentation/
#: business-messaging/whatsapp/pricing). Answers within the window (`service`) are free.
PRICES: Mapping[str, str] = {
    "utility": "prices",
    "marketing": "prices_marketing",
    "authentication": "prices_authentication",
}


def address(config: PluginConfig, *parts: str) -> str:
    """An address of the Graph API in the version that is set."""
    base = config.get("api_base", API).rstrip("/")
    return "/".join((base, config.get("api_version", VERSION), *parts))


@contextmanager
def reached(config: PluginConfig) -> Iterator[requests.Session]:
    """A session with the account's token; one connection is kept for the length of the block."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {config.get('access_token')}"
        yield session


def tariff(config: PluginConfig, category: str) -> Tariff:
    """Prices of one message of a category. Raises ValueError where the setting cannot be read."""
    return Tariff.parse(config.get(PRICES[category]), config.get("currency", "USD"))


def cost(config: PluginConfig, category: str, number: str, *, billable: bool = True) -> Cost | None:
    """What a message of this category to a number costs; None where no price is known."""
    if not billable or category not in PRICES:
        return Cost(0, config.get("currency", "USD")) if not billable or category == "service" else None
    return tariff(config, category).cost(number, 1)


def believed(request: InboundRequest, config: PluginConfig) -> bytes:
    """The body of a request that Meta signed with the app's secret
    (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads). Raises
    `Rejected`, 401."""
    secret, signature = config.get("app_secret"), request.headers.get(SIGNATURE, "")
    if not secret or not signature:
        raise Rejected("the request is not signed")
    right = "sha256=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
        raise Rejected("the signature does not match")
    return request.body
