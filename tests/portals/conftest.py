"""The application over the test platform, and visitors who use it as a browser without script would."""

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.tenancy import users
from recupero.tenancy.permissions import CREDITOR_ROLES, Role

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visitor:
    """Somebody at a browser: follows links, sends the forms that pages hold."""

    client: FlaskClient
    platform: runtime.Runtime

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def text(self, path: str) -> str:
        """The page's source; the page must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def send(self, path: str, _page: str | None = None, **fields: object) -> TestResponse:
        """Send the form at `path` with the token that stands on the page it is on."""
        found = _TOKEN.search(self.client.get(_page or path).text)
        return self.client.post(path, data={"csrf_token": found[1] if found else "", **fields})

    def sign_in(self, role: Role, scope: Scope) -> "Visitor":
        """Make a user of the role in the scope's agency and sign in as them."""
        email = f"{role.value}-{id(self)}@example.com"
        tenants = scope.tenant_ids if role in CREDITOR_ROLES else None
        with self.platform.database.transaction(Scope(scope.agency_id, scope.tenant_ids)) as session:
            users.create(
                session, email=email, name="Ana Prueba", password=PASSWORD, role=role, tenant_ids=tenants,
                locale="en", actor="system",
            )  # fmt: skip
        answer = self.send("/sign-in", email=email, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        return self


@pytest.fixture
def visitor(app: Flask, platform: runtime.Runtime) -> Visitor:
    return Visitor(app.test_client(), platform)
