"""A message is about all that its debtor owes; what says nothing of it is said besides."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.outreach import queries
from recupero.outreach.texts import beyond, words
from recupero.outreach.texts.naming import Beyond, Named, Owed
from recupero.outreach.texts.wording import Own
from recupero.payments.tables import PaymentLink
from recupero.placements import reach
from recupero.placements import service as placements
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_words import ACCOUNT, SENDER


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def sent(scope: Scope) -> list[str]:
    """What the outbox holds after what is due went out, the newest first; amounts with plain spaces."""
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "outreach.dispatch")
    jobs.drain()
    with runtime.current().database.transaction(scope) as session:
        return [one.body.replace("\xa0", " ") for one in queries.outbox(session)]


def numbers(scope: Scope, *placed: Placed) -> list[str]:
    with runtime.current().database.transaction(scope) as session:
        found = reach.reachable(session, [one.account_id for one in placed])
    return [found[one.account_id].client_account for one in placed]


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_one_message_gathers_all_that_the_debtor_owes(scope: Scope, channel: str) -> None:
    (placed,) = place(scope)
    ((other,), (disputed,), (foreign,)) = (
        place(scope, of=placed), place(scope, of=placed), place(scope, of=placed, currency="USD"),
    )  # fmt: skip
    with runtime.current().database.transaction(scope) as session:
        placements.open_hold(session, debtor_id=placed.debtor_id, account_id=disputed.account_id,
                             kind="dispute", source="test")  # fmt: skip
    plan([placed], channel)
    (body,) = sent(scope)
    second, held, dollars = numbers(scope, other, disputed, foreign)
    if channel == "email":
        assert f"También a su nombre: {second}, del 15 de enero de 2025, con vencimiento el" in body
        assert "En total: $250.000" in body
    else:
        assert "Saldo $125.000, con sus otras cuentas $250.000." in body
    assert held not in body
    assert dollars not in body
    with runtime.current().database.transaction(scope) as session:
        (linked,) = session.execute(select(PaymentLink.account_ids)).scalars()
    assert set(linked) == {placed.account_id, other.account_id}


def test_what_is_about_one_agreement_names_no_other_account(scope: Scope) -> None:
    (placed,) = place(scope)
    place(scope, of=placed)
    plan([placed], template="promise_reminder")
    (body,) = sent(scope)
    assert "También a su nombre" not in body


def test_a_reminder_names_nothing_that_is_overdue(scope: Scope) -> None:
    coming = clock.now().date() + timedelta(days=9)
    (placed,) = place(scope, due_date=coming)
    (late,), (other,) = place(scope, of=placed), place(scope, of=placed, due_date=coming)
    plan([placed], template="reminder")
    (body,) = sent(scope)
    overdue, also = numbers(scope, late, other)
    assert also in body
    assert overdue not in body


def test_few_letters_leave_out_what_hardly_differs() -> None:
    near, far = (
        Beyond((), Named(6, date(2026, 4, 1), each_minor=20_000, last_minor=last, total_minor=120_000))
        for last in (20_004, 25_000)
    )
    texts = [
        words.write("offer", channel, "kind", ACCOUNT, SENDER, "https://x.example.com/p/a", "ABCD2345",
                    beyond=offer).text
        for channel, offer in (("sms", near), ("sms", far), ("email", near))
    ]  # fmt: skip
    assert ["ultimo, de" in text or "último, de" in text for text in texts] == [False, True, True]


def test_own_words_that_leave_out_the_other_accounts_are_completed() -> None:
    body = "{{ name }}: {{ amount }} {{ link }} {{ code }}"
    texts: dict[str, Any] = {
        name: words.write("follow_up", "email", "kind", ACCOUNT, SENDER, "https://x.example.com/p/a",
                          "ABCD2345", own=lambda *_key, text=text: Own(1, "x", text),
                          beyond=Beyond(((ACCOUNT, Owed(0, 0, ACCOUNT.placed_on)),)))
        for name, text in {"without": body, "with": body + " {{ others }}"}.items()
    }  # fmt: skip
    assert beyond.left_out(texts["with"]) == {}
    (added,) = beyond.left_out(texts["without"]).values()
    assert ACCOUNT.client_account in words.extended(texts["without"], {"others": added}).text
