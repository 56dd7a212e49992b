"""Charges: what a gateway is asked to take. The asking is done by a worker, never by the page."""

import secrets
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.payments.books.booking import fee_of
from recupero.payments.events import (
    LinkRevoked,
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanStarted,
    SettlementAccepted,
)
from recupero.payments.gateways import gateways
from recupero.payments.gateways.links import address
from recupero.payments.tables import Charge, PaymentLink
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.placements.events import AccountsClosed
from recupero.placements.lifecycle import ENDED
from recupero.tenancy import queries as tenancy
from recupero_sdk.gateways import ChargeRequest

OPEN = ("wanted", "open", "pending")


@dataclass(frozen=True, slots=True)
class Payable:
    """What a link can be paid: everything that the gateway can take, or any amount in its steps from the
    creditor's minimum up. `rest_minor` is owed as well and too little for the gateway. Minor units."""

    debts: tuple[OpenDebt, ...]
    currency: str
    total_minor: int
    minimum_minor: int
    rest_minor: int = 0
    step_minor: int = 1

    @property
    def owed_minor(self) -> int:
        return self.total_minor + self.rest_minor

    def fitting(self, amount_minor: int) -> int:
        """That amount as it can be paid: rounded up to the gateway's step, never more than the whole."""
        return min(max(_up(amount_minor, self.step_minor), self.minimum_minor), self.total_minor)

    @property
    def account_ids(self) -> list[int]:
        return [debt.account_id for debt in self.debts]


def payable(session: Session, link_id: int, *, lock: bool = False) -> Payable:
    """The accounts of a link of the tenant in scope with something owed, oldest due first. `lock` holds the
    link to the end of the transaction: of two answers of a debtor at once, the second sees the first.

    Those whose work has ended (recalled, returned, uncollectable) are the creditor's again: not paid here.
    """
    link = _link(session, link_id, lock)
    owed = sorted(
        (debt for debt in debts_by_id(session, link.account_ids) if _is_open(debt)),
        key=lambda debt: (debt.due_date, debt.account_id),
    )
    whole = sum(debt.balance_minor for debt in owed)
    step, least = gateways.step(session, link.currency), gateways.minimum(session, link.currency)
    total = whole - whole % step if whole >= least else 0
    lowest = max((int(debt.terms.get("minimum_instalment_minor", 0)) for debt in owed), default=0)
    lowest = _up(max(lowest, least, 1), step)
    return Payable(tuple(owed), link.currency, total, min(lowest, total), whole - total, step)


