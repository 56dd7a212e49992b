"""What the API answers is what its description says, whatever is sent: never a failure of ours."""

from datetime import timedelta

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.ledger import remittances
from recupero.outreach.calls import sittings
from recupero.payments.agreements import plans, settlements
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Offerer
from recupero.placements import labels, strategies
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.api.conftest import machine
from tests.decisions import debts
from tests.thorough import examples

EXAMPLES = examples(3)
load_all_checks()
# Whatever the status below 500, the answer looks as described.
_CHECKS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "response_schema_conformance",
        "content_type_conformance",
        "status_code_conformance",
    ]
)
# These read things that were not made for this test; tests of their own do.
_NEEDS_MORE = {
    "GET /api/v1/compliance-reports/{report_id}/file.{form}",
    "GET /api/v1/contacts/{contact_id}/proof",
    "GET /api/v1/conversations/files/{file_id}",
    "GET /api/v1/conversations/{debtor_id}",
    "GET /api/v1/documents/{document_id}",
    "GET /api/v1/desk/sittings/{sitting_id}/offers",
    "GET /api/v1/desk/sittings/{sitting_id}/offers/advised",
    "GET /api/v1/drafts/{draft_id}/message",
    "GET /api/v1/imports/{import_id}",
    "GET /api/v1/imports/{import_id}/issues",
    "GET /api/v1/imports/{import_id}/rejects",
    "GET /api/v1/law/packs/{country}/rules",
    "GET /api/v1/models/{name}/looks",
    "GET /api/v1/proposals/{action_id}",
    "GET /api/v1/remittances/payments.{form}",
    "GET /api/v1/report-schedules/{schedule_id}/mails",
    "GET /api/v1/tenants/{tenant_id}/remittances/{remittance_id}/invoice.pdf",
    "GET /api/v1/tenants/{tenant_id}/remittances/{remittance_id}/statement.{form}",
    "GET /api/v1/tenants/{tenant_id}/report.{form}",
    "GET /api/v1/webhooks/{webhook_id}/events",
}


@pytest.mark.slow
def test_every_endpoint_answers_as_described(app: Flask, platform: runtime.Runtime, scope: Scope) -> None:
    with platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        strategies.keep_draft(session, portfolio, {}, actor="test")
        made = [debts.debt(session, portfolio, client_account=f"A-{number}") for number in range(3)]
        yesterday = clock.today("America/Santiago") - timedelta(days=1)
        drawn = remittances.draw(
            session, currency="CLP", period_from=yesterday, period_to=yesterday, actor="user:1"
        )
        owed, agent = made[0].account_id, Offerer("agent", "user:1")
        agent_id = users.create(
            session, email="agent@example.com", name="Ana", password="correct horse battery",
            role=Role.AGENT, tenant_ids=None, locale="es", actor="system",
        ).id  # fmt: skip
        plan = plans.agree_plan(
            session, account_ids=[owed], choice=Choice(clock.now().date() + timedelta(days=9), instalments=2),
            offerer=agent, why="contract",
        )  # fmt: skip
        offer = settlements.offer_settlement(
            session, account_ids=[owed], amount_minor=1, valid_until=clock.now().date(), offerer=agent,
            why="contract",
        )  # fmt: skip
        real = {
            "account_id": owed, "tenant_id": scope.tenant(), "portfolio_id": portfolio,
            "remittance_id": drawn.id, "plan_id": plan.id, "settlement_id": offer.id,
            "user_id": agent_id, "sitting_id": sittings.choose(session, agent_id, made[2].account_id).id,
            "label_id": labels.create(session, name="x", colour="red", actor="test"),
        }  # fmt: skip
    headers = {
        "Authorization": f"Bearer {machine(app, platform, scope).key}",
        "Idempotency-Key": "probe-000001",
    }
    described = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    failures: list[str] = []
    succeeded: set[str] = set()
    operations = [found.ok() for found in described.get_all_operations()]
    for operation in sorted(operations, key=lambda one: one.method != "get"):  # before anything is taken away
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                if _probe(operation, mode, headers, real if mode is GenerationMode.POSITIVE else {}):
                    succeeded.add(operation.label)
            except Exception as failure:  # noqa: BLE001 - every endpoint is tried, then all failures are shown
                failures.append(f"{operation.label} ({mode.value}): {failure}")
    assert not failures, "\n\n".join(failures)
    assert {label for label in described_reads(described) if label not in succeeded} <= _NEEDS_MORE


def _probe(
    operation: schemathesis.APIOperation, mode: GenerationMode, headers: dict[str, str], real: dict[str, int]
) -> bool:
    """Call the endpoint with made-up input; where it takes ids, with `real` ones, so that there is an answer.
    Whether it ever succeeded."""
    names = {parameter.name for parameter in operation.path_parameters}
    given_ids = {name: value for name, value in real.items() if name in names}

    answers: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=given_ids or None))
    def probe(case: schemathesis.Case) -> None:
        answers.append(case.call_and_validate(headers=headers, checks=_CHECKS).status_code)

    probe()
    return any(status < 300 for status in answers)


def described_reads(described: schemathesis.BaseSchema) -> set[str]:
    """Every endpoint that only reads."""
    labels = {found.ok().label for found in described.get_all_operations()}
    return {label for label in labels if label.startswith("GET ")}


def test_no_address_is_answered_by_two(app: Flask) -> None:
    seen: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert (method, rule.rule) not in seen, f"{rule.endpoint} hides behind {seen[method, rule.rule]}"
            seen[method, rule.rule] = rule.endpoint
