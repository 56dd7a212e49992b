"""Call scripts: what makes one fit, no word of a debt before the proof, and the record of each call."""

import copy
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.kernel.money import format_minor
from recupero.outreach.calls import calls, runs
from recupero.outreach.scripts import checks, saying, store, walk
from recupero.outreach.scripts.segments import segment_of
from recupero.outreach.scripts.shape import BRANCHES, Script
from recupero.payments import service as payments
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.tables import PromiseToPay
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.identity import Fact
from recupero.placements.tables import Account, Debtor, Portfolio
from tests.factories import World
from tests.outreach.placed import Placed, place

DEBT = {name: f"<{name}>" for name in saying.OF_DEBT}
OPEN = {name: f"<{name}>" for name in saying.OPEN}


def changed(**steps: Any) -> str:
    """The platform's script with steps replaced (None: taken out), as YAML."""
    data = yaml.safe_load(store.standard_document())
    for name, step in steps.items():
        if step is None:
            del data["steps"][name]
        else:
            data["steps"][name] = {**copy.deepcopy(data["steps"].get(name, {})), **step}
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


def said(document: str) -> list[str]:
    return [problem.message for problem in store.problems(document)]


def test_the_platforms_own_script_is_fit_and_answers_everything() -> None:
    script = store.standard()
    assert checks.problems(script) == []
    marked = {choice.branch for step in script.steps.values() for choice in step.choices}
    assert marked >= set(BRANCHES)


@given(st.lists(st.integers(0, 99), max_size=60), st.lists(st.booleans(), max_size=60))
def test_whatever_way_a_call_takes_it_says_nothing_of_a_debt_before_the_proof_and_can_end(
    picks: list[int], rights: list[bool]
) -> None:
    script, rights = store.standard(), list(rights)
    position = walk.begin(script)
    for pick in picks:
        step = walk.at(script, position)
        values = {**OPEN, **DEBT} if position.proven else OPEN
        for language in script.languages:
            saying.say(step.say, language, values)  # a missing value raises
        if step.kind == "end":
            result = DISPOSITIONS[step.disposition or ""]
            assert position.proven or not result.right_party
            return
        if step.kind == "identity" and pick % 2:
            position = walk.identify(script, position, right=bool(rights and rights.pop()))
        else:
            offered = walk.offered(step)
            position = walk.choose(script, position, offered[pick % len(offered)])


def test_proof_is_never_chosen_and_the_third_wrong_answer_ends_it() -> None:
    script = store.standard()
    asked = walk.choose(script, walk.begin(script), "speaking")
    with pytest.raises(UserError, match="no answer 'proven'"):
        walk.choose(script, asked, "proven")
    for failures in (1, 2):
        asked = walk.identify(script, asked, right=False)
        assert (asked.step, asked.failures) == ("identity", failures)
    asked = walk.identify(script, asked, right=False)
    assert script.steps[asked.step].kind == "end"
    assert not asked.proven
    with pytest.raises(Conflict):
        walk.identify(script, asked, right=True)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ({"purpose": None}, "leads to 'purpose', which does not exist"),
        ({"promise": {"choices": []}}, "'promise' is a dead end"),
        ({"refusal": {"disposition": "NOPE"}}, "ends the call with 'NOPE'"),
        ({"greeting": {"say": {"es": "Tiene una deuda", "en": "Hello", "pt": "Ola"}}}, "of a debt (deuda"),
        ({"greeting": {"say": {"es": "Hola", "en": "You owe money", "pt": "Ola"}}}, "tells of a debt (owe)"),
        ({"greeting": {"say": {"es": "Hola", "en": "Hi", "pt": "A sua dívida"}}}, "tells of a debt (divida)"),
        ({"not_proven": {"say": {"es": "{{ amount }}", "en": "a", "pt": "b"}}}, "tells of a debt (amount)"),
        ({"not_proven": {"disposition": "PTPF"}}, "can be reached without proof"),
        ({"purpose": {"say": {"es": "Hola"}}}, "say is missing in en, pt."),
        ({"purpose": {"say": {"es": "{{ x }}", "en": "a", "pt": "b"}}}, "wants x, which nobody knows"),
        ({"purpose": {"say": {"es": "{{ x", "en": "{{ x", "pt": "b"}}}, "say in es, en cannot be read"),
        ({"purpose": {"say": {"es": "{{ name * 10 ** 9 }}", "en": "a", "pt": "b"}}}, "cannot be read"),
        ({"disclosures": {"kind": "ask"}}, "before the disclosures were read out"),
        (
            {"lonely": {"kind": "end", "stage": "close", "say": dict.fromkeys(("es", "en", "pt"), "x"),
                        "disposition": "HUNV"}},
            "No answer leads to step 'lonely'",
        ),
        (
            {"plan": {"choices": [{"id": "round", "label": dict.fromkeys(("es", "en", "pt"), "x"),
                                   "to": "plan"}]}},
            "From step 'plan' the call never ends",
        ),
        (
            {"send_link": {"choices": [{"id": "x", "label": dict.fromkeys(("es", "en", "pt"), "x"),
                                        "to": "promise", "intents": ["yees"]}]}},
            "waits for 'yees', which is never heard",
        ),
        ({"refusal": {"choices": [{"id": "on", "label": {"es": "x"}, "to": "plan"}]}}, "is an end and has"),
    ],
)  # fmt: skip
def test_an_unfit_script_is_refused_with_place_and_reason(steps: dict[str, Any], why: str) -> None:
    assert any(why in one for one in said(changed(**steps))), said(changed(**steps))


