"""Registers the gateway `sandbox`."""

from recupero_sandbox.gateway import Sandbox
from recupero_sdk import hookimpl
from recupero_sdk.gateways import Gateway


@hookimpl
def register_gateways() -> list[Gateway]:
    """The sandbox."""
    return [Sandbox()]
