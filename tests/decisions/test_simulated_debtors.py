"""Simulated debtors: the same for the same seed, worn by later placements, annoyed by messages."""

from datetime import date

from recupero.decisions.simulation.debtors import Reaction, SimulatedDebtor

TODAY = date(2026, 9, 30)


def _debtors(placement: int, count: int = 3000) -> list[SimulatedDebtor]:
    return [
        SimulatedDebtor.draw(5, str(number), placement_number=placement, days_past_due=90)
        for number in range(count)
    ]


def _reactions(debtors: list[SimulatedDebtor]) -> list[Reaction]:
    return [debtor.reacts(TODAY) for debtor in debtors]


def test_the_same_seed_and_account_answer_alike() -> None:
    assert _reactions(_debtors(1, 50)) == _reactions(_debtors(1, 50))


def test_a_second_placement_answers_less() -> None:
    paying = {Reaction.PAY_FULL, Reaction.PAY_PART, Reaction.PROMISE}
    first = sum(reaction in paying for reaction in _reactions(_debtors(1)))
    second = sum(reaction in paying for reaction in _reactions(_debtors(2)))
    assert 0 < second < first * 0.7


def test_messages_annoy_and_are_read_less_and_less() -> None:
    debtors = _debtors(1, 600)
    early = sum(debtor.reads("sms") for debtor in debtors)
    for debtor in debtors:
        for _ in range(30):
            debtor.reads("sms")
    late = sum(debtor.reads("sms") for debtor in debtors)
    assert late < early * 0.75


def test_most_people_stay_silent_and_nobody_pays_more_than_they_can() -> None:
    reactions = _reactions(_debtors(1))
    assert reactions.count(Reaction.NOTHING) > 0.6 * len(reactions)
    assert all(0.15 <= debtor.part() <= 0.6 for debtor in _debtors(1, 50))


def test_promises_fall_on_a_pay_day_ahead() -> None:
    for debtor in _debtors(1, 200):
        due = debtor.promise_date(TODAY)
        assert 2 <= (due - TODAY).days <= 33
        assert due.day == debtor.pay_day or due.day >= 28
