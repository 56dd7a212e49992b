"""The plain payments among many waiting events, booked together; `inbox` works whatever is not plain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.payments.books.booking import BROUGHT, Received, lock_payment
from recupero.payments.books.together import Together, brought_by, known_payments
from recupero.payments.gateways import gateways
from recupero.payments.tables import Charge, PaymentLink, ProviderEvent, Reversal
from recupero_sdk.gateways import InvalidSignature, PaymentEvent, PaymentEventKind, StaleEvent

Brought = tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class _Plain:
    """A payment of exactly what its charge asked for, into trust."""

    stored: ProviderEvent
    charge: Charge
    received: Received


def book_plain_payments(session: Session, event_ids: Sequence[int]) -> set[int]:
    """Book those of the waiting events of the tenant in scope that tell of a payment as it was asked for,
    nothing of which is known yet; the ids of those booked. The others stay as they are."""
    plain = _unknown(session, _plain(session, _read(session, event_ids)))
    books = Together(session, sorted({one.received.debtor_id or 0 for one in plain}))
    plain = [one for one in plain if books.knows(one.received.debtor_id or 0, one.received.currency)]
    if not plain:
        return set()
    for one in plain:
        one.charge.state = "paid"
    brought = _brought(session, [one.received for one in plain])
    payments = [books.receive(one.received, by) for one, by in zip(plain, brought, strict=True)]
    books.write()
    done = {one.stored.id for one in plain}
    session.execute(
        update(ProviderEvent)
        .where(ProviderEvent.id.in_(done))
        .values(state="done", processed_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    audit.record_each(
        session, "payments.book",
        [(f"payment:{payment.id}", {"amount_minor": payment.amount_minor, "currency": payment.currency,
                                    "kind": payment.kind})
         for payment in payments],
        actor="system", tenant_id=scope_of(session).tenant(),
    )  # fmt: skip
    return done


def _read(session: Session, event_ids: Sequence[int]) -> list[tuple[ProviderEvent, PaymentEvent]]:
    """The waiting events with what they say; one that cannot be read is left to `inbox`."""
    rows = session.execute(
        select(ProviderEvent)
        .where(
            ProviderEvent.id.in_(event_ids),
            ProviderEvent.tenant_id == scope_of(session).tenant(),
            ProviderEvent.state == "received",
        )
        .order_by(ProviderEvent.id)
        .with_for_update(skip_locked=True)
    ).scalars().all()  # fmt: skip
    found = []
    for key in sorted({row.gateway for row in rows}):
        try:
            gateway, config = gateways.open_gateway(session, key)
        except NotFound:
            continue
        for row in rows:
            if row.gateway == key:
                try:
                    event = gateway.read_event(row.body.encode(), row.headers, config, now=row.received_at)
                except (InvalidSignature, StaleEvent, ValueError, KeyError, TypeError):
                    continue
                found.append((row, event))
    return found


def _plain(session: Session, told: Sequence[tuple[ProviderEvent, PaymentEvent]]) -> list[_Plain]:
    tenant = scope_of(session).tenant()
    asked = select(Charge).where(
        Charge.tenant_id == tenant,
        Charge.reference.in_([event.charge_reference for _, event in told if event.charge_reference]),
    )
    charges = {
        (one.gateway, one.reference): one
        for one in session.execute(asked.order_by(Charge.id).with_for_update()).scalars()
    }
    links = {
        one.id: one
        for one in session.execute(
            select(PaymentLink).where(
                PaymentLink.tenant_id == tenant,
                PaymentLink.id.in_({charge.link_id for charge in charges.values()}),
            )
        ).scalars()
    }
    found = []
    for stored, event in told:
        charge = charges.get((stored.gateway, event.charge_reference))
        if charge is not None and _as_asked(event, charge):
            link = links[charge.link_id]
            received = Received(
                external_key=f"{stored.gateway}:{event.payment_reference}", kind="gateway",
                amount_minor=event.amount_minor, currency=event.currency, received_at=event.occurred_at,
                debtor_id=link.debtor_id, account_ids=link.account_ids, gateway=stored.gateway,
                link_id=link.id, charge_id=charge.id,
            )  # fmt: skip
            found.append(_Plain(stored, charge, received))
    return found


def _as_asked(event: PaymentEvent, charge: Charge) -> bool:
    return (
        event.kind is PaymentEventKind.SUCCEEDED
        and event.payment_reference is not None
        and charge.mode == "trust"
        and event.amount_minor > 0
        and (event.amount_minor, event.currency) == (charge.amount_minor, charge.currency)
    )


def _unknown(session: Session, plain: Sequence[_Plain]) -> list[_Plain]:
    """Those that are not booked, told of once, and of which nothing has gone back; their keys are held."""
    first: dict[str, _Plain] = {}
    for one in plain:
        first.setdefault(one.received.external_key, one)
    for key in sorted(first):
        lock_payment(session, key)
    gone_back = session.execute(
        select(Reversal.payment_key).where(
            Reversal.tenant_id == scope_of(session).tenant(), Reversal.payment_key.in_(first)
        )
    ).scalars()
    leave = known_payments(session, first.keys()) | set(gone_back)
    return [one for key, one in first.items() if key not in leave]


def _brought(session: Session, received: Sequence[Received]) -> list[Brought]:
    """The contact that each is counted to; at once for those that pay one account."""
    single = {(one.account_ids[0], one.received_at) for one in received if len(one.account_ids) == 1}
    each = brought_by(session, sorted(single))
    return [_newest(session, one, each) for one in received]


def _newest(session: Session, one: Received, each: dict[tuple[int, datetime], tuple[int, str]]) -> Brought:
    if len(one.account_ids) == 1:
        return each.get((one.account_ids[0], one.received_at))
    return contacts.last_reached(
        session, one.account_ids, since=one.received_at - BROUGHT, until=one.received_at
    )
