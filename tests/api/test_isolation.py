"""No page and no endpoint shows one creditor's data to another, to another agency, or to nobody.

The test walks the application's own map of addresses, so that a new one cannot be forgotten.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from recupero.contacts.tables import MessageCopy
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.job_requests import JobRequest
from recupero.ledger import remittances
from recupero.ledger.tables import RemittanceItem
from recupero.outreach.conversations import store
from recupero.outreach.conversations.tables import MessageFile
from recupero.outreach.reception import working
from recupero.payments import service as payments
from recupero.payments.agreements import plans, settlements
from recupero.payments.offers import hardship
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Offerer
from recupero.placements import service as placements
from recupero.placements.tables import ImportBatch, ImportIssue
from recupero.reports.compliance import service as compliance
from recupero.reports.periods import parse_period
from recupero.tenancy import keys, users
from recupero.tenancy.permissions import Permission, Role
from recupero_sdk.inbound import Attachment, MessageEvent
from tests.api.conftest import EVERYTHING, machine
from tests.decisions import debts
from tests.factories import World

PASSWORD = "correct horse battery"
MARK = "Zarzamora"  # in every text of the first creditor; in nothing of anybody else's
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class House:
    """The first creditor with one of everything; `ids` fill an address's parameters by name."""

    scope: Scope
    ids: dict[str, Any] = field(default_factory=dict)
    secret_ids: frozenset[str] = frozenset()


@pytest.fixture
def house(world: World, noon: object) -> House:
    agency = world.agency()
    return _furnish(world.platform, world.tenant(agency))


def _furnish(platform: runtime.Runtime, scope: Scope) -> House:
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session,
            name=f"Cartera {MARK}",
            country="CL",
            currency="CLP",
            product="card",
            placement_number=1,
            terms={},
            strategy={},
            actor="system",
        )
        owed = debts.debt(session, portfolio.id, client_account=f"{MARK}-1")
        contact = debts.contact(session, owed, clock.now(), channel="email", connector="outbox")
        session.add(
            MessageCopy(
                tenant_id=scope.tenant(),
                contact_id=contact,
                template="reminder",
                language="es",
                address=f"{MARK}@example.com",
                subject=MARK,
                body=MARK,
                created_at=clock.now(),
            )
        )
        batch = ImportBatch(
            tenant_id=scope.tenant(),
            portfolio_id=portfolio.id,
            kind="placement",
            file_name=f"{MARK}.csv",
            content_hash=b"x",
            status="done",
            created_by="system",
            started_at=clock.now(),
            row_count=1,
            rejected=1,
        )
        session.add(batch)
        session.flush()
        session.add(
            ImportIssue(
                tenant_id=scope.tenant(),
                batch_id=batch.id,
                row_number=2,
                outcome="rejected",
                field=MARK,
                reason="required",
                raw=f'{{"name": "{MARK}"}}',
            )
        )
        hold = placements.open_hold(
            session, debtor_id=owed.debtor_id, account_id=owed.account_id, kind="client", source=MARK
        )
        link = payments.ensure_links(session, {owed.debtor_id: [owed.account_id]})[owed.debtor_id]
        user = users.create(
            session,
            email=f"{MARK}@creditor.example.com",
            name=f"Eva {MARK}",
            password=PASSWORD,
            role=Role.CREDITOR_VIEWER,
            tenant_ids=scope.tenant_ids,
            locale="en",
            actor="system",
        )
        keys.create(
            session,
            name=MARK,
            permissions=[Permission.REPORTS_READ],
            tenant_ids=scope.tenant_ids,
            actor="system",
        )
        key = max(row.id for row in _keys(session))
        statement = _statement(session, owed.account_id)
        agreed = _agreements(session, owed)
        wrote = _inbox(session, owed)
        report = compliance.make(session, parse_period(f"{clock.now():%Y-%m}"), actor="system")
    ids = {
        "tenant_id": scope.tenant(),
        "account_id": owed.account_id,
        "portfolio_id": portfolio.id,
        "import_id": batch.id,
        "batch_id": batch.id,
        "hold_id": hold,
        "contact_id": contact,
        "link_id": 1,
        "user_id": user.id,
        "key_id": key,
        "debtor_id": owed.debtor_id,
        "point_id": owed.points["phone"],
        "remittance_id": statement,
        "report_id": report.id,
        **agreed,
        **wrote,
    }
    return House(scope, {**ids, "token": link.rpartition("/")[2]})


def _inbox(session: Any, owed: debts.Debt) -> dict[str, int]:
    """A message with a file in the debtor's conversation, and one that nobody could place."""
    file = Attachment(f"{MARK}.txt", "text/plain", len(MARK), MARK.encode())
    store.receive(
        session, "pigeon",
        [
            MessageEvent("m1", "email", f"{MARK}@example.com", MARK, attachments=(file,)),
            MessageEvent("m2", "email", f"{MARK}2@example.com", MARK),
        ],
    )  # fmt: skip
    first, second = store.waiting(session, after=0, limit=2)
    working.work_event(session, first)
    working.work_event(session, second)
    working.assign(session, first, owed.account_id, actor="system")
    return {"event_id": second, "file_id": session.execute(select(MessageFile.id)).scalar_one()}