def test_faults_of_every_kind_are_told_together() -> None:
    told = said(changed(
        promise={"choices": []}, refusal={"disposition": "NOPE"}, not_proven={"disposition": "PTPF"},
        greeting={"say": {"es": "Tiene una deuda", "en": "Hello"}}, purpose=None,
    ))  # fmt: skip
    for why in (
        "leads to 'purpose', which does not exist", "'promise' is a dead end", "ends the call with 'NOPE'",
        "can be reached without proof", "tells of a debt (deuda)", "say is missing in pt.",
    ):  # fmt: skip
        assert any(why in one for one in told), told
    assert not any("No answer leads to" in one for one in told), "what hangs on a broken branch is no fault"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("a: [", "This is not YAML"),
        ("- a", "A script is a mapping"),
        ("name: x\nname: y", "given twice"),
        (changed(greeting={"sya": {}}), "steps › greeting › sya: is not a property here"),
        (changed(greeting={"stage": "hello"}), "use one of 'greeting'"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_its_place(document: str, why: str) -> None:
    (problem,) = said(document)
    assert why in problem


def test_all_that_a_document_lacks_is_told_at_once() -> None:
    missing = ("title", "languages", "start", "steps")
    assert said("name: x") == [f"{name}: is missing; add it." for name in missing]


@pytest.mark.parametrize(
    ("say", "records", "why"),
    [
        ("{{ agent }}: {{ x }}", False, "Step 'greeting': say in es, en, pt wants x, which nobody knows"),
        ("{{ agent", False, "Step 'greeting': say in es, en, pt cannot be read"),
        ("{{ amount }}", False, "Step 'greeting' tells of a debt (amount) before"),
        ("{{ agent }}", True, "must say so with {{ recording }} in es, en, pt."),
    ],
)
def test_a_fault_in_every_language_is_told_once(say: str, records: bool, why: str) -> None:
    data = yaml.safe_load(changed(greeting={"say": dict.fromkeys(("es", "en", "pt"), say)}))
    (problem,) = said(yaml.safe_dump(data | {"records": records}, allow_unicode=True, sort_keys=False))
    assert why in problem


def test_a_missing_branch_is_named() -> None:
    data = yaml.safe_load(store.standard_document())
    for step in data["steps"].values():
        for choice in step.get("choices", []):
            if choice.get("branch") == "vulnerable":
                del choice["branch"]
    assert said(yaml.safe_dump(data, allow_unicode=True)) == [
        "The script has no answer for: vulnerable. Mark a choice with each branch."
    ]


def test_a_recorded_call_says_so_first() -> None:
    document = store.standard_document().replace("segment: general", "segment: general\nrecords: true")
    assert said(document) == []
    assert "must say so" in said(document.replace("{{ recording }} ", ""))[0]


# ---- an agency's own versions


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def keep(scope: Scope, document: str, *, tenant: bool = False, approved: bool = True) -> int:
    with runtime.current().database.transaction(scope) as session:
        owner = scope.tenant() if tenant else None
        row = store.draft(session, document, tenant_id=owner, actor="user:1")
        if approved:
            store.approve(session, row.id, actor="user:2")
        clock.advance(timedelta(minutes=1))  # the newest approval counts
        return row.id


def chosen(scope: Scope, country: str = "CL", segment: str = "general") -> store.Chosen:
    with runtime.current().database.transaction(scope) as session:
        return store.script_for(session, country, segment)


def named(country: str = "**", segment: str = "general", name: str = "own") -> str:
    text = store.standard_document().replace('country: "**"', f'country: "{country}"')
    return text.replace("segment: general", f"segment: {segment}").replace("name: standard", f"name: {name}")


def test_a_draft_leads_no_call_until_somebody_else_approves_it(scope: Scope) -> None:
    number = keep(scope, named(), approved=False)
    assert chosen(scope).id is None
    with runtime.current().database.transaction(scope) as session:
        with pytest.raises(Forbidden):
            store.approve(session, number, actor="user:1")
        store.approve(session, number, actor="user:2")
    assert (chosen(scope).id, chosen(scope).version) == (number, 1)


def test_the_nearest_script_leads(scope: Scope, world: World) -> None:
    house = keep(scope, named())
    chile = keep(scope, named("CL", name="chile"))
    promise = keep(scope, named("**", "broken_promise", "promise"))
    own = keep(scope, named(name="creditors"), tenant=True)
    other = world.tenant(Scope(scope.agency_id))
    assert [chosen(other, "CL").id, chosen(other, "PE").id] == [chile, house]
    assert chosen(other, "PE", "broken_promise").id == promise
    assert chosen(scope, "CL").id == own
    with runtime.current().database.transaction(scope) as session:
        store.retire(session, own, actor="user:2")
    assert chosen(scope, "CL").id == chile


def owed(placed: Placed, past_due: int) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        account = session.get_one(Account, (placed.scope.tenant(), placed.account_id))
        account.due_date = clock.now().date() - timedelta(days=past_due)


@pytest.mark.parametrize(
    ("past_due", "segment"),
    [
        (-3, "reminder"),
        (0, "reminder"),
        (1, "early"),
        (30, "early"),
        (31, "general"),
        (90, "general"),
        (91, "late"),
    ],
)
def test_an_account_is_of_the_segment_that_is_true_of_it(placed: Placed, past_due: int, segment: str) -> None:
    owed(placed, past_due)
    assert segment_of_account(placed) == segment


def segment_of_account(placed: Placed) -> str:
    with runtime.current().database.transaction(placed.scope) as session:
        return segment_of(session, reach.reachable(session, [placed.account_id])[placed.account_id])


def promised(placed: Placed, state: str) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        promise = payments.make_promise(
            session, account_id=placed.account_id, amount_minor=50_000,
            due_date=clock.now().date() + timedelta(days=2), made_with="agent",
        )  # fmt: skip
        session.get_one(PromiseToPay, (placed.scope.tenant(), promise)).state = state


def test_the_newest_promise_decides_before_the_age_of_the_debt(placed: Placed) -> None:
    owed(placed, 120)
    promised(placed, "broken")
    assert segment_of_account(placed) == "broken_promise"
    promised(placed, "kept")
    assert segment_of_account(placed) == "late"


@pytest.mark.parametrize("segment", store.standard_segments())
def test_what_the_platform_says_to_a_segment_is_fit_too(segment: str) -> None:
    assert store.standard(segment).segment == segment
    assert checks.problems(store.standard(segment)) == []


def test_who_broke_a_promise_is_reminded_of_it_by_agents_and_by_the_assistant(placed: Placed) -> None:
    owed(placed, 20)
    promised(placed, "broken")
    with runtime.current().database.transaction(placed.scope) as session:
        for hold in reach.open_holds(session, [placed.debtor_id]).get(placed.debtor_id, ()):
            placements.end_hold(session, hold.id, by="user:1")
    contact_id = reserved(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        run = runs.known_run(session, contact_id)
        assert run is not None
        assert run.script == "broken_promise"
        run.proven, run.step = True, "purpose"
        session.flush()
        said = runs.talk(session, contact_id, agent="Eva").text
        assert "Habíamos acordado $50.000" in said
        assert runs.begin(session, contact_id, placed.account_id, led_by="voice") is run  # the same for both


def test_vulnerable_people_are_spoken_with_by_their_own_script_whoever_speaks(placed: Placed) -> None:
    """The script that a strategy names for its assistant gives way to it; where there is none it leads."""
    keep(placed.scope, named("CL", "general", "strict"))
    owed(placed, 120)
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(session, debtor_id=placed.debtor_id, account_id=None, kind="vulnerable",
                             source="t")  # fmt: skip
    assert segment_of_account(placed) == "vulnerable"
    with runtime.current().database.transaction(placed.scope) as session:
        assert store.script_for(session, "CL", "vulnerable", "strict").script.name == "strict"
    keep(placed.scope, named("**", "vulnerable", "careful"))
    with runtime.current().database.transaction(placed.scope) as session:
        assert store.script_for(session, "CL", "vulnerable", "strict").script.name == "careful"
        assert store.script_for(session, "CL", "late", "strict").script.name == "strict"


def test_an_agencys_script_for_a_segment_leads_its_calls(placed: Placed) -> None:
    early = keep(placed.scope, named("CL", "early", "fresh"))
    owed(placed, 5)
    contact_id = reserved(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        run = runs.known_run(session, contact_id)
        assert run is not None
        assert (run.script_id, run.script) == (early, "fresh")


def test_a_newer_version_retires_the_one_before_and_calls_under_way_keep_theirs(scope: Scope) -> None:
    first = keep(scope, named())
    second = keep(scope, named())
    with runtime.current().database.transaction(scope) as session:
        assert store.version(session, first).state == "retired"
        assert isinstance(store.kept(session, first, "own"), Script)
        with pytest.raises(Conflict):
            store.approve(session, first, actor="user:2")
    assert chosen(scope).id == second


def test_another_agency_sees_none_of_it(scope: Scope, world: World) -> None:
    number = keep(scope, named())
    stranger = world.tenant()
    assert chosen(stranger).id is None
    with runtime.current().database.transaction(stranger) as session, pytest.raises(NotFound):
        store.version(session, number)


# ---- a call


@pytest.fixture
def placed(scope: Scope) -> Placed:
    return place(scope, timezone="America/Santiago")[0]


def reserved(placed: Placed) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        contact_id = calls.start_call(session, account_id=placed.account_id).contact_id
        assert contact_id is not None
        runs.begin(session, contact_id, placed.account_id, led_by="agent")
        return contact_id


def test_a_call_goes_through_its_script_and_every_step_is_kept(placed: Placed) -> None:
    contact_id = reserved(placed)
    account = _number(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        talk = runs.talk(session, contact_id, agent="Eva Ruiz")
        assert "Eva Ruiz" in talk.text
        runs.answer(session, contact_id, "greeting", "speaking")
        talk = runs.talk(session, contact_id, agent="Eva Ruiz")
        assert talk.questions == (Fact.BIRTH_DATE, Fact.NATIONAL_ID, Fact.CLIENT_ACCOUNT)
        told = {Fact.BIRTH_DATE: "1985-04-02", Fact.CLIENT_ACCOUNT: "wrong"}
        assert not runs.identify(session, contact_id, "identity", told)
        told[Fact.CLIENT_ACCOUNT] = account
        assert runs.identify(session, contact_id, "identity", told)
        talk = runs.talk(session, contact_id, agent="Eva Ruiz")
        assert talk.step.kind == "disclose"
        assert "El saldo es de $125.000." in talk.read_out
        assert "Esta llamada no es un procedimiento para ejecutar sus bienes." in talk.read_out
        runs.answer(session, contact_id, "disclosures", "go_on")
        assert "125.000" in runs.talk(session, contact_id, agent="Eva Ruiz").text
        runs.answer(session, contact_id, "purpose", "aware")
        runs.answer(session, contact_id, "full_payment", "other_day")
        runs.answer(session, contact_id, "promise", "agreed")
        talk = runs.talk(session, contact_id, agent="Eva Ruiz")
        assert talk.over
        assert talk.run.reason == "WAITING_INCOME"
        runs.finish(session, contact_id, talk.step.disposition or "", actor="user:1")
        taken = [(step.step, step.answer) for step in runs.steps_of(session, contact_id)]
    assert taken == [
        ("greeting", "speaking"), ("identity", "wrong"), ("identity", "proven"), ("disclosures", "go_on"),
        ("purpose", "aware"), ("full_payment", "other_day"), ("promise", "agreed"),
    ]  # fmt: skip


def _number(placed: Placed) -> str:
    """The account's number; the person gets a birth date and an identity number."""
    with runtime.current().database.transaction(placed.scope) as session:
        debtor = session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id))
        debtor.birth_date, debtor.national_id = "1985-04-02", "12.345.678-5"
        return session.get_one(Account, (placed.scope.tenant(), placed.account_id)).client_account


def test_without_proof_no_fact_of_the_debt_and_no_result_that_claims_it(placed: Placed) -> None:
    contact_id = reserved(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        with pytest.raises(Conflict):
            runs.answer(session, contact_id, "purpose", "aware")
        with pytest.raises(Conflict, match="identity was not proven"):
            runs.finish(session, contact_id, "PTPF", actor="user:1")
        runs.finish(session, contact_id, "NOAN", actor="user:1")
        with pytest.raises(Conflict, match="ended already"):
            runs.finish(session, contact_id, "NOAN", actor="user:1")


def test_one_fact_is_not_enough_and_the_name_is_none(placed: Placed) -> None:
    _number(placed)
    contact_id = reserved(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        runs.answer(session, contact_id, "greeting", "speaking")
        with pytest.raises(UserError, match="Two facts"):
            runs.identify(session, contact_id, "identity", {Fact.BIRTH_DATE: "1985-04-02"})
        told = {Fact.BIRTH_DATE: "1985-04-02", Fact.NAME: f"Ana Prueba {placed.person_id}"}
        with pytest.raises(UserError, match="Two facts"):
            runs.identify(session, contact_id, "identity", told)


def test_an_answer_sent_twice_moves_the_call_once(placed: Placed) -> None:
    contact_id = reserved(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        runs.answer(session, contact_id, "greeting", "absent")
        with pytest.raises(Conflict, match="gone on"):
            runs.answer(session, contact_id, "greeting", "absent")
        assert len(runs.steps_of(session, contact_id)) == 1


def test_another_creditor_sees_nothing_of_the_call(placed: Placed, world: World) -> None:
    contact_id = reserved(placed)
    other = world.tenant(Scope(placed.scope.agency_id))
    with runtime.current().database.transaction(other) as session, pytest.raises(NotFound):
        runs.talk(session, contact_id, agent="x")


def walked(placed: Placed, *choices: tuple[str, str]) -> tuple[int, list[str]]:
    """The contact of a call after the proof and these answers, and what was said at each step since."""
    contact_id, said = reserved(placed), list[str]()
    with runtime.current().database.transaction(placed.scope) as session:
        runs.begin(session, contact_id, placed.account_id, led_by="agent")
        runs.answer(session, contact_id, "greeting", "speaking")
        runs.found(session, contact_id, "identity", right=True)
        for step, choice in choices:
            runs.answer(session, contact_id, step, choice)
            said.append(runs.talk(session, contact_id, agent="Eva").text.replace("\xa0", " "))
    return contact_id, said


def test_one_call_is_about_all_that_the_debtor_owes(placed: Placed) -> None:
    (other,), (disputed,) = place(placed.scope, of=placed), place(placed.scope, of=placed)
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(session, debtor_id=placed.debtor_id, account_id=disputed.account_id,
                             kind="dispute", source="test")  # fmt: skip
    _contact, (purpose, pays) = walked(placed, ("disclosures", "go_on"), ("purpose", "aware"))
    assert f"También están pendientes: {_number(other)}" in purpose
    assert "En total: $250.000" in purpose
    assert _number(disputed) not in purpose
    assert pays == "¿Puede pagar hoy los $250.000?"


def test_own_words_that_name_no_other_account_are_completed(placed: Placed) -> None:
    (other,) = place(placed.scope, of=placed)
    own = {"say": {"es": "Es por {{ account }}.", "en": "It is {{ account }}.", "pt": "É {{ account }}."}}
    keep(placed.scope, changed(purpose=own))
    _contact, (purpose,) = walked(placed, ("disclosures", "go_on"))
    assert purpose.startswith(f"Es por {_number(placed)}. {_number(other)}")
    assert purpose.endswith("En total: $250.000.")


def test_a_settlement_that_a_call_names_stands_and_is_named_again(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        only = {"terms": {"settlement_floor_percent": 60}, "strategy": {"offers": ["settlement"]}}
        session.execute(update(Portfolio).values(**only))
    way = [("disclosures", "go_on"), ("purpose", "aware"), ("full_payment", "cannot_pay")]
    _contact, said = walked(placed, *way, ("reason", "cash_short"))
    assert not any("Esto es posible" in one for one in said[:-1])
    with runtime.current().database.transaction(placed.scope) as session:
        (made,) = session.execute(select(Settlement)).scalars()
        sum_said = format_minor(made.amount_minor, made.currency, "es_CL").replace("\xa0", " ")
    assert (made.state, made.account_ids) == ("offered", [placed.account_id])
    assert f"Esto es posible: {sum_said} en lugar de $125.000" in said[-1]
