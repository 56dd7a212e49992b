"""The desk through its pages: one button takes the next account, what is agreed holds at once, and a minute's
wrapping up codes it, promises a call or hands the debtor over."""

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from recupero.contacts import policies
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.outreach.calls import sittings
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.understanding import hand_overs
from recupero.payments import queries
from recupero.payments.agreements import plans, settlement_queries
from recupero.payments.tables import PromiseToPay
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.tables import Account, Debtor, Portfolio
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.portals.conftest import Visitor
from tests.portals.desk.test_calling import called, send

TERMS = {
    "settlement_floor_percent": 60, "max_instalments": 12,
    "offer_limits": [{"role": "agent", "settlement_floor_percent": 80, "max_instalments": 6}],
}  # fmt: skip


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    """An account whose creditor settles from 60 percent, agents from 80."""
    found = place(world.tenant(), timezone="America/Santiago")[0]
    with runtime.current().database.transaction(found.scope) as session:
        session.get_one(Debtor, (found.scope.tenant(), found.debtor_id)).birth_date = "1985-04-02"
        account = session.get_one(Account, (found.scope.tenant(), found.account_id))
        session.get_one(Portfolio, (found.scope.tenant(), account.portfolio_id)).terms = TERMS
    return found


def proven(visitor: Visitor, placed: Placed) -> None:
    """In a call with the person at the desk, who told who they are."""
    called(visitor, placed)
    send(visitor, "answer", step="greeting", answer="speaking")
    with runtime.current().database.transaction(placed.scope) as session:
        number = session.get_one(Account, (placed.scope.tenant(), placed.account_id)).client_account
    send(visitor, "identity", step="identity", birth_date="1985-04-02", client_account=number)
    send(visitor, "answer", step="disclosures", answer="go_on")


def at_desk(visitor: Visitor) -> str:
    found = re.search(r'name="sitting" value="(\d+)"', visitor.text("/desk"))
    return found[1] if found else ""


def newest(scope: Scope) -> Sitting:
    with runtime.current().database.transaction(scope) as session:
        found = session.query(Sitting).order_by(Sitting.id.desc()).first()
        assert found is not None
        session.expunge(found)
        return found


def test_one_button_takes_the_next_account_and_a_result_leads_to_the_one_after(
    visitor: Visitor, world: World, placed: Placed
) -> None:
    (other,) = place(placed.scope, timezone="America/Santiago", kinds=("phone",))
    plan([placed], "call", priority=80)
    plan([other], "call", priority=20)
    visitor.sign_in(Role.AGENT, placed.scope)
    assert "Next account" in visitor.text("/desk")
    visitor.send("/desk/next", "/desk")
    first = visitor.text("/desk")
    assert "The best call of today" in first
    assert "125" not in first
    assert "Acreedor" not in first
    send(visitor, "call", point=placed.points["phone"])
    clock.advance(timedelta(seconds=90))
    send(visitor, "hung-up")
    clock.advance(timedelta(seconds=30))
    done = send(visitor, "finish", code="NOAN", note="No contesta, buzón lleno", then="next")
    assert done.headers["Location"].endswith("/desk")
    with runtime.current().database.transaction(placed.scope) as session:
        assert [one.account_id for one in sittings.everybody(session)] == [other.account_id]
    send(visitor, "back")
    own = visitor.text("/desk")
    assert "1:30" in own  # of talk
    assert "0:30" in own  # of wrapping up
    visitor.send("/desk/next", "/desk")
    assert 'alert-info" role="status">Nobody may or has to be called at this moment.' in visitor.text("/desk")
    assert "buzón lleno" in visitor.text(f"/accounts/{placed.account_id}")


