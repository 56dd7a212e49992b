"""A provider that could not be asked over HTTP, for connectors that ask by `requests` (extra `http`)."""

import requests

from recupero_sdk.batches import Stopped
from recupero_sdk.channels import SendOutcome


def lost(error: requests.RequestException, provider: str, *, asked: bool = True) -> str:
    """Why nobody knows whether the provider had the message. Raises `Stopped` where it is known that it had
    not; `asked`: it may have been handed over. The setting with the provider's address is `api_base`."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise Stopped(SendOutcome.REFUSED, f"nobody vouches for {provider}'s certificate") from error
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        raise Stopped(SendOutcome.REFUSED, "api_base is no address") from error
    if not asked or _never_connected(error):
        raise Stopped(SendOutcome.RETRY, f"{provider} cannot be reached") from error
    return f"the connection was lost ({type(error).__name__})"


def _never_connected(error: requests.RequestException) -> bool:
    """urllib3 tells a connection that was never made apart from one that broke."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    return type(cause).__name__ in ("NewConnectionError", "NameResolutionError")
