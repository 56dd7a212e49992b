"""Consent to automatic payments: asked for on the debtor's page, given on the gateway's, ended at any time.

Who agrees is told what is charged, how much at most, until when, and that it ends with one press. The words
are kept as they were shown. Each plan has one: another plan needs another consent.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events, jobs
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.payments.agreements import plans
from recupero.payments.charging.mandate_tables import Mandate
from recupero.payments.events import LinkRevoked, MandateEnded, PlanEnded, PlanMoved
from recupero.payments.gateways import gateways
from recupero.payments.gateways.links import address
from recupero.payments.offers.offer_tables import Plan
from recupero.payments.tables import PaymentLink
from recupero_sdk.gateways import PaymentEvent, PaymentEventKind, SavedMethod, SavesMethods, SetupRequest

ENDS = ("revoked", "replaced", "plan_ended", "link_revoked", "expired", "gone", "over", "refused")
#: Ends that the debtor did not bring about, and is told of.
TOLD = ("expired", "gone")
EVENTS = (PaymentEventKind.METHOD_SAVED, PaymentEventKind.METHOD_GONE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a consent allows: no charge above `most_minor`, none after `until` and the days by which a pause
    moves the plan."""

    most_minor: int
    until: date
    currency: str


def bounds(session: Session, plan: Plan) -> Bounds | None:
    """What the consent for a plan of the tenant in scope would allow; None where the creditor's gateway
    cannot save a card, or the plan does not run."""
    gateway, _config = gateways.open_gateway(session, gateways.chosen(session))
    rows = plans.instalments_of(session, [plan.id])[plan.id]
    if plan.state != "running" or not isinstance(gateway, SavesMethods):
        return None
    last_day = rows[-1].due_date + timedelta(days=plan.grace_days)
    most = max(one.amount_minor for one in rows) + plan.smallest_minor - 1  # with a rest too small to charge
    return Bounds(most, last_day, plan.currency)


def ask(session: Session, *, plan_id: int, link_id: int, words: str, asked_with: str) -> Mandate:
    """The debtor wants a plan's instalments to be charged, having read `words`: a worker asks the gateway for
    the page where they enter the card. A consent that waited for its card before is replaced.

    Raises NotFound, UserError without words, Conflict where one is active or the plan cannot have one.
    """
    plan = plans.find(session, plan_id, lock=True)
    allowed = bounds(session, plan)
    if not words.strip():
        raise UserError("say what the debtor agrees to", field="words")
    if allowed is None:
        raise Conflict("this plan cannot be paid automatically")
    for other in of_plans(session, [plan_id]).get(plan_id, []):
        if other.state == "active":
            raise Conflict("this plan is paid automatically already")
        if other.state == "asked":
            end(session, other, "replaced", by=asked_with)
    tenant = scope_of(session).tenant()
    mandate = Mandate(
        tenant_id=tenant, plan_id=plan.id, link_id=link_id, debtor_id=plan.debtor_id,
        gateway=gateways.chosen(session),
        idempotency_key=f"recupero-{tenant}-mandate-{secrets.token_urlsafe(12)}", currency=plan.currency,
        words=words.strip(), most_minor=allowed.most_minor, until=allowed.until, state="asked",
        asked_at=clock.now(),
    )  # fmt: skip
    session.add(mandate)
    session.flush()
    jobs.enqueue(session, "payments.ask_consent", queue="urgent", mandate_id=mandate.id)
    _record(session, "payments.mandate_asked", mandate, asked_with)
    return mandate


def request_of(session: Session, mandate: Mandate) -> SetupRequest:
    """What the gateway is asked, the same on every retry."""
    link = session.get_one(PaymentLink, (mandate.tenant_id, mandate.link_id))
    page = f"{address(link.token)}/plans/{mandate.plan_id}"
    return SetupRequest(
        idempotency_key=mandate.idempotency_key, currency=mandate.currency, consent=mandate.words,
        success_url=page, cancel_url=page,
        metadata={"recupero_tenant": str(mandate.tenant_id), "recupero_mandate": str(mandate.id)},
    )  # fmt: skip


def take_event(session: Session, gateway_key: str, event: PaymentEvent) -> tuple[str, str | None]:
    """A card was saved, or is gone: as `inbox.work` answers."""
    if event.payment_reference is None:
        return "refused", "a saved card without reference"
    if event.kind is PaymentEventKind.METHOD_GONE:
        found = session.execute(
            select(Mandate)
            .where(
                Mandate.tenant_id == scope_of(session).tenant(), Mandate.gateway == gateway_key,
                Mandate.method == event.payment_reference, Mandate.state == "active",
            )
            .with_for_update()
        ).scalar_one_or_none()  # fmt: skip
        if found is not None:
            end(session, found, "gone", by=gateway_key)
        return "done", None if found else "no consent stands on this card"
    number, tenant = event.metadata.get("recupero_mandate", ""), scope_of(session).tenant()
    if event.metadata.get("recupero_tenant") != str(tenant) or not number.isdecimal():
        return "refused", "names no consent of this creditor"
    jobs.enqueue(
        session, "payments.take_card", queue="urgent", mandate_id=int(number),
        reference=event.payment_reference,
    )  # fmt: skip
    return "done", None


