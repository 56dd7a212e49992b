"""Events booked together come to the same books as one by one, and one that fails holds up no other."""

import random

import pytest
from sqlalchemy import insert, select, update

from recupero.kernel import audit, clock, jobs, runtime
from recupero.payments.charging import inbox
from recupero.payments.gateways import bursts, door, gateways, links
from recupero.payments.incoming_tables import RefundTask
from recupero.payments.tables import Charge, PaymentLink, ProviderEvent
from recupero_sdk.gateways import Charge as MadeCharge
from recupero_sdk.gateways import ChargeRequest, PaymentEventKind, PretendGateway
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_faults import books

PAID, REFUNDED = PaymentEventKind.SUCCEEDED, PaymentEventKind.REFUNDED
# charge, what happened, amount: in parts, too much in the end, one refunded, one that nobody asked for
TOLD = [(0, PAID, 300), (1, PAID, 400), (2, PAID, 250), (1, REFUNDED, 100), (3, PAID, 77), (4, PAID, 900)]
ASKED = [300, 400, 250, 70, 900]


def placed_with_charges(platform: runtime.Runtime, world: World) -> Placed:
    placed = place(platform, world.tenant(), [{"principal": 600, "interest": 90}, {"principal": 500}])
    with platform.database.transaction(placed.scope) as session:
        links.ensure_links(session, {placed.debtor_id: placed.account_ids})
        link = session.execute(select(PaymentLink.id)).scalar_one()
        rows = [
            {"tenant_id": placed.scope.tenant(), "link_id": link, "gateway": "sandbox",
             "amount_minor": amount, "idempotency_key": f"k{number}", "currency": "CLP",
             "reference": f"r{number}", "url": "",
             "state": "cancelled", "mode": "trust", "fee_minor": 0, "created_at": clock.now()}
            for number, amount in enumerate(ASKED)
        ]  # fmt: skip
        session.execute(insert(Charge), rows)
    return placed


def tell(placed: Placed, order: list[int]) -> list[int]:
    """Store the events of `TOLD`; their numbers in the inbox."""
    database, metadata = runtime.current().database, {"recupero_tenant": str(placed.scope.tenant())}
    with database.transaction(placed.scope) as session:
        gateway, config = gateways.open_gateway(session, "sandbox")
    assert isinstance(gateway, PretendGateway)
    for place_ in order:
        number, kind, amount = TOLD[place_]
        request = ChargeRequest(f"k{number}", amount, "CLP", "", "", metadata)
        made = MadeCharge(f"r{number}", "")
        door.receive_event(
            database, placed.scope, "sandbox", *gateway.pretend(made, request, kind, config, now=clock.now())
        )
    with database.transaction(placed.scope) as session:
        return list(inbox.waiting_events(session, after=0, limit=100))


@pytest.mark.parametrize("seed", range(4))
def test_together_is_as_one_by_one(platform: runtime.Runtime, world: World, noon: object, seed: int) -> None:
    order = random.Random(seed).sample(range(len(TOLD)), len(TOLD))
    alone, many = placed_with_charges(platform, world), placed_with_charges(platform, world)
    for number in tell(alone, order):
        with platform.database.transaction(alone.scope) as session:
            inbox.process_event(session, number)
    numbers = tell(many, order)
    with platform.database.transaction(many.scope) as session:
        booked = bursts.book_plain_payments(session, numbers)
        assert len(booked) >= 3
        assert bursts.book_plain_payments(session, numbers) == set()
    for number in numbers:
        if number not in booked:
            with platform.database.transaction(many.scope) as session:
                inbox.process_event(session, number)
    assert books(many) == books(alone)
    assert refunds_due(many) == refunds_due(alone) != []
    with platform.database.transaction(many.scope) as session:
        assert audit.verify(session) == []


def refunds_due(placed: Placed) -> list[int]:
    with runtime.current().database.transaction(placed.scope) as session:
        return sorted(
            session.execute(select(RefundTask.amount_minor).where(RefundTask.state == "open")).scalars()
        )


def test_one_that_cannot_be_booked_holds_up_no_other(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = placed_with_charges(platform, world)
    numbers = tell(placed, [0, 1, 2])
    with platform.database.transaction(placed.scope) as session:
        session.execute(update(Charge).where(Charge.reference == "r1").values(link_id=987_654))
        assert inbox.waiting_events(session, after=0, limit=9) == numbers
    jobs.drain()
    assert [row[0] for row in books(placed)[1]].count("sandbox:pay_r0") >= 1
    with platform.database.transaction(placed.scope) as session:
        states = session.execute(select(ProviderEvent.state).order_by(ProviderEvent.id)).scalars().all()
    assert states == ["done", "failing", "done"]
