"""A portfolio's strategy is changed on its page or through the API; each change is a version."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import audit, clock, runtime
from recupero.kernel.database import Scope
from recupero.placements import browse, strategies
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.decisions.debts import debt, portfolio
from tests.factories import World
from tests.portals.conftest import Visitor

TYPED = {
    "version": "1", "channel_0": "sms", "channel_1": "", "channel_2": "sms", "pace_days": "2.5",
    "max_contacts_30d": "6", "promise_reminder_days": "", "tolerance_minor": "1,500",
    "minimum_value_minor": "", "budget_minor": "", "exploration": "0", "daily_sms": "10",
    "costs_minor_sms": "40", "tones_follow_up": "firm",
}  # fmt: skip
READ = {
    "channels": ["sms"], "pace_days": 2.5, "max_contacts_30d": 6, "tolerance_minor": 1500,
    "exploration": 0.0, "daily": {"sms": 10}, "costs_minor": {"sms": 40}, "tones": {"follow_up": "firm"},
}  # fmt: skip


@pytest.fixture
def placed(world: World, noon: datetime) -> tuple[Scope, int]:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        debt(session, book, days_late=30)
    return scope, book


def page(placed: tuple[Scope, int]) -> str:
    return f"/tenants/{placed[0].tenant()}/portfolios/{placed[1]}/strategy"


def decided(scope: Scope) -> list[tuple[str | int | None, ...]]:
    plan_tenant(runtime.current().database, scope)
    with runtime.current().database.transaction(scope) as session:
        found = session.execute(
            select(Decision.channel, Decision.strategy_version).order_by(Decision.id.desc())
        )
        return [tuple(row) for row in found.all()]


def test_a_changed_strategy_is_a_version_that_the_next_plan_uses(
    visitor: Visitor, placed: tuple[Scope, int]
) -> None:
    scope, book = placed
    assert decided(scope)[0] == ("email", 1)
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    assert "Empty: 5" in supervisor.text(page(placed))
    assert "Empty: CLP 250,000" in supervisor.text(page(placed)).replace("\xa0", " ")
    assert supervisor.send(page(placed), **TYPED).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        assert browse.portfolio(session, book).strategy == READ
        (version,) = strategies.versions(session, book)
        assert (version.version, version.strategy) == (2, READ)
        entry = session.execute(
            select(audit.AuditEvent).order_by(audit.AuditEvent.id.desc()).limit(1)
        ).scalar_one()
        assert (entry.action, entry.details["before"]) == ("placements.set_strategy", {"exploration": 0})
    assert decided(scope)[0] == ("sms", 2)
    shown = supervisor.text(page(placed))
    assert 'value="1,500"' in shown or 'value="1500"' in shown
    assert "Version 2" in shown
    assert "Ana Prueba" in shown
    stale = supervisor.send(page(placed), **TYPED | {"pace_days": "9"})
    assert stale.status_code == 422
    assert "else changed this strategy meanwhile" in stale.text
    assert supervisor.send(page(placed), **TYPED | {"version": "2"}).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        assert browse.portfolio(session, book).strategy_version == 2  # it said the same


CHOSEN = (
    "channel_0",
    "tones_follow_up",
    "arms_0_tone",
)  # from a list: what is not in it cannot stand there again
#: What is typed, at which field it is refused, and in which words: as the form names the field.
FAULTS = [
    ({"pace_days": "often"}, "pace_days", "This is not a number."),
    ({"pace_days": "nan"}, "pace_days", "This is not a number."),
    ({"pace_days": "400"}, "pace_days", "“Least days between two contacts” must be a number from 0 to 365"),
    ({"max_contacts_30d": "-1"}, "max_contacts_30d", "“Most contacts in 30 days” must not be below 0"),
    ({"exploration": "60"}, "exploration", "0 to 0.5, which is 50 percent"),
    ({"channel_0": "", "channel_2": ""}, "channel_0", "“Channels” must be a list of"),
    ({"channel_0": "pigeon"}, "channel_0", "WhatsApp"),
    ({"daily_sms": "x"}, "daily_sms", "This is not a whole number."),
    ({"daily_sms": "-1"}, "daily_sms", "“Most a day” must not be below 0"),
    ({"tolerance_minor": "1.5.5"}, "tolerance_minor", "This is not an amount of money."),
    ({"tolerance_minor": "NaN"}, "tolerance_minor", "is not an amount of money"),
    ({"budget_minor": "-5"}, "budget_minor", "“Most cost of the actions of one day” must not be below 0"),
    ({"needs_yes_0_from_balance_minor": "-5"}, "needs_yes_0_from_balance_minor", "“Balance from”"),
    ({"arms_0_name": "A", "arms_0_share": "60", "arms_0_pace_days": "2",
      "arms_1_name": "B", "arms_1_share": "60", "arms_1_pace_days": "2"},
     "arms_1_share", "more than the whole"),
    ({"tones_follow_up": "loud"}, "tones_follow_up", "“Tone” must give a tone"),
    ({"arms_0_name": "A", "arms_0_share": "20", "arms_0_tone": "loud"}, "arms_0_tone", "“Tone” must give a"),
]  # fmt: skip


def test_each_fault_stands_at_its_field_in_the_words_of_the_form_and_nothing_is_kept(
    visitor: Visitor, placed: tuple[Scope, int]
) -> None:
    supervisor = visitor.sign_in(Role.SUPERVISOR, placed[0])
    for typed, field, words in FAULTS:
        answer = supervisor.send(page(placed), **TYPED | typed)
        assert answer.status_code == 422, typed
        told = answer.text.partition(f'id="{field}-error"' if field else 'role="alert"')[2].partition("</p>")[
            0
        ]
        assert words in told, typed
        kept = [value for name, value in typed.items() if value and name not in CHOSEN]
        assert all(f'value="{value}"' in answer.text for value in kept), typed
    with runtime.current().database.transaction(placed[0]) as session:
        assert browse.portfolio(session, placed[1]).strategy == {"exploration": 0}


def test_machines_set_it_too_and_others_do_not(app: Flask, placed: tuple[Scope, int], world: World) -> None:
    scope, book = placed
    platform = runtime.current()
    api = machine(app, platform, scope)
    where = f"/api/v1/portfolios/{book}/strategy"
    assert api.get(where) == {"strategy": {"exploration": 0}, "version": 1}
    wild = api.send(where, 422, "PUT", strategy={"pace_day": 3})
    assert "pace_day" in str(wild)
    assert api.send(where, 200, "PUT", strategy={"pace_days": 3}, instead_of=1)["version"] == 2
    api.send(where, 409, "PUT", strategy={}, instead_of=1)
    assert [one["version"] for one in api.get(f"{where}/versions")["items"]] == [2]
    machine(app, platform, scope, Permission.ACCOUNTS_WORK).send(where, 403, "PUT", strategy={})
    machine(app, platform, world.tenant()).send(where, 404, "PUT", strategy={})
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, scope)
    assert agent.get(page(placed)).status_code == 403
    new = {"name": "Otra", "country": "CL", "currency": "CLP", "product": "card"}
    api.send("/api/v1/portfolios", 422, tenant_id=scope.tenant(), strategy={"pace_days": "x"}, **new)


def test_a_condition_for_a_yes_takes_several_values(visitor: Visitor, placed: tuple[Scope, int]) -> None:
    scope, book = placed
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    typed: dict[str, Any] = {
        "needs_yes_0_channel": ["sms", "letter"], "needs_yes_0_tone": "firm", "needs_yes_2_everything": "yes",
    }  # fmt: skip
    assert supervisor.send(page(placed), **{**TYPED, **typed}).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        kept = browse.portfolio(session, book).strategy["needs_yes"]
    assert kept == [{"channel": ["sms", "letter"], "tone": "firm"}, {"everything": True}]
    shown = supervisor.text(page(placed))
    for value in ("sms", "letter"):
        assert f'name="needs_yes_0_channel" value="{value}" checked' in shown
    assert "or Letter" in shown
    typed = {"version": "2", "needs_yes_0_tone": ["firm", "shrill"]}
    wrong = supervisor.send(page(placed), **{**TYPED, **typed})
    assert wrong.status_code == 422
    assert 'name="needs_yes_0_tone" value="firm" checked' in wrong.text


BRANCHES = {
    "segments_0_name": "Large", "segments_0_from_balance_minor": "500,000", "segments_0_stage_late": "yes",
    "segments_0_human_only": "yes", "segments_0_rest": '{"exploration": 0}', "segments_1_name": "",
    "arms_0_name": "Quick", "arms_0_share": "20", "arms_0_pace_days": "2.5", "arms_0_tone": "kind",
    "arms_1_name": "",
}  # fmt: skip


def test_segments_and_arms_are_typed_kept_tried_and_put_into_force(
    visitor: Visitor, placed: tuple[Scope, int]
) -> None:
    scope, book = placed
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    sent = supervisor.send(page(placed), **TYPED, **BRANCHES, do="draft")
    tried = supervisor.get(sent.location)
    assert "No account is in the segment “Large”" in tried.text
    assert "Large" in tried.text
    assert "→ Nothing but calls by people: yes" in tried.text
    with runtime.current().database.transaction(scope) as session:
        draft = strategies.draft(session, book)
        assert draft is not None
        assert draft.strategy["segments"] == [{
            "name": "Large", "when": {"stages": ["late"], "from_balance_minor": 500_000},
            "then": {"exploration": 0, "human_only": True},
        }]  # fmt: skip
        (arm,) = draft.strategy["arms"]
        assert (arm["name"], arm["share"], arm["then"]["pace_days"]) == ("Quick", 0.2, 2.5)
        assert set(arm["then"]["tones"].values()) == {"kind"}
        assert browse.portfolio(session, book).strategy_version == 1
    assert 'value="Large"' in supervisor.text(f"{page(placed)}?draft=1")
    assert supervisor.send(f"{page(placed)}/draft/activate", f"{page(placed)}/draft").status_code == 302
    with runtime.current().database.transaction(scope) as session:
        assert browse.portfolio(session, book).strategy["segments"][0]["name"] == "Large"
        assert strategies.draft(session, book) is None
    again = supervisor.text(page(placed))  # what the page shows is what it sends: nothing is lost
    assert 'name="segments_0_rest" value="{&#34;exploration&#34;: 0}"' in again


SPEAKERS = {
    "assistants_0_name": "Ana Ríos", "assistants_0_kind": "human", "assistants_0_tone": "kind",
    "assistants_0_by_call": "yes", "assistants_1_name": "Clara", "assistants_1_kind": "virtual",
    "assistants_2_name": "", "segments_0_name": "Early", "segments_0_stage_early": "yes",
    "segments_0_assistants": "Clara", "segments_0_offer_0": "plan", "segments_0_offer_after": "3",
    "segments_1_name": "", "arms_0_name": "", "offer_0": "settlement", "offer_1": "plan", "offer_2": "plan",
}  # fmt: skip


def test_who_speaks_is_typed_kept_and_told(visitor: Visitor, placed: tuple[Scope, int]) -> None:
    scope, book = placed
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    assert supervisor.send(page(placed), **TYPED, **SPEAKERS).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        kept = browse.portfolio(session, book).strategy
    assert kept["assistants"] == [
        {"name": "Ana Ríos", "kind": "human", "tone": "kind", "channels": ["call"]},
        {"name": "Clara", "kind": "virtual"},
    ]
    assert kept["segments"] == [
        {
            "name": "Early", "when": {"stages": ["early"]},
            "then": {"assistants": ["Clara"], "offers": ["plan"], "offer_after": 3},
        }
    ]  # fmt: skip
    assert kept["offers"] == ["settlement", "plan"]
    shown = supervisor.text(page(placed))
    assert "Ana Ríos (a person, Call, friendly); Clara (a machine)" in shown
    assert "Less, as the whole, In parts" in shown
    assert 'name="assistants_1_name" type="text" value="Clara"' in shown
    assert 'name="segments_0_assistants" value="Clara" checked' in shown  # chosen from those above
    assert 'name="segments_0_assistants" value="Ana Ríos">' in shown
    assert '<details class="card fold" id="part-assistants"><summary>' in shown  # closed, and says who
    assert "Ana Ríos, Clara</span></summary>" in shown
    wrong = supervisor.send(
        page(placed), **TYPED | SPEAKERS | {"version": "2", "segments_0_assistants": "Berta"}
    )
    assert wrong.status_code == 422
    assert '<details class="card fold" id="part-segments" open>' in wrong.text
    assert '<details class="card fold" id="part-tones"><summary>' in wrong.text
    assert 'id="segments_0_assistants-error"' in wrong.text
    twice = supervisor.send(
        page(placed), **TYPED | SPEAKERS | {"version": "2", "assistants_1_name": "Ana Ríos"}
    )
    assert 'id="assistants_1_name-error"' in twice.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"segments_0_name": ""}, "Please fill this in."),
        ({"arms_0_share": ""}, "Please say for whom this holds."),
        ({"arms_0_share": "120"}, "must be a share above 0"),
        ({"segments_0_from_balance_minor": "many"}, "This is not an amount of money."),
        ({"segments_0_rest": '{"daily": {}}'}, "Unknown key"),
        ({"arms_0_pace_days": "", "arms_0_tone": ""}, "Please say what holds instead."),
    ],
)
def test_a_branch_that_says_too_little_is_refused_at_its_field(
    visitor: Visitor, placed: tuple[Scope, int], typed: dict[str, str], said: str
) -> None:
    supervisor = visitor.sign_in(Role.SUPERVISOR, placed[0])
    answer = supervisor.send(page(placed), **TYPED | BRANCHES | typed | {"do": "draft"})
    assert answer.status_code == 422
    assert said in answer.text
    with runtime.current().database.transaction(placed[0]) as session:
        assert strategies.draft(session, placed[1]) is None


def test_what_cannot_be_read_and_what_cannot_be_are_told_together(
    visitor: Visitor, placed: tuple[Scope, int]
) -> None:
    supervisor = visitor.sign_in(Role.SUPERVISOR, placed[0])
    wrong = {
        "pace_days": "so",
        "channel_0": "fax",
        "offer_0": "gift",
        "arms_0_share": "some",
        "daily_sms": "x",
    }
    answer = supervisor.send(page(placed), **TYPED | BRANCHES | wrong)
    assert answer.status_code == 422
    assert all(f'id="{name}-error"' in answer.text for name in wrong)
    assert "Please say for whom this holds." not in answer.text  # it was said, but cannot be read
    assert 'id="arms_0_name-error"' not in answer.text


def test_drafts_through_the_api(app: Flask, world: World, placed: tuple[Scope, int]) -> None:
    (scope, book), platform = placed, runtime.current()
    api = machine(app, platform, scope, Permission.STRATEGY_MANAGE, Permission.PLACEMENTS_READ)
    where = f"/api/v1/portfolios/{book}/strategy/draft"
    assert api.send(where, 404, "GET")["message"] == "there is no draft"
    api.send(where, 422, "PUT", strategy={"pace_day": 3})
    assert api.send(where, 200, "PUT", strategy={"pace_days": 3})["strategy"] == {"pace_days": 3}
    assert api.send(f"{where}/activate", 200, "POST", instead_of=1)["version"] == 2
    api.send(where, 404, "DELETE")
    machine(app, platform, world.tenant(), Permission.STRATEGY_MANAGE).send(where, 404, "PUT", strategy={})
    machine(app, platform, scope, Permission.PLACEMENTS_READ).send(where, 403, "GET")


def test_a_draft_is_asked_about_the_past(
    visitor: Visitor, app: Flask, placed: tuple[Scope, int], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, book = placed
    decided(scope)
    database = runtime.current().database
    with database.transaction(scope) as session:
        strategies.keep_draft(session, book, {"pace_days": 1, "channels": ["sms", "call"]}, actor="user:1")
    where = f"/tenants/{scope.tenant()}/portfolios/{book}/strategy/draft/history"
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    page = supervisor.text(where)
    assert "A contact instead of waiting" in page
    monkeypatch.setattr("recupero.portals.strategies.strategy_history.MOST", 0)
    today = supervisor.text(where)  # as far back as can be answered
    assert today.count(f'value="{clock.today("America/Santiago")}"') == 2
    assert supervisor.get(f"{where}?from=2019-01-01&to=2019-02-01").status_code == 422
    for asked in ("from=soon", "to=9999-12-31", "from=0001-01-01"):
        assert supervisor.get(f"{where}?{asked}").status_code == 422, asked
    assert where in supervisor.text(where.removesuffix("/history"))
    agent = Visitor(app.test_client(), runtime.current()).sign_in(Role.AGENT, scope)
    assert agent.get(where).status_code == 403
    api, path = machine(app, runtime.current(), scope), f"/api/v1/portfolios/{book}/strategy"
    told = api.send(f"{path}/what-if", 200, "POST", strategy={"channels": ["sms"]})
    assert (told["made"]["channels"], told["tried"]["channels"]) == ({"email": 1}, {"sms": 1})
    assert (told["decisions"], told["brought"]) == (1, None)
    assert api.send(f"{path}/what-if", 200, "POST")["same"] == 0  # of the draft
    trial = api.send(f"{path}/trial", 200, "POST", strategy={"channels": ["sms"]})
    assert trial["tried"]["accounts"] == 1
    api.send(f"{path}/what-if", 422, "POST", strategy={"channel": ["sms"]})
    machine(app, runtime.current(), scope, Permission.PLACEMENTS_READ).send(f"{path}/trial", 403, "POST")
