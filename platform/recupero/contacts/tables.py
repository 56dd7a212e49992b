"""The record of every contact, in and out; consents and opt-outs; the house rules above the law."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, append_only


class Contact(TenantOwned, Base):
    """One contact, reserved before it is made. `state`: reserved, sent, delivered, answered, failed, unknown,
    received (inbound). `read_at`: when it was first known that a message was read, since the provider said so
    or its debtor answered it or came from it to their page. `verdict` is the digest of what the law said in
    the transaction that reserved it, see `GivenVerdict`; `facts` is what it was told, so that the contact can
    be judged again."""

    __tablename__ = "contacts"
    __table_args__ = (
        # An action is carried out once: a second contact for it exists only where the first never went out.
        Index(
            "uq_contacts_action",
            "tenant_id",
            "action_id",
            unique=True,
            postgresql_where=text("state <> 'failed'"),
        ),
        Index("ix_contacts_account", "tenant_id", "account_id", "at"),
        Index("ix_contacts_at", "tenant_id", "at"),
        Index(
            "ix_contacts_inbound",
            "tenant_id",
            "at",
            postgresql_include=["id", "account_id"],
            postgresql_where=text("direction = 'inbound'"),
        ),
        Index("ix_contacts_unnamed", "tenant_id", "debtor_id", postgresql_where=text("account_id IS NULL")),
        Index("ix_contacts_state", "tenant_id", "state", "at"),
        Index(
            "ix_contacts_read",
            "tenant_id",
            "channel",
            "read_at",
            postgresql_where=text("read_at IS NOT NULL"),
        ),
        Index(
            "ix_contacts_reference", "tenant_id", "reference", postgresql_where=text("reference IS NOT NULL")
        ),
        Index(
            "ix_contacts_reasons",
            "tenant_id",
            "at",
            postgresql_include=["account_id", "disposition"],
            postgresql_where=text("disposition IN ('NOIN', 'RTPY', 'UTPY', 'DECD', 'DSPT', 'FRDI')"),
        ),
        {"info": TENANT},
    )

    debtor_id: Mapped[int]
    account_id: Mapped[int | None]
    person_id: Mapped[int]
    action_id: Mapped[int | None]
    contact_point_id: Mapped[int | None]
    direction: Mapped[str] = mapped_column(String(8))  # outbound, inbound
    channel: Mapped[str] = mapped_column(String(12))
    connector: Mapped[str | None]
    recipient: Mapped[str] = mapped_column(String(12))  # debtor, third_party, reference, employer
    purpose: Mapped[str]  # reminder, notice, collection, answer, …
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(9))
    state_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    disposition: Mapped[str | None] = mapped_column(String(4))  # see contacts.dispositions
    right_party: Mapped[bool] = mapped_column(default=False)
    reference: Mapped[str | None]  # the provider's id
    reason: Mapped[str | None]
    cost_minor: Mapped[int] = mapped_column(default=0)
    cost_currency: Mapped[str | None] = mapped_column(String(3))
    cost_micro: Mapped[int | None]  # what the provider charged, in millionths of the main unit
    cost_units: Mapped[int | None]  # segments, seconds, sheets
    pack: Mapped[str | None]
    pack_version: Mapped[str | None]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    verdict: Mapped[bytes | None]


class GivenVerdict(TenantOwned, Base):
    """What the law said of contacts: kept once for all of whom it said the same, to the letter, and found by
    the digest of its words. An allowed contact's `next_lawful_at` is its own `at` and stands there only."""

    __tablename__ = "given_verdicts"
    __table_args__ = (UniqueConstraint("tenant_id", "digest"), {"info": append_only(TENANT)})

    digest: Mapped[bytes]  # SHA-256, first 16 bytes
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)


class PersonContact(AgencyOwned, Base):
    """The same contact as the agency counts it per person, across its tenants: times, channels and outcomes,
    no content. One that never left us has no row. Written in the transaction of its `Contact`; creditor users
    never have it in scope."""

    __tablename__ = "person_contacts"
    __table_args__ = (
        UniqueConstraint("agency_id", "tenant_id", "contact_id"),
        Index("ix_person_contacts_person", "agency_id", "person_id", "at"),
        {"info": AGENCY},
    )

    person_id: Mapped[int]
    tenant_id: Mapped[int]
    contact_id: Mapped[int]
    account_id: Mapped[int | None]
    at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(12))
    direction: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str] = mapped_column(String(9))  # as the law's history names it
    recipient: Mapped[str] = mapped_column(String(12), server_default="debtor")
    purpose: Mapped[str | None] = mapped_column(String(12))  # the law's word; None: not known, so it counts


