"""Simulated debtors: the same for the same seed whatever else is asked, within published figures, and annoyed
by what is too much."""

import math
import random
from datetime import UTC, date, datetime, timedelta

import numpy as np

from recupero.decisions.simulation import reasons
from recupero.decisions.simulation.debtors import (
    Reaction,
    SimulatedDebtor,
    Visible,
    complaint_chance,
    opt_out_chance,
)
from recupero.decisions.simulation.draws import key_of, normal, uniform, uniforms
from recupero.outreach.debtors import tellings

START = date(2026, 9, 30)
CHANNELS = ("email", "sms", "whatsapp", "call")


def _debtors(placement: int, count: int = 400) -> list[SimulatedDebtor]:
    return [debtor for debtor, _ in _with_balances(placement, count)]


def _with_balances(placement: int, count: int) -> list[tuple[SimulatedDebtor, float]]:
    """Of a first placement, a month or more late; of a second, half a year or more."""
    made = []
    for number in range(count):
        rng = random.Random(number)
        late = rng.randint(35, 150) if placement == 1 else rng.randint(200, 520)
        seen = Visible(placement, late, rng.gauss(0, 1), rng.uniform(0.3, 4))
        made.append((SimulatedDebtor.draw(5, str(number), START, seen), math.exp(0.9 * seen.size)))
    return made


def _at(day: int) -> datetime:
    return datetime.combine(START, datetime.min.time(), UTC) + timedelta(days=day, hours=18)


def _liquidation(placement: int, every: int) -> float:
    """Expected share of all balances that a year brings, each debtor contacted every so many days."""
    shares, balances = [], []
    for debtor, balance in _with_balances(placement, 400):
        left = 1 - min(1.0, 365 * debtor.self_cure)
        for turn, day in enumerate(range(0, 365, every)):
            channel = CHANNELS[turn % 4]
            if debtor.arrives("email" if channel == "email" else "phone", _at(day).date()):
                debtor.bear(channel, "neutral", _at(day).date())
                left *= 1 - debtor.expected_share(channel, "neutral", _at(day))
        shares.append(1 - left)
        balances.append(balance)
    return float(np.average(shares, weights=balances))


def test_a_number_belongs_to_debtor_day_and_question() -> None:
    keys = np.array([key_of("a", number) for number in range(2000)], dtype=np.uint64)
    many = uniforms(keys, START, "cures")
    assert many[7] == uniform(int(keys[7]), START, "cures")
    assert many[7] != uniform(int(keys[7]), START + timedelta(days=1), "cures")
    assert many[7] != uniform(int(keys[7]), START, "reads")
    assert abs(many.mean() - 0.5) < 0.02
    assert abs(np.std([normal(int(key), "x") for key in keys]) - 1) < 0.05


def test_a_debtor_answers_a_day_alike_whatever_was_done_to_them_before() -> None:
    left_alone, asked = _debtors(1, 30), _debtors(1, 30)
    for debtor in asked:
        for day in range(5):
            debtor.reads("sms", _at(day)), debtor.reacts("sms", "kind", _at(day).date())
    assert [one.reacts("sms", "kind", _at(9).date()) for one in left_alone] == [
        one.reacts("sms", "kind", _at(9).date()) for one in asked
    ]


def test_a_year_brings_what_is_published_for_first_and_second_placements() -> None:
    assert 0.06 < _liquidation(1, 14) < 0.13
    assert 0.015 < _liquidation(2, 14) < 0.06


def test_annoyance_builds_up_wears_off_and_makes_deaf_and_cross() -> None:
    (debtor,) = _debtors(1, 1)
    fresh = debtor.read_chance("sms", _at(0)), debtor.act_chance("kind", START)
    for day in range(10):
        debtor.bear("sms", "neutral", _at(day).date())
    cross = debtor.annoyed(_at(9).date())
    assert debtor.read_chance("sms", _at(9)) < 0.8 * fresh[0]
    assert debtor.act_chance("kind", _at(9).date()) < 0.8 * fresh[1]
    assert debtor.annoyed(_at(39).date()) == cross / 2
    assert complaint_chance(cross) > 2 * complaint_chance(0)
    assert opt_out_chance(cross) > opt_out_chance(0)


def test_most_stay_silent_promises_bind_machines_less_and_pay_days_bring_money() -> None:
    debtors = _debtors(1)
    reactions = [one.reacts("email", "neutral", START) for one in debtors]
    assert reactions.count(Reaction.NOTHING) > 0.6 * len(reactions)
    for debtor in debtors[:60]:
        assert debtor.keep_chance(to_machine=True) <= debtor.keep_chance(to_machine=False)
        due = debtor.promise_date(START)
        assert 2 <= (due - START).days <= 33
        assert due.day == debtor.pay_day or due.day >= 28
        assert debtor.able(due) >= debtor.able(due - timedelta(days=2))
        assert 0.15 <= debtor.part(START) <= 0.55


def test_what_a_contact_brings_on_average_is_what_its_draws_bring() -> None:
    """A day of each of half a year, from most debtors nothing: the mean of the shares is told to a tenth."""
    brought, expected = [], []
    for debtor in _debtors(1, 300):
        for day in range(0, 180, 3):
            at = _at(day)
            expected.append(debtor.expected_share("whatsapp", "kind", at))
            reads = debtor.reads("whatsapp", at)
            reaction = debtor.reacts("whatsapp", "kind", at.date()) if reads else Reaction.NOTHING
            kept = debtor.keeps_promise(at.date(), to_machine=True)
            brought.append({
                Reaction.PAY_FULL: 1.0, Reaction.PAY_PART: debtor.part(at.date()),
                Reaction.PROMISE: kept * debtor.promised_share(at.date()),
            }.get(reaction, 0.0))  # fmt: skip
    error = np.std(brought) / np.sqrt(len(brought))
    assert error < 0.05 * np.mean(expected)
    assert abs(np.mean(brought) - np.mean(expected)) < 3 * error


def test_a_part_of_a_trait_shows_in_the_file_and_a_part_does_not() -> None:
    debtors = [
        SimulatedDebtor.draw(5, str(number), START, Visible(size=size))
        for number in range(300)
        for size in (-1.0, 1.0)
    ]
    small, large = ([one.willing for one in debtors[offset::2]] for offset in (0, 1))
    assert np.mean(small) > np.mean(large) + 0.05
    assert np.mean(np.array(small) > np.mean(large)) < 0.9


def test_who_says_why_says_the_same_on_every_day_and_fits_what_they_do() -> None:
    debtors = _debtors(1)
    told = [(debtor, reasons.said(debtor, Reaction.LOOK, START)) for debtor in debtors]
    for debtor, said in told:
        assert said is not None
        assert said == reasons.said(debtor, Reaction.LOOK, START + timedelta(days=9))
        disputed = reasons.said(debtor, Reaction.DISPUTE, START)
        assert disputed is not None
        assert tellings.DISPUTES[str(disputed[1])] == disputed[0]
        assert reasons.said(debtor, Reaction.PAY_FULL, START) is None
    never_came = sum(said == ("NO_INVOICE", None) for _debtor, said in told) / len(told)
    assert 0.15 < never_came < 0.3
    silent = sum(reasons.said(debtor, Reaction.NOTHING, START) is None for debtor in debtors)
    assert 0.88 < silent / len(debtors) < 0.96
