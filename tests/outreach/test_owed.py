"""What words say of interest and costs is what is owed now, not what was placed."""

from datetime import timedelta

from recupero.kernel import clock, runtime
from recupero.ledger import service as ledger
from recupero.ledger.books import Book
from recupero.ledger.service import Entry
from recupero.outreach.texts import owed, previews, words
from recupero.outreach.texts.naming import Owed
from recupero.placements import reach
from tests.factories import World
from tests.ledger.placed import Placed, place


def book(platform: runtime.Runtime, placed: Placed, part: str, amount_minor: int) -> None:
    """Change what is owed on a part of the first account."""
    account = placed.account_ids[0]
    with platform.database.transaction(placed.scope) as session:
        ledger.book(
            session, kind="adjustment", external_key=f"{part}:{amount_minor}", occurred_at=clock.now(),
            entries=[
                Entry(Book.RECEIVABLE, amount_minor, "CLP", account, part, placed.portfolio_id),
                Entry(Book.PLACEMENT_CONTROL, -amount_minor, "CLP", account, None, placed.portfolio_id),
            ],
        )  # fmt: skip


def told(platform: runtime.Runtime, placed: Placed) -> tuple[Owed, str]:
    """The parts of the first account, and a message that names them."""
    with platform.database.transaction(placed.scope) as session:
        (account,) = reach.reachable(session, placed.account_ids[:1]).values()
        shown = previews.preview(
            session, account, "first_notice", "email", "kind", previews.LINK, lambda *_key: None
        )
        return owed.parts(session, [account])[account.account_id], shown.words.text


def test_interest_that_was_paid_is_not_told_as_owed(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000, "interest": 300, "cost": 50, "fee": 20}])
    before, text = told(platform, placed)
    assert (before.interest_minor, before.costs_minor) == (300, 70)
    assert "$300 de interés" in text
    book(platform, placed, "interest", -300)
    book(platform, placed, "cost", -50)
    after, text = told(platform, placed)
    assert (after.interest_minor, after.costs_minor) == (0, 20)
    assert "de interés" not in text
    assert "$20 de gastos" in text


def test_interest_that_grew_is_counted_to_today(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000, "interest": 300}])
    placed_on = told(platform, placed)[0].counted_to
    clock.advance(timedelta(days=20))
    assert told(platform, placed)[0] == Owed(300, 0, placed_on)
    book(platform, placed, "interest", 45)
    parts, text = told(platform, placed)
    assert parts == Owed(345, 0, clock.today("America/Santiago"))
    assert "$345 de interés, calculado por Acreedor" in text
    assert words.day(parts.counted_to, "es_CL") in text
    assert parts.counted_to > placed_on
