"""One contact's proof in plain words, and one debtor's week; nothing of one tenant is shown to another."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from recupero.contacts import answers, proving, service
from recupero.contacts.cli import law
from recupero.contacts.service import Wish
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound
from recupero.placements.tables import ContactPoint
from recupero_sdk.law import Channel
from recupero_sdk.law.zones import load_zone
from tests.contacts.test_policies import decree
from tests.factories import World
from tests.outreach.placed import Placed, place


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def placed(scope: Scope) -> Placed:
    return place(scope)[0]


def contact(placed: Placed, channel: Channel = "call", code: str | None = "HUPV") -> int:
    kind = "email" if channel == "email" else "phone"
    with runtime.current().database.transaction(placed.scope) as session:
        made = service.reserve(session, [Wish(placed.account_id, channel, placed.points[kind])])[0]
        assert made.contact_id is not None, made.verdict.refusals
        if code:
            answers.record_disposition(session, made.contact_id, code, actor="user:1")
    return made.contact_id


def prove(scope: Scope, contact_id: int) -> proving.Proof:
    with runtime.current().database.transaction(scope) as session:
        return proving.prove(session, contact_id)


def week(placed: Placed) -> proving.AccountWeek:
    with runtime.current().database.transaction(placed.scope) as session:
        return proving.account_week(session, placed.account_id, clock.now())


def channel(found: proving.AccountWeek, name: str) -> proving.weeks.ChannelWeek:
    return next(one for one, _point in found.channels if one.channel == name)


def test_the_proof_names_every_rule_with_words_source_and_parameters(placed: Placed) -> None:
    found = prove(placed.scope, contact(placed))
    assert found.again is not None
    assert (found.again.allowed, found.changed, found.changed_today) == (True, (), ())
    cap = next(step for step in found.law if step.outcome.rule_id == "CL-37-phone-visit-weekly")
    assert cap.decided
    assert "Ley 19.496" in cap.outcome.citation
    for language in ("es", "en", "pt"):
        assert cap.text(language)
        assert cap.title(language)
        assert cap.outcome.explain(language)
    assert ("at most", "1 contact") in cap.parameters("en")
    assert {step.outcome.rule_id for step in found.law} == set((found.verdict or found.again).rules)


def test_house_rules_stand_apart_in_the_proof(placed: Placed) -> None:
    decree(placed.scope, per_month=4)
    found = prove(placed.scope, contact(placed))
    assert [step.outcome.rule_id for step in found.house] == ["CL-AGENCY-per-month"]
    assert not any(step.house for step in found.law)
    assert [version.house.limits.per_month for version in found.contact.policies] == [4]


def test_a_contact_that_would_be_judged_otherwise_says_which_rule(placed: Placed) -> None:
    number = contact(placed, "email", None)
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(
            text("UPDATE contacts SET at = at + interval '11 hours' WHERE id = :id"), {"id": number}
        )
    found = prove(placed.scope, number)
    assert found.again is not None
    assert not found.again.allowed
    assert ("allowed", "refused") in {(change.then, change.now) for change in found.changed}


def test_what_the_debtor_sent_has_no_verdict_to_prove(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        number = answers.record_inbound(session, account_id=placed.account_id, channel="email")
    found = prove(placed.scope, number)
    assert (found.verdict, found.steps) == (None, ())


def test_a_contact_of_another_tenant_is_not_proven(world: World, placed: Placed) -> None:
    number = contact(placed)
    with pytest.raises(NotFound):
        prove(world.tenant(placed.scope), number)


def test_the_week_says_what_is_open_and_what_used_it_up(placed: Placed) -> None:
    before = channel(week(placed), "call")
    assert before.now.allowed
    assert before.uses == ()
    assert len(before.days) == 7
    contact(placed)
    after = channel(week(placed), "call")
    used = next(use for use in after.uses if use.rule_id == "CL-37-phone-visit-weekly")
    assert (used.limit, used.used_up) == (1, True)
    assert [one.channel for one in used.contacts] == ["call"]
    tomorrow = after.days[1]
    assert tomorrow.stretches == ()
    assert "CL-37-phone-visit-weekly" in {why.rule_id for why in tomorrow.reasons}


def test_every_stretch_of_the_week_is_lawful_and_the_minute_before_is_not(placed: Placed) -> None:
    contact(placed)
    contact_week = week(placed)
    from recupero.contacts import judging

    with runtime.current().database.transaction(placed.scope) as session:
        for one, _point in contact_week.channels:
            stretches = [stretch for day in one.days for stretch in day.stretches]
            for starts, ends in stretches:
                inside = (starts, ends - timedelta(minutes=1))
                assert all(
                    judging.judge_now(session, placed.account_id, one.channel, at).allowed for at in inside
                )
                if starts > clock.now() and starts.hour != 3:  # midnight in Santiago joins two days
                    sooner = judging.judge_now(
                        session, placed.account_id, one.channel, starts - timedelta(minutes=1)
                    )
                    assert not sooner.allowed


def test_of_contacts_for_other_creditors_the_week_tells_only_the_number(world: World, placed: Placed) -> None:
    other = place(world.tenant(placed.scope), people=[placed.person_id])[0]
    made_at = clock.now()
    contact(other)
    clock.advance(timedelta(minutes=7))
    used = channel(week(placed), "call").uses[0]
    assert [one.same_creditor for one in used.contacts] == [False]
    from recupero.contacts.law_words import week_to_json

    told = json.dumps(week_to_json(week(placed), "en"))
    assert '"for_other_creditors": 1' in told
    assert made_at.isoformat() not in told


def test_a_house_cap_in_the_week_counts_towards_its_limit(placed: Placed) -> None:
    decree(placed.scope, per_month=3)
    contact(placed)
    use = next(one for one in channel(week(placed), "email").uses if one.rule_id == "CL-AGENCY-per-month")
    assert (use.limit, len(use.contacts), use.used_up) == (3, 1, False)


def test_a_number_of_several_zones_must_be_lawful_in_all_and_proof_and_week_name_them(placed: Placed) -> None:
    zones = ("America/Santiago", "Pacific/Easter")
    with runtime.current().database.transaction(placed.scope) as session:
        point = session.get_one(ContactPoint, (placed.scope.tenant(), placed.points["phone"]))
        point.timezone = ",".join(zones)
    found = week(placed)
    assert found.zones == zones
    opens = channel(found, "call").days[1].stretches[0][0]
    assert opens.astimezone(load_zone("Pacific/Easter")).hour == 8
    assert prove(placed.scope, contact(placed)).zones == zones


def run(*arguments: str) -> tuple[int, str]:
    answer = CliRunner().invoke(law, arguments)
    return answer.exit_code, answer.output
