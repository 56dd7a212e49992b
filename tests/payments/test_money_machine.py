"""Every way in which money moves, in any order: the books hold after each step, and what the outside told us
leaves the same books when a fresh creditor is told it late, shuffled and twice.

What the house does by itself stays in its order there: placements, adjustments, holds and recalls are told as
they happened. Statements, payouts and fees taken are left out of the comparison: they are decisions about
what the books held that day, and move only between creditor, agency and trust.
`RECUPERO_THOROUGH=1` runs longer.
"""

import random
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from recupero.kernel import clock, runtime
from recupero.kernel.errors import Conflict, UserError
from recupero.ledger import queries as ledger
from recupero.ledger import remittances, trust
from recupero.ledger.books import Book
from recupero.payments.agreements import following, plans, settlements
from recupero.payments.books.booking import Received, book_payment, reverse_payment
from recupero.payments.charging import auto_charges, mandates
from recupero.payments.charging.mandate_tables import AutomaticCharge
from recupero.payments.debts import accruing
from recupero.payments.gateways import links
from recupero.payments.incoming.direct import book_direct
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Offerer
from recupero.payments.tables import Allocation, Payment, PaymentLink
from recupero.placements import service as placements
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.tenancy import service as tenancy
from recupero_sdk.gateways import SavedMethod
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.thorough import THOROUGH

START = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)
DEBTS = ({"principal": 40_000, "interest": 900, "cost": 300}, {"principal": 25_000, "fee": 250, "tax": 50})
TERMS = {
    "accrual": {
        "rate": 2000, "late_fee_minor": 400, "late_fee_after_days": 20,
        "rates": {"maximum_conventional_rate": 4000, "current_interest_rate": 3000},
    },
    "commission": {
        "rates": [{"rate": 1000, "settlement": True}, {"rate": 1500, "to_age_days": 380}, {"rate": 2500}],
        "minimum_minor": 30, "tax_rate": 1900,
    },
    "tolerance_minor": 20, "settlement_floor_percent": 10, "max_instalments": 12,
}  # fmt: skip
#: What remitting, paying out and taking fees leaves as it was.
COMPARED = (
    Book.RECEIVABLE, Book.PLACEMENT_CONTROL, Book.DIRECT_PAYMENTS, Book.DIRECT_EXCESS, Book.SUSPENSE,
    Book.COMMISSION_EARNED, Book.COMMISSION_TAX, Book.REFUNDS, Book.CHARGEBACKS,
)  # fmt: skip
ZONE = "America/Santiago"
ANYBODY = Offerer("supervisor", "user:2", approves=frozenset({"supervisor", "creditor"}))
ANA, BEN, CARLA = "user:1", "user:2", "user:3"
AMOUNTS = st.integers(1, 60_000)
WHICH = st.sampled_from([[0, 1], [0, 1], [0], [1]])
Doing = Callable[["Books"], object]


