"""The API says what is wrong in the language that the program asks for, else in English."""

import pytest
from flask import Flask

from recupero.decisions.service import plan_tenant
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine
from tests.decisions.debts import debt, permit, portfolio


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


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("en", ("Nobody has written about this debt yet: the first notice fits.", "Second best: ",
                "WhatsApp: not possible now (Opted out)", "Cost CLP")),
        ("es", ("Nadie ha escrito aún sobre esta deuda", "Costo")),
        ("pt", ("Custo",)),
    ],
)  # fmt: skip
def test_a_decision_says_why_in_the_language_asked_for(
    api: Machine, platform: runtime.Runtime, scope: Scope, asked: str, says: tuple[str, ...]
) -> None:
    with platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session, costs_minor={"sms": 40, "email": 10}))
        permit(session, owed.debtor_id, "whatsapp", "opt_out", at=clock.now())
    plan_tenant(platform.database, scope)
    path = f"/api/v1/accounts/{owed.account_id}/decisions"
    answer = api.call("GET", path, headers={"Accept-Language": asked})
    words = answer.json["items"][0]["explanation"]["words"]  # type: ignore[index]
    for each in says:
        assert any(each in word for word in words), words
    assert not [word for word in words if "_" in word], words


def test_a_permission_that_is_missing_is_named_as_the_api_calls_it(
    app: Flask, platform: runtime.Runtime, scope: Scope
) -> None:
    poor = machine(app, platform, scope, Permission.TENANCY_READ)
    answer = poor.call("GET", "/api/v1/accounts", headers={"Accept-Language": "es"})
    assert answer.status_code == 403
    assert "permiso «accounts.read»" in str(answer.json)
