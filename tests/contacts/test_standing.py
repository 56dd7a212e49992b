"""What is stated of agency, creditor and portfolio reaches the law, and a call's number is judged."""

from datetime import timedelta

import pytest

from recupero.contacts import judging, proving, queries, service, standing
from recupero.contacts.service import Caller, Wish
from recupero.contacts.stored import stored_contacts
from recupero.kernel import clock, runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.calls import calls
from recupero.placements import service as placements
from recupero.placements.tables import Account, ContactPoint
from recupero_sdk.law import Facts
from tests.factories import World
from tests.outreach.placed import Placed, permit, place


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), country="ES", currency="EUR", region="ES-MD", timezone="Europe/Madrid")[0]


def facts(placed: Placed, kind: str = "phone") -> Facts:
    with runtime.current().database.transaction(placed.scope) as session:
        ask = (placed.account_id, placed.points[kind])
        return judging.law_facts(session, [ask])[ask]


def state(placed: Placed, numbers: dict[str, str] | None = None, **stated: str) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        standing.state_creditor(session, stated, numbers, actor="user:1")


def portfolio_of(placed: Placed) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.get_one(Account, (placed.scope.tenant(), placed.account_id)).portfolio_id


def test_a_portfolio_states_where_it_differs_from_its_creditor(placed: Placed) -> None:
    assert facts(placed).owner_type is None
    state(placed, creditor_sector="bank", owner_type="original_creditor", debt_kind="mortgage")
    found = facts(placed)
    assert (found.creditor_sector, found.owner_type, found.debt_kind) == (
        "bank", "original_creditor", "mortgage",
    )  # fmt: skip
    with runtime.current().database.transaction(placed.scope) as session:
        stated = {"owner_type": "debt_buyer", "party": ""}
        standing.state_portfolio(session, portfolio_of(placed), stated, actor="user:1")
    found = facts(placed)
    assert (found.creditor_sector, found.owner_type, found.party) == ("bank", "debt_buyer", None)


@pytest.mark.parametrize(
    "stated",
    [{"owner_type": "buyer"}, {"colour": "red"}, {"debt_kind": "Credit Card"}, {"debt_kind": "karma"}],
)
def test_words_the_law_does_not_know_are_refused(placed: Placed, stated: dict[str, str]) -> None:
    with pytest.raises(UserError):
        state(placed, **stated)


def test_only_a_portfolio_of_the_creditor_is_stated(placed: Placed) -> None:
    with pytest.raises(NotFound), runtime.current().database.transaction(placed.scope) as session:
        placements.set_law(session, 10**9, {}, actor="user:1")


def test_the_agencys_region_is_one_of_its_country(placed: Placed, world: World) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        standing.state_agency(session, "CL-RM", {}, actor="user:1")
    assert facts(placed).agency_region == "CL-RM"
    for wrong in ("ES-MD", "CL-QQ"):
        with pytest.raises(UserError), runtime.current().database.transaction(placed.scope) as session:
            standing.state_agency(session, wrong, {}, actor="user:1")


def test_the_region_of_the_number_is_told(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        phone = session.get_one(ContactPoint, (placed.scope.tenant(), placed.points["phone"]))
        phone.region = "ES-CT"
    assert facts(placed, "phone").phone_region == "ES-CT"
    assert facts(placed, "email").phone_region == "ES-CT"


def call(placed: Placed) -> calls.Reservation:
    with runtime.current().database.transaction(placed.scope) as session:
        return calls.start_call(session, account_id=placed.account_id)


def test_a_number_that_the_law_forbids_is_refused_and_one_it_allows_is_proven(placed: Placed) -> None:
    permit(placed, "call")
    state(placed, {"ES": "+34 612 345 678"})
    refused = call(placed)
    assert refused.contact_id is None
    assert refused.verdict.first_refusal == "ES-NUMBERS-order"
    assert any(said.outcome == "refused" for said in refused.caller)
    state(placed, {"ES": "hidden"})
    assert call(placed).contact_id is None
    state(placed, {"ES": "+34 912 345 678"})
    clock.advance(timedelta(minutes=1))
    made = call(placed)
    assert made.contact_id is not None
    with runtime.current().database.transaction(placed.scope) as session:
        proof = proving.prove(session, made.contact_id)
    caller = proof.contact.caller
    assert caller is not None
    assert caller.number == "+34 912 345 678"
    assert {said.outcome for said in caller.said} == {"allowed"}
    assert not proof.changed


def test_a_creditors_number_comes_before_the_agencys(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        own = standing.standing(session).number(placed.scope.tenant(), "ES")
        assert own == standing.standing(session).agency_phone
        standing.state_agency(session, "", {"ES": "+34 910 000 000"}, actor="user:1")
    state(placed, {"CL": "600 200 300"})
    with runtime.current().database.transaction(placed.scope) as session:
        known = standing.standing(session)
    tenant = placed.scope.tenant()
    assert (known.number(tenant, "ES"), known.number(tenant, "CL")) == ("+34 910 000 000", "600 200 300")


def test_what_is_no_number_is_refused_at_its_field(placed: Placed) -> None:
    with pytest.raises(UserError) as refused:
        state(placed, {"ES": "ring me"})
    assert refused.value.field == "number_ES"


def test_every_kind_of_debt_that_packs_tell_apart_can_be_chosen() -> None:
    kinds = standing.debt_kinds(queries.packs().by_country.values())
    assert {"mortgage", "promissory_note", "microcredit", "high_cost_short_term"} <= set(kinds)


@pytest.mark.parametrize("automated", [True, False])
def test_a_machine_that_calls_is_told_at_sending_and_in_the_proof(
    world: World, noon: object, automated: bool
) -> None:
    scope = world.tenant()
    placed = place(scope, country="US", currency="USD", region="US-OH", timezone="America/New_York")[0]
    caller = Caller("+15005550006", automated=automated)
    wish = Wish(placed.account_id, "call", placed.points["phone"], caller=caller)

    def reserved() -> service.Reservation:
        with runtime.current().database.transaction(placed.scope) as session:
            return service.reserve(session, [wish])[0]

    if automated:
        assert [why.rule_id for why in reserved().verdict.refusals] == ["US-TCPA-consent"]
        permit(placed, "call")
    made = reserved()
    assert made.contact_id is not None, made.verdict.refusals
    with runtime.current().database.transaction(placed.scope) as session:
        found = proving.prove(session, made.contact_id)
        (kept,) = stored_contacts(session)
    assert kept.proposal.automated is automated
    assert found.contact.stored.proposal.automated is automated
    decided = {step.outcome.rule_id for step in found.law if step.decided}
    assert ("US-TCPA-consent" in decided) is automated
    assert (found.again is not None, found.changed) == (True, ())
