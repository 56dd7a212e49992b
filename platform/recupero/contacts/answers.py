"""What comes back: messages and calls of the debtor's own, visits, coded results of attempts, bounces."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    case,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from recupero.contacts import earlier, gate, service
from recupero.contacts.dispositions import DISPOSITIONS, SPOILING, Disposition
from recupero.contacts.events import ContactAnswered, LinkVisited
from recupero.contacts.tables import Contact, LinkVisit, MessageCopy, PersonContact
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.events import publish
from recupero.placements import reach
from recupero.placements import service as placements
from recupero_sdk.law import Channel

VISIT_AFTER = timedelta(days=30)


_WRITTEN = ("email", "sms", "whatsapp", "letter")


_SPOKEN = ("call", "visit")


def record_inbound(
    session: Session,
    *,
    account_id: int,
    channel: Channel,
    connector: str | None = None,
    address: str = "",
    subject: str = "",
    body: str | None = None,
    right_party: bool = False,
    disposition: str = "INBD",
    at: datetime | None = None,
    reference: str | None = None,
    automatic: bool = False,
) -> int:
    """A message or call of the debtor's own. Returns the contact's id; announces `ContactAnswered`.

    It does not use up limits unless a rule says so: the law's history holds it as inbound. What a machine
    answered for them (`automatic`) is kept, but is no word of theirs: it is neither counted nor announced.
    """
    account = reach.reachable(session, [account_id]).get(account_id)
    if account is None:
        raise NotFound("no such account")
    scope, moment = scope_of(session), at or clock.now()
    row = {
        "tenant_id": scope.tenant(), "debtor_id": account.debtor_id, "account_id": account_id,
        "person_id": account.person_id, "direction": "inbound", "channel": channel, "connector": connector,
        "recipient": "debtor", "purpose": "reply", "at": moment, "state": "received", "state_at": clock.now(),
        "disposition": disposition, "right_party": right_party, "reference": reference,
    }  # fmt: skip
    contact_id = session.execute(insert(Contact).values(**row).returning(Contact.id)).scalar_one()
    if not automatic:
        session.add(
            PersonContact(
                agency_id=scope.agency(), person_id=account.person_id, tenant_id=scope.tenant(),
                contact_id=contact_id, account_id=account_id, at=moment, channel=channel,
                direction="inbound", outcome="answered" if channel in ("call", "visit") else "reply",
            )
        )  # fmt: skip
    if body is not None:
        session.add(
            MessageCopy(
                tenant_id=scope.tenant(), contact_id=contact_id, template=None, language=account.language,
                address=address, subject=subject, body=body, created_at=moment,
            )
        )  # fmt: skip
    session.flush()
    if not automatic:
        publish(session, ContactAnswered(contact_id, account_id, account.debtor_id, right_party))
    return contact_id


def record_disposition(session: Session, contact_id: int, code: str, *, actor: str) -> int | None:
    """Write down the coded result of an attempt; what it changes (a hold, an opt-out, a dead number) takes
    effect in this transaction. Returns the action that the contact belongs to. Raises UserError on an unknown
    code, NotFound on an unknown contact."""
    disposition = DISPOSITIONS.get(code)
    if disposition is None:
        raise UserError(
            "unknown disposition '%(code)s': use %(known)s",
            field="code",
            code=code,
            known=", ".join(DISPOSITIONS),
        )
    tenant, after = scope_of(session).tenant(), _state_after(disposition)
    news = not session.scalar(select(_says_the_same(disposition, after)).where(
        Contact.tenant_id == tenant, Contact.id == contact_id
    ))  # fmt: skip
    if news:
        earlier.keep(session, [contact_id])
    row = session.execute(
        update(Contact)
        .where(Contact.tenant_id == tenant, Contact.id == contact_id)
        .values(
            disposition=code,
            right_party=disposition.right_party,
            state=after,
            state_at=clock.now() if news else Contact.state_at,
        )
        .returning(
            Contact.state,
            Contact.debtor_id,
            Contact.account_id,
            Contact.channel,
            Contact.contact_point_id,
            Contact.action_id,
        )
    ).one_or_none()
    if row is None:
        raise NotFound("no such contact")
    service.count(session, {contact_id: gate.OUTCOMES[row.state]})
    _apply(session, disposition, row.debtor_id, row.account_id, row.channel, row.contact_point_id)
    audit.record(
        session, "contacts.disposition", f"contact:{contact_id}", actor=actor, tenant_id=tenant, code=code
    )
    if row.state == "answered":
        publish(session, ContactAnswered(contact_id, row.account_id, row.debtor_id, disposition.right_party))
    action_id: int | None = row.action_id
    return action_id


def _says_the_same(disposition: Disposition, after: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a code says of a contact what was known of it: that somebody was reached or not, and that the
    number is wrong or not. A code that is put right within that says anew what it was, not when it was known.
    """
    return (
        (Contact.state == after)
        & (Contact.right_party == disposition.right_party)
        & (_spoilt() == disposition.spoils_point)
    )


