"""Whatever a pack asks for is told by the house, or the page of facts says that it is not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recupero.contacts import judging, proving, queries, service, standing, told
from recupero.contacts.facts import EVENT_OF_HOLD, FLAG_OF_HOLD
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.service import Wish
from recupero.contacts.told import NewFact
from recupero.kernel import clock, runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import service as placements
from recupero.placements.tables import Account, ContactPoint
from recupero_sdk.law import FLAGS, Channel, Event, Facts
from recupero_sdk.law.values import EVENT_KINDS, PERMISSIONS
from tests.factories import World
from tests.outreach.placed import Placed, place

PAGE = Path(__file__).parents[2] / "docs" / "law-facts.md"
#: Words of conditions that follow from account, contact point, consents or the proposed contact.
OF_THE_CONTACT = {
    "recipients", "purposes", "places", "consented", "asked", "with_consent", "amount_from", "amount_below",
    "flags", "permissions", "line_types",
}  # fmt: skip
DAY = timedelta(days=1)
STATED = {"creditor_sectors", "owner_types", "parties", "debt_kinds"}


def _words(data: Any) -> Iterator[str]:
    """Every text in some data, and every key."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _words(key)
            yield from _words(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _words(value)
    elif isinstance(data, str):
        yield data


def _asked() -> set[str]:
    """Conditions, flags, events and permissions that rules which decide name, in any pack."""
    found: set[str] = set()
    deciding = {"stop", "pause", "prior_notice", "channel_gate", "opt_out", "limitation"}
    for pack in queries.packs().by_country.values():
        for rule in pack.known():
            for condition in (rule.when, *rule.unless):
                if condition is not None:
                    found |= condition.model_fields_set | set(condition.flags) | set(condition.permissions)
            if rule.kind in deciding:
                words = set(_words(rule.parameters.model_dump(mode="json", exclude_defaults=True)))
                found |= words & {*FLAGS, *EVENT_KINDS, *PERMISSIONS}
    return found


def test_every_fact_that_packs_ask_for_is_told_or_listed_as_not_told(world: World) -> None:
    assert set(standing.CHOICES) == {"creditor_sector", "owner_type", "party", "debt_kind"}
    named = {name for names in told.NAMES.values() for name in names}
    known = {*FLAG_OF_HOLD.values(), *EVENT_OF_HOLD.values(), *OF_THE_CONTACT, *STATED, *named}
    not_told = PAGE.read_text(encoding="utf-8").partition("## Not told")[2]
    missing = sorted(name for name in _asked() - known if f"`{name}`" not in not_told)
    assert not missing, f"say in docs/law-facts.md under Not told, or tell the law: {', '.join(missing)}"


@pytest.fixture
def placed(world: World, noon: object) -> list[Placed]:
    return place(world.tenant(), 2)


def _facts(one: Placed) -> Facts:
    with runtime.current().database.transaction(one.scope) as session:
        return judging.law_facts(session, [(one.account_id, None)])[one.account_id, None]


def _state(one: Placed, fact: NewFact, *, whole: bool = False) -> int:
    with runtime.current().database.transaction(one.scope) as session:
        account = None if whole else one.account_id
        return told.state(session, fact, debtor_id=one.debtor_id, account_id=account, actor="user:1")


def test_what_is_stated_is_told_until_it_is_taken_back(placed: list[Placed]) -> None:
    one, other = placed
    today = clock.now().date()
    suit = _state(one, NewFact("event", "suit", today - 30 * DAY, note="Juzgado 4"))
    _state(one, NewFact("situation", "judgment", today, today), whole=True)
    _state(one, NewFact("permission", "workplace", today - DAY))
    found = _facts(one)
    assert found.events == (Event("suit", today - 30 * DAY),)
    assert found.flags == {"judgment"}
    assert found.permissions == {"workplace"}
    assert (_facts(other).events, _facts(other).flags) == ((), frozenset())
    clock.advance(DAY)
    assert _facts(one).flags == frozenset()
    with runtime.current().database.transaction(one.scope) as session:
        stated = told.told_of_account(session, one.debtor_id, one.account_id)
        assert stated[0].note == "Juzgado 4"
        told.end(session, suit, actor="user:1")
        with pytest.raises(NotFound):
            told.end(session, suit, actor="user:1")
    assert _facts(one).events == ()


def test_a_contact_is_judged_again_by_what_was_stated_on_its_day(world: World, noon: object) -> None:
    """Neither what was stated after it was made nor what was taken back since changes the judgement."""
    british = place(world.tenant(), country="GB", currency="GBP", region=None)[0]
    american = place(british.scope, country="US", currency="USD", region="US-TX")[0]
    with runtime.current().database.transaction(british.scope) as session:
        session.get_one(ContactPoint, (british.scope.tenant(), american.points["phone"])).at_work = True
    made = [_made(british, "email", "email")]
    facts = [
        _state(british, NewFact("situation", "lacks_capacity", clock.now().date() - 9 * DAY)),
        _state(american, NewFact("permission", "workplace", clock.now().date())),
    ]
    assert _made(british, "email", "email") is None
    made.append(_made(american, "call", "phone"))
    clock.advance(DAY)
    with runtime.current().database.transaction(british.scope) as session:
        for fact in facts:
            told.end(session, fact, actor="user:1")
    assert _made(american, "call", "phone") is None
    made.append(_made(british, "email", "email"))
    found = replay_contacts(runtime.current().database)
    assert (found.contacts, found.broken) == (3, ())
    with runtime.current().database.transaction(british.scope) as session:
        assert [proving.prove(session, number).changed for number in made if number] == [(), (), ()]


def _made(one: Placed, channel: Channel, point: str) -> int | None:
    """The contact that was reserved; None where the law refused."""
    wish = Wish(one.account_id, channel, one.points[point])
    with runtime.current().database.transaction(one.scope) as session:
        return service.reserve(session, [wish])[0].contact_id


def test_the_file_tells_of_the_last_payment(placed: list[Placed]) -> None:
    day = clock.now().date() - 9 * DAY
    with runtime.current().database.transaction(placed[0].scope) as session:
        session.get_one(Account, (placed[0].scope.tenant(), placed[0].account_id)).last_payment_date = day
    assert _facts(placed[0]).events == (Event("payment", day),)


def test_a_hold_that_began_earlier_is_told_with_its_day(placed: list[Placed]) -> None:
    one, began = placed[0], clock.now() - 12 * DAY
    with runtime.current().database.transaction(one.scope) as session:
        for kind in ("attorney", "cease"):
            placements.open_hold(
                session, debtor_id=one.debtor_id, account_id=None, kind=kind, source="test", since=began
            )
        with pytest.raises(UserError, match="earlier day"):
            placements.open_hold(
                session, debtor_id=one.debtor_id, account_id=None, kind="court", source="test",
                since=clock.now() + DAY,
            )  # fmt: skip
    assert _facts(one).events == (
        Event("attorney_notice", began.date()), Event("cease_request", began.date())
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        (lambda today: NewFact("rumour", "suit", today), "kind"),
        (lambda today: NewFact("event", "judgement", today), "name"),
        (lambda today: NewFact("situation", "insolvency", today), "name"),
        (lambda today: NewFact("event", "suit", today + DAY), "began_on"),
        (lambda today: NewFact("event", "suit", today, today - DAY), "until"),
        (lambda today: NewFact("event", "suit", today, channel="fax"), "channel"),
        (lambda today: NewFact("permission", "visit", today, channel="call"), "channel"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(placed: list[Placed], fact: Any, field: str) -> None:
    with pytest.raises(UserError) as refused:
        _state(placed[0], fact(clock.now().date()))
    assert refused.value.field == field