def test_what_is_negotiated_is_computed_live_within_the_limits_of_creditor_and_role(
    visitor: Visitor, placed: Placed
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    called(visitor, placed)
    here = at_desk(visitor)
    early = visitor.get(f"/desk/{here}/offer?kind=full&amount=1000&due=2026-03-20")
    assert early.status_code == 409
    assert "125" not in early.text
    send(visitor, "finish", code="NOAN")
    proven(visitor, placed)
    here = at_desk(visitor)

    def ask(**fields: object) -> dict[str, object]:
        answer = visitor.client.get(f"/desk/{here}/offer", query_string=fields)
        return {"status": answer.status_code, **answer.get_json()}

    assert ask(kind="full", amount="125,000", due="2026-03-20")["approver"] is None
    assert ask(kind="full", amount="125,001", due="2026-03-20")["field"] == "amount"
    month = {"kind": "plan", "every": "monthly", "first_on": "2026-03-16"}
    six = ask(**month, instalments=6)
    assert six["total_minor"] == 125_000
    assert len(six["instalments"]) == 6  # type: ignore[arg-type]  # a list
    assert (six["beyond"], six["approver"]) == ([], None)
    assert ask(**month, instalments=8)["approver"] == "supervisor"
    beyond = ask(**month, instalments=14)
    assert (beyond["beyond"], beyond["approver"]) == (["max_instalments"], "creditor")
    assert "Beyond the limits" in str(beyond["html"])
    assert "They agree" not in str(beyond["html"])
    assert ask(kind="settlement", amount="100,000")["saved_minor"] == 25_000
    assert ask(kind="settlement", amount="90,000")["approver"] == "supervisor"
    assert ask(kind="settlement", amount="70,000")["approver"] == "creditor"
    assert ask(kind="settlement", amount="x") | {"html": ""} == {
        "status": 422, "error": "This is not an amount of money.", "field": "amount", "html": "",
    }  # fmt: skip
    page = visitor.text(f"/desk?sitting={here}&kind=settlement&amount=100,000")  # without script
    assert "25,000" in page
    assert "They agree" in page


def test_what_was_agreed_holds_at_once_and_suggests_the_result(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    asked = send(visitor, "agree", kind="settlement", amount="90,000")
    assert asked.status_code == 422
    assert "say why it should be allowed" in asked.text
    send(visitor, "agree", kind="settlement", amount="90,000", why="Paga hoy mismo")
    assert "The offer waits for approval." in visitor.text("/desk")
    send(visitor, "agree", kind="settlement", amount="100,000")
    page = visitor.text("/desk")
    assert "The settlement is agreed." in page
    assert page.index('value="SETL"') < page.index('value="RTPY"')
    with runtime.current().database.transaction(placed.scope) as session:
        assert settlement_queries.settlements_of(session, [placed.account_id])[0].state == "accepted"
    assert send(visitor, "finish", code="SETL", reason="JOB_LOSS").status_code == 302
    assert newest(placed.scope).result == "SETL"


def test_a_plan_and_a_promise_agreed_while_talking(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    send(visitor, "agree", kind="full", amount="125,000", due="2026-03-18")
    page = visitor.text("/desk")
    assert page.index('value="PTPF"') < page.index('value="RTPY"')
    send(visitor, "agree", kind="plan", every="monthly", instalments="3", first_on="2026-03-16")
    page = visitor.text("/desk")
    assert page.index('value="PLAN"') < page.index('value="RTPY"')
    with runtime.current().database.transaction(placed.scope) as session:
        assert [one.state for one in plans.plans_of(session, [placed.account_id])] == ["running"]
        assert [one.state for one in queries.promises_of(session, [placed.account_id])] != ["open"]


def test_the_link_goes_out_while_talking_and_the_page_tells_what_became_of_it(
    visitor: Visitor, placed: Placed
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    called(visitor, placed)
    send(visitor, "link", channel="email")
    assert "identity was not proven" in visitor.text("/desk").lower()
    send(visitor, "finish", code="NOAN")
    with runtime.current().database.transaction(placed.scope) as session:  # a person has them: machines rest
        hand_overs.open_one(
            session, debtor_id=placed.debtor_id, account_id=placed.account_id, contact_id=None,
            why="wants_person",
        )  # fmt: skip
    proven(visitor, placed)
    with runtime.current().database.transaction(placed.scope) as session:
        house = policies.house_rules(placed.scope.tenant(), {"unused": ["sms"]}, "")
        policies.set_policy(
            session, tenant_id=placed.scope.tenant(), house=house, starts_on=None, note="", actor="test"
        )
    ways = re.findall(r'name="channel" value="(\w+)"><button class="btn"([^>]*)>', visitor.text("/desk"))
    assert ways[:2] == [
        ("sms", " disabled"),
        ("whatsapp", ' data-shortcut="l"'),
    ]  # the key is that of a way open
    send(visitor, "link", channel="pigeon")
    assert "the link cannot be sent by this channel now" in visitor.text("/desk").lower()
    send(visitor, "link", channel="email")
    assert visitor.client.get(f"/desk/{at_desk(visitor)}/link-state").get_json()["under_way"] is True
    jobs.drain()
    state = visitor.client.get(f"/desk/{at_desk(visitor)}/link-state").get_json()["html"]
    assert "Sent by E-mail" in state
    assert "Not opened yet" in state
    assert "Not paid yet" in state


def test_a_call_back_is_promised_only_for_a_lawful_moment(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    missing = send(visitor, "finish", code="CBRQ")
    assert missing.status_code == 422
    assert "Say when to call back." in missing.text
    night = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT23:30")
    refused = send(visitor, "finish", code="CBRQ", other_time=night, note="Pide otra hora")
    assert refused.status_code == 422
    assert "does not allow a call at that moment" in refused.text
    assert "Pide otra hora" in refused.text  # what was typed is kept
    slot = re.findall(r'<option value="(20\d\d-[^"]+)"', visitor.text("/desk"))[0]
    assert send(visitor, "finish", code="CBRQ", call_back=slot).status_code == 302
    assert "Calls you promised" in visitor.text("/desk")
    clock.advance(datetime.fromisoformat(slot) - clock.now() + timedelta(minutes=1))
    visitor.send("/desk/next", "/desk")
    assert "They were promised a call for now" in visitor.text("/desk")


def test_a_debtor_is_handed_to_a_colleague_who_sees_what_was_agreed_before(
    app: Flask, visitor: Visitor, placed: Placed
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    colleague = Visitor(app.test_client(), runtime.current()).sign_in(Role.AGENT, placed.scope)
    send(visitor, "agree", kind="full", amount="50,000", due="2026-03-18")
    assert send(visitor, "finish", code="CMPL", matter="mischief").status_code == 422
    done = send(visitor, "finish", code="PTPP", matter="complaint", note="Está molesta por el cobro doble")
    assert done.status_code == 302
    clock.advance(timedelta(days=8))  # the law lets nobody call twice a week
    with runtime.current().database.transaction(placed.scope) as session:
        assert hand_overs.open_for(session, placed.debtor_id) is not None
        for hold in reach.open_holds(session, [placed.debtor_id])[placed.debtor_id]:
            if hold.kind == "promise":
                placements.end_hold(session, hold.id, by="system")  # its rest is over
    colleague.send("/desk/next", "/desk")
    before = colleague.text("/desk")
    assert "They are to be taken over by a person" in before
    assert "cobro doble" not in before
    assert "50,000" not in before


def test_one_promise_is_about_every_account_that_the_call_named(visitor: Visitor, placed: Placed) -> None:
    (other,) = place(placed.scope, of=placed)
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    assert "250,000" in visitor.text("/desk")
    assert send(visitor, "agree", kind="full", amount="250,001", due="2026-03-18").status_code == 422
    send(visitor, "agree", kind="full", amount="200,000", due="2026-03-18")
    with runtime.current().database.transaction(placed.scope) as session:
        made = session.execute(select(PromiseToPay.account_id, PromiseToPay.amount_minor)).all()
    assert {tuple(one) for one in made} == {(placed.account_id, 125_000), (other.account_id, 75_000)}


def test_a_form_of_an_account_that_has_left_the_desk_changes_nothing(
    app: Flask, visitor: Visitor, placed: Placed
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    called(visitor, placed)
    here = at_desk(visitor)
    boss = Visitor(app.test_client(), runtime.current()).sign_in(Role.SUPERVISOR, placed.scope)
    page = boss.text("/desk/agents")
    assert "Talking" in page
    assert boss.send(f"/desk/agents/{here}/free", "/desk/agents").status_code == 302
    late = visitor.send("/desk/finish", "/desk", sitting=here, code="NOAN")
    assert "not at your desk any more" in visitor.text(late.headers["Location"])
    for step in ("finish", "note"):  # what was written can be copied from the answer
        kept = visitor.send(f"/desk/{step}", "/desk", sitting=here, code="NOAN", note="Works at night")
        assert kept.status_code == 409
        assert "Works at night" in kept.text
    assert newest(placed.scope).ended == "freed"
    assert visitor.get("/desk/agents").status_code == 403


def test_a_supervisor_sets_goals_and_the_agent_sees_how_far_they_are(
    app: Flask, visitor: Visitor, placed: Placed
) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    boss = Visitor(app.test_client(), runtime.current()).sign_in(Role.SUPERVISOR, placed.scope)
    with runtime.current().database.transaction(placed.scope) as session:
        me = next(user.id for user in tenancy.users(session) if user.role == Role.AGENT.value)
    wrong = boss.send("/desk/agents/goals", "/desk/agents", user=me, day_worked="0", week_agreed="12")
    assert wrong.status_code == 422
    assert f'id="day-worked-{me}-error"' in wrong.text
    assert re.search(rf'id="week-agreed-{me}"[^>]* value="12"', wrong.text), "what was typed stands there"
    boss.send("/desk/agents/goals", "/desk/agents", user=me, day_worked="40", week_agreed="12")
    page = visitor.text("/desk")
    assert "of 40" in page
    assert "of 12" in page
    proven(visitor, placed)
    send(visitor, "finish", code="PTPF")
    assert 'value="1"' in visitor.text("/desk")


def test_who_signs_out_leaves_nothing_at_their_desk(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    visitor.send("/desk/take", "/accounts", account=placed.account_id)
    visitor.send("/sign-out", "/desk")
    assert newest(placed.scope).ended == "signed_out"


def test_care_is_warned_of_before_the_call(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    send(visitor, "finish", code="RTPY")
    visitor.send("/desk/take", "/accounts", account=placed.account_id)
    text = visitor.text("/desk")
    assert "Refused before" in text
    assert "Before the call" in text


def test_the_strategy_says_which_offers_an_agent_makes_and_in_which_order(
    visitor: Visitor, placed: Placed
) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        account = session.get_one(Account, (placed.scope.tenant(), placed.account_id))
        made = session.get_one(Portfolio, (placed.scope.tenant(), account.portfolio_id))
        made.strategy = {"offers": ["plan", "full"]}
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    kinds = re.findall(r'name="kind" value="(\w+)"', visitor.text("/desk"))
    assert list(dict.fromkeys(kinds)) == ["plan", "full"]
    answer = visitor.get(f"/desk/{at_desk(visitor)}/offer?kind=settlement&amount=100000")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "kind")
    assert "a supervisor may" in answer.get_json()["error"]
