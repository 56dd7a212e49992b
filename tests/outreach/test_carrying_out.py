"""Due actions become lawful messages, once; what speaks against one is said."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from recupero.contacts import queries as contact_queries
from recupero.contacts import service as contacts
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.outreach import queries
from recupero.outreach.tables import Action, ActionEvent
from recupero.payments import service as payments
from recupero.placements import service as placements
from recupero.placements.tables import Account, ContactPoint
from tests.factories import World
from tests.outreach.placed import Placed, permit, place, plan


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def run() -> None:
    """What scheduler and workers do at this moment of the clock."""
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "outreach.reap")
        jobs.enqueue(session, "outreach.dispatch")
    jobs.drain()


def states(placed: list[Placed]) -> list[tuple[str, str | None]]:
    with runtime.current().database.transaction(placed[0].scope) as session:
        rows = session.execute(select(Action.state, Action.reason).order_by(Action.id)).all()
    return [(row.state, row.reason) for row in rows]


def history(placed: Placed) -> list[str]:
    with runtime.current().database.transaction(placed.scope) as session:
        return list(session.execute(select(ActionEvent.state).order_by(ActionEvent.id)).scalars())


def test_a_due_action_becomes_a_message_that_the_outbox_holds(scope: Scope) -> None:
    placed = place(scope)
    plan(placed)
    run()
    assert states(placed) == [("closed", None)]
    assert history(placed[0]) == ["scheduled", "claimed", "reserved", "closed"]
    with runtime.current().database.transaction(scope) as session:
        (message,) = queries.outbox(session)
        (line,) = contact_queries.timeline(session, placed[0].account_id)
        (count,) = session.execute(select(PersonContact)).scalars().all()
    assert message.address == f"deudor{placed[0].debtor_id}@example.com"
    for words in ("Acreedor", "$125.000", str(message.code), "http://127.0.0.1:8000/"):
        assert words in message.body
    assert (line.state, line.pack, line.verdict and line.verdict["allowed"]) == ("sent", "cl", True)
    assert (count.outcome, count.channel) == ("delivered", "email")


def test_what_was_sent_is_found_lawful_again(scope: Scope) -> None:
    plan(place(scope, 3))
    plan(place(scope, 2), "sms")
    run()
    found = replay_contacts(runtime.current().database)
    assert (found.contacts, found.illegal) == (5, ())


def test_outside_the_hours_it_waits_for_the_next_lawful_moment(scope: Scope) -> None:
    placed = place(scope, timezone="America/Santiago")
    clock.advance(timedelta(hours=10))  # ten in the evening in Santiago
    plan(placed, "sms")
    run()
    ((state, reason),) = states(placed)
    assert state == "scheduled"
    assert str(reason).startswith("law:CL-")
    with runtime.current().database.transaction(scope) as session:
        due = session.execute(select(Action.due_at)).scalar_one()
        assert session.execute(select(Contact)).first() is None
    clock.set_to(due)
    run()
    assert states(placed) == [("closed", None)]


def test_a_refusal_that_outlasts_the_action_blocks_it(scope: Scope) -> None:
    placed = place(scope, timezone="America/Santiago")
    clock.advance(timedelta(hours=10))
    plan(placed, "sms", lasts=timedelta(hours=2))
    run()
    ((state, reason),) = states(placed)
    assert state == "blocked"
    assert str(reason).startswith("law:CL-")


def test_several_actions_of_one_person_in_a_batch_share_the_caps(scope: Scope) -> None:
    first = place(scope)
    placed = first + place(scope, 3, of=first[0])
    plan(placed)
    run()
    assert sorted(state for state, _ in states(placed)) == ["closed", "scheduled", "scheduled", "scheduled"]
    for _ in range(30):
        clock.advance(timedelta(days=1))
        run()
    assert replay_contacts(runtime.current().database).illegal == ()


def test_two_tenants_share_a_persons_caps_and_see_only_their_own(world: World, noon: object) -> None:
    agency = world.agency()
    one, other = world.tenant(agency), world.tenant(agency)
    mine = place(one)
    theirs = place(other, people=[mine[0].person_id])
    plan(mine)
    run()
    plan(theirs)
    run()
    assert states(mine) == [("closed", None)]
    ((state, reason),) = states(theirs)
    assert (state, reason) == ("scheduled", "law:CL-37-other-media-gap")
    creditor = Scope(None, other.tenant_ids)  # as a creditor's user sees: no agency in scope
    with runtime.current().database.transaction(creditor) as session:
        assert session.execute(select(Contact)).first() is None
        assert session.execute(select(PersonContact)).first() is None


def test_nobody_is_contacted_whose_time_zone_nothing_tells(scope: Scope) -> None:
    placed = place(scope, region=None, kinds=("email",))
    plan(placed)
    run()
    assert states(placed) == [("blocked", "no_timezone")]
    with runtime.current().database.transaction(scope) as session:
        step = queries.why_silent(session, placed[0].account_id)
    assert "no_timezone" in step.standing


def test_a_country_without_a_pack_is_closed_and_says_so(scope: Scope) -> None:
    placed = place(scope, country="UY", currency="UYU")
    plan(placed)
    run()
    assert states(placed) == [("blocked", "law:UY-COVERAGE")]
    with runtime.current().database.transaction(scope) as session:
        step = queries.why_silent(session, placed[0].account_id)
        (line,) = queries.actions_of(session, placed[0].account_id)
    assert step.standing == ["law:UY-COVERAGE", "nothing_planned"]
    assert "pack" in str(line.events[-1][3])


def test_a_zone_that_does_not_exist_is_closed_and_says_so(scope: Scope) -> None:
    placed = place(scope, timezone="America/Nowhere")
    plan(placed)
    run()
    assert states(placed) == [("blocked", "law:CL-COVERAGE")]


def test_without_consent_colombia_is_closed_and_with_it_open(world: World, noon: object) -> None:
    scope = world.tenant(country="CO")
    placed = place(scope, 2, country="CO", currency="COP")
    permit(placed[0], "email")
    plan(placed)
    run()
    assert states(placed) == [("closed", None), ("blocked", "law:CO-2300-2-channels")]


def test_a_message_that_cannot_say_what_the_law_wants_is_not_sent(scope: Scope) -> None:
    placed = place(scope, open_date=None)
    plan(placed)
    run()
    assert states(placed) == [("blocked", "content:CL-37-disclosures")]
    with runtime.current().database.transaction(scope) as session:
        assert session.execute(select(Contact)).first() is None


def test_a_payment_cancels_what_waits_in_the_same_transaction(scope: Scope) -> None:
    placed = place(scope, 2)
    plan(placed, after=timedelta(days=1))
    with runtime.current().database.transaction(scope) as session:
        placements.apply_balance(session, {placed[0].account_id: -125_000})
        inside = session.execute(select(Action.state).order_by(Action.id)).scalars().all()
    assert inside == ["cancelled", "scheduled"]
    assert states(placed)[0] == ("cancelled", "closed:PIF")


@pytest.mark.parametrize("kind", ["dispute", "hardship", "cease"])
def test_a_hold_cancels_what_waits(scope: Scope, kind: str) -> None:
    placed = place(scope, 2)
    plan(placed, after=timedelta(days=1))
    with runtime.current().database.transaction(scope) as session:
        placements.open_hold(
            session, debtor_id=placed[0].debtor_id, account_id=None, kind=kind, source="test"
        )
    assert states(placed) == [("cancelled", f"hold:{kind}"), ("scheduled", None)]


def test_an_opt_out_cancels_its_channel_only(scope: Scope) -> None:
    placed = place(scope)
    plan(placed, "email", after=timedelta(days=1))
    plan(placed, "sms", after=timedelta(days=4))
    permit(placed[0], "email", "opt_out")
    assert states(placed) == [("cancelled", "opted_out"), ("scheduled", None)]
    permit(placed[0], "all", "opt_out")
    assert states(placed)[1] == ("cancelled", "opted_out")


def test_a_recall_cancels_what_waits(scope: Scope) -> None:
    placed = place(scope)
    plan(placed, template="thanks", after=timedelta(days=1))
    with runtime.current().database.transaction(scope) as session:
        placements.recall_accounts(session, [placed[0].account_id])
    assert states(placed) == [("cancelled", "recalled")]


def test_a_rolled_back_payment_cancels_nothing(scope: Scope) -> None:
    placed = place(scope)
    plan(placed)
    with pytest.raises(RuntimeError), runtime.current().database.transaction(scope) as session:
        placements.apply_balance(session, {placed[0].account_id: -125_000})
        raise RuntimeError
    assert states(placed) == [("scheduled", None)]


def test_what_changed_silently_is_seen_again_at_sending(scope: Scope) -> None:
    placed = place(scope, 2)
    plan(placed)
    with runtime.current().database.transaction(scope) as session:
        session.execute(update(Account).where(Account.id == placed[0].account_id).values(balance_minor=0))
        session.execute(
            update(ContactPoint).where(ContactPoint.id == placed[1].points["email"]).values(status="invalid")
        )
    run()
    assert states(placed) == [("cancelled", "account:active"), ("blocked", "no_contact_point:email")]


def test_a_reminder_is_not_sent_once_the_date_has_passed(scope: Scope) -> None:
    placed = place(scope, due_date=date(2026, 3, 1)) + place(scope, due_date=date(2026, 3, 20))
    plan(placed, template="reminder")
    run()
    assert states(placed) == [("cancelled", "no_longer_before_due_date"), ("closed", None)]


def test_an_action_nobody_carried_out_expires(scope: Scope) -> None:
    placed = place(scope)
    plan(placed, "call", lasts=timedelta(hours=1))
    run()
    assert states(placed) == [("scheduled", None)]  # a person's work, not a connector's
    clock.advance(timedelta(hours=2))
    run()
    assert states(placed) == [("expired", "too_late")]


def test_the_hours_a_debtor_asked_for_are_kept(scope: Scope) -> None:
    placed = place(scope, timezone="America/Santiago")
    with runtime.current().database.transaction(scope) as session:
        contacts.set_preference(
            session, debtor_id=placed[0].debtor_id, channel=None, from_minute=15 * 60, to_minute=17 * 60,
            source="test",
        )  # fmt: skip
    plan(placed)
    run()
    assert states(placed) == [("scheduled", "preferred_hours")]
    clock.advance(timedelta(hours=3))
    run()
    assert states(placed) == [("closed", None)]


def test_one_link_serves_all_that_a_debtor_owes(scope: Scope) -> None:
    placed = place(scope)
    with runtime.current().database.transaction(scope) as session:
        links = payments.ensure_links(session, {placed[0].debtor_id: [placed[0].account_id]})
    plan(placed)
    run()
    with runtime.current().database.transaction(scope) as session:
        (message,) = queries.outbox(session)
    assert links[placed[0].debtor_id] in message.body