class Books:
    """A creditor's books under test: the debtors placed so far, and one door for each thing that happens."""

    def __init__(self, platform: runtime.Runtime, world: World) -> None:
        self.platform, self.scope = platform, world.tenant()
        self.placed: list[Placed] = []

    def place(self) -> None:
        self.placed.append(place(self.platform, self.scope, DEBTS, rate=0, terms=TERMS))

    def pay(self, who: int, key: str, amount: int, at: datetime) -> None:
        placed = self.placed[who]
        received = Received(key, "gateway", amount, "CLP", at, placed.debtor_id, placed.account_ids)
        with self.platform.database.transaction(self.scope) as session:
            book_payment(session, received)

    def go_back(self, key: str, kind: str, total: int, at: datetime) -> None:
        with self.platform.database.transaction(self.scope) as session:
            reverse_payment(
                session, payment_key=key, event_key=f"{kind}:{key}:{total}:{at}", kind=kind,
                total_minor=total, occurred_at=at,
            )  # fmt: skip

    def file(self, who: int, account: int, kind: str, amount: int, key: str, day: datetime) -> None:
        line = DirectPayment(
            1, self.placed[who].account_ids[account], kind, amount, "CLP", day.date().isoformat(), key,
            part="principal" if kind == "adjustment" else None,
        )  # fmt: skip
        with self.platform.database.transaction(self.scope) as session:
            book_direct(session, DirectPaymentsReported(1, (line,)))

    def hold(self, who: int, kind: str) -> None:
        with self.platform.database.transaction(self.scope) as session:
            placements.open_hold(
                session, debtor_id=self.placed[who].debtor_id, account_id=None, kind=kind, source="test",
                until=clock.now() + timedelta(days=15),
            )  # fmt: skip

    def recall(self, who: int, accounts: list[int]) -> list[int]:
        """Which of the debtor's accounts were still open, by place."""
        known = self.placed[who].account_ids
        with self.platform.database.transaction(self.scope) as session:
            recalled = placements.recall_accounts(session, [known[number] for number in accounts])
        return [known.index(account) for account in recalled]

    def settle(self, who: int, accounts: list[int], amount: int, parts: int, said: bool) -> None:
        """An offer to settle accounts of the debtor, which the debtor takes at once or by paying it."""
        choice = Choice(clock.today(ZONE) + timedelta(days=2), every="weekly", instalments=parts)
        with self.platform.database.transaction(self.scope) as session:
            offer = settlements.offer_settlement(
                session, account_ids=[self.placed[who].account_ids[number] for number in accounts],
                amount_minor=amount, valid_until=clock.today(ZONE) + timedelta(days=10), offerer=ANYBODY,
                choice=choice if parts > 1 else None, why="test",
            )  # fmt: skip
            if said:
                settlements.accept(session, offer.id, accepted_with="page")

    def plan(self, who: int, accounts: list[int]) -> None:
        with self.platform.database.transaction(self.scope) as session:
            plans.agree_plan(
                session, account_ids=[self.placed[who].account_ids[number] for number in accounts],
                offerer=ANYBODY, why="test",
                choice=Choice(clock.today(ZONE) + timedelta(days=3), every="weekly", instalments=3),
            )  # fmt: skip

    def charge_cards(self) -> list[Payment]:
        """Cards of the running plans are charged where something is due; what came in."""
        with self.platform.database.transaction(self.scope) as session:
            for placed in self.placed:
                self._consent(session, placed)
            auto_charges.charge_due(session)
            new = select(AutomaticCharge.id).where(AutomaticCharge.outcome.is_(None))
            asked = session.execute(new).scalars().all()
        for automatic_id in asked:
            with self.platform.database.transaction(self.scope) as session:
                request = auto_charges.begin(session, automatic_id)
            if request is not None:
                answer = request[0].charge_saved(request[1], request[2])
                with self.platform.database.transaction(self.scope) as session:
                    auto_charges.answered(session, automatic_id, answer)
        with self.platform.database.transaction(self.scope) as session:
            mine = select(Payment).where(Payment.gateway == "sandbox").order_by(Payment.id)
            return list(session.execute(mine).scalars())

    def _consent(self, session: Any, placed: Placed) -> None:
        links.ensure_links(session, {placed.debtor_id: placed.account_ids})
        link = session.execute(
            select(PaymentLink.id).where(PaymentLink.debtor_id == placed.debtor_id)
        ).scalar_one()
        for plan in plans.plans_of(session, placed.account_ids):
            if plan.state == "running" and mandates.latest(session, plan.id) is None:
                made = mandates.ask(session, plan_id=plan.id, link_id=link, words="yes", asked_with="test")
                mandates.give(session, made.id, SavedMethod("customer", "card_good"))

    def jobs(self) -> None:
        """What is done on schedule."""
        with self.platform.database.transaction(self.scope) as session:
            for placed in self.placed:
                accruing.accrue_debtor(session, placed.debtor_id)
            following.settle_due(session)

    def owed(self, who: int, account: int) -> dict[str, int]:
        with self.platform.database.transaction(self.scope) as session:
            identity = self.placed[who].account_ids[account]
            return ledger.balances(session, [identity])[identity].parts

    def picture(self) -> Any:
        """What is compared: the books, what is owed by part, and where each payment's money lies."""
        with self.platform.database.transaction(self.scope) as session:
            trial = {book: total for (_, _, book), total in ledger.trial_balance(session).items() if total}
            accounts = [account for placed in self.placed for account in placed.account_ids]
            place_of = {account: place for place, account in enumerate(accounts)}
            owed = {
                place_of[one]: balance.parts for one, balance in ledger.balances(session, accounts).items()
            }
            lies: dict[Any, list[int]] = {}
            for key, state, account, part, *sums in session.execute(
                select(Payment.external_key, Payment.state, Allocation.account_id, Allocation.part,
                       Allocation.amount_minor, Allocation.fee_minor, Allocation.tax_minor)
                .join(Allocation, Allocation.payment_id == Payment.id)
            ):  # fmt: skip
                known = lies.setdefault(
                    (key, state, None if account is None else place_of[account], part), [0] * 3
                )
                lies[key, state, None if account is None else place_of[account], part] = [
                    before + more for before, more in zip(known, sums, strict=True)
                ]
        return (
            {book: trial.get(book, 0) for book in COMPARED},
            {place: {part: sum_ for part, sum_ in parts.items() if sum_} for place, parts in owed.items()},
            {line: sums for line, sums in lies.items() if any(sums)},
        )


