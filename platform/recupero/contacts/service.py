"""What changes the record of contacts, the permissions and the preferences of debtors. What comes back is in
`answers`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    String,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.contacts.events import OptedOut
from recupero.contacts.facts import EVERY_CHANNEL
from recupero.contacts.news import Price
from recupero.contacts.reservation import Caller, Reservation, Wish, reserve
from recupero.contacts.tables import Contact, Permission, Preference
from recupero.kernel import audit, clock, crypto
from recupero.kernel.bulk import BYTES, NUMBERS, numbered
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.kernel.events import publish
from recupero.kernel.statements import Parameters, Statement, ask
from recupero_sdk.law import CHANNELS

__all__ = ["Caller", "Reservation", "Wish", "reserve"]

PERMISSION_KINDS = ("consent", "opt_out")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a reserved contact. `state`: sent, delivered, failed, unknown. One that failed and
    `never_left` us was no contact: its reservation is released and uses up nothing. `price` is what the
    provider charges, where that is known at once."""

    contact_id: int
    state: str
    reference: str | None = None
    reason: str | None = None
    never_left: bool = False
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The words of one contact, kept encrypted."""

    contact_id: int
    template: str
    language: str
    code: str
    address: str
    subject: str
    body: str


_KEEP = Statement(text(
    "INSERT INTO messages (tenant_id, contact_id, template, language, code, address, subject, body,"
    " created_at) SELECT :tenant, r.*, :now FROM ROWS FROM (unnest(:contacts),"
    " jsonb_array_elements_text(:templates), jsonb_array_elements_text(:languages),"
    " jsonb_array_elements_text(:codes), unnest(:addresses, :subjects, :bodies)) AS r"
).bindparams(
    bindparam("contacts", type_=NUMBERS),
    *(bindparam(name, type_=JSONB) for name in ("templates", "languages", "codes")),
    *(bindparam(name, type_=BYTES) for name in ("addresses", "subjects", "bodies")),
))  # fmt: skip


def ask_keep(session: Session, messages: Sequence[SentMessage]) -> list[tuple[Statement, Parameters]]:
    """What stores word for word what goes out, before it does: for `statements.ask`."""
    if not messages:
        return []
    seal = crypto.keyring().encrypt_many
    columns = {
        "tenant": scope_of(session).tenant(), "now": clock.now(),
        "contacts": [message.contact_id for message in messages],
        "templates": [message.template for message in messages],
        "languages": [message.language for message in messages],
        "codes": [message.code for message in messages],
        "addresses": seal([message.address for message in messages]),
        "subjects": seal([message.subject for message in messages]),
        "bodies": seal([message.body for message in messages]),
    }  # fmt: skip
    return [(_KEEP, columns)]


# A contact without an outcome never left us: it is taken out of the count.
_CONFIRM = Statement(text(
    "WITH changed AS ("
    " UPDATE contacts c SET state = k ->> 'state', state_at = :now,"
    " reference = coalesce(r.reference, c.reference), reason = k ->> 'reason',"
    " cost_micro = coalesce(c.cost_micro, CAST(k ->> 'micro' AS bigint)),"
    " cost_units = coalesce(c.cost_units, CAST(k ->> 'units' AS bigint)),"
    " cost_currency = CASE WHEN c.cost_micro IS NULL THEN coalesce(k ->> 'currency', c.cost_currency)"
    " ELSE c.cost_currency END"
    " FROM (SELECT id, reference, :kinds -> CAST(number AS int) AS k"
    " FROM unnest(:ids, :numbers, :refs) AS r(id, number, reference)) AS r"
    " WHERE c.tenant_id = :tenant AND c.id = r.id AND c.state IN ('reserved', 'unknown', 'sent')"
    " RETURNING c.id, k ->> 'outcome' AS outcome),"
    " counted AS ("
    " UPDATE person_contacts p SET outcome = changed.outcome FROM changed"
    " WHERE p.agency_id = :agency AND p.tenant_id = :tenant AND p.contact_id = changed.id"
    " AND changed.outcome IS NOT NULL),"
    " released AS ("
    " DELETE FROM person_contacts p USING changed"
    " WHERE p.agency_id = :agency AND p.tenant_id = :tenant AND p.contact_id = changed.id"
    " AND changed.outcome IS NULL)"
    " SELECT id FROM changed"
).bindparams(
    bindparam("ids", type_=NUMBERS), bindparam("numbers", type_=NUMBERS),
    bindparam("kinds", type_=JSONB), bindparam("refs", type_=ARRAY(String)),
))  # fmt: skip
_COUNT = text(
    "UPDATE person_contacts SET outcome = r.outcome"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:outcomes AS text[])) AS r(id, outcome)"
    " WHERE person_contacts.agency_id = :agency AND person_contacts.tenant_id = :tenant"
    " AND person_contacts.contact_id = r.id"
)


def confirm(session: Session, results: Sequence[Result]) -> list[int]:
    """Write down what came of reserved contacts, in contact and count. Returns the ids that changed; one that
    is already settled (answered, failed) stays as it is."""
    return [row[0] for rows in ask(session, ask_confirm(session, results)) for row in rows]


def ask_confirm(session: Session, results: Sequence[Result]) -> list[tuple[Statement, Parameters]]:
    """What `confirm` asks, for `statements.ask`; nothing where there are no results."""
    if not results:
        return []
    scope = scope_of(session)
    kinds, numbers = numbered((one.state, one.reason, one.never_left, one.price) for one in results)
    columns = {
        "now": clock.now(), "tenant": scope.tenant(), "agency": scope.agency(),
        "ids": [one.contact_id for one in results], "refs": [one.reference for one in results],
        "numbers": numbers,
        "kinds": [
            {
                "state": state, "reason": reason,
                "outcome": None if never_left else gate.OUTCOMES[state],
                "micro": price and price.amount_micro, "units": price and price.units,
                "currency": price and price.currency,
            }
            for state, reason, never_left, price in kinds
        ],
    }  # fmt: skip
    return [(_CONFIRM, columns)]


def count(session: Session, outcomes: Mapping[int, str]) -> None:
    """Tell the person's count across creditors what these contacts came to."""
    scope = scope_of(session)
    session.execute(
        _COUNT,
        {
            "agency": scope.agency(), "tenant": scope.tenant(), "ids": list(outcomes),
            "outcomes": list(outcomes.values()),
        },
    )  # fmt: skip