def give(session: Session, mandate_id: int, card: SavedMethod | None) -> None:
    """The debtor entered a card on the gateway's page: from now on it is charged. None: it cannot be."""
    mandate = find(session, mandate_id, lock=True)
    if mandate.state != "asked":
        if card is not None and mandate.method != card.method:  # withdrawn while the card was entered
            jobs.enqueue(
                session, "payments.forget_card", gateway_key=mandate.gateway, method=card.method
            )  # fmt: skip
        return
    if card is None:
        end(session, mandate, "refused", by="gateway")
        return
    mandate.customer, mandate.method, mandate.brand = card.customer, card.method, card.brand
    mandate.last4, mandate.expires = card.last4, card.expires
    if plans.find(session, mandate.plan_id, lock=True).state != "running":
        end(session, mandate, "plan_ended", by="system")
        return
    mandate.state, mandate.given_at = "active", clock.now()
    session.flush()
    _record(session, "payments.mandate_given", mandate, "debtor")


def revoke(session: Session, mandate_id: int, *, actor: str) -> None:
    """End a consent because the debtor says so. Raises NotFound, Conflict where it has ended."""
    mandate = find(session, mandate_id, lock=True)
    if mandate.state == "ended":
        raise Conflict("automatic payments have ended already")
    end(session, mandate, "revoked", by=actor)


def end(session: Session, mandate: Mandate, why: str, *, by: str) -> None:
    """End it; the gateway forgets the card. Publishes `MandateEnded` where the debtor did not do it."""
    mandate.state, mandate.ended_at, mandate.ended_by, mandate.ended_why = "ended", clock.now(), by, why
    session.flush()
    if mandate.method is not None and why != "gone":
        jobs.enqueue(
            session, "payments.forget_card", gateway_key=mandate.gateway, method=mandate.method
        )  # fmt: skip
    if why in TOLD:
        plan = plans.find(session, mandate.plan_id)
        events.publish(session, MandateEnded(tuple(plan.account_ids), mandate.id))
    _record(session, "payments.mandate_ended", mandate, by)


def on_plan_ended(session: Session, event: PlanEnded) -> None:
    """Nothing is charged for a plan that does not run."""
    for mandate in of_plans(session, [event.plan_id]).get(event.plan_id, []):
        if mandate.state != "ended":
            end(session, mandate, "plan_ended", by=f"plan:{event.plan_id}")


def on_plan_moved(session: Session, event: PlanMoved) -> None:
    """A pause moved the plan's dates: a consent that says so holds as many days longer."""
    for mandate in of_plans(session, [event.plan_id]).get(event.plan_id, []):
        if mandate.state != "ended" and mandate.moves_with_plan:
            mandate.until += timedelta(days=event.days)
            _record(session, "payments.mandate_moved", mandate, f"plan:{event.plan_id}")


def on_link_revoked(session: Session, event: LinkRevoked) -> None:
    """Whoever loses the page loses what they agreed to on it: it may have been the wrong person."""
    standing = select(Mandate).where(
        Mandate.tenant_id == scope_of(session).tenant(),
        Mandate.link_id == event.link_id,
        Mandate.state != "ended",
    )
    for mandate in session.execute(standing.with_for_update()).scalars().all():
        end(session, mandate, "link_revoked", by=f"link:{event.link_id}")


def find(session: Session, mandate_id: int, *, lock: bool = False) -> Mandate:
    """The consent of the tenants in scope. Raises NotFound."""
    query = select(Mandate).where(
        Mandate.tenant_id.in_(scope_of(session).tenant_ids), Mandate.id == mandate_id
    )
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such consent")
    return found


def of_plans(session: Session, plan_ids: Collection[int]) -> dict[int, Sequence[Mandate]]:
    """Consents by plan of the tenants in scope, newest first."""
    rows = session.execute(
        select(Mandate)
        .where(Mandate.tenant_id.in_(scope_of(session).tenant_ids), Mandate.plan_id.in_(list(plan_ids)))
        .order_by(Mandate.id.desc())
    ).scalars()
    found: dict[int, list[Mandate]] = {}
    for mandate in rows:
        found.setdefault(mandate.plan_id, []).append(mandate)
    return dict(found)


def latest(session: Session, plan_id: int) -> Mandate | None:
    """The newest consent of a plan, whatever its state."""
    return next(iter(of_plans(session, [plan_id]).get(plan_id, [])), None)


def _record(session: Session, action: str, mandate: Mandate, actor: str) -> None:
    audit.record(
        session, action, f"mandate:{mandate.id}", actor=actor, tenant_id=mandate.tenant_id,
        plan_id=mandate.plan_id, most_minor=mandate.most_minor, until=mandate.until.isoformat(),
        why=mandate.ended_why,
    )  # fmt: skip
