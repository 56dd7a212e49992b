"""What a debtor asks for holds at once: channel, hours, language."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from recupero.kernel import audit, clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach import queries
from recupero.outreach.channels import preferences
from recupero.outreach.channels.preferences import Wish
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import run, states


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago")[0]


def keep(placed: Placed, wish: Wish) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        preferences.keep(session, placed.debtor_id, wish, actor="user:1")


def test_what_waits_on_another_channel_is_cancelled_at_once(placed: Placed) -> None:
    plan([placed], "sms", after=timedelta(days=1))
    plan([placed], "email", after=timedelta(days=4))
    keep(placed, Wish("email", None, "es"))
    assert states([placed]) == [("cancelled", "preferred_channel"), ("scheduled", None)]
    with runtime.current().database.transaction(Scope(placed.scope.agency_id)) as session:
        assert "outreach.preference_kept" in session.execute(select(audit.AuditEvent.action)).scalars().all()


def test_hours_and_language_hold_for_what_goes_out_next(placed: Placed) -> None:
    keep(placed, Wish(None, (time(15), time(17)), "pt"))
    plan([placed])
    run()
    assert states([placed]) == [("scheduled", "preferred_hours")]
    keep(placed, Wish(None, None, "pt"))
    with runtime.current().database.transaction(placed.scope) as session:
        assert preferences.of_debtor(session, placed.debtor_id, "pt") == Wish(None, None, "pt")
    plan([placed])
    run()
    with runtime.current().database.transaction(placed.scope) as session:
        assert [message.language for message in queries.outbox(session)] == ["pt"]


def due(placed: Placed) -> datetime:
    with runtime.current().database.transaction(placed.scope) as session:
        step = queries.why_silent(session, placed.account_id)
    assert step.next_at is not None
    return step.next_at


def test_what_waits_is_told_for_a_moment_that_is_lawful_and_asked_for(placed: Placed) -> None:
    plan([placed])
    keep(placed, Wish(None, (time(19, 30), time(23)), "es"))  # in Chile until eight in the evening
    asked_for = datetime(2026, 3, 10, 22, 30, tzinfo=UTC)
    assert (states([placed]), due(placed)) == ([("scheduled", "preferred_hours")], asked_for)
    with runtime.current().database.transaction(placed.scope) as session:
        steps = {one.channel: one for one in queries.why_silent(session, placed.account_id).channels}
    assert (steps["email"].lawful_at, steps["email"].usable_at) == (clock.now(), asked_for)
    clock.set_to(asked_for + timedelta(hours=1))  # inside their hours, outside those of the law
    run()
    assert states([placed]) == [("scheduled", "law:CL-37-hours-call-visit")]
    assert due(placed) == asked_for + timedelta(days=1)


def test_hours_at_which_the_law_allows_nothing_are_refused(placed: Placed) -> None:
    with pytest.raises(UserError, match="In these hours the law allows no contact") as refused:
        keep(placed, Wish(None, (time(22), time(23)), "es"))
    assert refused.value.field == "begins"
    with runtime.current().database.transaction(placed.scope) as session:
        assert preferences.of_debtor(session, placed.debtor_id, "es").hours is None
    keep(placed, Wish("letter", (time(22), time(23)), "es"))  # a letter comes at any hour


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (("pigeon", "", "", "es"), "channel"), (("", "", "", "fr"), "language"),
        (("", "17:00", "09:00", "es"), "ends"), (("", "9 o'clock", "17:00", "es"), "begins"),
        (("", "09:00", "", "es"), "ends"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_kept_is_refused_at_its_field(
    told: tuple[str, str, str, str], field: str
) -> None:
    with pytest.raises(UserError) as refused:
        preferences.read(*told)
    assert refused.value.field == field


def test_what_is_left_open_is_left_open() -> None:
    assert preferences.read("", "", "", "en") == Wish(None, None, "en")
    assert preferences.read("sms", "09:00", "18:30", "en") == Wish("sms", (time(9), time(18, 30)), "en")