def _statement(session: Any, account_id: int) -> int:
    """A statement of remittance with a line about the account, whose number is the creditor's own."""
    yesterday = clock.now().date() - timedelta(days=1)
    drawn = remittances.draw(
        session, currency="CLP", period_from=yesterday, period_to=yesterday, actor="system"
    )
    session.add(
        RemittanceItem(
            tenant_id=drawn.tenant_id, remittance_id=drawn.id, transaction_id=1, account_id=account_id,
            at=clock.now(), kind="paid_to_agency", direct=False, amount_minor=100, parts={"principal": 100},
            fee_minor=20, tax_minor=4, balance_after_minor=0,
        )
    )  # fmt: skip
    session.flush()
    return drawn.id


def _agreements(session: Any, owed: Any) -> dict[str, int]:
    """A plan and an offer that wait for approval, and a hardship case."""
    agent, why = Offerer("agent", "user:0"), f"Por {MARK}"
    choice = Choice(clock.now().date() + timedelta(days=9), instalments=20)
    plan = plans.agree_plan(session, account_ids=[owed.account_id], choice=choice, offerer=agent, why=why)
    offer = settlements.offer_settlement(
        session, account_ids=[owed.account_id], amount_minor=1, valid_until=clock.now().date(),
        offerer=agent, why=why,
    )  # fmt: skip
    case = hardship.open_case(
        session, debtor_id=owed.debtor_id, kind="illness", severity="low", opened_with="agent",
        opened_by="user:0", note=MARK,
    )  # fmt: skip
    return {"plan_id": plan.id, "settlement_id": offer.id, "case_id": case.id}


def _keys(session: Any) -> Any:
    from recupero.tenancy import queries

    return queries.api_keys(session)


def _addresses(app: Flask, house: House) -> Iterator[tuple[Rule, str, str]]:
    """Every rule with each of its methods, its parameters filled with the first creditor's own things."""
    fixed = {
        "what": "deactivate",
        "form": "csv",
        "kind": "channel",
        "key": "outbox",
        "country": "CL",
        "slug": "x",
        "gateway": "sandbox",
        "filename": "app.css",
        "request_id": 1,
        "charge_id": 1,
        "document_id": 1,
        "line_id": 1,
        "payment_id": 1,
        "receipt_id": 1,
        "statement_id": 1,
        "task_id": 1,
        "action_id": 1,
        "rule_id": "x",
        "currency": "CLP",
        "name": "x",
        "reference": "x",
        "connector": "x",
        "tenant_key": "x",
        "place": 1,
        "table": "contacts",
        "line": 0,
        "column": 2,
        "count": 1,
        "down": 1,
        "day": 1,
    }
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            known = {**fixed, **house.ids}
            values = {name: known.get(name, 1 if name.endswith("_id") else "x") for name in rule.arguments}
            built = rule.build(values)
            assert built is not None, f"{rule}: fill in its parameters"
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, built[1]


def test_every_view_says_who_may_call_it(app: Flask) -> None:
    unmarked = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        and not hasattr(app.view_functions[rule.endpoint], "permission")
        and not getattr(app.view_functions[rule.endpoint], "public", None)
    ]
    assert unmarked == []


def _permission(app: Flask, rule: Rule) -> Permission | None:
    found: Permission | None = getattr(app.view_functions[rule.endpoint], "permission", None)
    return found


def _is_public(app: Flask, rule: Rule) -> bool:
    return rule.endpoint == "static" or bool(getattr(app.view_functions[rule.endpoint], "public", None))


def test_nobody_gets_past_a_door(app: Flask, house: House) -> None:
    for rule, method, path in _addresses(app, house):
        if _is_public(app, rule):
            continue
        answer = _call(app.test_client(), method, path)
        wanted = {401} if path.startswith("/api/") else {302, 400}  # 400: a form without its token
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code}"
        assert MARK not in answer.text, f"{method} {path}"


def test_what_is_public_shows_nothing_of_a_creditor(app: Flask, house: House) -> None:
    for rule, method, path in _addresses(app, house):
        if _is_public(app, rule):
            answer = _call(app.test_client(), method, path)
            assert answer.status_code < 500, f"{method} {path}"
            if rule.endpoint != "static":
                assert MARK not in answer.text, f"{method} {path}"


def _call(client: FlaskClient, method: str, path: str, token: str = "") -> TestResponse:
    """With a body that goes as far as it can: the first creditor's ids in every field that might take one."""
    headers = {"X-CSRFToken": token, "Idempotency-Key": secrets.token_hex(8)}
    if path.startswith("/api/") and method != "GET":
        return client.open(path, method=method, json={}, headers=headers)
    return client.open(
        path, method=method, data={"csrf_token": token} if method != "GET" else None, headers=headers
    )


STRANGERS = (
    Role.AGENCY_ADMINISTRATOR,
    Role.COMPLIANCE_OFFICER,
    Role.SUPERVISOR,
    Role.AGENT,
    Role.CREDITOR_ADMINISTRATOR,
    Role.CREDITOR_VIEWER,
)


