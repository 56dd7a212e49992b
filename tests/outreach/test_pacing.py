"""A provider's account takes so many messages a second and so many connections: all workers keep to it
together, none waits long, and nothing is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.outreach.channels import pacing
from recupero.outreach.channels.connectors import Connector, connectors
from recupero.outreach.channels.pacing import HELD, Gate, Limits
from recupero.outreach.queries import actions_of
from recupero_sdk.channels import Capabilities, Message, Receipt
from recupero_sdk.settings import PluginConfig, Setting
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import run, states
from tests.outreach.two_way import KEY, Pigeon, installed, switch_on


@dataclass
class Slow(Pigeon):
    """Notes when it sent how many."""

    at: list[tuple[datetime, int]] = field(default_factory=list)

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        self.at.append((clock.now(), len(messages)))
        return super().send(messages, config)


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def slow(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    with installed(monkeypatch):
        made = Slow(capabilities=Capabilities(channels=("email",), per_second=2, concurrency=1))
        runtime.current().plugins.channels[KEY] = made  # taken away with `installed`
        switch_on(scope)
        yield made


def connector(slow: Slow, secret: str = "s") -> Connector:
    return Connector(KEY, slow, PluginConfig({}, {"secret": secret}))


def test_an_account_of_two_a_second_is_never_sent_more_and_all_arrive(scope: Scope, slow: Slow) -> None:
    placed = place(scope, 35)
    plan(placed)
    run()
    assert [count for _at, count in slow.at] == [2] * 5, "what it takes in five seconds, two at a time"
    waiting = [(state, reason) for state, reason in states(placed) if state != "closed"]
    assert {(state, reason) for state, reason in waiting} == {("scheduled", f"pace:{KEY}")}
    with runtime.current().database.transaction(scope) as session:
        dues = sorted(
            line.due_at
            for one in placed
            for line in actions_of(session, one.account_id)
            if line.state == "scheduled"
        )
    assert dues == [clock.now() + timedelta(seconds=HELD + place / 2) for place in range(25)]
    use = pacing.use(slow, PluginConfig({}, {"secret": "s"}), scope.tenant())
    assert use.limits == Limits(2, 1)
    for _ in range(4):
        clock.advance(timedelta(seconds=HELD))
        run()
    assert {state for state, _reason in states(placed)} == {"closed"}
    begun = slow.at[0][0]
    for window in range(5):
        sent = sum(n for at, n in slow.at if begun <= at <= begun + timedelta(seconds=HELD * window))
        assert sent <= 10 * (window + 1)


def test_creditors_with_the_same_secrets_share_an_account_and_others_do_not(slow: Slow, noon: object) -> None:
    first, same, other = Gate(1), Gate(2), Gate(3)
    assert first.share(connector(slow), 8, 0).room == 8
    assert same.share(connector(slow), 8, 0).room == 2
    assert other.share(connector(slow, "another"), 8, 0).room == 8
    assert same.share(connector(slow), 1, 1).room == 1, "an answer always goes"


def test_a_connection_more_than_there_are_waits_and_a_dead_workers_comes_back(
    slow: Slow, noon: object
) -> None:
    first, second = Gate(1), Gate(1)
    assert first.enters(connector(slow))
    assert first.enters(connector(slow)), "its own place"
    assert not second.enters(connector(slow))
    first.leave()
    assert second.enters(connector(slow))
    clock.advance(timedelta(minutes=11))  # whoever held it died
    assert first.enters(connector(slow))


def test_what_finds_no_connection_stays_claimed_and_goes_in_a_moment(scope: Scope, slow: Slow) -> None:
    elsewhere = Gate(scope.tenant())
    with runtime.current().database.transaction(scope) as session:
        assert elsewhere.enters(connectors(session)["email"])
    placed = place(scope, 3)
    plan(placed)
    run()
    assert [state for state, _reason in states(placed)] == ["claimed"] * 3
    elsewhere.leave()
    clock.advance(timedelta(seconds=HELD))
    run()
    assert [state for state, _reason in states(placed)] == ["closed"] * 3


def test_settings_of_the_account_come_before_what_the_connector_says(slow: Slow) -> None:
    slow.settings = (
        *slow.settings,
        Setting("per_second", "Pace", default="5"),
        Setting("concurrency", "At once"),
    )
    assert pacing.limits_of(slow, PluginConfig({})) == Limits(5, None)
    assert pacing.limits_of(slow, PluginConfig({"per_second": "0.5", "concurrency": "3"})) == Limits(0.5, 3)
