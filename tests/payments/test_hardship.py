"""A hardship case lets everything of a debtor rest; what they can afford is theirs to tell, and secret."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from recupero.kernel import audit, clock, crypto, jobs, periodic, runtime
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.tables import Action
from recupero.outreach.understanding.tables import HandOver
from recupero.payments import service as payments
from recupero.payments.offers import affordability, hardship
from recupero.payments.offers.offer_tables import HardshipCase
from recupero.payments.tables import PromiseToPay
from recupero.placements import normalise
from recupero.placements import service as placements
from recupero.placements.tables import ContactPoint, Hold
from tests.factories import World
from tests.ledger.placed import Placed, place

NOTE = "perdí el trabajo en marzo"


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}, {"principal": 500}])


def begin(placed: Placed, **more: object) -> HardshipCase:
    values = {"kind": "job_loss", "severity": "medium", "opened_with": "agent", "opened_by": "user:1", **more}
    with runtime.current().database.transaction(placed.scope) as session:
        return hardship.open_case(session, debtor_id=placed.debtor_id, **values)  # type: ignore[arg-type]  # from the test


def held(placed: Placed) -> list[Hold]:
    with runtime.current().database.transaction(placed.scope) as session:
        return list(session.execute(select(Hold).where(Hold.ended_at.is_(None))).scalars())


@pytest.mark.parametrize(
    ("severity", "days", "expected"), [("low", None, 30), ("high", None, 90), ("low", 7, 7)]
)
def test_work_rests_for_the_days_of_the_case(
    placed: Placed, severity: str, days: int | None, expected: int
) -> None:
    begin(placed, severity=severity, hold_days=days)
    hold = held(placed)[0]
    assert (hold.kind, hold.account_id) == ("hardship", None)
    assert hold.until == clock.now() + timedelta(days=expected)


def test_closing_lets_work_go_on(placed: Placed) -> None:
    case = begin(placed)
    with pytest.raises(Conflict):
        begin(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        with pytest.raises(UserError, match="what came of it"):
            hardship.close_case(session, case.id, actor="user:1", outcome=" ")
        hardship.close_case(session, case.id, actor="user:1", outcome="works again")
        assert hardship.open_of(session, placed.debtor_id) is None
    assert held(placed) == []
    begin(placed, kind="illness")


def test_an_open_promise_ends_without_being_broken(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        payments.make_promise(
            session, account_id=placed.account_ids[0], amount_minor=10, due_date=clock.now().date(),
            made_with="agent",
        )  # fmt: skip
    begin(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        assert session.execute(select(PromiseToPay.state)).scalar_one() == "cancelled"


@pytest.mark.parametrize(
    ("more", "field"),
    [({"kind": "bored"}, "kind"), ({"severity": "huge"}, "severity"), ({"hold_days": 0}, "hold_days")],
)
def test_a_case_without_sense_is_refused(placed: Placed, more: dict[str, object], field: str) -> None:
    with pytest.raises(UserError) as refused:
        begin(placed, **more)
    assert refused.value.field == field


def test_notes_and_means_lie_encrypted(placed: Placed, platform: runtime.Runtime) -> None:
    begin(placed, note=NOTE, evidence="carta de despido")
    with platform.database.transaction(placed.scope) as session:
        affordability.keep(
            session, debtor_id=placed.debtor_id, currency="CLP",
            answers={"wages": 700_001, "housing": 400_001}, told_with="page",
        )  # fmt: skip
        raw = session.execute(text("SELECT note::text || evidence::text FROM hardship_cases")).scalar_one()
        raw += session.execute(text("SELECT answers::text FROM means_statements")).scalar_one()
        assert "trabajo" not in raw
        assert "700001" not in raw
        assert session.execute(select(HardshipCase.note)).scalar_one() == NOTE
        told = affordability.latest(session, placed.debtor_id)
        assert told is not None
        assert told[1].payable_minor == 150_000


def test_a_case_of_another_creditor_is_not_there(
    placed: Placed, platform: runtime.Runtime, world: World
) -> None:
    other, case = place(platform, world.tenant()), begin(placed)
    with platform.database.transaction(other.scope) as session, pytest.raises(NotFound):
        hardship.close_case(session, case.id, actor="user:1", outcome="x")


answers = st.dictionaries(st.sampled_from(affordability.QUESTIONS), st.integers(0, 10**9))


@given(answers)
def test_a_plan_never_takes_more_than_half_of_what_is_left(told: dict[str, int]) -> None:
    found = affordability.means(told)
    if found is None:
        assert not set(told) & set(affordability.INCOME)
        return
    assert 0 <= found.payable_minor <= max(0, found.left_minor) // 2
    choice = affordability.choice_for(found, clock.now().date())
    assert (choice is None) == (found.payable_minor == 0)


def test_unknown_questions_and_negative_amounts_are_refused() -> None:
    for told in ({"pets": 1}, {"wages": -1}):
        with pytest.raises(UserError):
            affordability.means(told)


def writable(placed: Placed) -> None:
    address = "maria@example.com"
    with runtime.current().database.transaction(placed.scope) as session:
        session.add(ContactPoint(
            tenant_id=placed.scope.tenant(), debtor_id=placed.debtor_id, kind="email", value=address,
            value_index=crypto.keyring().blind_index(normalise.email_key(address)), status="valid",
            source="placement", created_at=clock.now(),
        ))  # fmt: skip


def hold(placed: Placed, kind: str, account_id: int | None = None, days: int | None = None) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=account_id, kind=kind, source="x",
            until=clock.now() + timedelta(days=days) if days else None,
        )  # fmt: skip


def days_later(days: int) -> None:
    clock.advance(timedelta(days=days))
    periodic.ask_due({"payments.end_hardship"})
    jobs.drain()


def told(placed: Placed) -> list[tuple[str, str, str, str]]:
    with runtime.current().database.transaction(placed.scope) as session:
        query = select(Action.template, Action.channel, Action.tone, Action.state).order_by(Action.id)
        return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def handed(placed: Placed) -> list[str]:
    with runtime.current().database.transaction(placed.scope) as session:
        return list(session.execute(select(HandOver.why)).scalars())


def test_whose_hardship_runs_out_is_told_so_once_and_kindly(placed: Placed) -> None:
    writable(placed)
    begin(placed, severity="low")
    days_later(29)
    assert told(placed) == []
    days_later(1)
    days_later(1)
    assert told(placed) == [("pause_over", "email", "kind", "scheduled")]
    assert (held(placed), handed(placed)) == ([], [])
    with runtime.current().database.transaction(placed.scope) as session:
        actions = [one.action for one in audit.page(session, holding="hardship:")]
    assert actions.count("payments.hardship_ran_out") == 1


@pytest.mark.parametrize("severity", ["low", "high"])
def test_a_person_asks_first_after_severe_hardship_or_where_nobody_can_be_written_to(
    placed: Placed, severity: str
) -> None:
    if severity == "high":
        writable(placed)
    begin(placed, severity=severity, hold_days=5)
    days_later(5)
    days_later(1)
    assert handed(placed) == ["hardship_over"]
    assert [one.kind for one in held(placed)] == ["person"], "machines are silent meanwhile"
    assert [one[3] for one in told(placed) if one[3] != "cancelled"] == []


def test_nobody_is_told_while_something_else_holds_or_long_after(placed: Placed) -> None:
    writable(placed)
    hold(placed, "hardship", placed.account_ids[0], days=2)
    hold(placed, "hardship", placed.account_ids[0] + 1, days=4)
    hold(placed, "dispute", placed.account_ids[0])
    days_later(2)
    assert (told(placed), handed(placed)) == ([], []), "disputed"
    days_later(2)
    assert len(told(placed)) == 1, "the other account is free"
    hold(placed, "hardship", days=1)
    days_later(40)
    assert len(told(placed)) == 1, "it would surprise them now"
    assert [one.kind for one in held(placed)] == ["dispute"]