class MessageCopy(TenantOwned, Base):
    """What was sent or received, word for word, encrypted. The outbox page reads these. `code` stands in the
    message, so that whoever gets it can ask whether it is real."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "contact_id"),
        Index("ix_messages_code", "tenant_id", "code"),
        {"info": TENANT},
    )

    contact_id: Mapped[int]
    template: Mapped[str | None]
    language: Mapped[str] = mapped_column(String(2))
    code: Mapped[str | None] = mapped_column(String(8))
    address: Mapped[str] = mapped_column(EncryptedText)
    subject: Mapped[str] = mapped_column(EncryptedText)
    body: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime]


class LinkVisit(TenantOwned, Base):
    """The debtor opened their own page and proved who they are. `contact_id`: the message they came from."""

    __tablename__ = "link_visits"
    __table_args__ = (
        Index("ix_link_visits_debtor", "tenant_id", "debtor_id", "at"),
        {"info": append_only(TENANT)},
    )

    debtor_id: Mapped[int]
    contact_id: Mapped[int | None]
    at: Mapped[datetime]


class EarlierResult(TenantOwned, Base):
    """What was known of a contact from `state_at` until it was put right or overtaken by newer news, with
    what is asked of a contact beside its result. What holds now stands with the contact."""

    __tablename__ = "earlier_results"
    __table_args__ = (
        Index("ix_earlier_results_debtor", "tenant_id", "debtor_id"),
        {"info": append_only(TENANT)},
    )

    contact_id: Mapped[int]
    debtor_id: Mapped[int]
    account_id: Mapped[int | None]
    contact_point_id: Mapped[int | None]
    direction: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(9))
    disposition: Mapped[str | None] = mapped_column(String(4))
    right_party: Mapped[bool]
    state_at: Mapped[datetime]
    until: Mapped[datetime]


class Permission(TenantOwned, Base):
    """A debtor's consent to a channel, or the withdrawal of it, which holds from `at` on and was filed at
    `filed_at` (null: then, too). The newest row per channel counts."""

    __tablename__ = "permissions"
    __table_args__ = (
        Index("ix_permissions_debtor", "tenant_id", "debtor_id", "channel", "at"),
        {"info": TENANT},
    )

    debtor_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(12))  # a channel of law, or "all"
    kind: Mapped[str] = mapped_column(String(8))  # consent, opt_out
    at: Mapped[datetime]
    filed_at: Mapped[datetime | None]
    source: Mapped[str]


class StatedFact(TenantOwned, Base):
    """What people state of a debtor (`account_id` null) or of one account because the law asks for it: an
    event on a day, a situation or a permission that stands from a day on. `until` is its last day. Ended: it
    stands no more, or never was so. Payments in the books are told here as well, `stated_by` payments."""

    __tablename__ = "stated_facts"
    __table_args__ = (
        Index("ix_stated_facts_debtor", "tenant_id", "debtor_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_stated_facts_account", "tenant_id", "account_id"),
        {"info": TENANT},
    )

    debtor_id: Mapped[int]
    account_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(10))  # event, situation, permission
    name: Mapped[str] = mapped_column(String(30))  # a word of the law, see contacts.told
    began_on: Mapped[date]
    until: Mapped[date | None]
    channel: Mapped[str | None] = mapped_column(String(12))
    note: Mapped[str | None] = mapped_column(EncryptedText)
    stated_by: Mapped[str]
    stated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class Preference(TenantOwned, Base):
    """How a debtor wants to be reached. Hours are minutes after local midnight; None leaves it open."""

    __tablename__ = "contact_preferences"
    __table_args__ = (UniqueConstraint("tenant_id", "debtor_id"), {"info": TENANT})

    debtor_id: Mapped[int]
    channel: Mapped[str | None] = mapped_column(String(12))
    from_minute: Mapped[int | None]
    to_minute: Mapped[int | None]
    source: Mapped[str]
    changed_at: Mapped[datetime]


class LawPolicy(AgencyOwned, Base):
    """One version of the house rules of the agency (`tenant_id` null) or of one of its tenants, which only
    ever tighten the law. The newest version that has begun holds; earlier ones stay, so that what was judged
    with them can be judged again. `limits` are the form's caps and hours, `document` is rules as YAML."""

    __tablename__ = "law_policies"
    __table_args__ = (
        Index("ix_law_policies_starts", "agency_id", "tenant_id", "starts_at"),
        {"info": append_only(AGENCY)},
    )

    tenant_id: Mapped[int | None]
    starts_at: Mapped[datetime]
    limits: Mapped[dict[str, Any]] = mapped_column(JSONB)
    document: Mapped[str]
    note: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
