"""The list finds accounts; the page of one shows what is known, and only to its readers."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from recupero.decisions.service import plan_tenant
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.outreach.actions.states import Move, move
from recupero.outreach.orders import proposals
from recupero.outreach.queries import actions_of, why_silent
from recupero.outreach.service import NewAction, schedule
from recupero.placements.service import open_hold, recall_accounts
from recupero.placements.tables import Portfolio
from recupero.portals.words.words import because, label
from recupero.tenancy.permissions import Role
from tests.api.conftest import machine
from tests.decisions import debts
from tests.factories import World
from tests.outreach.placed import permit, place, plan
from tests.outreach.test_carrying_out import run
from tests.outreach.two_way import installed, switch_on
from tests.portals.conftest import Visitor
from tests.portals.desk.test_calling import send


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    return world.tenant()


@pytest.fixture
def owed(visitor: Visitor, scope: Scope) -> debts.Debt:
    with visitor.platform.database.transaction(scope) as session:
        book = debts.portfolio(session, exploration=0)  # else now and then one rests by lot
        return debts.debt(session, book, client_account="ACC-77", balance=125_000)


def test_an_account_is_found_by_its_number(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    assert "ACC-77" in visitor.text("/accounts?q=ACC-77")
    assert "Nothing found" in visitor.text("/accounts?q=ACC-78")
    assert "CLP\xa0125,000" in visitor.text("/accounts")


def test_the_list_goes_on_after_its_first_page(visitor: Visitor, scope: Scope) -> None:
    with visitor.platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        for number in range(55):
            debts.debt(session, portfolio, client_account=f"N-{number:03}")
    visitor.sign_in(Role.AGENT, scope)
    first = visitor.text("/accounts")
    assert first.count("N-0") == 50
    assert 'href="/accounts?page=2"' in first
    assert visitor.text("/accounts?page=2").count("N-0") == 5


def test_the_page_shows_balance_and_what_is_lawful_when(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = visitor.text(f"/accounts/{owed.account_id}")
    assert "CLP\xa0125,000" in page
    assert "ana@example.com" in page
    assert "When contact is lawful" in page


def test_what_is_next_says_in_the_readers_words_what_was_second_best_and_what_would_change_it(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    plan_tenant(visitor.platform.database, scope)
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    english = visitor.text(f"{page}?lang=en")
    for words in ("Second best:", "What would change it", "Cost CLP", "asked again when it goes out"):
        assert words in english
    assert "Segunda mejor opción:" in visitor.text(f"{page}?lang=es")
    assert "Segunda melhor opção:" in visitor.text(f"{page}?lang=pt")


def test_the_page_says_why_nothing_is_sent_and_why_what_is_planned_waits(
    visitor: Visitor, scope: Scope
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        little = debts.debt(session, debts.portfolio(session, tolerance_minor=500), balance=499)
        other = debts.debt(session, debts.portfolio(session))
        soon = clock.now() + timedelta(hours=1)
        schedule(session, [
            NewAction(other.account_id, other.debtor_id, other.person_id, "email", "first_notice", soon,
                      soon + timedelta(days=2)),
        ])  # fmt: skip
        (action,) = actions_of(session, other.account_id)
        move(session, [Move(action.id, "scheduled", "pace:sms")])
    visitor.sign_in(Role.AGENT, scope)
    page = visitor.text(f"/accounts/{little.account_id}").replace("\xa0", "")
    assert "all that the debtor owes is less than CLP500" in page
    assert "waits its turn" in visitor.text(f"/accounts/{other.account_id}")


def test_what_the_law_stopped_is_told_on_the_line_of_time_in_the_readers_words(
    visitor: Visitor, scope: Scope
) -> None:
    placed = place(scope, timezone="America/Santiago")
    clock.advance(timedelta(hours=10))
    plan(placed, "sms", lasts=timedelta(hours=2))
    run()
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{placed[0].account_id}"
    assert "20:00" in visitor.text(f"{page}?lang=es").split('class="timeline')[1]
    plan(placed, "sms", lasts=timedelta(hours=2))
    with visitor.platform.database.transaction(scope) as session:
        other = next(one for one in actions_of(session, placed[0].account_id) if one.state == "scheduled")
        earlier = {"rules": ["CL-37-per-debtor"], "why": "as versions before kept it"}
        move(session, [Move(other.id, "blocked", "law:CL-37-per-debtor", earlier)])
    line = visitor.text(f"{page}?lang=en").split('class="timeline')[1]
    assert "The law does not allow it at that moment: " in line
    assert "CL-37-per-debtor" not in line, "the rule is called by its title"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("hold:dispute", "On hold: Dispute"),
        ("account:resolved", "Work on the account has ended: "),
        ("too_late", "Its time had passed before it could go out"),
        ("NOAN", "No answer"),
        ("returned mail: unclaimed", "The letter came back: not collected"),
        ("permanent: 550 no such user", "Nobody can be reached at this address: 550 no such user"),
        ("smtp said: 550 no such user", "smtp said: 550 no such user"),
    ],
)
def test_why_an_action_ended_is_said_in_words(app: Flask, reason: str, said: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert because(reason).startswith(said)


@pytest.mark.parametrize(("kind", "code"), [("hold_source", "promise"), ("model_kind", "strategy")])
def test_who_decided_and_where_a_hold_comes_from_is_said_in_words(app: Flask, kind: str, code: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert label(kind, code) != code


def test_personal_data_is_hidden_from_those_who_do_not_work_accounts(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    page = visitor.text(f"/accounts/{owed.account_id}")
    assert "ana@example.com" not in page
    assert "a•••@example.com" in page


def test_the_page_says_why_no_contact_is_possible(visitor: Visitor, scope: Scope, world: World) -> None:
    with visitor.platform.database.transaction(scope) as session:
        abroad = debts.debt(session, debts.portfolio(session), country="PY")
    visitor.sign_in(Role.AGENT, scope)
    page = visitor.text(f"/accounts/{abroad.account_id}")
    assert "Paraguay is closed to contact." in page
    assert "Paraguay is closed to contact: nobody there" in page
    assert page.count("no pack is installed for this country") == 1


def test_a_hold_is_opened_shown_and_ended(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    assert visitor.send(f"{page}/holds", _page=page, kind="dispute").status_code == 302
    assert "On hold: Dispute" in visitor.text(page)
    hold_id = visitor.text(page).split("/holds/")[1].split("/end")[0]
    empty = visitor.send(f"{page}/holds/{hold_id}/end", _page=page)
    assert empty.status_code == 422
    assert f'id="outcome_{hold_id}-error"' in empty.text
    assert "On hold: Dispute" in visitor.text(page)
    visitor.send(
        f"{page}/holds/{hold_id}/end", _page=page, **{f"outcome_{hold_id}": "Paid to the shop: shown"}
    )
    assert "On hold: Dispute" not in visitor.text(page)
    assert "Paid to the shop: shown" in visitor.text(page)


def test_a_promise_with_a_bad_amount_keeps_what_was_typed(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    answer = visitor.send(f"{page}/promises", _page=page, amount="lots", due="2026-03-20")
    assert answer.status_code == 422
    assert 'value="lots"' in answer.text
    assert 'id="amount-error"' in answer.text
    assert visitor.send(f"{page}/promises", _page=page, amount="25,000", due="2026-03-20").status_code == 302
    assert "Promise of" in visitor.text(page)


def test_the_payment_link_is_shown_when_asked_for(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    answer = visitor.send(f"{page}/link", _page=page)
    assert 'id="payment-link">http' in answer.text


def test_a_call_is_reserved_by_the_law_and_ends_with_its_result(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    visitor.send("/desk/take", _page=page, account=owed.account_id)
    send(visitor, "call", point=owed.points["phone"])
    assert "+56221234567" in visitor.text("/desk")
    assert send(visitor, "finish", code="ATTY").status_code == 302
    shown = visitor.text(page)
    assert "On hold: Represented by a lawyer" in shown


def test_accounts_of_another_house_are_not_there(visitor: Visitor, owed: debts.Debt, world: World) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, world.tenant())
    assert visitor.get(f"/accounts/{owed.account_id}").status_code == 404
    assert "Nothing found" in visitor.text("/accounts?q=ACC-77")


def test_a_fact_is_stated_shown_and_taken_back(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    early = visitor.send(f"{page}/facts", _page=page, fact="event:suit", began_on="2026-03-11")
    assert early.status_code == 422
    assert "choose today or an earlier day" in early.get_data(as_text=True).lower()
    sent = visitor.send(
        f"{page}/facts", _page=page, fact="event:suit", began_on="2026-02-01", note="Court <4>"
    )
    assert sent.status_code == 302
    shown = visitor.text(page)
    assert "Suit filed" in shown
    assert "Court &lt;4&gt;" in shown
    fact_id = shown.split("/facts/")[1].split("/end")[0]
    visitor.send(f"{page}/facts/{fact_id}/end", _page=page)
    assert "Court &lt;4&gt;" not in visitor.text(page)


def test_a_hold_may_begin_on_an_earlier_day(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    assert visitor.send(f"{page}/holds", _page=page, kind="attorney", since="2026-03-01").status_code == 302
    assert "Mar 1, 2026" in visitor.text(page).replace("\xa0", " ")
    late = visitor.send(f"{page}/holds", _page=page, kind="court", since="2026-04-01")
    assert late.status_code == 422


def test_a_hold_of_another_kind_cannot_be_made_up(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    answer = visitor.send(f"{page}/holds", _page=page, kind="nonsense")
    assert answer.status_code == 422
    assert "Choose one of the reasons" in answer.text


def test_held_accounts_can_be_listed(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    with visitor.platform.database.transaction(scope) as session:
        open_hold(session, debtor_id=owed.debtor_id, account_id=None, kind="hardship", source="test")
    visitor.sign_in(Role.AGENT, scope)
    assert "ACC-77" in visitor.text("/accounts?held=yes")
    assert "ACC-77" not in visitor.text("/accounts?held=no")


def test_the_page_says_every_reason_why_nothing_goes_out_and_when_the_next_thing_will(
    visitor: Visitor, scope: Scope
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        book = debts.portfolio(session, exploration=0, needs_yes=[{"everything": True}])
        one = debts.debt(session, book)
        debts.permit(session, one.debtor_id, "sms", "opt_out", at=clock.now())
        debts.contact(session, one, clock.now() - timedelta(days=1))
    visitor.sign_in(Role.SUPERVISOR, scope)
    page = visitor.text(f"/accounts/{one.account_id}").split('id="silent"')[1]
    assert "No plan has chosen anything for it. A plan can choose something from " in page
    assert "Contacted lately: until" in page
    assert "Opted out: SMS" in page
    by_channel = page.split("By channel")[1].split("</details>")[0]
    assert " on</summary>" in by_channel or "lawful now" in by_channel
    assert "Opted out" in by_channel.split("SMS")[1].split("WhatsApp")[0]
    assert "No number or address known" in by_channel.split("Letter")[1]
    clock.advance(timedelta(days=6))
    plan_tenant(visitor.platform.database, scope)
    with visitor.platform.database.transaction(scope) as session:
        step = why_silent(session, one.account_id)
    assert (step.next_state, step.next_reason) == ("proposed", "needs_yes:everything")
    page = visitor.text(f"/accounts/{one.account_id}")
    assert f"/proposals/{step.next_id}" in page
    assert "waits for somebody" in page


def test_a_strategy_that_cannot_be_read_is_told_wherever_its_accounts_are_and_can_be_mended(
    visitor: Visitor, scope: Scope, app: Flask
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        book = debts.portfolio(session, exploration=0)
        one = debts.debt(session, book)
        damaged = {"channels": ["pigeon"], "pace_days": "nine", "daily": [3], "max_contacts_30d": 6}
        session.get_one(Portfolio, (scope.tenant(), book)).strategy = damaged
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    strategy = f"/tenants/{scope.tenant()}/portfolios/{book}/strategy"
    page = visitor.text(f"/accounts/{one.account_id}").split('id="silent"')[1]
    assert "The strategy of its portfolio cannot be read" in page
    assert "None will while what is said here stands." in page
    assert strategy in page
    assert "cannot be read: nothing is planned for its accounts" in visitor.text("/")
    told = outlook(app, visitor, scope, one.account_id)
    assert ([each["code"] for each in told["left_alone"]], told["looked_at"]) == (["strategy_invalid"], None)
    form = visitor.text(strategy)
    assert "cannot be read: no plan chooses anything" in form
    assert "channel_0-error" in form
    assert "pace_days-error" in form
    assert 'name="max_contacts_30d" type="text" value="6"' in form, "what can be read is kept"
    mended = {"channel_0": "email", "pace_days": "9", "max_contacts_30d": "6", "version": "1"}
    assert visitor.send(strategy, **mended).status_code == 302
    assert "cannot be read" not in visitor.text("/")


def outlook(app: Flask, visitor: Visitor, scope: Scope, account_id: int) -> Any:
    """What the API says of what comes next."""
    api = machine(app, visitor.platform, scope)
    return api.call("GET", f"/api/v1/accounts/{account_id}/next").get_json()


def test_who_said_no_to_a_proposal_and_why_is_told_with_the_day_until_which_plans_wait(
    visitor: Visitor, scope: Scope, app: Flask
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        book = debts.portfolio(session, exploration=0, pace_days=4, needs_yes=[{"everything": True}])
        one = debts.debt(session, book)
    plan_tenant(visitor.platform.database, scope)
    visitor.sign_in(Role.SUPERVISOR, scope)
    with visitor.platform.database.transaction(scope) as session:
        waiting = why_silent(session, one.account_id).next_id
        proposals.decline(session, [waiting or 0], actor="system", why="I spoke with them")
    page = visitor.text(f"/accounts/{one.account_id}").split('id="silent"')[1]
    assert "said no to what was proposed: “I spoke with them”. Plans leave it alone until Mar 14" in page
    told = outlook(app, visitor, scope, one.account_id)
    (left,) = told["left_alone"]
    assert (left["code"], left["why"], left["until"]) == (
        "declined", "I spoke with them", told["looked_at"]
    )  # fmt: skip
    assert told["strategy_channels"] == ["email", "whatsapp", "sms"]


def test_of_an_account_whose_work_has_ended_no_pace_is_told(visitor: Visitor, scope: Scope) -> None:
    with visitor.platform.database.transaction(scope) as session:
        one = debts.debt(session, debts.portfolio(session, exploration=0))
        debts.contact(session, one, clock.now() - timedelta(days=1))
        recall_accounts(session, [one.account_id])
    visitor.sign_in(Role.SUPERVISOR, scope)
    page = visitor.text(f"/accounts/{one.account_id}").split('id="silent"')[1]
    assert "Work on this account has ended." in page
    assert "Contacted lately" not in page


def test_a_connector_that_cannot_send_is_named_while_what_is_due_waits_for_it(
    visitor: Visitor, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    (placed,) = place(scope, timezone="America/Santiago", kinds=("email",))
    visitor.sign_in(Role.SUPERVISOR, scope)
    path = f"/accounts/{placed.account_id}"
    with installed(monkeypatch):
        switch_on(scope, secret="")
        plan([placed])
        assert "does not go out as things stand: E-mail" in visitor.text(path)
        assert "pigeon: is not set up rightly" in visitor.text("/")
        run()
        page = visitor.text(path).split('id="silent"')[1].split("</dl>")[0]
    assert "does not go out as things stand: E-mail" in page
    for channel, why in [
        ("E-mail", "The channel is not set up rightly: its settings have to be mended"),
        ("E-mail", "(the secret is missing)"),
        ("Letter", "No number or address known"),
    ]:
        assert why in page.split(f"<dt>{channel}")[1].split("</dd>")[0]


def test_who_cannot_be_reached_at_all_is_said_in_one_line(visitor: Visitor, scope: Scope) -> None:
    nowhere, closed = place(scope, 2, kinds=())
    permit(closed, "all", "opt_out")
    visitor.sign_in(Role.SUPERVISOR, scope)
    for placed, said in [
        (nowhere, "<li>No number or address known</li>"),
        (closed, "<li>Opted out: All channels</li>"),
    ]:
        assert said in visitor.text(f"/accounts/{placed.account_id}").split('id="silent"')[1]


def test_what_a_debtor_closed_and_what_was_called_off_by_it_is_on_the_line_of_time(
    visitor: Visitor, scope: Scope
) -> None:
    (placed,) = place(scope, timezone="America/Santiago", kinds=("email",))
    plan([placed], after=timedelta(days=1))
    permit(placed, "email", "opt_out")
    visitor.sign_in(Role.AGENT, scope)
    line = visitor.text(f"/accounts/{placed.account_id}").split('class="timeline')[1]
    assert "Wants no more of this: E-mail" in line
    assert "First notice · E-mail" in line
    assert "Opted out" in line
    holds = visitor.text(f"/accounts/{placed.account_id}?show=holds").split('class="timeline')[1]
    assert "Wants no more of this: E-mail" in holds
    assert "First notice" not in holds
