"""Vectors are right, see their own tenants only, and never change because of what happens later."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import answers, news
from recupero.contacts.news import News
from recupero.decisions.features import (
    BY_NAME,
    FEATURES,
    NAMES,
    FeatureTable,
    others,
    percent_ranks,
    read_features,
    read_payers,
)
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.payments import promises
from recupero.payments.tables import PaymentLink, PromiseToPay
from recupero.placements.tables import Account, Hold
from tests.decisions.debts import Debt, contact, debt, pay, permit, portfolio
from tests.decisions.promised import DAY, moved, promised
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
HOUR = timedelta(hours=1)


def _value(table: FeatureTable, name: str, account_id: int) -> float:
    return float(table.values[name][list(table.account_id).index(account_id)])


def test_every_feature_states_what_it_is() -> None:
    for spec in FEATURES:
        assert spec.meaning
        assert spec.unit
        assert spec.source
        assert spec.as_of
        assert spec.label
    assert len(set(NAMES)) == len(NAMES)
    assert not {"sex", "gender", "birth_date", "marital_status", "nationality"} & set(NAMES)


def test_numbers_are_those_of_the_rows(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session), balance=100_000, days_late=60)
        pay(session, owed, 25_000, now - timedelta(days=2))
        contact(session, owed, now - timedelta(days=3))
        contact(session, owed, now - timedelta(days=20), channel="sms", state="answered")
        table = read_features(session, now)
    assert len(table) == 1
    assert _value(table, "balance_log", owed.account_id) == pytest.approx(np.log(75_001))
    assert _value(table, "paid_share", owed.account_id) == pytest.approx(0.25)
    assert _value(table, "days_past_due", owed.account_id) == 60
    assert _value(table, "attempts_email_7d", owed.account_id) == 1
    assert _value(table, "attempts_sms_7d", owed.account_id) == 0
    assert _value(table, "attempts_sms_30d", owed.account_id) == 1
    assert _value(table, "answers_30d", owed.account_id) == 1
    assert _value(table, "days_since_payment", owed.account_id) == pytest.approx(2)
    assert _value(table, "consents", owed.account_id) == 2
    assert np.isnan(_value(table, "days_since_promise", owed.account_id))


def test_what_was_read_counts_by_channel_once_it_was_told(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        reader, silent = debt(session, book), debt(session, book)
        contact(session, reader, now - 5 * DAY, read_at=now - 4 * DAY)
        contact(session, reader, now - 3 * DAY, read_at=now - DAY)
        late = contact(session, reader, now - 2 * DAY, channel="whatsapp")
        for days in (2, 9, 16):
            contact(session, silent, now - days * DAY)
        before = read_features(session, now)
        clock.advance(HOUR)
        told = News("delivered", "OPEN")
        news.hear(session, late, told)
        clock.advance(HOUR)
        news.hear(session, late, told)  # said twice: it was known from the first time
        earlier, after = read_features(session, now), read_features(session, now + HOUR)
    assert _value(before, "read_email", reader.account_id) == pytest.approx((2 + 0.4) / 4)
    assert _value(before, "read_email", silent.account_id) == pytest.approx(0.4 / 5)
    assert _value(before, "days_since_read_email", reader.account_id) == pytest.approx(1)
    assert np.isnan(_value(before, "days_since_read_email", silent.account_id))
    for name in ("read_sms", "read_whatsapp"):  # nobody tells of these
        assert np.isnan(_value(before, name, reader.account_id))
    for name in BY_NAME:
        np.testing.assert_array_equal(before.values[name], earlier.values[name], err_msg=name)
    assert _value(after, "read_whatsapp", reader.account_id) == pytest.approx((1 + 1) / 3)
    assert _value(after, "read_whatsapp", silent.account_id) == pytest.approx(0.5)
    assert _value(after, "days_since_read_whatsapp", reader.account_id) == 0


def test_what_a_person_owes_and_did_on_any_debt_is_known_of_each(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        one = debt(session, book, balance=100_000, days_late=60)
        two = debt(session, book, owner=one, balance=60_000, days_late=200)
        gone = debt(
            session, book, owner=one, balance=40_000, days_late=400, closed_at=now - timedelta(days=1)
        )
        other = debt(session, book, owner=one, balance=7, currency="USD")
        alone = debt(session, book, balance=50_000)
        pay(session, gone, 40_000, now - timedelta(days=9))
        pay(session, one, 20_000, now - timedelta(days=4))
        for settled, state in ((now - timedelta(days=3), "kept"), (now + timedelta(days=1), "kept"),
                               (now - timedelta(days=2), "broken")):  # fmt: skip
            session.add(
                PromiseToPay(
                    tenant_id=two.tenant_id, account_id=gone.account_id, debtor_id=two.debtor_id,
                    amount_minor=1, currency="CLP", made_at=now - timedelta(days=5), due_date=now.date(),
                    state=state, settled_at=settled, made_with="page",
                )
            )  # fmt: skip
        session.flush()
        table = read_features(session, now)
    told = {
        name: [_value(table, name, each.account_id) for each in (one, two, other, alone)]
        for name in NAMES
        if name.startswith("person_")
    }
    assert gone.account_id not in table.account_id
    np.testing.assert_allclose(told["person_balance_log"], np.log([140_001, 140_001, 8, 50_001]))
    np.testing.assert_allclose(told["person_balance_share"], [80 / 140, 60 / 140, 1, 1])
    assert told["person_days_delinquent"] == [200, 200, 60, 60]
    np.testing.assert_allclose(told["person_paid_share"], [60 / 200, 60 / 200, 0, 0])
    assert told["person_payments"] == [2, 2, 0, 0]
    np.testing.assert_allclose(told["person_days_since_payment"], [4, 4, np.nan, np.nan])
    assert told["person_promises_kept"] == [1, 1, 1, 0]
    assert told["person_promises_broken"] == [1, 1, 1, 0]


def test_a_scope_reads_its_own_tenants_only(world: World) -> None:
    mine, other = world.tenant(), world.tenant()
    for scope in (mine, other):
        with world.platform.database.transaction(scope) as session:
            debt(session, portfolio(session))
    with world.platform.database.transaction(mine) as session:
        table = read_features(session, clock.now())
    assert set(table.tenant_id) == {mine.tenant()}
    with world.platform.database.transaction(Scope()) as session:
        assert len(read_features(session, clock.now())) == 0


def test_who_paid_after_the_moment_is_the_outcome(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        payer, early, late = debt(session, book), debt(session, book), debt(session, book)
        pay(session, payer, 10_000, now + timedelta(days=29))
        pay(session, early, 10_000, now)
        pay(session, late, 10_000, now + timedelta(days=31))
        assert list(read_payers(session, now, now + timedelta(days=30))) == [payer.account_id]


_EVENTS = ("pay", "reverse", "contact", "answer", "bounce", "opt_out", "consent", "promise", "settle", "open",
           "hold", "close")  # fmt: skip


def _happens(session: Session, owed: Debt, event: str, at: datetime) -> None:
    """One event at `at`, written as the rooms write it: later results change rows in place."""
    if event in {"pay", "reverse"}:
        pay(session, owed, 5_000 if event == "pay" else -5_000, at)
    elif event in {"contact", "answer", "bounce"}:
        _contact_ends(session, owed, event, at)
    elif event in {"opt_out", "consent"}:
        permit(session, owed.debtor_id, "email", event, at=at)
    elif event in {"promise", "settle"}:
        _promise(session, owed, event, at)
    elif event == "open":
        session.add(PaymentLink(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id,
        account_ids=[owed.account_id],
                                currency="CLP", token="t", status="settled", created_at=at,
                                first_opened_at=at))  # fmt: skip
    elif event == "hold":
        session.add(Hold(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, kind="dispute", source="test",
                         started_at=at))  # fmt: skip
    else:
        account = session.get_one(Account, (owed.tenant_id, owed.account_id))
        account.status, account.closed_at, account.status_changed_at = "closed", at, at
    session.flush()


def _contact_ends(session: Session, owed: Debt, event: str, at: datetime) -> None:
    ends = {"contact": {}, "answer": {"state": "answered", "right_party": True},
            "bounce": {"state": "failed", "disposition": "BNCE"}}[event]  # fmt: skip
    sent = min(at, clock.now() - timedelta(hours=1)) if event != "contact" else at
    if event == "contact" or at > clock.now():
        contact(session, owed, sent, contact_point_id=owed.points["email"], state_at=at, **ends)


def _promise(session: Session, owed: Debt, event: str, at: datetime) -> None:
    settled = event == "settle"
    session.add(
        PromiseToPay(
            tenant_id=owed.tenant_id,
            account_id=owed.account_id,
            debtor_id=owed.debtor_id,
            amount_minor=1_000,
            currency="CLP",
            made_at=at,
            due_date=at.date(),
            state="kept" if settled else "open",
            settled_at=at if settled else None,
            made_with="page",
        )
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=st.lists(st.tuples(st.sampled_from(_EVENTS), st.integers(1, 60 * 24)), min_size=1, max_size=8))
def test_later_events_never_change_an_earlier_vector(world: World, events: list[tuple[str, int]]) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed = debt(session, book)
        sibling = debt(session, book, owner=owed)
        answered_later = contact(session, owed, now - timedelta(days=2))
        before = read_features(session, now)
    with world.platform.database.transaction(scope) as session:
        for number, (event, hours) in enumerate(events):
            if event not in {"answer", "bounce"}:
                _happens(session, (owed, sibling)[number % 2], event, now + timedelta(hours=hours))
        debt(session, book, owner=owed, placed_ago=-1)  # placed tomorrow
        _answered(session, owed.tenant_id, answered_later, now + timedelta(hours=1))
        after = read_features(session, now)
    assert list(before.account_id) == list(after.account_id)
    for name in BY_NAME:
        np.testing.assert_array_equal(before.values[name], after.values[name], err_msg=name)


def test_what_is_undone_or_said_again_later_changes_no_earlier_vector(world: World) -> None:
    scope, start = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed, gone = debt(session, book), debt(session, book, closed_at=start - DAY)
        sibling = debt(session, book, owner=gone)
        kept, late = promised(owed, 5_000, 9, 3, state="kept"), promised(sibling, 5_000, 12, 3)
        kept.settled_at = late.settled_at = start - 5 * DAY
        payment, booked = moved(owed, 5_000, 8)
        session.add_all([kept, late, payment, booked])
        pay(session, gone, 100_000, start - DAY)
        contact(session, owed, start - 2 * DAY)
        spoken = contact(session, sibling, start - 3 * DAY, channel="call")
        answers.record_visit(session, owed.debtor_id)
        answers.record_disposition(session, spoken, "RTPY", actor="user:1")
        now = clock.advance(HOUR)
        before = read_features(session, now)
    assert _value(before, "promises_kept", owed.account_id) == 1
    assert _value(before, "promises_broken", sibling.account_id) == 1
    assert _value(before, "right_party_90d", owed.account_id) == 1
    assert _value(before, "right_party_90d", sibling.account_id) == 1
    clock.advance(HOUR)
    with world.platform.database.transaction(scope) as session:
        answers.record_visit(session, owed.debtor_id)
        answers.record_disposition(session, spoken, "UTPY", actor="user:1")
        taken_back = moved(owed, -5_000, 0)[1]
        taken_back.payment_id = payment.id
        pay(session, gone, -100_000, clock.now())
        account = session.get_one(Account, (gone.tenant_id, gone.account_id))
        account.status, account.closed_at = "active", None
        direct, known = moved(sibling, 5_000, 11)
        known.at = clock.now()  # it came in time, but was told only now
        session.add_all([taken_back, direct, known])
        session.flush()
        promises.review(session, [owed.account_id, sibling.account_id])
        after = read_features(session, now)
        states = dict(session.execute(select(PromiseToPay.id, PromiseToPay.state)).all())
    assert states == {kept.id: "broken", late.id: "kept"}
    assert list(before.account_id) == list(after.account_id)
    for name in BY_NAME:
        np.testing.assert_array_equal(before.values[name], after.values[name], err_msg=name)


def _answered(session: Session, tenant_id: int, contact_id: int, at: datetime) -> None:
    from recupero.contacts.tables import Contact

    row = session.get_one(Contact, (tenant_id, contact_id))
    row.state, row.state_at, row.disposition, row.right_party = "answered", at, "BNCE", True
    row.read_at = at
    session.flush()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5), st.integers(0, 4)), max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_ranks_and_other_debts_are_counted_as_by_hand(rows: list[tuple[int, int, int]]) -> None:
    group, value, person = (np.array([row[place] for row in rows], dtype=np.int64) for place in range(3))
    for place, (mine, worth, who) in enumerate(rows):
        fellows = [other for number, other in enumerate(rows) if other[0] == mine and number != place]
        smaller = sum(other[1] < worth for other in fellows)
        assert percent_ranks(group, value)[place] == (smaller / len(fellows) if fellows else 0.0)
        assert others(group, person)[place] == sum(other[2] == who for other in fellows)