def _sign_in(app: Flask, platform: runtime.Runtime, scope: Scope, role: Role) -> tuple[FlaskClient, str]:
    """A browser signed in as a user of the scope's creditor only, and the token of their forms."""
    email = f"{secrets.token_hex(4)}@example.com"
    with platform.database.transaction(scope) as session:
        users.create(
            session,
            email=email,
            name="Otra Persona",
            password=PASSWORD,
            role=role,
            tenant_ids=scope.tenant_ids,
            locale="en",
            actor="system",
        )
    client = app.test_client()
    page = client.get("/sign-in").text
    token = _TOKEN.search(page)
    answer = client.post(
        "/sign-in", data={"email": email, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    )
    assert answer.status_code == 302
    found = _TOKEN.search(client.get("/profile").text)
    return client, found[1] if found else ""


@pytest.mark.parametrize(
    ("role", "same_agency"),
    [
        *((role, True) for role in STRANGERS),
        (Role.AGENCY_ADMINISTRATOR, False),
        (Role.CREDITOR_VIEWER, False),
    ],
)
def test_strangers_signed_in_see_nothing_of_the_creditor(
    app: Flask, world: World, house: House, role: Role, same_agency: bool
) -> None:
    agency = Scope(house.scope.agency_id) if same_agency else world.agency()
    client, token = _sign_in(app, world.platform, world.tenant(agency), role)
    before = _everything(world.platform, house.scope)
    for _rule, method, path in _addresses(app, house):
        if path.startswith(("/api/", "/sign-out", "/static")):
            continue
        answer = _call(client, method, path, token)
        assert answer.status_code < 500, f"{role}: {method} {path}: {answer.status_code}"
        assert MARK not in answer.text, f"{role}: {method} {path}"
    assert _everything(world.platform, house.scope) == before


@pytest.mark.parametrize("same_agency", [True, False], ids=["another creditor", "another agency"])
def test_keys_of_strangers_see_and_change_nothing_of_the_creditor(
    app: Flask, world: World, house: House, same_agency: bool
) -> None:
    agency = Scope(house.scope.agency_id) if same_agency else world.agency()
    stranger = machine(app, world.platform, world.tenant(agency), *EVERYTHING)
    before = _everything(world.platform, house.scope)
    for rule, method, path in _addresses(app, house):
        if not path.startswith("/api/v1/"):
            continue
        for body in _bodies(house) if method != "GET" else [None]:
            headers = {"Idempotency-Key": secrets.token_hex(8)}
            answer = stranger.call(method, path, json=body, headers=headers)
            assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
            assert MARK not in answer.text, f"{method} {path} {body}"
            if any(name in rule.arguments for name in house.ids):
                assert answer.status_code in {403, 404, 422}, f"{method} {path}: {answer.status_code}"
    assert _everything(world.platform, house.scope) == before


def _bodies(house: House) -> list[dict[str, Any]]:
    """Bodies that would be taken if only the ids were the caller's own."""
    account, tenant = house.ids["account_id"], house.ids["tenant_id"]
    return [
        {},
        {"tenant_id": tenant},
        {"kind": "dispute"},
        {"active": False},
        {"enabled": True},
        {"account_ids": [account]},
        {"account_id": account, "amount_minor": 100, "currency": "CLP"},
        {"amount_minor": 100, "due_date": clock.now().date().isoformat()},
        {"name": "x", "permissions": ["reports.read"], "tenant_ids": [tenant]},
        {"tenant_id": tenant, "name": "x", "country": "CL", "currency": "CLP", "product": "x"},
        {
            "email": "y@example.com",
            "name": "x",
            "password": PASSWORD,
            "role": "agent",
            "tenant_ids": [tenant],
        },
    ]


def test_lists_of_another_creditor_with_the_first_ones_ids_are_empty(
    app: Flask, world: World, house: House
) -> None:
    stranger = machine(app, world.platform, world.tenant(Scope(house.scope.agency_id)), *EVERYTHING)
    for path in ("accounts", "payments", "payment-links", "imports", "plans", "remittances"):
        page = stranger.get(f"/api/v1/{path}", tenant_id=house.ids["tenant_id"])
        assert page == {"items": [], "next": None}, path


def _everything(platform: runtime.Runtime, scope: Scope) -> list[tuple[str, int]]:
    """How many rows of each table the creditor has, and what state they are in."""
    from sqlalchemy import func, select, text

    from recupero.kernel import migrate

    with platform.database.transaction(scope) as session:
        counts = [
            (table.name, session.execute(select(func.count()).select_from(table)).scalar_one())
            for table in migrate.metadata().sorted_tables
            if table.info.get("scope") == "tenant"
        ]
        open_holds = session.execute(text("SELECT count(*) FROM holds WHERE ended_at IS NULL")).scalar_one()
        active = session.execute(text("SELECT status FROM payment_links")).scalar_one()
        planned = session.execute(
            select(func.count()).where(JobRequest.tenant_ids.any(scope.tenant()))  # type: ignore[arg-type]  # one of
        ).scalar_one()
    return [*counts, ("open holds", open_holds), (f"link {active}", 1), ("jobs", planned)]
