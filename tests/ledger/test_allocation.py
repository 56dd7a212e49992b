"""Where money goes, for any history: nothing is lost or paid twice, and the order of arrival is no matter."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recupero.ledger.allocation import Debt, Happening, Step, replay
from recupero.ledger.books import ALLOCATION_ORDER
from recupero.ledger.commission import Line

START = datetime(2026, 1, 1, tzinfo=UTC)
DEBTS = [Debt(1, date(2025, 3, 1)), Debt(2, date(2025, 1, 1)), Debt(3, date(2025, 2, 1))]
LINES = [(account, part.value) for account in (2, 3, 1) for part in ALLOCATION_ORDER]
KEYS = ("a", "b", "c", "d")


@st.composite
def histories(draw: st.DrawFn) -> list[Happening]:
    placed = draw(st.dictionaries(st.sampled_from(LINES), st.integers(1, 1000), min_size=1))
    moments = st.integers(1, 6).map(lambda hour: START + timedelta(hours=hour))
    happenings = [
        Happening(START, Step.OWED, f"placement {line}", amount, line) for line, amount in placed.items()
    ]
    for key in draw(st.sets(st.sampled_from(KEYS))):
        amount, at = draw(st.integers(1, 1500)), draw(moments)
        accounts = draw(st.frozensets(st.sampled_from([1, 2, 3])))
        happenings.append(Happening(at, Step.RECEIVED, key, amount, account_ids=accounts))
        for step in draw(
            st.lists(st.sampled_from([Step.REFUNDED, Step.DISPUTED, Step.DISPUTE_WON]), max_size=3)
        ):
            happenings.append(Happening(draw(moments), step, key, draw(st.integers(1, 2000))))
    for line in draw(st.sets(st.sampled_from(sorted(placed)))):
        change = draw(st.integers(-placed[line], 500))
        happenings.append(Happening(draw(moments), Step.OWED, f"adjust {line}", change, line))
    return happenings


def owed_after(history: list[Happening], lines: dict[Line, int]) -> dict[Line, int]:
    owed: dict[Line, int] = {}
    for one in history:
        if one.line is not None:
            owed[one.line] = owed.get(one.line, 0) + one.amount
    return {line: amount - lines.get(line, 0) for line, amount in owed.items()}


@given(histories())
def test_every_unit_of_a_payment_lies_somewhere_and_no_debt_is_paid_below_zero(
    history: list[Happening],
) -> None:
    receipts = replay(DEBTS, history)
    paid: dict[Line, int] = {}
    for receipt in receipts.values():
        assert receipt.suspense >= 0
        assert all(amount > 0 for amount in receipt.lines.values())
        assert sum(receipt.lines.values()) + receipt.suspense == receipt.held
        assert 0 <= receipt.held <= receipt.amount
        assert {account for account, _ in receipt.lines} <= receipt.account_ids
        for line, amount in receipt.lines.items():
            paid[line] = paid.get(line, 0) + amount
    left = owed_after(history, paid)
    assert all(amount >= 0 for amount in left.values())
    for receipt in receipts.values():
        waiting = [line for line, amount in left.items() if amount and line[0] in receipt.account_ids]
        assert not (receipt.suspense and waiting), "money waits although something is owed"


@given(histories(), st.randoms())
def test_the_order_in_which_facts_arrive_and_how_often_changes_nothing(
    history: list[Happening], chance
) -> None:  # type: ignore[no-untyped-def]  # random.Random
    again = history + [one for one in history if one.step in {Step.REFUNDED, Step.DISPUTED}]
    chance.shuffle(again)
    assert replay(DEBTS, again) == replay(DEBTS, history)


def test_a_refund_dated_before_its_payment_is_not_lost() -> None:
    history = [
        Happening(START, Step.OWED, "placement", 100, (1, "principal")),
        Happening(START + timedelta(hours=1), Step.REFUNDED, "a", 60),
        Happening(START + timedelta(hours=2), Step.RECEIVED, "a", 100, account_ids=frozenset([1])),
    ]
    assert replay(DEBTS, history)["a"].lines == {(1, "principal"): 40}


@given(histories())
def test_a_reversal_of_everything_leaves_nothing_paid(history: list[Happening]) -> None:
    end = START + timedelta(days=1)
    undone = [Happening(end, Step.REFUNDED, key, 10_000) for key in KEYS]
    assert all(not receipt.held and not receipt.lines for receipt in replay(DEBTS, history + undone).values())


def test_money_pays_in_the_order_of_its_own_day() -> None:
    change = START + timedelta(hours=3)
    debt = Debt(1, date(2025, 1, 1), ("principal", "interest"), earlier=[(change, ("interest", "principal"))])
    owed = [Happening(START, Step.OWED, part, 100, line=(1, part)) for part in ("interest", "principal")]
    one = frozenset({1})
    before = Happening(START + timedelta(hours=1), Step.RECEIVED, "a", 30, account_ids=one)
    after = Happening(change, Step.RECEIVED, "b", 30, account_ids=one)
    back = Happening(change + timedelta(hours=1), Step.REFUNDED, "a", 10)
    found = replay([debt], [after, back, *owed, before])
    assert (found["a"].lines, found["b"].lines) == ({(1, "interest"): 20}, {(1, "principal"): 30})


def test_a_correction_and_its_undoing_at_one_instant_move_no_money() -> None:
    """Money that a write-off freed would else lie on another part when the write-off is taken back."""
    debts = [Debt(1, date(2026, 1, 1))]
    owed = [Happening(START, Step.OWED, "placed", 100, line=(1, part)) for part in ("fee", "interest")]
    paid = Happening(START + timedelta(days=1), Step.RECEIVED, "a", 120, account_ids=frozenset({1}))
    at = START + timedelta(days=2)
    undone = [
        Happening(at, Step.OWED, f"settlement:1:{n}", sum_, line=(1, "fee"))
        for n, sum_ in ((1, -50), (2, 50))
    ]
    plain, corrected = (replay(debts, [*owed, paid, *more])["a"] for more in ([], undone))
    assert corrected.lines == plain.lines == {(1, "fee"): 100, (1, "interest"): 20}