class Money(RuleBasedStateMachine):
    """`outside` is what others tell us, each with when it happened; `inside` what we do, at its moment."""

    def __init__(self, platform: runtime.Runtime, world: World) -> None:
        super().__init__()
        self.world, self.platform = world, platform
        self.open = ExitStack()
        self.open.enter_context(clock.simulated(START))
        self.books = Books(platform, world)
        self.outside: list[Doing] = []
        self.inside: list[tuple[datetime, Doing]] = []
        self.amounts: dict[str, int] = {}
        self.refunded: dict[str, list[int]] = {}
        self.disputed: dict[str, int] = {}
        self.direct = 0
        self.number = 0
        self.drawn_to = START

    def next(self) -> str:
        self.number += 1
        return f"fact-{self.number}"

    def told(self, doing: Doing) -> None:
        self.outside.append(doing)
        doing(self.books)

    def done(self, doing: Doing) -> None:
        self.inside.append((clock.now(), doing))
        doing(self.books)

    @initialize()
    def first_import(self) -> None:
        self.done(lambda books: books.place())

    @precondition(lambda self: len(self.books.placed) < 3)
    @rule()
    def another_import(self) -> None:
        self.done(lambda books: books.place())

    @rule(days=st.integers(1, 40))
    def days_pass(self, days: int) -> None:
        clock.advance(timedelta(days=days))

    @rule()
    def jobs_run(self) -> None:
        self.done(lambda books: books.jobs())

    @rule(
        who=st.integers(0, 2), percent=st.integers(20, 90), accounts=WHICH,
        parts=st.sampled_from([1, 1, 3]), said=st.booleans(),
    )  # fmt: skip
    def settle(self, who: int, percent: int, accounts: list[int], parts: int, said: bool) -> None:
        """Any number for each debtor, of both accounts or of one: the newest takes the place of others."""
        who %= len(self.books.placed)
        clock.advance(timedelta(minutes=1))
        amount = percent * sum(sum(self.books.owed(who, account).values()) for account in accounts) // 100
        self._offered(lambda books: books.settle(who, accounts, amount, parts, said))

    @rule(who=st.integers(0, 2), accounts=WHICH)
    def plan(self, who: int, accounts: list[int]) -> None:
        who %= len(self.books.placed)
        clock.advance(timedelta(minutes=1))
        self._offered(lambda books: books.plan(who, accounts))

    @rule()
    def charge_cards(self) -> None:
        """What the gateway says of a charge is told as any other payment is."""
        clock.advance(timedelta(minutes=1))
        for payment in self.books.charge_cards():
            key = payment.external_key
            if key not in self.amounts:
                self.amounts[key] = payment.amount_minor
                who = [one.debtor_id for one in self.books.placed].index(payment.debtor_id or 0)
                self.told(self._card_told(who, key, payment.amount_minor, payment.received_at))

    def _card_told(self, who: int, key: str, amount: int, at: datetime) -> Doing:
        return lambda books: books.pay(who, key, amount, at)

    def _offered(self, doing: Doing) -> bool:
        """Some offers cannot be made, as on an account that is paid."""
        try:
            doing(self.books)
        except UserError:
            return False
        self.inside.append((clock.now(), doing))
        return True

    @rule(amount=AMOUNTS, who=st.integers(0, 2), late=st.sampled_from([0, 0, 3, 30]))
    def pay_a_part(self, amount: int, who: int, late: int) -> None:
        self._pay(who, amount, late)

    @rule(more=st.sampled_from([0, 0, 777]), who=st.integers(0, 2))
    def pay_everything_and_more(self, more: int, who: int) -> None:
        who %= len(self.books.placed)
        owed = sum(sum(self.books.owed(who, account).values()) for account in (0, 1))
        if owed + more:
            self._pay(who, owed + more, 0)

    def _pay(self, who: int, amount: int, late: int) -> None:
        key, who, at = self.next(), who % len(self.books.placed), clock.now() - timedelta(days=late)
        self.amounts[key] = amount
        self.told(lambda books: books.pay(who, key, amount, at))

    @precondition(lambda self: self.outside)
    @rule(which=st.integers(0, 99))
    def told_again(self, which: int) -> None:
        self.outside[which % len(self.outside)](self.books)

    @precondition(lambda self: self.amounts)
    @rule(which=st.integers(0, 99), share=st.integers(1, 4))
    def refund(self, which: int, share: int) -> None:
        key = self._payment(which)
        total = max(self.amounts[key] * share // 4, 1)
        more = total - sum(self.refunded.get(key, []))
        if more > 0:
            self.refunded.setdefault(key, []).append(more)
        self._back(key, "refund", total)

    @precondition(lambda self: any(self.refunded.values()))
    @rule(which=st.integers(0, 99))
    def a_refund_fails(self, which: int) -> None:
        """From then on the gateway's sums are lower by it."""
        clock.advance(timedelta(minutes=1))
        known = sorted(key for key, refunds in self.refunded.items() if refunds)
        key = known[which % len(known)]
        self._back(key, "refund_failed", self.refunded[key].pop(which % len(self.refunded[key])))

    @precondition(lambda self: self.amounts)
    @rule(which=st.integers(0, 99))
    def dispute(self, which: int) -> None:
        key = self._payment(which)
        self.disputed[key] = self.amounts[key]
        self._back(key, "dispute", self.amounts[key])

    @precondition(lambda self: self.disputed)
    @rule(which=st.integers(0, 99))
    def win_the_dispute(self, which: int) -> None:
        key = sorted(self.disputed)[which % len(self.disputed)]
        clock.advance(timedelta(minutes=1))
        self.disputed[key] = 0
        self._back(key, "dispute_won", 0)

    def _payment(self, which: int) -> str:
        clock.advance(timedelta(minutes=1))
        return sorted(self.amounts)[which % len(self.amounts)]

    def _back(self, key: str, kind: str, total: int) -> None:
        at = clock.now()
        self.told(lambda books: books.go_back(key, kind, total, at))

    @rule(amount=AMOUNTS, who=st.integers(0, 2), account=st.integers(0, 1))
    def pay_the_creditor(self, amount: int, who: int, account: int) -> None:
        """Told of a day that is over: until then a day's payments count as of the moment they are told."""
        key, who, day = self.next(), who % len(self.books.placed), clock.now() - timedelta(days=2)
        self.direct += amount
        self.told(lambda books: books.file(who, account, "payment", amount, key, day))

    @rule(amount=st.integers(-2_000, 2_000), who=st.integers(0, 2), account=st.integers(0, 1))
    def adjust(self, amount: int, who: int, account: int) -> None:
        """A fall is cut to what is open, which depends on what is known: so only whole ones are tried."""
        key, who, day = self.next(), who % len(self.books.placed), clock.now()
        if amount and self.books.owed(who, account).get("principal", 0) + amount > 0:
            self.done(lambda books: books.file(who, account, "adjustment", amount, key, day))

    @rule(
        who=st.integers(0, 2), kind=st.sampled_from(["breathing_space", "insolvency", "dispute", "hardship"])
    )
    def hold(self, who: int, kind: str) -> None:
        who %= len(self.books.placed)
        self.done(lambda books: books.hold(who, kind))

    @rule(who=st.integers(0, 2), account=st.integers(0, 1))
    def recall(self, who: int, account: int) -> None:
        who %= len(self.books.placed)
        recalled = self.books.recall(who, [account])
        self.inside.append((clock.now(), lambda books: books.recall(who, recalled)))

    @rule(method=st.sampled_from(["net", "gross", "combined"]), out=st.booleans(), fees=st.booleans())
    def remit(self, method: str, out: bool, fees: bool) -> None:
        first = self.drawn_to.date()
        self.drawn_to = clock.advance(timedelta(days=2))
        last = (self.drawn_to - timedelta(days=1)).date()
        with self.platform.database.transaction(self.books.scope) as session:
            tenancy.configure_tenant(session, self.books.scope.tenant(), actor=ANA, remittance_method=method)
            drawn = remittances.draw(session, currency="CLP", period_from=first, period_to=last, actor=ANA)
            remittances.review(session, drawn.id, actor=ANA)
            issued = remittances.issue(session, drawn.id, actor=BEN)
            short = trust.balance(session, "CLP") < issued.payable_minor
            if out and issued.payable_minor and not short:
                remittances.pay_out(session, drawn.id, reference=self.next(), actor=CARLA)
            if fees:
                self._take_fees(session)

    def _take_fees(self, session: Any) -> None:
        held = trust.position(session, "CLP")
        if held.invoiced_minor > 0:
            trust.creditor_paid(
                session, currency="CLP", amount_minor=held.invoiced_minor, reference=self.next(), actor=ANA
            )
        try:
            trust.take_fees(session, currency="CLP", reference=self.next(), actor=ANA)
        except Conflict:
            assert held.takeable_minor == 0

    @invariant()
    def the_books_hold(self) -> None:
        with self.platform.database.transaction(self.books.scope) as session:
            assert ledger.check(session) == []
            held = trust.position(session, "CLP")
            assert held.balance_minor == trust.balance(session, "CLP") >= 0
            assert held.received_minor == sum(self.amounts.values())
            back = sum(self._went_back(key) for key in self.amounts)
            assert held.refunded_minor + held.charged_back_minor == back
            if self.direct:
                trial = ledger.trial_balance(session)
                assert trial[self.books.scope.tenant(), "CLP", Book.DIRECT_PAYMENTS] == self.direct

    def _went_back(self, key: str) -> int:
        return min(self.amounts[key], sum(self.refunded.get(key, [])) + self.disputed.get(key, 0))

    def teardown(self) -> None:
        """Tell a fresh creditor the same, late, shuffled and twice."""
        try:
            self.books.jobs()
            end, here = clock.now(), self.books.picture()
            self.open.close()
            with clock.simulated(START):
                fresh = Books(self.platform, self.world)
                for moment, doing in self.inside:
                    clock.set_to(moment)
                    doing(fresh)
                clock.set_to(end)
                told = self.outside * 2
                random.Random(self.number).shuffle(told)
                for doing in told:
                    doing(fresh)
                fresh.jobs()
                assert fresh.picture() == here
        finally:
            self.open.close()


def test_money_in_any_order(platform: runtime.Runtime, world: World) -> None:
    class Here(Money):
        def __init__(self) -> None:
            super().__init__(platform, world)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=150 if THOROUGH else 6,
            stateful_step_count=40 if THOROUGH else 20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
