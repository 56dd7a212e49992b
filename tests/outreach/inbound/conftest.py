"""A creditor whose connector hears, and its provider."""

from collections.abc import Iterator

import pytest

from recupero.app import create_app
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from tests.factories import World
from tests.outreach.two_way import Pigeon, Provider, installed, switch_on


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def pigeon(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pigeon]:
    with installed(monkeypatch) as found:
        switch_on(scope)
        yield found


@pytest.fixture
def provider(platform: runtime.Runtime, scope: Scope, pigeon: Pigeon) -> Provider:
    return Provider(create_app(platform).test_client(), scope, pigeon)
