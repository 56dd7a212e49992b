"""Many accounts at once: seen first, done, audited, and taken back in time; nothing of other creditors."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from recupero.kernel import audit, clock, jobs
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.conversations import conversations, queries
from recupero.outreach.orders import bulk
from recupero.outreach.understanding import desk, hand_overs
from recupero.placements import browse, service
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import PASSWORD, Visitor

LIST, MANY = "/accounts", "/accounts/many"


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def owed(visitor: Visitor, scope: Scope) -> list[int]:
    """Four accounts: the third is on hold for its creditor, the last has ended."""
    with visitor.platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        made = [debts.debt(session, portfolio, client_account=f"B-{number}") for number in range(4)]
        service.open_hold(
            session,
            debtor_id=made[2].debtor_id,
            account_id=made[2].account_id,
            kind="client",
            source="user:1",
        )
        service.close_accounts(session, [made[3].account_id], "CORRECTED")
        return [one.account_id for one in made]


def _held(visitor: Visitor, scope: Scope, ids: list[int], kind: str = "client") -> list[bool]:
    with visitor.platform.database.transaction(scope) as session:
        held = {one.id: one.held for one in browse.chosen(session, ids, kind)}
    return [held[one] for one in ids]


def test_an_order_is_seen_then_done_then_taken_back(visitor: Visitor, scope: Scope, owed: list[int]) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    seen = visitor.send(MANY, _page=LIST, do="hold", account=owed)
    assert seen.status_code == 200
    assert "on such a hold already" in seen.text
    assert "work on them has ended" in seen.text
    assert _held(visitor, scope, owed) == [False, False, True, False]
    refused = visitor.send(MANY, _page=LIST, do="hold", account=owed, kind="client", confirmed="yes", why=" ")
    assert refused.status_code == 422
    done = visitor.send(
        MANY, _page=LIST, do="hold", account=owed, kind="client", confirmed="yes", why="files"
    )
    assert done.headers["Location"] == MANY
    assert _held(visitor, scope, owed) == [True, True, True, False]
    jobs.drain()  # the worker finds it done
    page = visitor.text(MANY)
    assert "Put on hold" in page
    undo = MANY + page.split(f'action="{MANY}')[1].split('"')[0]
    assert visitor.send(undo, _page=MANY).status_code == 302
    assert _held(visitor, scope, owed) == [False, False, True, False]
    assert visitor.send(undo, _page=MANY).status_code == 409
    with visitor.platform.database.transaction(scope) as session:
        actions = [event.action for event in audit.page(session, holding="bulk")]
    assert actions == ["outreach.bulk_undone", "outreach.bulk_hold"]


def test_ends_of_holds_are_taken_back_but_not_too_late(
    visitor: Visitor, scope: Scope, owed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    sent = {"do": "release", "kind": "client", "confirmed": "yes", "why": "done", "all": "yes"}
    assert visitor.send(MANY, _page=LIST, **sent).status_code == 302
    assert _held(visitor, scope, owed) == [False] * 4
    undo = MANY + visitor.text(MANY).split(f'action="{MANY}')[1].split('"')[0]
    assert visitor.send(undo, _page=MANY).status_code == 302
    assert _held(visitor, scope, owed) == [False, False, True, False]
    visitor.send(MANY, _page=LIST, **sent)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=61))
    assert "/undo" not in visitor.text(MANY)


def test_looking_again_at_an_order_keeps_what_was_written(
    visitor: Visitor, scope: Scope, owed: list[int]
) -> None:
    """Everything of the order stands in one form, and only its own button confirms it."""
    visitor.sign_in(Role.SUPERVISOR, scope)
    seen = visitor.send(
        MANY, _page=LIST, do="hold", account=owed, kind="dispute", until="2027-01-05", why="files"
    )
    (form,) = re.findall(r"<form(?:(?!</form>).)*Look again.*?</form>", seen.text, re.DOTALL)
    fields = set(re.findall(r'<(?:input|select|textarea|button)[^>]* name="(\w+)"', form))
    assert fields >= {"kind", "until", "why", "account", "do", "confirmed"}
    assert 'type="hidden" name="confirmed"' not in form
    assert 'value="2027-01-05"' in form
    assert "files</textarea>" in form
    assert _held(visitor, scope, owed) == [False, False, True, False]


def test_a_recall_of_all_that_the_list_has(visitor: Visitor, scope: Scope, owed: list[int]) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    seen = visitor.send(MANY, _page=LIST, do="recall", all="yes", held="no")
    assert "B-0" in seen.text
    assert "B-2" not in seen.text
    visitor.send(MANY, _page=LIST, do="recall", all="yes", held="no", confirmed="yes", why="sold")
    with visitor.platform.database.transaction(scope) as session:
        states = [one.status for one in browse.chosen(session, owed, "")]
    assert states == ["recalled", "recalled", "active", "resolved"]


def test_a_worker_does_what_was_not_done_and_twice_is_once(
    visitor: Visitor, scope: Scope, owed: list[int]
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        made = bulk.order(session, "hold", owed, why="files", actor="system", kind="dispute")
    assert _held(visitor, scope, owed, "dispute") == [False] * 4
    jobs.drain()
    assert _held(visitor, scope, owed, "dispute") == [True, True, True, False]
    bulk.carry_out(visitor.platform.database, scope, made.id)
    with visitor.platform.database.transaction(scope) as session:
        assert bulk.orders(session)[0].changed == 3
        with pytest.raises(UserError):
            bulk.order(session, "hold", owed, why="again", actor="system", kind="dispute")
        with pytest.raises(UserError):
            bulk.preview(session, "hold", owed, "plan")
        with pytest.raises(UserError):
            bulk.order(session, "give", owed, why="x", actor="system", user_id=1)


def test_agents_and_strangers_order_nothing(
    visitor: Visitor, scope: Scope, owed: list[int], world: World
) -> None:
    visitor.sign_in(Role.AGENT, scope)
    assert 'name="do"' not in visitor.text(LIST)
    assert visitor.get(MANY).status_code == 403
    stranger = Visitor(visitor.client.application.test_client(), visitor.platform)
    stranger.sign_in(Role.SUPERVISOR, world.tenant())
    sent = stranger.send(MANY, _page=MANY, do="hold", account=owed, kind="client", confirmed="yes", why="x")
    assert sent.status_code == 422
    assert _held(visitor, scope, owed) == [False, False, True, False]


def _talks(visitor: Visitor, scope: Scope) -> list[tuple[int | None, bool, bool]]:
    """Of each conversation, by its account: to whom it is given, whether they wait, whether by a time."""
    with visitor.platform.database.transaction(scope) as session:
        found = sorted(queries.conversations(session), key=lambda one: one.account_id)
        return [(one.assigned_to, one.waiting_since is not None, one.due_at is not None) for one in found]


@pytest.fixture
def talking(visitor: Visitor, scope: Scope, owed: list[int]) -> list[int]:
    """The first two wait for an answer, the first of them by an hour; the third was answered."""
    with visitor.platform.database.transaction(scope) as session:
        of = {one.id: one.debtor_id for one in browse.chosen(session, owed, "")}
        for account_id in owed[:3]:
            conversations.note(
                session, debtor_id=of[account_id], account_id=account_id, channel="sms", at=clock.now(),
                waits=account_id != owed[2],
            )  # fmt: skip
        conversations.due(session, of[owed[0]], clock.now() + timedelta(hours=1))
    return owed[:3]


def _undo(visitor: Visitor) -> int:
    undo = MANY + visitor.text(MANY).split(f'action="{MANY}')[1].split('"')[0]
    return visitor.send(undo, _page=MANY).status_code


def test_many_conversations_need_no_answer_and_wait_again(
    visitor: Visitor, scope: Scope, talking: list[int]
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    sent = {"do": "answered", "from": "inbox", "all": "yes", "shown": talking}
    seen = visitor.send(MANY, _page="/inbox", **sent)
    assert seen.status_code == 200
    assert "nobody waits for an answer there" in seen.text
    assert 'href="/inbox"' in seen.text
    before = _talks(visitor, scope)
    assert before == [(None, True, True), (None, True, False), (None, False, False)]
    assert visitor.send(MANY, _page="/inbox", confirmed="yes", why="thanks", **sent).status_code == 302
    jobs.drain()  # the worker finds it done and forgets nothing of what stood before
    assert _talks(visitor, scope) == [(None, False, False)] * 3
    assert _undo(visitor) == 302
    assert _talks(visitor, scope) == before


def test_conversations_that_were_given_go_back_but_not_those_that_moved_on(
    visitor: Visitor, scope: Scope, talking: list[int]
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    with visitor.platform.database.transaction(scope) as session:
        agent = users.create(
            session, email="turn@example.com", name="Turno", password=PASSWORD, role=Role.AGENT,
            tenant_ids=None, locale="es", actor="system",
        ).id  # fmt: skip
    sent = {"do": "give", "from": "inbox", "account": talking, "user": agent, "confirmed": "yes"}
    assert visitor.send(MANY, _page="/inbox", why="ill", **sent).status_code == 302
    assert [one[0] for one in _talks(visitor, scope)] == [agent] * 3
    with visitor.platform.database.transaction(scope) as session:
        of = {one.id: one.debtor_id for one in browse.chosen(session, talking, "")}
        desk.pass_on(session, of[talking[1]], None, actor="user:1")
        conversations.taken(session, of[talking[1]], agent + 1)
    assert _undo(visitor) == 302
    assert [one[0] for one in _talks(visitor, scope)] == [None, agent + 1, None]


def test_what_a_person_took_over_is_left_to_them(visitor: Visitor, scope: Scope, talking: list[int]) -> None:
    with visitor.platform.database.transaction(scope) as session:
        debtor = browse.chosen(session, talking[:1], "")[0].debtor_id
        hand_overs.open_one(
            session, debtor_id=debtor, account_id=talking[0], contact_id=None, why="wants_person"
        )
        found = bulk.preview(session, "answered", talking)
    assert [one.id for one in found.touched] == [talking[1]]
    assert found.spared == {"handed": 1, "answered": 1}


def test_nothing_ticked_in_the_inbox_leads_back_to_it(
    visitor: Visitor, scope: Scope, talking: list[int]
) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert 'name="shown"' in visitor.text("/inbox")
    assert visitor.send(MANY, _page="/inbox", do="give", **{"from": "inbox"}).location == "/inbox"
    agent = Visitor(visitor.client.application.test_client(), visitor.platform)
    agent.sign_in(Role.AGENT, scope)
    assert 'name="shown"' not in agent.text("/inbox")


def test_page_and_worker_at_once_do_it_once(visitor: Visitor, scope: Scope, owed: list[int]) -> None:
    database = visitor.platform.database
    with database.transaction(scope) as session:
        made = bulk.order(session, "hold", owed[:2], kind="client", why="files", actor="user:1")
    with ThreadPoolExecutor(4) as both:
        done = [both.submit(bulk.carry_out, database, scope, made.id) for _ in range(4)]
    assert {one.result() for one in done} == {2}
    assert bulk.undo(database, scope, made.id, actor="user:1") == 2, "each account has one hold"
