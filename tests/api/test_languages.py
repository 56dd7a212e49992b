"""The API says what is wrong in the language that the program asks for, else in English."""

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (None, "there is no month '2026-13': write YYYY-MM, or YYYY-MM..YYYY-MM"),
        ("*", "there is no month '2026-13': write YYYY-MM, or YYYY-MM..YYYY-MM"),
        ("de", "there is no month '2026-13': write YYYY-MM, or YYYY-MM..YYYY-MM"),
        ("en-GB,es;q=0.5", "there is no month '2026-13': write YYYY-MM, or YYYY-MM..YYYY-MM"),
        ("es-CL, en;q=0.5", "no existe el mes «2026-13»: escriba AAAA-MM, o AAAA-MM..AAAA-MM"),
        ("pt-BR", "o mês “2026-13” não existe: escreva AAAA-MM, ou AAAA-MM..AAAA-MM"),
    ],
)
def test_a_refusal_is_said_in_the_language_asked_for(api: Machine, asked: str | None, message: str) -> None:
    (tenant,) = (row["id"] for row in api.get("/api/v1/tenants")["items"])
    headers = {"Accept-Language": asked} if asked else {}
    answer = api.call("GET", f"/api/v1/tenants/{tenant}/report?period=2026-13", headers=headers)
    assert answer.status_code == 422
    assert answer.json == {"message": message, "field": "period"}


def test_a_permission_that_is_missing_is_named_as_the_api_calls_it(
    app: Flask, platform: runtime.Runtime, scope: Scope
) -> None:
    poor = machine(app, platform, scope, Permission.TENANCY_READ)
    answer = poor.call("GET", "/api/v1/accounts", headers={"Accept-Language": "es"})
    assert answer.status_code == 403
    assert "permiso «accounts.read»" in str(answer.json)
