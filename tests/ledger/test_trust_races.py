"""Two people who take money out of trust at the same moment take it once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from recupero.kernel import clock, runtime
from recupero.kernel.errors import Conflict
from recupero.ledger import queries, trust
from recupero.payments.books import booking
from tests.factories import World
from tests.ledger.placed import place


def test_fees_are_taken_once(platform: runtime.Runtime, world: World, noon: datetime) -> None:
    placed = place(platform, world.tenant())
    with platform.database.transaction(placed.scope) as session:
        received = booking.Received(
            "a", "gateway", 1000, "CLP", clock.now(), placed.debtor_id, placed.account_ids
        )
        booking.book_payment(session, received)

    def take(number: int) -> int:
        try:
            with platform.database.transaction(placed.scope) as session:
                return trust.take_fees(session, currency="CLP", reference=f"bank {number}", actor="user:1")
        except Conflict:
            return 0

    with ThreadPoolExecutor(4) as people:
        taken = sorted(people.map(take, range(4)))
    assert taken == [0, 0, 0, 200]
    with platform.database.transaction(placed.scope) as session:
        assert trust.position(session, "CLP").balance_minor == 800
        assert queries.check(session) == []