def _spoilt() -> ColumnElement[bool]:
    return func.coalesce(Contact.disposition.in_(SPOILING), False)


def _known_right() -> ColumnElement[bool]:
    """Whether it was known already that the right person was reached at a good address."""
    return Contact.right_party & ~_spoilt()


def _state_after(disposition: Disposition) -> ColumnElement[str]:
    """Who asks on a call to be left alone has talked with us; who asks so in writing got our message."""
    if disposition.opts_out != "channel":
        return literal(disposition.state)
    return case((Contact.channel.in_(_SPOKEN), "answered"), else_=disposition.state)


def _apply(
    session: Session,
    disposition: Disposition,
    debtor_id: int,
    account_id: int | None,
    channel: str,
    point_id: int | None,
) -> None:
    source = f"disposition:{disposition.code}"
    if disposition.spoils_point and point_id is not None:
        reach.mark_points(session, [point_id], "invalid")
    if disposition.opts_out is not None:
        closed = channel if disposition.opts_out == "channel" else disposition.opts_out
        service.record_permission(session, debtor_id=debtor_id, channel=closed, kind="opt_out", source=source)
    if disposition.stops is not None:
        whole_debtor = disposition.stops in ("cease", "attorney", "deceased", "insolvency")
        placements.open_hold(
            session, debtor_id=debtor_id, account_id=None if whole_debtor else account_id,
            kind=disposition.stops, source=source,
        )  # fmt: skip


def record_visit(session: Session, debtor_id: int) -> int | None:
    """The debtor followed a message to their page and proved who they are: the newest message of the last
    `VISIT_AFTER` days was read by the right person. Returns its contact, None where nothing was sent."""
    tenant, now = scope_of(session).tenant(), clock.now()
    newest = (
        select(Contact.id, _known_right(), Contact.state_at)
        .where(
            Contact.tenant_id == tenant,
            Contact.debtor_id == debtor_id,
            Contact.direction == "outbound",
            Contact.channel.in_(_WRITTEN),
            Contact.state.in_(("sent", "delivered")),
            Contact.at > now - VISIT_AFTER,
        )
        .order_by(Contact.at.desc())
        .limit(1)
    )
    found = session.execute(newest).one_or_none()
    contact_id, known, since = found if found is not None else (None, True, now)
    if contact_id is not None:
        if not known:
            earlier.keep(session, [contact_id])
        session.execute(
            update(Contact)
            .where(Contact.tenant_id == tenant, Contact.id == contact_id)
            .values(
                right_party=True,
                disposition="CLCK",
                state="delivered",
                state_at=since if known else now,  # when it was first known
                read_at=func.coalesce(Contact.read_at, now),
            )
        )
    session.add(LinkVisit(tenant_id=tenant, debtor_id=debtor_id, contact_id=contact_id, at=now))
    session.flush()
    publish(session, LinkVisited(debtor_id, contact_id))
    return contact_id


def record_bounces(session: Session, contact_ids: Sequence[int], reason: str) -> None:
    """These messages came back: their addresses are wrong. In four statements for all of them."""
    service.confirm(
        session, [service.Result(contact_id, "failed", reason=reason) for contact_id in contact_ids]
    )
    earlier.keep(session, contact_ids)
    points = session.execute(
        update(Contact)
        .where(Contact.tenant_id == scope_of(session).tenant(), Contact.id.in_(contact_ids))
        .values(disposition="BNCE", state_at=clock.now())
        .returning(Contact.contact_point_id)
    ).scalars()
    reach.mark_points(session, sorted({point for point in points if point is not None}), "invalid")
