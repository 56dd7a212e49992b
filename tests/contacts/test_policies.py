"""House rules are kept in versions, hold in every form of the gate, and show no tenant another's contacts."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from recupero.contacts import judging, policies, service
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.service import Wish
from recupero.contacts.tables import Contact, GivenVerdict
from recupero.kernel import clock, runtime
from recupero.kernel.audit import AuditEvent
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero_sdk.law import Channel
from tests.factories import World
from tests.outreach.placed import Placed, place


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def placed(scope: Scope) -> Placed:
    return place(scope)[0]


def decree(
    scope: Scope,
    tenant_id: int | None = None,
    starts_on: date | None = None,
    document: str = "",
    **limits: Any,
) -> policies.Version:
    with runtime.current().database.transaction(scope) as session:
        return policies.set_policy(
            session, tenant_id=tenant_id, house=policies.house_rules(tenant_id, limits, document),
            starts_on=starts_on, note="test", actor="user:1",
        )  # fmt: skip


def reserve(placed: Placed, channel: Channel = "email") -> service.Reservation:
    kind = "email" if channel == "email" else "phone"
    with runtime.current().database.transaction(placed.scope) as session:
        return service.reserve(session, [Wish(placed.account_id, channel, placed.points[kind])])[0]


def test_reserving_keeps_to_the_house_rules_and_says_which(placed: Placed) -> None:
    version = decree(placed.scope, unused=["email"])
    refused = reserve(placed)
    assert refused.contact_id is None
    assert refused.verdict.first_refusal == "CL-AGENCY-no-email"
    allowed = reserve(placed, "call")
    with runtime.current().database.transaction(placed.scope) as session:
        kept = session.execute(select(GivenVerdict.said)).scalar_one()
    assert allowed.policies == (version.id,)
    assert kept is not None
    assert kept["policies"] == [version.id]


def test_a_page_that_asks_keeps_to_them_too(placed: Placed) -> None:
    decree(placed.scope, placed.scope.tenant(), weekdays="18:00-19:00")
    with runtime.current().database.transaction(placed.scope) as session:
        verdict = judging.judge_now(session, placed.account_id, "email", clock.now())
    assert verdict.first_refusal == "CL-CREDITOR-hours"
    assert verdict.next_lawful_at == clock.now() + timedelta(hours=6)


def test_a_version_holds_from_its_day_on_and_the_next_replaces_it(placed: Placed) -> None:
    tomorrow = clock.now().date() + timedelta(days=1)
    decree(placed.scope, starts_on=tomorrow, unused=["email"])
    assert reserve(placed).contact_id is not None
    clock.advance(timedelta(days=4))
    assert reserve(placed).contact_id is None
    decree(placed.scope)
    assert reserve(placed).contact_id is not None
    with runtime.current().database.transaction(placed.scope) as session:
        assert len(policies.versions(session)) == 2


def test_house_rules_of_one_creditor_do_not_bind_another(world: World, scope: Scope) -> None:
    other = world.tenant(scope)
    decree(Scope(scope.agency_id, (*scope.tenant_ids, *other.tenant_ids)), scope.tenant(), unused=["email"])
    assert reserve(place(scope)[0]).contact_id is None
    assert reserve(place(other)[0]).contact_id is not None


def test_a_cap_of_the_agency_counts_a_person_across_its_creditors(world: World, scope: Scope) -> None:
    first, other = place(scope)[0], world.tenant(scope)
    second = place(other, people=[first.person_id])[0]
    decree(scope, per_month=1, counted="agency")
    assert reserve(first).contact_id is not None
    clock.advance(timedelta(days=7))
    refused = reserve(second)
    assert refused.verdict.first_refusal == "CL-AGENCY-per-month"


def test_the_replay_judges_with_the_house_rules_of_the_day(placed: Placed) -> None:
    made = reserve(placed)
    decree(placed.scope, unused=["email"])
    assert replay_contacts(runtime.current().database).broken == ()
    clock.advance(timedelta(days=7))
    decree(placed.scope, per_month=9)
    assert reserve(placed).contact_id is not None
    with runtime.current().database.transaction(placed.scope) as session:
        closed = next(v.id for v in policies.versions(session) if v.house.limits.unused)
        other = session.execute(select(GivenVerdict).order_by(GivenVerdict.id)).scalars().first()
        assert other is not None
        said = {**other.said, "policies": [closed]}
        session.add(GivenVerdict(tenant_id=other.tenant_id, digest=b"other", said=said))
        session.execute(update(Contact).where(Contact.id == made.contact_id).values(verdict=b"other"))
    found = replay_contacts(runtime.current().database)
    assert (found.illegal, [one.id for one in found.against_policy]) == ((), [str(made.contact_id)])


def test_a_day_that_has_passed_a_stranger_and_nonsense_are_refused(world: World, placed: Placed) -> None:
    with pytest.raises(UserError, match="begin today or later"):
        decree(placed.scope, starts_on=clock.now().date() - timedelta(days=1), per_day=1)
    with pytest.raises(NotFound):
        decree(placed.scope, world.tenant().tenant(), per_day=1)
    with pytest.raises(UserError) as refused:
        decree(placed.scope, per_day=0)
    assert refused.value.field == "per_day"
    with pytest.raises(UserError) as refused:
        decree(placed.scope, document="rules: 3")
    assert refused.value.field == "document"


def test_versions_are_audited_and_never_changed(placed: Placed) -> None:
    version = decree(placed.scope, per_day=1)
    with runtime.current().database.transaction(placed.scope) as session:
        event = session.execute(select(AuditEvent).where(AuditEvent.action == "law.set_policy")).scalar_one()
    assert (event.actor, event.subject, event.details["limits"]) == (
        "user:1", f"law_policy:{version.id}", {"per_day": 1}
    )  # fmt: skip
    with (
        pytest.raises(DBAPIError, match=r"append-only|permission denied"),
        runtime.current().database.transaction(placed.scope) as session,
    ):
        session.execute(text("UPDATE law_policies SET note = 'other'"))


def test_another_agency_sees_nothing(world: World, placed: Placed) -> None:
    version = decree(placed.scope, per_day=1)
    stranger = world.tenant()
    with runtime.current().database.transaction(stranger) as session:
        assert policies.versions(session) == []
        with pytest.raises(NotFound):
            policies.version(session, version.id)


def test_staff_of_one_creditor_do_not_see_the_rules_of_another(world: World, scope: Scope) -> None:
    other = world.tenant(scope)
    decree(other, other.tenant(), per_day=1)
    with runtime.current().database.transaction(scope) as session:
        assert policies.versions(session) == []