def _up(amount_minor: int, step_minor: int) -> int:
    return -(-amount_minor // step_minor) * step_minor


def accounts_of(session: Session, link_id: int) -> list[int]:
    """All accounts of a link of the tenant in scope, also those on which nothing is owed any more."""
    return list(_link(session, link_id).account_ids)


def start_charge(session: Session, link_id: int, amount_minor: int) -> int:
    """Ask for a payment page over an amount; the charge's id. The same amount twice is one charge; another
    amount withdraws the charge before it. A worker makes the page (`payments.create_charge`).

    Raises UserError on an amount outside what can be paid, Conflict where nothing is owed any more.
    """
    link = _link(session, link_id, lock=True)
    if link.status != "active":
        raise Conflict("this payment link is no longer valid")
    can = payable(session, link_id)
    if not can.total_minor:
        raise Conflict("nothing is owed on this link any more")
    if not can.minimum_minor <= amount_minor <= can.total_minor:
        raise UserError("choose an amount from the minimum to what is owed", field="amount")
    if amount_minor % can.step_minor:
        raise gateways.out_of_step(can.currency, can.step_minor)
    running = _running(session, link_id)
    gateway = gateways.chosen(session)
    for charge in running:
        if charge.amount_minor == amount_minor and charge.gateway == gateway and charge.state != "pending":
            return charge.id
    withdraw(session, link_id)
    charge = _given_up(session, link, gateway, amount_minor) or _new(
        session, link, gateway, can, amount_minor
    )
    session.flush()
    jobs.enqueue(session, "payments.create_charge", queue="urgent", charge_id=charge.id)
    return charge.id


def _given_up(session: Session, link: PaymentLink, gateway: str, amount_minor: int) -> Charge | None:
    """The link's newest charge, where the gateway was away when it was asked: asked again with the same key,
    since the gateway may have made its page without our hearing of it."""
    found = latest(session, link.id)
    if (
        found is None
        or (found.state, found.problem) != ("failed", "unavailable")
        or (found.amount_minor, found.gateway) != (amount_minor, gateway)
    ):
        return None
    found.state, found.problem = "wanted", None
    return found


def unattended(
    session: Session, link_id: int, gateway: str, amount_minor: int, *, idempotency_key: str
) -> Charge:
    """A charge that needs no page of the gateway: it is on its way at once, and nothing withdraws it."""
    link = _link(session, link_id)
    made = _new(session, link, gateway, payable(session, link_id), amount_minor)
    made.state, made.idempotency_key = "pending", idempotency_key
    session.flush()
    return made


def _new(session: Session, link: PaymentLink, gateway: str, can: Payable, amount_minor: int) -> Charge:
    tenant, connect = scope_of(session).tenant(), gateways.pays_creditor(session, gateway)
    charge = Charge(
        tenant_id=tenant, link_id=link.id, gateway=gateway,
        idempotency_key=f"recupero-{tenant}-{secrets.token_urlsafe(12)}", amount_minor=amount_minor,
        currency=link.currency, state="wanted", mode="connect" if connect else "trust",
        fee_minor=fee_of(session, link.debtor_id, can.account_ids, link.currency, amount_minor)
        if connect else 0, created_at=clock.now(),
    )  # fmt: skip
    session.add(charge)
    return charge


def withdraw(session: Session, link_id: int) -> None:
    """Nobody shall pay the link's running charges any more: their pages are closed by a worker."""
    withdrawn = session.execute(
        update(Charge)
        .where(
            Charge.tenant_id == scope_of(session).tenant(),
            Charge.link_id == link_id,
            Charge.state.in_(["wanted", "open"]),
        )
        .values(state="cancelled")
        .returning(Charge.id)
    ).scalars()
    for charge_id in withdrawn:
        jobs.enqueue(session, "payments.cancel_charge", charge_id=charge_id)


def withdraw_changed(
    session: Session,
    event: PaymentBooked
    | PaymentReversed
    | PaymentsBooked
    | AccountsClosed
    | PlanStarted
    | SettlementAccepted,
) -> None:
    """A balance, a status or a plan changed: charges that were asked for before it are out of date, and are
    made anew where something is still owed."""
    if not event.account_ids:
        return
    links = session.execute(
        select(PaymentLink.id).where(
            PaymentLink.tenant_id == scope_of(session).tenant(),
            PaymentLink.account_ids.op("&&")(list(event.account_ids)),
            PaymentLink.id.in_(select(Charge.link_id).where(Charge.state.in_(["wanted", "open"]))),
        )
    ).scalars()
    for link_id in links.all():
        renew(session, link_id)


def withdraw_revoked(session: Session, event: LinkRevoked) -> None:
    """A revoked link takes no money."""
    withdraw(session, event.link_id)


def renew(session: Session, link_id: int) -> None:
    """What can be paid has changed (a balance, a plan, a status): the link's charges are withdrawn, and a
    worker asks for one over what is owed now (`make_anew`)."""
    withdraw(session, link_id)
    jobs.enqueue(session, "payments.renew_charge", link_id=link_id)


def make_anew(session: Session, link_id: int) -> int | None:
    """A charge over all that is owed on the link; None where the link is closed, nothing is owed, or the
    debtor has asked for another meanwhile."""
    link, can = _link(session, link_id), payable(session, link_id)
    if link.status != "active" or not can.total_minor or _running(session, link_id):
        return None
    return start_charge(session, link_id, can.total_minor)


def _is_open(debt: OpenDebt) -> bool:
    return debt.balance_minor > 0 and debt.status not in ENDED


def charge(session: Session, charge_id: int) -> Charge:
    """The charge of the tenant in scope. Raises NotFound."""
    found = session.get(Charge, (scope_of(session).tenant(), charge_id))
    if found is None:
        raise NotFound("no such payment")
    return found


def latest(session: Session, link_id: int) -> Charge | None:
    """The newest charge of a link of the tenant in scope."""
    return session.execute(
        select(Charge)
        .where(Charge.tenant_id == scope_of(session).tenant(), Charge.link_id == link_id)
        .order_by(Charge.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def on_their_way(session: Session, link_id: int) -> list[Charge]:
    """Payments of a link that were made and are not confirmed yet, as by bank transfer, oldest first."""
    return [one for one in _running(session, link_id) if one.state == "pending"]


def request_of(session: Session, found: Charge) -> ChargeRequest:
    """What the gateway is asked, the same on every retry. It names the creditor, not the debtor."""
    return ChargeRequest(
        idempotency_key=found.idempotency_key,
        amount_minor=found.amount_minor,
        currency=found.currency,
        description=tenancy.tenant(session).name,
        success_url=f"{address(_link(session, found.link_id).token)}/thanks",
        metadata={"recupero_tenant": str(found.tenant_id), "recupero_charge": str(found.id)},
        fee_minor=found.fee_minor,
    )


def _running(session: Session, link_id: int) -> list[Charge]:
    return list(
        session.execute(
            select(Charge)
            .where(
                Charge.tenant_id == scope_of(session).tenant(),
                Charge.link_id == link_id,
                Charge.state.in_(OPEN),
            )
            .order_by(Charge.id)
        ).scalars()
    )


def _link(session: Session, link_id: int, lock: bool = False) -> PaymentLink:
    query = select(PaymentLink).where(
        PaymentLink.tenant_id == scope_of(session).tenant(), PaymentLink.id == link_id
    )
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such payment link")
    return found
