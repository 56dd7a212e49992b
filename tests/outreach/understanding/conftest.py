"""A creditor whose connector hears, as for everything inbound."""

from tests.outreach.reception.conftest import pigeon, provider, scope

__all__ = ["pigeon", "provider", "scope"]
