"""What each country's law wants said stands in our messages, or they are not sent."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from recupero.contacts.gate import purpose_for_law
from recupero.kernel import runtime
from recupero.kernel.errors import UserError
from recupero.kernel.marking import LANGUAGES
from recupero.outreach.actions.kinds import PURPOSES, TEMPLATES
from recupero.outreach.texts import disclosures
from recupero.outreach.texts.words import Words
from recupero_sdk.law import Facts, Proposal, RuleOutcome, check_content
from tests.factories import World
from tests.outreach.test_words import ACCOUNT, write

COUNTRIES = {
    "AR": "ARS", "BR": "BRL", "CL": "CLP", "CO": "COP", "ES": "EUR", "GB": "GBP", "MX": "MXN", "PE": "PEN",
    "US": "USD",
}  # fmt: skip
STATED = {item: f"Statement on {item.replace('_', ' ')}." for item in disclosures.STATED} | {
    "time_barred_notice": "This debt is time-barred: no court will order you to pay it."
}
NOON = datetime(2026, 10, 14, 15, 0, tzinfo=UTC)


def broken(
    pack: Any, facts: Facts, said: Words, template: str, channel: Any, occasion: Any
) -> list[RuleOutcome]:
    proposal = Proposal(NOON, channel, purpose=purpose_for_law(PURPOSES[template]))
    outcomes = check_content(
        pack, facts, proposal, f"{said.subject}\n{said.text}", occasion=occasion, shown=said.shown,
        language=said.language,
    )  # fmt: skip
    return [one for one in outcomes if one.outcome == "refused"]


def missing(refused: list[RuleOutcome]) -> set[str]:
    return {item for one in refused for item in one.details.get("items", "").split(", ") if item}


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "letter"])
@pytest.mark.parametrize("country", COUNTRIES)
def test_every_message_says_what_its_country_asks(
    platform: runtime.Runtime, country: str, channel: str
) -> None:
    pack = platform.plugins.packs[country]
    for language, template in product(LANGUAGES, TEMPLATES):
        account = replace(
            ACCOUNT, country=country, currency=COUNTRIES[country], language=language, region=None,
            due_date=date(2026, 5, 1), open_date=date(2025, 1, 15),
        )  # fmt: skip
        facts = Facts(
            country, due_date=account.due_date, amount=Decimal(1250), currency=account.currency,
            language=language,
        )  # fmt: skip
        for occasion in ("first", "later") if template == "follow_up" else ("first",):
            said = write(template, channel, "kind", account)
            refused = broken(pack, facts, said, template, channel, occasion)
            said = disclosures.completed(said, sorted(missing(refused)), STATED)
            left = broken(pack, facts, said, template, channel, occasion)
            assert [(one.rule_id, one.reason) for one in left] == [], (language, template, occasion)
            assert bool(said.html) is (channel in ("email", "letter"))


def test_what_nobody_has_stated_is_not_made_up(platform: runtime.Runtime) -> None:
    pack = platform.plugins.packs["BR"]
    facts = Facts("BR", due_date=date(2026, 5, 1), amount=Decimal(1250), currency="BRL")
    said = write("first_notice", "email", "kind", replace(ACCOUNT, country="BR", currency="BRL", region=None))
    wanted = missing(broken(pack, facts, said, "first_notice", "email", "first"))
    assert {"creditor_address", "creditor_tax_id"} <= wanted
    partly = disclosures.completed(said, sorted(wanted), {"creditor_address": "Rua Um 1, Recife"})
    assert "Rua Um 1, Recife" in partly.text
    assert "Rua Um 1, Recife" in partly.html
    left = missing(broken(pack, facts, partly, "first_notice", "email", "first"))
    assert "creditor_tax_id" in left
    assert "creditor_address" not in left


def test_statements_are_kept_per_creditor_and_checked(platform: runtime.Runtime, world: World) -> None:
    mine, other = world.tenant(), world.tenant()
    with platform.database.transaction(mine) as session:
        disclosures.state(session, {"creditor_address": " Rua  Um 1 ", "agent": " "}, actor="user:1")
        with pytest.raises(UserError, match="unknown statement"):
            disclosures.state(session, {"slogan": "Pay!"}, actor="user:1")
        with pytest.raises(UserError) as caught:
            disclosures.state(session, {"agent": "x" * 501}, actor="user:1")
    assert caught.value.field == "agent"
    with platform.database.transaction(mine) as session:
        assert disclosures.stated(session) == {"creditor_address": "Rua Um 1"}
    with platform.database.transaction(other) as session:
        assert disclosures.stated(session) == {}
