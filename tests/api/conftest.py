"""An agency with a creditor whose data must not leak, a sibling creditor, a stranger agency, and keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.tenancy import keys
from recupero.tenancy.permissions import Permission
from tests.factories import World

EVERYTHING = tuple(one for one in Permission if one is not Permission.PLATFORM_OPERATE)


@dataclass
class Machine:
    """A program that calls the API with a key."""

    app: Flask
    key: str

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, query_string=query)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json

    def send(self, path: str, status: int = 201, method: str = "POST", **body: Any) -> Any:
        headers = body.pop("headers", {})
        answer = self.call(method, path, json=body, headers=headers)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    """The creditor that the keys of a test belong to."""
    return world.tenant()


def machine(app: Flask, platform: runtime.Runtime, scope: Scope, *permissions: Permission) -> Machine:
    """A program with a key of the scope's creditors; with every permission unless some are named."""
    with platform.database.transaction(scope) as session:
        key = keys.create(
            session,
            name="test",
            permissions=permissions or EVERYTHING,
            tenant_ids=scope.tenant_ids,
            actor="system",
        )
    return Machine(app, key)


@pytest.fixture
def api(app: Flask, platform: runtime.Runtime, scope: Scope) -> Machine:
    return machine(app, platform, scope)
