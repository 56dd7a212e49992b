"""A creditor whose connector hears, and its provider."""

from collections.abc import Iterator

import pytest
from flask import Flask

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
def provider(app: Flask, scope: Scope, pigeon: Pigeon) -> Provider:
    return Provider(app.test_client(), scope, pigeon)