def mark_unknown(session: Session, contact_ids: Sequence[int], reason: str) -> list[int]:
    """Contacts of which nobody knows whether they went out: they count, and are never made again."""
    return confirm(session, [Result(contact_id, "unknown", reason=reason) for contact_id in contact_ids])


def give_up(session: Session, *, reserved_before: datetime) -> list[int]:
    """Mark contacts unknown that were reserved and never confirmed; the actions they belong to."""
    stale = session.execute(
        select(Contact.id, Contact.action_id)
        .where(
            Contact.tenant_id == scope_of(session).tenant(),
            Contact.state == "reserved",
            Contact.state_at < reserved_before,
        )
        .order_by(Contact.id)
        .with_for_update(skip_locked=True)
    ).all()
    marked = set(mark_unknown(session, [row.id for row in stale], "nobody confirmed it"))
    return [row.action_id for row in stale if row.id in marked and row.action_id is not None]


def settle_unknown(session: Session, contact_id: int, *, delivered: bool, actor: str) -> int | None:
    """A person found out what became of an unknown contact; the action it belongs to.

    Raises NotFound, and Conflict where it is known already.
    """
    found = session.execute(
        select(Contact.state, Contact.action_id)
        .where(Contact.tenant_id == scope_of(session).tenant(), Contact.id == contact_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound("no such contact")
    if found.state != "unknown":
        raise Conflict("this contact is settled already")
    state = "delivered" if delivered else "failed"
    confirm(session, [Result(contact_id, state, reason="settled by a person", never_left=not delivered)])
    audit.record(
        session, "contacts.settle_unknown", f"contact:{contact_id}", actor=actor, delivered=delivered
    )
    action_id: int | None = found.action_id
    return action_id


def record_permission(
    session: Session,
    *,
    debtor_id: int,
    channel: str,
    kind: str,
    source: str,
    at: datetime | None = None,
) -> None:
    """File a debtor's consent to a channel of law (or `all`), or its withdrawal, effective at once.

    An opt-out is announced, so that what is queued is cancelled in this transaction. Raises UserError on a
    channel or kind that does not exist.
    """
    if channel not in (*CHANNELS, EVERY_CHANNEL):
        raise UserError(
            "unknown channel '%(channel)s': use %(known)s",
            field="channel",
            channel=channel,
            known=", ".join([*CHANNELS, "all"]),
        )
    if kind not in PERMISSION_KINDS:
        raise UserError(
            "unknown permission '%(kind)s': use %(known)s", field="kind", kind=kind, known="consent, opt_out"
        )
    session.add(
        Permission(
            tenant_id=scope_of(session).tenant(), debtor_id=debtor_id, channel=channel, kind=kind,
            at=at or clock.now(), filed_at=clock.now(), source=source,
        )
    )  # fmt: skip
    session.flush()
    if kind == "opt_out":
        publish(session, OptedOut(debtor_id, channel))


def set_preference(
    session: Session,
    *,
    debtor_id: int,
    channel: str | None,
    from_minute: int | None,
    to_minute: int | None,
    source: str,
) -> None:
    """How a debtor wants to be reached: a channel, and hours as minutes after local midnight.

    Raises UserError on an unknown channel or hours that do not make a stretch of the day.
    """
    if channel is not None and channel not in CHANNELS:
        raise UserError(
            "unknown channel '%(channel)s': use %(known)s",
            field="channel",
            channel=channel,
            known=", ".join(CHANNELS),
        )
    if (from_minute is None) != (to_minute is None):
        raise UserError("give both the first and the last hour, or neither", field="from_minute")
    if from_minute is not None and to_minute is not None and not 0 <= from_minute < to_minute <= 1440:
        raise UserError("the hours must begin before they end, within one day", field="from_minute")
    values = {
        "channel": channel, "from_minute": from_minute, "to_minute": to_minute, "source": source,
        "changed_at": clock.now(),
    }  # fmt: skip
    session.execute(
        upsert(Preference)
        .values(tenant_id=scope_of(session).tenant(), debtor_id=debtor_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "debtor_id"], set_=values)
    )
