"""A code opens the page: sent only to what is on file, once, for ten minutes, and not often."""

import re
from datetime import timedelta

from sqlalchemy import select

from plugins.channels.sms.tests.twilio_messages import Twilio
from recupero.contacts.tables import MessageCopy
from recupero.kernel import clock, jobs
from recupero.outreach.page_tables import PageCode
from recupero.payments.tables import PaymentLink
from recupero.tenancy.permissions import Role
from tests.outreach.test_real_sms import texting
from tests.portals.conftest import Visitor
from tests.portals.debtor.conftest import Page


def point(page: Page, shown: str) -> str:
    """The number of the contact point that is shown like that."""
    found = re.search(rf'value="(\d+)"[^>]*> <span>{re.escape(shown)}', page.text("/code"))
    assert found, page.text("/code")
    return found[1]


def ask(page: Page, shown: str = "m•••@example.com") -> int:
    answer = page.visitor.send(f"{page.path}/code/send", f"{page.path}/code", point=point(page, shown))
    jobs.drain()
    return answer.status_code


def sent(page: Page) -> str:
    """The newest message that carries a code; the code."""
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        query = select(MessageCopy.body).where(MessageCopy.template == "page_code")
        body = session.execute(query.order_by(MessageCopy.contact_id.desc()).limit(1)).scalar_one()
    assert not any(word in body for word in ("Acreedor", "$", "deuda", "María")), body
    found = re.search(r"\b\d{6}\b", body)
    assert found, body
    return found[0]


def type_in(page: Page, code: str) -> int:
    return page.visitor.send(f"{page.path}/code", code=code).status_code


def test_a_code_on_file_opens_the_page_once(stranger: Page) -> None:
    shown = stranger.text("/code")
    assert "•••5678" in shown
    assert "maria@example.com" not in shown
    assert "12345678" not in shown
    assert ask(stranger) == 200
    code = sent(stranger)
    assert type_in(stranger, f"{code[:3]} {code[3:]}") == 302
    assert "Acreedor" in stranger.text()
    stranger.visitor.client.delete_cookie("session")
    assert type_in(stranger, code) == 422, "it is good once"
    assert "Acreedor" not in stranger.text()


def test_it_comes_as_a_text_message_too_and_only_to_the_debtors_own(stranger: Page) -> None:
    assert ask(stranger, "•••5678") == 200
    assert stranger.actions("page_code")[0][0] in ("closed", "sent")
    strange = stranger.visitor.send(f"{stranger.path}/code/send", f"{stranger.path}/code", point=10**9)
    assert strange.status_code == 404


def test_who_reads_the_outbox_cannot_open_the_page_with_it(stranger: Page, visitor: Visitor) -> None:
    twilio = Twilio()
    with texting(stranger.placed.scope, twilio):
        assert ask(stranger, "•••5678") == 200
    [code] = re.findall(r"\b\d{6}\b", str(twilio.messages[0]["body"]))
    staff = visitor.sign_in(Role.SUPERVISOR, stranger.placed.scope)
    for address in ("/outbox", f"/accounts/{stranger.placed.account_ids[0]}"):
        assert code not in staff.text(address)
    assert "••••••" in staff.text("/outbox")
    assert type_in(stranger, code) == 302


def test_it_ends_after_ten_minutes(stranger: Page) -> None:
    ask(stranger)
    clock.advance(timedelta(minutes=11))
    assert type_in(stranger, sent(stranger)) == 422


def test_codes_are_not_sent_often(stranger: Page) -> None:
    assert [ask(stranger), ask(stranger)] == [200, 422], "one a minute"
    assert len(stranger.actions("page_code")) == 1
    scope = stranger.placed.scope
    with stranger.visitor.platform.database.transaction(scope) as session:
        first = session.execute(select(PageCode)).scalar_one()
        session.add_all(
            PageCode(
                tenant_id=scope.tenant(), link_id=first.link_id, contact_point_id=first.contact_point_id,
                action_id=0, code=None, asked_at=clock.now() - timedelta(minutes=minutes), tries=0,
            )
            for minutes in (10, 20)
        )  # fmt: skip
    clock.advance(timedelta(minutes=2))
    assert ask(stranger) == 422, "three an hour"


def test_guessing_locks_the_link_for_the_right_code_too(stranger: Page) -> None:
    ask(stranger)
    right = sent(stranger)
    wrong = "000000" if right != "000000" else "111111"
    assert [type_in(stranger, wrong) for _time in range(5)] == [422] * 4 + [429]
    type_in(stranger, right)
    assert "Acreedor" not in stranger.visitor.get(stranger.path).text
    with stranger.visitor.platform.database.transaction(stranger.placed.scope) as session:
        assert session.execute(select(PaymentLink.locked_until)).scalar_one() is not None
        assert session.execute(select(PageCode.code)).scalar_one() is None


def test_where_the_law_lets_no_message_go_the_page_says_so(stranger: Page) -> None:
    ask(stranger)
    clock.advance(timedelta(minutes=30))  # two messages within two days are one too many in Chile
    answer = stranger.visitor.send(
        f"{stranger.path}/code/send", f"{stranger.path}/code", point=point(stranger, "•••5678")
    )
    assert answer.status_code == 422
    assert "No message may be sent to you at this moment" in answer.text
    assert len(stranger.actions("page_code")) == 1
