"""A provider that is down is left alone: messages wait, then go another way; one that arrives ends it."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from recupero.decisions.service import plan_tenant
from recupero.kernel import clock, crypto, runtime
from recupero.kernel.database import Scope
from recupero.outreach.channels import connectors, rests
from recupero.outreach.channels.rests import FIRST, GIVE_UP, Rest
from recupero.outreach.queries import actions_of, why_silent
from recupero.placements import normalise
from recupero.placements.tables import ContactPoint, Portfolio
from recupero_sdk.channels import Capabilities, Message, Receipt, SendOutcome, Uncertain
from recupero_sdk.settings import PluginConfig
from tests.decisions import debts
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import run, states
from tests.outreach.two_way import KEY, Pigeon, installed, switch_on


class Weather(Pigeon):
    """Sends in the mood it is in: `sent`, or one of the failures."""

    mood: str = "sent"
    dead: str = ""  # an address at which nobody is
    calls: int = 0

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        self.calls += 1
        if self.mood == "unknown":
            raise Uncertain("the line broke")
        moods = {message.key: "permanent" if message.recipient == self.dead else self.mood
                 for message in messages}  # fmt: skip
        self.sent += [message for message in messages if moods[message.key] == "sent"]
        return [Receipt(key, SendOutcome(mood), f"ref-{key}", "storm") for key, mood in moods.items()]


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def weather(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weather]:
    with installed(monkeypatch):
        made = Weather(capabilities=Capabilities(channels=("email",)))
        runtime.current().plugins.channels[KEY] = made  # taken away with `installed`
        switch_on(scope)
        yield made


def resting(scope: Scope) -> list[Rest]:
    with runtime.current().database.transaction(scope) as session:
        return rests.resting(session)


def fail(scope: Scope, weather: Weather, batches: int, mood: str = "retry") -> None:
    weather.mood = mood
    for _ in range(batches):
        plan(place(scope, timezone="America/Santiago"))
        run()


@pytest.mark.parametrize("mood", ["retry", "refused", "unknown"])
def test_three_batches_of_which_nothing_goes_out_make_it_rest(
    scope: Scope, weather: Weather, mood: str
) -> None:
    fail(scope, weather, 2, mood)
    assert resting(scope) == []
    fail(scope, weather, 1, mood)
    (rest,) = resting(scope)
    assert (rest.connector, rest.until - clock.now()) == (KEY, FIRST)
    called = weather.calls
    placed = place(scope, timezone="America/Santiago")
    plan(placed)
    run()
    assert weather.calls == called
    assert states(placed)[-1] == ("scheduled", f"provider_down:{KEY}")
    with runtime.current().database.transaction(scope) as session:
        steps = {one.channel: one for one in why_silent(session, placed[0].account_id).channels}
    assert (steps["email"].rests_until, steps["sms"].rests_until) == (rest.until, None)
    assert steps["email"].usable_at == max(rest.until, steps["email"].lawful_at or rest.until)


def test_what_waits_goes_out_when_the_provider_is_back(scope: Scope, weather: Weather) -> None:
    fail(scope, weather, 3)
    placed = place(scope, timezone="America/Santiago")
    plan(placed)
    run()
    weather.mood = "sent"
    clock.advance(FIRST + timedelta(minutes=1))
    run()
    run()
    assert resting(scope) == []
    assert states(placed)[-1][0] == "closed"


def test_one_address_that_is_dead_says_nothing_of_the_provider(scope: Scope, weather: Weather) -> None:
    fail(scope, weather, 2)
    fail(scope, weather, 1, "permanent")
    fail(scope, weather, 2)
    assert resting(scope) == []


def test_a_dead_address_gives_way_to_another_one_of_the_debtor(scope: Scope, weather: Weather) -> None:
    (placed,) = place(scope, timezone="America/Santiago")
    other = weather.dead = "otra@example.com"  # the newer one, which is tried first
    first = f"deudor{placed.debtor_id}@example.com"
    with runtime.current().database.transaction(scope) as session:
        session.add(ContactPoint(
            tenant_id=scope.tenant(), debtor_id=placed.debtor_id, kind="email", value=other, source="test",
            value_index=crypto.keyring().blind_index(normalise.email_key(other)),
            created_at=clock.now() + timedelta(minutes=1),
        ))  # fmt: skip
    plan([placed])
    run()
    assert states([placed]) == [("scheduled", "address: storm")]
    run()
    assert states([placed]) == [("closed", None)]
    assert [message.recipient for message in weather.sent] == [first]
    weather.dead = first  # and nobody is anywhere: that is the end
    plan([placed], template="follow_up", after=timedelta(days=3))
    clock.advance(timedelta(days=3, hours=1))
    run()
    assert states([placed])[-1] == ("failed", "permanent: storm")


def test_each_failed_try_doubles_the_rest_up_to_an_hour(scope: Scope) -> None:
    lengths = []
    with runtime.current().database.transaction(scope) as session:
        for _ in range(9):
            rests.note(session, KEY, {"retry"}, "storm")
            resting = rests.resting(session)
            lengths += [(rest.until - clock.now()) / timedelta(minutes=1) for rest in resting]
            clock.advance(max((rest.until - clock.now() for rest in resting), default=timedelta()))
    assert lengths == [5, 10, 20, 40, 60, 60, 60]


def test_after_long_the_action_is_given_back_and_planning_takes_another_channel(
    scope: Scope, weather: Weather
) -> None:
    fail(scope, weather, 3)
    placed = place(scope, timezone="America/Santiago")
    plan(placed)
    run()
    clock.advance(GIVE_UP - timedelta(minutes=1))
    with runtime.current().database.transaction(scope) as session:
        rests.note(session, KEY, {"retry"}, "storm")
    clock.advance(timedelta(minutes=2))
    run()
    assert states(placed)[-1] == ("blocked", f"provider_down:{KEY}")
    with runtime.current().database.transaction(scope) as session:
        assert not connectors.connectors(session)["email"].ready
        owed = debts.debt(session, debts.portfolio(session, exploration=0, channels=["email", "sms"]))
    assert owed.account_id
    plan_tenant(runtime.current().database, scope)
    with runtime.current().database.transaction(scope) as session:
        channels = {line.channel for line in actions_of(session, owed.account_id)}
    assert channels == {"sms"}


def test_what_is_tried_in_vain_itself_goes_another_way_as_well(scope: Scope, weather: Weather) -> None:
    with runtime.current().database.transaction(scope) as session:
        book = debts.portfolio(session, exploration=0, channels=["email"])
        owed = debts.debt(session, book, open_date=date(2025, 1, 15))
    plan_tenant(runtime.current().database, scope)
    with runtime.current().database.transaction(scope) as session:
        session.get_one(Portfolio, (scope.tenant(), book)).strategy = {"channels": ["email", "sms"]}
        (planned,) = actions_of(session, owed.account_id)
    weather.mood = "retry"
    clock.advance(planned.due_at - clock.now())
    for _ in range(7):  # nobody else writes: this one is every try
        run()
        run()
        clock.advance(GIVE_UP / 6)
    with runtime.current().database.transaction(scope) as session:
        found = [(one.channel, one.state, one.reason) for one in actions_of(session, owed.account_id)]
    assert found[-1] == ("email", "blocked", f"provider_down:{KEY}")
    assert found[0][0] == "sms"  # planned anew within seconds


def test_another_tenants_provider_is_not_touched(scope: Scope, weather: Weather, world: World) -> None:
    fail(scope, weather, 3)
    other = world.tenant(Scope(scope.agency_id))
    assert resting(other) == []
