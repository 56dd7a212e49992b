"""Registers the gateway `sandbox`."""

from recupero_sdk import hookimpl
from recupero_sdk.gateways import Gateway

from recupero_sandbox.gateway import Sandbox


@hookimpl
def register_gateways() -> list[Gateway]:
    """The sandbox."""
    return [Sandbox()]
