"""Who takes a debtor over, by when, and what the machine leaves to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from recupero.contacts.replaying import replay_contacts
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.conversations import replies
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.tables import Action
from recupero.outreach.understanding import desk, hand_overs, hours
from recupero.outreach.understanding.hours import Hours
from recupero.outreach.understanding.tables import HandOver
from recupero.payments.offers.plan_schedule import working_days
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from recupero_sdk.channels import Message, Receipt, SendOutcome
from tests.outreach.placed import Placed, permit, place
from tests.outreach.reception.test_messages import all_of, phone, says
from tests.outreach.two_way import Provider


@dataclass
class Agent:
    id: int
    name: str = "Eva"
    locale: str = "es"
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("users", "why", "load", "before", "chosen"),
    [
        ([Agent(1), Agent(2, locale="pt")], "angry", {1: 9}, None, 1),
        ([Agent(1, languages=("pt", "es")), Agent(2)], "unsure", {}, None, 1),
        ([Agent(1), Agent(2, skills=("hardship",))], "hardship", {2: 9}, 1, 2),
        ([Agent(1), Agent(2)], "unsure", {2: 3}, 2, 2),
        ([Agent(1), Agent(2)], "unsure", {1: 3, 2: 2}, None, 2),
        ([Agent(1, locale="en"), Agent(2, locale="pt")], "hardship", {1: 1}, None, 2),
    ],
)
def test_language_then_training_then_the_same_person_then_least_to_do(
    users: list[Agent], why: str, load: dict[int, int], before: int | None, chosen: int
) -> None:
    found = desk.choose(users, why, "es", load, before)
    assert found is not None
    assert found.id == chosen


def test_nobody_is_nobody() -> None:
    assert desk.choose([], "angry", "es", {}, None) is None


@pytest.mark.parametrize(
    ("start", "work", "end"),
    [
        ("2026-03-10T12:00", 4, "2026-03-10T16:00"),
        ("2026-03-10T16:00", 4, "2026-03-11T11:00"),  # over the night
        ("2026-03-10T06:00", 4, "2026-03-10T13:00"),  # before anybody is there
        ("2026-03-13T17:30", 1, "2026-03-16T09:30"),  # over the weekend
        ("2026-04-02T18:30", 9, "2026-04-06T18:00"),  # over Good Friday and the Saturday after it
    ],
)
def test_deadlines_count_the_hours_in_which_people_work(start: str, work: int, end: str) -> None:
    zone = ZoneInfo("America/Santiago")
    people = Hours(time(9), time(18), zone, working_days("CL"))
    begins = datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(UTC)
    found = people.after(begins, timedelta(hours=work))
    assert found.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes") == end


def agent(scope: Scope, name: str, **more: object) -> int:
    told = {"locale": "es", "tenant_ids": None, **more}
    with runtime.current().database.transaction(scope) as session:
        return users.create(
            session, email=f"{name}-{scope.agency()}@example.com", name=name, password="una clave larga",
            role=Role.AGENT, actor="system", **told,  # type: ignore[arg-type]  # told by name
        ).id  # fmt: skip


def talk_of(placed: Placed) -> Conversation:
    return next(one for one in all_of(placed.scope, Conversation) if one.debtor_id == placed.debtor_id)


def test_the_same_debtor_comes_back_to_the_person_they_spoke_with(provider: Provider) -> None:
    scope, (first, second) = provider.scope, place(provider.scope, 2)
    eva, ivo = agent(scope, "Eva"), agent(scope, "Ivo")
    says(provider, "quiero hablar con una persona", phone(first))
    says(provider, "quiero hablar con una persona", phone(second))
    assert [talk_of(one).assigned_to for one in (first, second)] == [eva, ivo]  # the least to do
    with runtime.current().database.transaction(scope) as session:
        desk.pass_on(session, first.debtor_id, ivo, actor="user:1")
        with pytest.raises(UserError):
            desk.pass_on(session, first.debtor_id, 10**9, actor="user:1")
        hand_overs.close(session, first.debtor_id, cause="ILLNESS", next_step="Llamar", actor=f"user:{ivo}")
    assert (talk_of(first).assigned_to, talk_of(first).spoke_with) == (None, ivo)
    says(provider, "necesito que me atienda una persona", phone(first))
    assert talk_of(first).assigned_to == ivo
    clock.advance(timedelta(days=4))
    with runtime.current().database.transaction(scope) as session:
        assert desk.release_late(session) == 2
    assert talk_of(first).assigned_to is None


def test_the_hours_are_the_creditors(provider: Provider) -> None:
    with runtime.current().database.transaction(provider.scope) as session:
        for opens, closes, field in (("9 am", "18:00", "opens"), ("10:00", "09:00", "closes")):
            with pytest.raises(UserError) as refused:
                hours.set_hours(session, opens, closes, actor="user:1")
            assert refused.value.field == field
        hours.set_hours(session, "11:00", "13:00", actor="user:1")
        noon = clock.now()
        assert hours.hours(session).after(noon, timedelta(hours=1.5)) == noon + timedelta(hours=23.5)


@pytest.mark.parametrize("fails", ["law", "address"])
def test_whoever_gets_no_automatic_answer_gets_a_person(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    placed = place(
        provider.scope, country="CO", currency="COP", region="CO-DC", timezone="America/Bogota",
    )[0]  # fmt: skip
    clock.advance(timedelta(hours=1))
    if fails == "address":  # the law lets it, and nobody is there any more
        permit(placed, "sms")
        monkeypatch.setattr(type(provider.pigeon), "send", _nobody_there)
    says(provider, "mándeme el link para pagar por favor", phone(placed))
    (action,) = all_of(provider.scope, Action)
    assert action.template == "own_page"
    assert action.state == {"law": "blocked", "address": "failed"}[fails]
    (given,) = all_of(provider.scope, HandOver)
    assert (given.debtor_id, given.why) == (placed.debtor_id, "unanswered")
    assert talk_of(placed).waiting_since is not None


def _nobody_there(_self: object, messages: Sequence[Message], _config: object) -> list[Receipt]:
    return [Receipt(one.key, SendOutcome.PERMANENT, reason="no such number") for one in messages]


def test_the_last_message_that_the_law_leaves_is_a_persons(provider: Provider) -> None:
    placed = place(provider.scope)[0]
    says(provider, "mándeme el link para pagar por favor", phone(placed))
    assert all_of(provider.scope, HandOver) == []
    clock.advance(timedelta(hours=50))  # two a week, two days apart: this would be the second
    says(provider, "¿me puede mandar el link para pagar otra vez?", phone(placed))
    (given,) = all_of(provider.scope, HandOver)
    assert given.why == "last_reply"
    with runtime.current().database.transaction(provider.scope) as session:
        replies.reply(session, placed.debtor_id, "Aquí lo tiene.", actor="user:7")
    jobs.drain()
    assert provider.pigeon.sent[-1].text.startswith("Aquí lo tiene.")
    assert replay_contacts(runtime.current().database).broken == ()
