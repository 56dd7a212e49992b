"""What is typed into a form is read, or refused at its field, whatever it is."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from recupero.kernel import runtime
from recupero.kernel.errors import UserError
from recupero.placements.tables import Portfolio
from recupero.portals.frame.forms import Form, untold
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import place
from tests.portals.conftest import Visitor

READ: tuple[Callable[[Form], object], ...] = (
    lambda form: form.whole("it"),
    lambda form: form.hundredths("it"),
    lambda form: form.money("it", "CLP"),
    lambda form: form.day("it"),
)


@pytest.mark.parametrize(
    "typed", ["", "\x00", "9" * 40, "9" * 5_000, "1e400", "NaN", "0001-01-01", "9999-12-31"]
)
def test_what_nothing_can_hold_is_refused_at_its_field(app: Flask, typed: str) -> None:
    with app.test_request_context():
        for read in READ:
            with pytest.raises(UserError) as refused:
                read(Form({"it": typed}))
            assert refused.value.field == "it"


def test_a_nul_that_somebody_pasted_is_left_out(app: Flask) -> None:
    form = Form({"name": " Ana\x00 Rojas ", "count": "1\x002"})
    assert form.text("name") == "Ana Rojas"
    assert form.whole("count") == 12


#: Forms with fields that are read and fields that are checked by what they order; what is wrong in them.
MISTAKES: dict[str, dict[str, str]] = {
    "/accounts/{account}/drafts/new": {"channel": "", "template": "", "body": "", "not_before": "x"},
    "/accounts/{account}/facts": {"fact": "x", "channel": "x", "began_on": "x", "last_on": "x"},
    "/accounts/{account}/holds": {"kind": "", "since": "x", "until": "2001-01-01"},
    "/accounts/{account}/offers/hardship": {"kind": "", "severity": "x", "hold_days": "x"},
    "/accounts/{account}/offers/plan": {"instalments": "x", "first_on": "x", "down_payment": "x"},
    "/accounts/{account}/offers/settlement": {"amount": "x", "valid_until": "x", "parts": "x"},
    "/accounts/{account}/promises": {"amount": "x", "due": "x"},
    "/accounts/{account}/reach": {"channel": "x", "begins": "x", "ends": "x", "language": "x"},
    "/compliance": {"tenant": "{tenant}", "first": "x", "last": "x", "sample": "x"},
    "/labels": {"tenant": "{tenant}", "name": "", "colour": "x"},
    "/hooks": {"tenant": "{tenant}", "name": "", "url": "x"},
    "/law/policies/edit": {"per_day": "x", "per_week": "-1", "weekdays_from": "09:00", "starts_on": "x"},
    "/placements": {"portfolio": "x", "kind": "x", "file": ""},
    "/profile": {"locale": "x"},
    "/reconciliation": {"tenant": "x"},
    "/receipts": {"tenant": "{tenant}", "means": "x", "amount": "0", "received_on": "2999-01-01"},
    "/remittances": {"tenant": "{tenant}", "period_from": "x", "period_to": "x"},
    "/schedules": {"tenant": "{tenant}", "report": "x", "every": "x", "day": "x", "recipients": "x"},
    "/tenants/new": {
        "name": "x" * 999, "slug": "<b>", "country": "", "currency": "XX", "timezone": "x", "locale": "x",
    },
    "/tenants/{tenant}": {
        "name": "", "product": "", "placement_number": "x", "commission": "x", "currency": "x",
    },
    "/tenants/{tenant}/answering": {"opens": "x", "closes": "x", "sure": "x", "complaint": "0"},
    "/tenants/{tenant}/disclosures": {"agent": "x" * 2_000, "collector_address": "x" * 2_000},
    "/tenants/{tenant}/portfolios/{portfolio}/interest": {
        "kind": "rate", "rate": "x", "late_fee": "x", "late_fee_after_days": "999999", "holds_from": "x",
        "day_count": "x", "start": "x",
    },
    "/tenants/{tenant}/portfolios/{portfolio}/offers": {
        "max_instalments": "x", "offer_days": "999999", "settlement_floor_percent": "x",
        "role_0": "", "max_instalments_0": "3", "role_1": "x", "desk_1": "South", "offer_days_1": "999999",
    },
    "/tenants/{tenant}/portfolios/{portfolio}/terms": {
        "commission_rate": "x", "tax_rate": "x", "minimum": "x", "rate_0": "x", "rate_1": "101",
        "rate_2": "10", "from_age_2": "90", "to_age_2": "30",
        "rate_3": "10", "placement_3": "0", "legal_3": "x",
    },
    "/words/new": {"tenant": "x", "template": "x", "language": "x", "form": "x", "tone": "x", "body": ""},
    "/users": {"role": "x", "name": "", "email": "", "password": "short", "locale": "x"},
}  # fmt: skip
#: What the forms above are sent with and is right.
RIGHT = {
    ("tenant", "{tenant}"), ("kind", "rate"), ("weekdays_from", "x"),
    ("max_instalments_0", "3"), ("desk_1", "South"), ("rate_2", "10"), ("from_age_2", "90"), ("rate_3", "10"),
}  # fmt: skip


def test_all_that_is_wrong_with_a_form_is_told_at_once(app: Flask, world: World, noon: datetime) -> None:
    """Who mends a field is not told of the next one only then; what was typed stays."""
    placed = place(world.tenant(), timezone="America/Santiago")[0]
    visitor = Visitor(app.test_client(), runtime.current()).sign_in(Role.AGENCY_ADMINISTRATOR, placed.scope)
    with runtime.current().database.transaction(placed.scope) as session:
        portfolio = session.execute(select(Portfolio.id)).scalars().one()
    ids = {"tenant": placed.scope.tenant(), "account": placed.account_id, "portfolio": portfolio}
    token = re.findall(r'name="csrf_token" value="([^"]+)"', visitor.text("/profile"))[0]
    silent: list[str] = []
    for address, typed in MISTAKES.items():
        sent = {key: text.format(**ids) for key, text in typed.items()} | {"csrf_token": token}
        answer = visitor.client.post(address.format(**ids), data=sent)
        assert answer.status_code == 422, address
        told = set(re.findall(r'id="([\w-]+)-error"[^>]*>[^<]', answer.text))
        wrong = {key for key, text in typed.items() if (key, text) not in RIGHT}
        silent += [f"{address} {field}" for field in sorted(wrong - told)]
    assert silent == []


def test_a_fault_of_a_field_that_the_page_does_not_have_is_told_above_it(app: Flask) -> None:
    with app.test_request_context():
        form = Form({"name": "x", "gone": "x"})
        form.refuse(UserError("This is not a date.", field="name"))
        form.refuse(UserError("This is not a number.", field="gone"))
        assert form.errors["name"] == "No es una fecha."
        assert untold() == ["No es un número."]
