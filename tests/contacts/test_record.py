"""The record of contacts: calls and their coded results, inbound words, unknown ones settled, the replay."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from recupero.contacts import answers, queries, service
from recupero.contacts import messages as contact_messages
from recupero.contacts import placed as from_file
from recupero.contacts.dispositions import DISPOSITIONS
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.service import Result, Wish
from recupero.contacts.tables import Contact, GivenVerdict, Permission, PersonContact
from recupero.decisions.planning.reading import read_history
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.law.service import Packs
from recupero.outreach import service as outreach
from recupero.placements.events import AccountsPlaced
from recupero.placements.tables import ContactPoint, Hold
from recupero_sdk.law import Channel, Recipient
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import states


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def placed(scope: Scope) -> Placed:
    return place(scope)[0]


def reserve(placed: Placed, channel: Channel = "call") -> service.Reservation:
    kind = "email" if channel == "email" else "phone"
    with runtime.current().database.transaction(placed.scope) as session:
        return service.reserve(session, [Wish(placed.account_id, channel, placed.points[kind])])[0]


def call(placed: Placed, code: str) -> int:
    contact_id = reserve(placed).contact_id
    assert contact_id is not None
    with runtime.current().database.transaction(placed.scope) as session:
        answers.record_disposition(session, contact_id, code, actor="user:1")
    return contact_id


def counted(placed: Placed) -> list[tuple[str, str, str]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(
            select(PersonContact.channel, PersonContact.direction, PersonContact.outcome).order_by(
                PersonContact.id
            )
        ).all()
    return [tuple(row) for row in rows]


def test_a_reserved_contact_counts_as_the_strictest_until_it_is_known(placed: Placed) -> None:
    first = reserve(placed)
    assert first.contact_id is not None
    assert counted(placed) == [("call", "outbound", "unknown")]
    again = reserve(placed)
    assert again.contact_id is None
    assert again.verdict.first_refusal == "CL-37-phone-visit-weekly"


def test_what_the_law_said_is_kept_once_and_shown_with_each(scope: Scope) -> None:
    people = place(scope, 3)
    with runtime.current().database.transaction(scope) as session:
        wishes = [Wish(one.account_id, "email", one.points["email"]) for one in people]
        made = service.reserve(session, wishes)
        assert all(one.contact_id is not None for one in made)
        assert len(session.execute(select(GivenVerdict.digest)).all()) == 1
    clock.advance(timedelta(days=7))
    with runtime.current().database.transaction(scope) as session:
        (later,) = service.reserve(session, wishes[:1])
        assert len(session.execute(select(GivenVerdict.digest)).all()) == 1
        lines = queries.timeline(session, people[0].account_id)
    said = [one.verdict.to_json() | {"policies": []} for one in (later, made[0])]
    assert [line.verdict for line in lines] == said
    assert len({one["next_lawful_at"] for one in said}) == 2


def test_a_call_nobody_took_does_not_use_up_the_weekly_one(placed: Placed) -> None:
    call(placed, "NOAN")
    assert reserve(placed).contact_id is not None


def test_a_call_that_was_taken_does(placed: Placed) -> None:
    call(placed, "HUPV")
    assert reserve(placed).contact_id is None
    clock.advance(timedelta(days=8))
    assert reserve(placed).contact_id is not None


@pytest.mark.parametrize("code", sorted(DISPOSITIONS))
def test_every_code_can_be_recorded_and_the_replay_finds_nothing(placed: Placed, code: str) -> None:
    contact_id = call(placed, code)
    disposition = DISPOSITIONS[code]
    with runtime.current().database.transaction(placed.scope) as session:
        (line,) = queries.timeline(session, placed.account_id)
        holds = list(session.execute(select(Hold.kind)).scalars())
        point = session.get_one(ContactPoint, (placed.scope.tenant(), placed.points["phone"]))
    state = "answered" if code == "OPTO" else disposition.state  # said on a call, it was a talk
    assert (line.id, line.disposition, line.state) == (contact_id, code, state)
    assert line.right_party is disposition.right_party
    assert holds == ([disposition.stops] if disposition.stops else [])
    assert (point.status == "invalid") is disposition.spoils_point
    assert replay_contacts(runtime.current().database).illegal == ()


def test_a_demand_to_cease_closes_every_channel_at_once(placed: Placed) -> None:
    call(placed, "CEAS")
    clock.advance(timedelta(days=30))
    for channel in ("call", "email", "sms"):
        assert reserve(placed, channel).contact_id is None  # type: ignore[arg-type]  # channels of law


def test_an_unknown_code_or_contact_is_refused(placed: Placed) -> None:
    contact_id = reserve(placed).contact_id
    with runtime.current().database.transaction(placed.scope) as session:
        with pytest.raises(UserError, match="unknown disposition"):
            answers.record_disposition(session, contact_id or 0, "WHAT", actor="user:1")
        with pytest.raises(NotFound):
            answers.record_disposition(session, 999_999, "NOAN", actor="user:1")


def test_what_the_debtor_writes_is_kept_and_uses_up_nothing(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        answers.record_inbound(
            session, account_id=placed.account_id, channel="email", address="x@example.com", body="Ya pagué"
        )
        (message,) = contact_messages.messages(session)
    assert (message.direction, message.body, message.state) == ("inbound", "Ya pagué", "received")
    assert counted(placed) == [("email", "inbound", "reply")]
    assert reserve(placed, "email").contact_id is not None


def test_words_are_stored_encrypted(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        answers.record_inbound(
            session, account_id=placed.account_id, channel="email", address="x@example.com", body="Ya pagué"
        )
        stored = session.execute(text("SELECT address || subject || body FROM messages")).scalar_one()
    assert "pagué".encode() not in bytes(stored)
    assert b"example.com" not in bytes(stored)


def test_a_person_settles_an_unknown_contact_once(placed: Placed) -> None:
    contact_id = reserve(placed, "email").contact_id
    assert contact_id is not None
    with runtime.current().database.transaction(placed.scope) as session:
        service.mark_unknown(session, [contact_id], "test")
        service.settle_unknown(session, contact_id, delivered=False, actor="user:1")
        with pytest.raises(Conflict):
            service.settle_unknown(session, contact_id, delivered=True, actor="user:1")
    assert counted(placed) == []
    assert reserve(placed, "email").contact_id is not None


def test_what_is_settled_is_not_changed_by_a_late_confirmation(placed: Placed) -> None:
    contact_id = call(placed, "HUPV")
    with runtime.current().database.transaction(placed.scope) as session:
        assert service.confirm(session, [Result(contact_id, "failed")]) == []
    assert counted(placed) == [("call", "outbound", "answered")]


def test_the_replay_finds_a_contact_that_broke_the_law(placed: Placed) -> None:
    contact_id = reserve(placed, "email").contact_id
    with runtime.current().database.transaction(placed.scope) as session:
        night = clock.now() + timedelta(hours=14)
        session.execute(update(Contact).values(at=night))
        session.execute(update(PersonContact).values(at=night))
    found = replay_contacts(runtime.current().database)
    assert [one.id for one in found.illegal] == [str(contact_id)]
    assert found.to_json() == {
        "contacts": 1, "illegal": 1, "illegal_ids": [str(contact_id)], "against_policy": 0,
        "against_policy_ids": [],
    }  # fmt: skip


def test_the_replay_of_one_tenant_counts_only_people_it_contacted(world: World, scope: Scope) -> None:
    placed, other = place(scope)[0], place(world.tenant(scope), of=None)[0]
    reserve(placed, "email")
    reserve(other, "email")
    assert replay_contacts(runtime.current().database).contacts == 2
    assert replay_contacts(runtime.current().database, str(scope.tenant())).contacts == 1


def test_a_country_closed_by_a_failed_pack_refuses_with_the_reason(
    placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recupero.contacts import gate

    monkeypatch.setattr(gate, "packs", lambda: Packs({}, {"CL": "PackError: rules missing"}))
    refused = reserve(placed, "email")
    assert refused.contact_id is None
    assert "PackError" in refused.verdict.refusals[0].reason


def test_an_opt_out_from_a_file_cancels_what_waits_on_its_channel(placed: Placed) -> None:
    plan([placed], "sms", after=timedelta(days=1))
    plan([placed], "email", after=timedelta(days=1))
    with runtime.current().database.transaction(placed.scope) as session:
        _stage(session, placed)
        from_file.file_permissions(session, AccountsPlaced(1, "staged_permissions"))
        outreach.on_permissions_filed(session, AccountsPlaced(1, "staged_permissions"))
    assert [state for state, _ in states([placed])] == ["cancelled", "scheduled"]


def test_permissions_come_with_the_placed_file_and_an_opt_out_is_the_later_word(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        _stage(session, placed)
        from_file.file_permissions(session, AccountsPlaced(1, "staged_permissions"))
        assert len(session.execute(select(Permission)).scalars().all()) == 3
        found = queries.permissions_of(session, [placed.debtor_id])[placed.debtor_id]
    assert found.consented == {"email"}
    assert found.opted_out == {"sms"}


def _stage(session: Session, placed: Placed) -> None:
    """What an import leaves for a row that consents to two channels and closes one of them."""
    session.execute(
        text(
            "CREATE TEMPORARY TABLE staged_permissions ON COMMIT DROP AS"
            " SELECT CAST(:tenant AS bigint) AS tenant_id, CAST(:debtor AS bigint) AS debtor_id,"
            " CAST(:at AS timestamptz) AS permission_at, 'placement'::text AS permission_source,"
            " ARRAY['email', 'sms'] AS consents, ARRAY['sms'] AS opt_outs FROM generate_series(1, 2)"
        ),
        {"tenant": placed.scope.tenant(), "debtor": placed.debtor_id, "at": clock.now()},
    )


def test_an_enquiry_to_others_is_remembered_beyond_the_year_that_demands_are(
    world: World, noon: object
) -> None:
    """The United States let a person be asked once where the debtor is; the same in a single judgement and in
    those of a plan, and in the replay."""
    scope = world.tenant()
    (debt,) = place(scope, country="US", currency="USD", region="US-TX", timezone="America/Chicago")
    database = runtime.current().database

    def ask(recipient: Recipient, purpose: str) -> service.Reservation:
        wish = Wish(debt.account_id, "call", debt.points["phone"], purpose=purpose, recipient=recipient)
        with database.transaction(scope) as session:
            return service.reserve(session, [wish])[0]

    first = ask("third_party", "locate")
    assert first.contact_id is not None, first.verdict
    clock.advance(timedelta(days=602))
    again = ask("third_party", "locate")
    assert again.contact_id is None
    assert "US-FDCPA-location" in {one.rule_id for one in again.verdict.outcomes if one.outcome == "refused"}
    assert ask("debtor", "collection").contact_id is not None
    with database.transaction(scope) as session:
        history = read_history(session, clock.now())
    assert [(row["recipient"], row["purpose"]) for row in history.sort("at").iter_rows(named=True)] == [
        ("third_party", "locate"), ("debtor", "collection"),
    ]  # fmt: skip
    assert replay_contacts(database).broken == ()


def test_what_they_asked_for_uses_up_nothing_where_the_law_leaves_it_out(scope: Scope) -> None:
    """Massachusetts: two calls in seven days, those that the debtor asked for apart."""
    (debt,) = place(scope, country="US", currency="USD", region="US-MA", timezone="America/New_York")
    database = runtime.current().database

    def called(purpose: str) -> str | None:
        clock.advance(timedelta(hours=24))
        wish = Wish(debt.account_id, "call", debt.points["phone"], purpose)
        with database.transaction(scope) as session:
            made = service.reserve(session, [wish])[0]
            if made.contact_id is not None:
                answers.record_disposition(session, made.contact_id, "NOAN", actor="user:1")
        return made.verdict.first_refusal

    assert [called("reply") for _ in range(3)] == [None] * 3
    assert [called("collection") for _ in range(3)] == [None, None, "US-MA-2in7"]
    assert called("reply") is None, "they asked to be called"
    with database.transaction(scope) as session:
        assert read_history(session, clock.now())["asked"].sum() == 4
    assert replay_contacts(database).broken == ()
