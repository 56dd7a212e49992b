"""The report's fees and tax are those of the books, under a schedule and after a reversal."""

from datetime import datetime

from recupero.kernel import clock, runtime
from recupero.ledger import trust
from recupero.payments.books import booking
from recupero.reports import service
from recupero.reports.periods import parse_period
from tests.factories import World
from tests.ledger.placed import place


def test_fees_tax_and_net_back_agree_with_the_books(
    platform: runtime.Runtime, world: World, noon: datetime
) -> None:
    schedule = {"rates": [{"rate": 1000, "to_balance_minor": 5000}], "minimum_minor": 30, "tax_rate": 1900}
    placed = place(
        platform, world.tenant(), [{"principal": 2000}, {"principal": 8000}], terms={"commission": schedule}
    )
    with platform.database.transaction(placed.scope) as session:
        for key, kind, amount in (("a", "gateway", 2500), ("b", "direct", 1000), ("c", "gateway", 50)):
            received = booking.Received(
                key, kind, amount, "CLP", clock.now(), placed.debtor_id, placed.account_ids
            )
            booking.book_payment(session, received)
        booking.reverse_payment(
            session, payment_key="c", event_key="back", kind="refund", total_minor=50, occurred_at=clock.now()
        )
        found = service.recovery_report(session, parse_period("2026-03")).sections[0]
        held = trust.position(session, "CLP")
    fees, tax = found.figure("fees").numerator, found.figure("fee_tax").numerator
    assert (fees, tax) == (200 + 100 + 200, 38 + 19 + 38)  # 10% of the first 2,000, 20% of 500 and of 1,000
    assert fees + tax == held.earned_minor
    assert found.figure("net_back").numerator == 3500 - fees
