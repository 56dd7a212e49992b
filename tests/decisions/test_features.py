"""Vectors are right, see their own tenants only, and never change because of what happens later."""

import secrets
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import answers, news
from recupero.contacts import service as contacts
from recupero.contacts.news import News
from recupero.decisions.history.feature_list import BY_NAME, FEATURES, NAMES
from recupero.decisions.history.features import (
    FeatureTable,
    others,
    percent_ranks,
    read_features,
    read_payers,
)
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.payments.books import promises
from recupero.payments.tables import PaymentLink, PromiseToPay
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.tables import ContactPoint
from tests.decisions.debts import contact, debt, pay, permit, portfolio
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
        elsewhere = read_features(session, now.astimezone(ZoneInfo("America/Santiago")))
    assert all(np.array_equal(elsewhere.values[name], table.values[name], equal_nan=True) for name in NAMES)
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


_CODES = ("NOAN", "DISC", "WRNG", "TPNA", "RTPY", "UTPY", "HUNV", "CMPL", "CEAS", "HARD", "DSPT", "CBRQ")
_NEWS = (
    News("failed", "BNCE"),
    News("delivered", "DLVD"),
    News("delivered", "OPEN"),
    News("delivered", "RPLY"),
)
_HOLDS = ("dispute", "hardship", "complaint", "insolvency", "attorney")


class _Lived:
    """Two debts of one person and one that was paid, with a contact in each state, before a moment; then
    whatever may happen later, by the doors through which it happens."""

    def __init__(self, session: Session) -> None:
        now = clock.now()
        book = portfolio(session)
        self.session, self.one = session, debt(session, book)
        self.two = debt(session, book, owner=self.one, balance=70_000)
        self.paid = debt(session, book, owner=self.one, balance=9_000)
        placements.apply_balance(session, {self.paid.account_id: -9_000})
        pay(session, self.paid, 9_000, now - HOUR)
        pay(session, self.one, 5_000, now - 9 * DAY)
        permit(session, self.one.debtor_id, "whatsapp", "opt_out", at=now - 3 * DAY)
        held = promised(self.one, 5_000, 4, 2, state="open", settled_at=None)
        session.add_all([held, promised(self.two, 7_000, 20, 3, settled_at=now - 12 * DAY)])
        email, phone = self.one.points["email"], self.one.points["phone"]
        told: list[dict[str, Any]] = [
            {"state": "sent"}, {"state": "delivered", "disposition": "OPEN"},
            {"state": "delivered", "disposition": "CLCK", "right_party": True},
            {"state": "failed", "disposition": "BNCE", "state_at": now - DAY},
            {"state": "answered", "disposition": "RTPY", "right_party": True, "channel": "call"},
            {"state": "answered", "disposition": "WRNG", "channel": "call"},
            {"state": "failed", "disposition": "NOAN", "channel": "call"},
            {"state": "answered", "channel": "call"}, {"state": "reserved", "channel": "sms"},
        ]  # fmt: skip
        self.contacts = [
            contact(session, (self.one, self.two)[place % 2], now - (place + 2) * DAY,
                    contact_point_id=phone if each.get("channel") else email, **each)
            for place, each in enumerate(told)
        ]  # fmt: skip
        session.flush()

    def happens(self, event: str, pick: int) -> None:
        """The event, now, to one of its debts and contacts."""
        owed, known = (self.one, self.two)[pick % 2], self.contacts[pick % len(self.contacts)]
        session, now = self.session, clock.now()
        {
            "pay": lambda: pay(session, owed, 5_000, now),
            "take back": lambda: pay(session, owed, -5_000, now),
            "contact": lambda: contact(session, owed, now),
            "code": lambda: answers.record_disposition(
                session, known, _CODES[pick % len(_CODES)], actor="user:1"
            ),
            "news": lambda: news.hear(session, known, _NEWS[pick % len(_NEWS)]),
            "bounce": lambda: answers.record_bounces(session, [known], "unknown"),
            "visit": lambda: answers.record_visit(session, owed.debtor_id),
            "message": lambda: answers.record_inbound(session, account_id=owed.account_id, channel="sms"),
            "message told late": lambda: answers.record_inbound(
                session, account_id=owed.account_id, channel="email", at=now - 3 * DAY
            ),
            "opt out": lambda: contacts.record_permission(
                session, debtor_id=owed.debtor_id, channel="email", kind="opt_out", source="test"
            ),
            "consent told late": lambda: contacts.record_permission(
                session, debtor_id=owed.debtor_id, channel="call", kind="consent", source="test",
                at=now - 9 * DAY,
            ),
            "wish": lambda: contacts.set_preference(
                session, debtor_id=owed.debtor_id, channel="sms", from_minute=600, to_minute=700,
                source="test",
            ),
            "promise": lambda: session.add(promised(owed, 3_000, 0, 2, state="open", settled_at=None)),
            "promises judged": lambda: promises.review(session, [self.one.account_id, self.two.account_id]),
            "page opened": lambda: session.add(PaymentLink(
                tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, account_ids=[owed.account_id],
                currency="CLP", token="t", status="settled", created_at=now, first_opened_at=now,
            )),
            "hold": lambda: placements.open_hold(
                session, debtor_id=owed.debtor_id, account_id=None, kind=_HOLDS[pick % len(_HOLDS)],
                source="test",
            ),
            "closed": lambda: placements.close_accounts(session, [owed.account_id], "RECALLED"),
            "paid in full": lambda: placements.apply_balance(session, {owed.account_id: -500_000}),
            "owed again": lambda: placements.apply_balance(session, {self.paid.account_id: 9_000}),
            "new number": self._new_number,
            "another debt": lambda: debt(session, owed.portfolio_id, owner=owed, placed_ago=-1),
            "point marked": lambda: reach.mark_points(session, [owed.points["phone"]], "invalid"),
            "language": lambda: placements.set_language(session, owed.debtor_id, "pt"),
        }[event]()  # fmt: skip
        session.flush()

    def _new_number(self) -> None:
        self.session.add(ContactPoint(
            tenant_id=self.one.tenant_id, debtor_id=self.one.debtor_id, kind="phone", value="+56987654321",
            value_index=secrets.token_bytes(8), line_type="mobile", status="untested", source="test",
            created_at=clock.now(),
        ))  # fmt: skip


