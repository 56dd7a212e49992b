"""What the law is told of a debtor: permissions, holds, zones, and that it survives being stored."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from recupero.contacts import judging, service
from recupero.contacts.events import OptedOut
from recupero.contacts.facts import facts_from_json, facts_to_json
from recupero.kernel import clock, runtime
from recupero.kernel.errors import UserError
from recupero.placements import service as placements
from recupero.placements.tables import ContactPoint, Debtor
from recupero_sdk.law import CHANNELS, FLAGS, Event, Facts
from tests.factories import World
from tests.outreach.placed import Placed, permit, place


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), region="CL-RM", timezone="America/Santiago")[0]


def facts(placed: Placed, kind: str = "email") -> Facts:
    with runtime.current().database.transaction(placed.scope) as session:
        ask = (placed.account_id, placed.points[kind])
        return judging.law_facts(session, [ask])[ask]


def test_an_account_as_it_is_placed(placed: Placed) -> None:
    assert facts(placed) == Facts(
        country="CL", region="CL-RM", timezone="America/Santiago", due_date=date(2025, 8, 1),
        amount=Decimal(125_000), currency="CLP", language="es",
    )  # fmt: skip


def test_the_newest_word_on_a_channel_counts(placed: Placed) -> None:
    assert facts(placed).consented_channels is None
    permit(placed, "email")
    permit(placed, "sms")
    clock.advance(timedelta(minutes=1))
    permit(placed, "sms", "opt_out")
    found = facts(placed)
    assert found.consented_channels == {"email"}
    assert found.opted_out_channels == {"sms"}


def test_a_word_on_all_channels_stands_for_each_until_a_newer_one(placed: Placed) -> None:
    permit(placed, "all", "opt_out")
    assert facts(placed).opted_out_channels == set(CHANNELS)
    clock.advance(timedelta(minutes=1))
    permit(placed, "email")
    found = facts(placed)
    assert found.opted_out_channels == set(CHANNELS) - {"email"}
    assert found.consented_channels == {"email"}


def test_of_two_words_at_the_same_moment_the_later_written_counts(placed: Placed) -> None:
    permit(placed, "email")
    permit(placed, "email", "opt_out")
    assert facts(placed).opted_out_channels == {"email"}


@pytest.mark.parametrize(
    ("hold", "flag"),
    [("attorney", "attorney_represented"), ("dispute", "disputed"), ("cease", "cease_request"),
     ("deceased", "deceased"), ("insolvency", "insolvency"), ("court", "suit_served"),
     ("hardship", "vulnerable"), ("complaint", "complaint")],
)  # fmt: skip
def test_holds_become_flags_and_ended_ones_do_not(placed: Placed, hold: str, flag: str) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        hold_id = placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None, kind=hold, source="test"
        )
    assert facts(placed).flags == {flag}
    with runtime.current().database.transaction(placed.scope) as session:
        placements.end_hold(session, hold_id, by="test")
    assert facts(placed).flags == frozenset()


def test_a_hold_on_another_account_of_the_debtor_is_not_this_ones(placed: Placed) -> None:
    other = place(placed.scope, of=placed)[0]
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=other.account_id, kind="dispute", source="test"
        )
    assert facts(placed).flags == frozenset()
    assert facts(other).flags == {"disputed"}


def test_a_number_tells_a_zone_also_when_another_way_is_used(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        phone = session.get_one(ContactPoint, (placed.scope.tenant(), placed.points["phone"]))
        phone.timezone, phone.at_work = "America/Punta_Arenas", True
    assert facts(placed, "phone").phone_timezone == "America/Punta_Arenas"
    assert facts(placed, "phone").employer_contact
    assert facts(placed, "email").phone_timezone == "America/Punta_Arenas"
    assert not facts(placed, "email").employer_contact


def test_a_postcode_tells_region_zone_and_area_where_none_is_stated(world: World, noon: object) -> None:
    placed = place(world.tenant(), country="US", currency="USD", region=None)[0]
    with runtime.current().database.transaction(placed.scope) as session:
        session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id)).postal_code = "10001"
    found = facts(placed)
    assert (found.region, found.postal_timezone, found.commune) == ("US-NY", "America/New_York", "US-NYC")


def test_the_line_of_the_number_that_is_used_is_told(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        phone = session.get_one(ContactPoint, (placed.scope.tenant(), placed.points["phone"]))
        phone.line_type = "fixed_line"
    assert facts(placed, "phone").line_type == "landline"
    assert facts(placed, "email").line_type is None


def test_a_dispute_is_told_with_the_day_it_began(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None, kind="dispute", source="test"
        )
    assert facts(placed).events == (Event("dispute", clock.now().date()),)


def test_accounts_of_another_tenant_have_no_facts(placed: Placed, world: World) -> None:
    stranger = world.tenant()
    with runtime.current().database.transaction(stranger) as session:
        assert judging.law_facts(session, [(placed.account_id, None)]) == {}


@pytest.mark.parametrize(("channel", "kind"), [("pigeon", "consent"), ("email", "perhaps")])
def test_an_unknown_permission_is_refused(placed: Placed, channel: str, kind: str) -> None:
    with pytest.raises(UserError):
        permit(placed, channel, kind)


def test_an_opt_out_is_announced_and_a_consent_is_not(
    placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recupero.kernel import events

    heard: list[OptedOut] = []
    monkeypatch.setitem(events._handlers, OptedOut, [lambda _session, event: heard.append(event)])
    permit(placed, "sms")
    permit(placed, "sms", "opt_out")
    assert heard == [OptedOut(placed.debtor_id, "sms")]


@pytest.mark.parametrize(("first", "last"), [(600, None), (600, 600), (-1, 60), (60, 1441)])
def test_hours_that_are_no_stretch_of_a_day_are_refused(
    placed: Placed, first: int | None, last: int | None
) -> None:
    with pytest.raises(UserError), runtime.current().database.transaction(placed.scope) as session:
        service.set_preference(
            session,
            debtor_id=placed.debtor_id,
            channel=None,
            from_minute=first,
            to_minute=last,
            source="test",
        )


_FACTS = some.builds(
    Facts,
    country=some.sampled_from(["CL", "CO"]),
    region=some.none() | some.just("CL-RM"),
    timezone=some.none() | some.just("America/Santiago"),
    phone_timezone=some.sampled_from([None, "America/Bogota", "America/Santiago,Pacific/Easter"]),
    postal_timezone=some.none(),
    commune=some.none() | some.text(max_size=5),
    consented_channels=some.none() | some.frozensets(some.sampled_from(CHANNELS)),
    opted_out_channels=some.frozensets(some.sampled_from(CHANNELS)),
    employer_contact=some.booleans(),
    flags=some.frozensets(some.sampled_from(FLAGS)),
    due_date=some.none() | some.dates(),
    amount=some.none() | some.decimals(allow_nan=False, allow_infinity=False, places=2),
    currency=some.none() | some.just("CLP"),
    debt_kind=some.none() | some.just("card"),
)


@given(_FACTS)
def test_facts_come_back_from_storage_as_they_were(known: Facts) -> None:
    assert facts_from_json(facts_to_json(known)) == known