_EVENTS = (
    "pay", "take back", "contact", "code", "news", "bounce", "visit", "message", "message told late",
    "opt out", "consent told late", "wish", "promise", "promises judged", "page opened", "hold", "closed",
    "paid in full", "owed again", "new number", "another debt", "point marked", "language",
)  # fmt: skip


#: What changes the result of a contact that has one is drawn more often.
_DRAWN = (*_EVENTS, *("code", "news", "bounce", "visit") * 3)
_SOME = st.lists(st.tuples(st.sampled_from(_DRAWN), st.integers(0, 35)), min_size=8, max_size=24)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=_SOME)
@example(events=[("code", 9 + place) for place in range(9)])
@example(events=[(event, place) for event in ("news", "bounce", "code") for place in range(9)])
@example(events=[(event, 4) for event in _EVENTS])
def test_later_events_never_change_an_earlier_vector(world: World, events: list[tuple[str, int]]) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        lived = _Lived(session)
        now = clock.advance(HOUR)
        before = read_features(session, now)
        for event, pick in events:
            clock.advance(HOUR)
            lived.happens(event, pick)
        after = read_features(session, now)
    assert list(before.account_id) == list(after.account_id)
    for name in BY_NAME:
        np.testing.assert_array_equal(before.values[name], after.values[name], err_msg=name)


def test_what_is_undone_or_said_again_later_changes_no_earlier_vector(world: World) -> None:
    scope, start = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed, gone = debt(session, book), debt(session, book)
        placements.apply_balance(session, {gone.account_id: -100_000})
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
        placements.apply_balance(session, {gone.account_id: 100_000})
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
