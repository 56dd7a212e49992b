"""Portfolios, people, debtors, contact points, accounts, holds and the imports they came with."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    REAL,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    desc,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.bags import bag
from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, append_only

ID_BLOCKS = {"id_blocks": True}  # imports take ids by block from the table's sequence


def _cached_id() -> Mapped[int]:
    """An id whose order nobody reads: each connection takes a thousand at once, which bulk loads need."""
    return mapped_column(Identity(cache=1000), primary_key=True, sort_order=-1)


class Person(AgencyOwned, Base):
    """One human or firm as the agency knows them, across its tenants: what contact caps count by and what
    the sending transaction locks. Holds a blind index of country and national id, nothing readable."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("agency_id", "identity_index"), {"info": {**AGENCY, **ID_BLOCKS}})

    id: Mapped[int] = _cached_id()
    identity_index: Mapped[bytes] = mapped_column(LargeBinary)


class Portfolio(TenantOwned, Base):
    """A set of a creditor's accounts under the same terms and rules.

    `placement_number` 1 is primary. `terms`: commission_rate (basis points), settlement_floor_percent,
    max_instalments, minimum_instalment_minor, recall_days. `strategy`: what decisions reads. `law`: what the
    law is told of its debts where it differs from the creditor's.
    """

    __tablename__ = "portfolios"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), {"info": TENANT})

    name: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    currency: Mapped[str] = mapped_column(String(3))
    product: Mapped[str]
    placement_number: Mapped[int] = mapped_column(SmallInteger, default=1)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    strategy: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    strategy_version: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    law: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    created_at: Mapped[datetime]


class StrategyVersion(TenantOwned, Base):
    """One version of a portfolio's strategy: who made it and when. The newest is the portfolio's own."""

    __tablename__ = "strategy_versions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "portfolio_id", "version"),
        {"info": append_only(TENANT)},
    )

    portfolio_id: Mapped[int]
    version: Mapped[int] = mapped_column(SmallInteger)
    strategy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class StrategyDraft(TenantOwned, Base):
    """A strategy that somebody thinks about; no plan uses it. One a portfolio."""

    __tablename__ = "strategy_drafts"
    __table_args__ = (UniqueConstraint("tenant_id", "portfolio_id"), {"info": TENANT})

    portfolio_id: Mapped[int]
    strategy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class ImportMapping(TenantOwned, Base):
    """How a creditor's columns become our fields; saved per portfolio and kind of file."""

    __tablename__ = "import_mappings"
    __table_args__ = (UniqueConstraint("tenant_id", "portfolio_id", "kind", "name"), {"info": TENANT})

    portfolio_id: Mapped[int]
    kind: Mapped[str]  # placement, maintenance, financial, recall
    name: Mapped[str]
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class ImportBatch(TenantOwned, Base):
    """One file. row_count = accepted + rejected + quarantined + duplicates, in counts and in balances.

    `status`: queued, running, done, failed (nothing was loaded) or tried (a dry run). `error` says in English
    why it failed, `problem` has template, values, field and row of it for other languages. `rows_done` is how
    far it is, `job_id` the job that runs it, if one does. `mapping` is the one it was read with, so that a
    quarantined row can be placed later as it was meant.
    """

    __tablename__ = "import_batches"
    __table_args__ = (
        Index("ix_import_batches_file", "tenant_id", "portfolio_id", "kind", "content_hash"),
        {"info": TENANT},
    )

    portfolio_id: Mapped[int]
    kind: Mapped[str]
    file_name: Mapped[str]
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str]
    error: Mapped[str | None]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    dry_run: Mapped[bool] = mapped_column(server_default=false())
    job_id: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(server_default="0")
    row_count: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    duplicates: Mapped[int] = mapped_column(default=0)
    control_totals: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_by: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportIssue(TenantOwned, Base):
    """A row that did not become an account as it stood, or a warning on one that did."""

    __tablename__ = "import_issues"
    __table_args__ = (
        Index("ix_import_issues_batch", "tenant_id", "batch_id", "row_number"),
        {"info": TENANT},
    )

    batch_id: Mapped[int]
    row_number: Mapped[int]
    outcome: Mapped[str]  # rejected, quarantined, duplicate, warning
    field: Mapped[str]
    reason: Mapped[str]  # a code of imports.reasons
    raw: Mapped[str | None] = mapped_column(EncryptedText)  # the row as JSON, on the first issue of a row
    settled_at: Mapped[datetime | None]  # a person placed or dropped the quarantined row


class ImportedLine(TenantOwned, Base):
    """A line of a financial file that was taken over: the same line never counts twice."""

    __tablename__ = "imported_lines"
    __table_args__ = (UniqueConstraint("tenant_id", "line_key"), {"info": TENANT})

    batch_id: Mapped[int]
    line_key: Mapped[str]


class Debtor(TenantOwned, Base):
    """Who owes, as one creditor knows them; `person_id` joins the same person across the agency's tenants."""

    __tablename__ = "debtors"
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id"),
        Index("ix_debtors_national_id", "tenant_id", "national_id_index"),
        Index(
            "ix_debtors_reference",
            "tenant_id",
            "client_reference",
            postgresql_where=text("client_reference IS NOT NULL"),
        ),
        {"info": {**TENANT, **ID_BLOCKS}},
    )

    id: Mapped[int] = _cached_id()
    person_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(6))  # person, firm
    name: Mapped[str] = mapped_column(EncryptedText)
    name_index: Mapped[bytes] = mapped_column(LargeBinary)
    national_id: Mapped[str | None] = mapped_column(EncryptedText)
    national_id_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    client_reference: Mapped[str | None]
    birth_date: Mapped[str | None] = mapped_column(EncryptedText)
    country: Mapped[str] = mapped_column(String(2))
    region: Mapped[str | None]  # ISO 3166-2
    timezone: Mapped[str | None]  # stated by the creditor or the debtor
    postal_code: Mapped[str | None]
    language: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime]


class NameWord(TenantOwned, Base):
    """A word of names, and who bears it: of each file its own row. `word` is the blind index of the word,
    `debtors` the ids of the debtors, ascending, between commas: the tables alone tell how often a word comes,
    and of nobody that it is theirs."""

    __tablename__ = "name_words"
    __table_args__ = (Index("ix_name_words_word", "tenant_id", "word"), {"info": TENANT})

    word: Mapped[bytes] = mapped_column(LargeBinary)
    debtors: Mapped[str] = mapped_column(EncryptedText)


class NameList(TenantOwned, Base):
    """Words of names that came with one file for the first time, one a line: what a word that was typed in
    part is completed from."""

    __tablename__ = "name_lists"
    __table_args__ = ({"info": TENANT},)

    words: Mapped[str] = mapped_column(EncryptedText)


Place = tuple[bool, float, bool, float, int]


def place_of(score: float | None, status: str, created_at: datetime, point_id: int) -> Place:
    """Sorts the points of a debtor: the likeliest to reach them, then proven ones, then the newest. Ids come
    in blocks of each connection, so that of two points the newer may have the lower one."""
    return score is None, -(score or 0.0), status != "valid", -created_at.timestamp(), -point_id


class ContactPoint(TenantOwned, Base):
    """A way to reach a debtor. `kind`: phone, email, address. `line_type` as phonenumbers names it."""

    __tablename__ = "contact_points"
    __table_args__ = (
        UniqueConstraint("tenant_id", "debtor_id", "kind", "value_index"),
        Index("ix_contact_points_value", "tenant_id", "value_index"),
        ForeignKeyConstraint(["tenant_id", "debtor_id"], ["debtors.tenant_id", "debtors.id"]),
        {"info": {**TENANT, **ID_BLOCKS}},
    )

    id: Mapped[int] = _cached_id()
    debtor_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    value: Mapped[str] = mapped_column(EncryptedText)
    value_index: Mapped[bytes] = mapped_column(LargeBinary)
    line_type: Mapped[str | None]
    timezone: Mapped[str | None]  # the phone number's; with commas between where it may be in several
    region: Mapped[str | None]  # ISO 3166-2, where the number's first digits belong to one
    at_work: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(8), default="untested")  # untested, valid, invalid
    source: Mapped[str]
    created_at: Mapped[datetime]
    # Chance that it reaches the right person, where a model says so; feature, value and log-odds of why.
    score: Mapped[float | None] = mapped_column(REAL)
    score_reasons: Mapped[list[Any] | None] = mapped_column(JSONB)

    @property
    def place(self) -> Place:
        """Sorts the points of a debtor: see `place_of`."""
        return place_of(self.score, self.status, self.created_at, self.id)


class Account(TenantOwned, Base):
    """One obligation with its own balance. Amounts in minor units of `currency`.

    `status` and `stage` follow the life cycle of the domain page. `balance_minor` is the ledger's balance of
    the account, kept in the transaction that books; `recupero ledger check` proves it.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "client_account", "portfolio_id", "placement_number"),
        Index("ix_accounts_debtor", "tenant_id", "debtor_id"),
        Index("ix_accounts_status", "tenant_id", "portfolio_id", "status"),
        Index("ix_accounts_balance", "tenant_id", "balance_minor", desc("id")),
        ForeignKeyConstraint(["tenant_id", "debtor_id"], ["debtors.tenant_id", "debtors.id"]),
        CheckConstraint("placed_minor >= 0", "placed_not_negative"),
        {"info": {**TENANT, **ID_BLOCKS}},
    )

    portfolio_id: Mapped[int]
    batch_id: Mapped[int]
    debtor_id: Mapped[int]
    client_account: Mapped[str]
    product: Mapped[str | None]
    original_creditor: Mapped[str | None]
    currency: Mapped[str] = mapped_column(String(3))
    open_date: Mapped[date | None]
    delinquency_date: Mapped[date]
    due_date: Mapped[date]
    charge_off_date: Mapped[date | None]
    last_payment_date: Mapped[date | None]
    last_payment_minor: Mapped[int | None]
    limitation_date: Mapped[date | None]
    placement_number: Mapped[int] = mapped_column(SmallInteger)
    placed_on: Mapped[date]
    placed_minor: Mapped[int]
    principal_minor: Mapped[int]
    interest_minor: Mapped[int]
    fee_minor: Mapped[int]
    cost_minor: Mapped[int]
    tax_minor: Mapped[int]
    balance_minor: Mapped[int]
    status: Mapped[str] = mapped_column(String(12))  # received … active, resolved, exhausted, …
    stage: Mapped[str] = mapped_column(String(12))  # unreached, reached, negotiating, promised, on_plan, …
    close_code: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    status_changed_at: Mapped[datetime]
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # mapped columns that are no field of ours
    is_test: Mapped[bool] = mapped_column(server_default=false())  # in no report (domain page, 8)


class PortfolioSum(TenantOwned, Base):
    """What the accounts of a portfolio come to, as a bag of summands that triggers add to (migration 0117):
    the sum over its rows is the figure. `open_accounts` are those on which anything is still collected."""

    __tablename__ = "portfolio_sums"
    __table_args__ = (*bag("portfolio_sums", "portfolio_id"), {"info": TENANT})

    folded: Mapped[bool] = mapped_column(server_default=false())
    portfolio_id: Mapped[int]
    accounts: Mapped[int] = mapped_column(server_default=text("0"))
    open_accounts: Mapped[int] = mapped_column(server_default=text("0"))
    placed_minor: Mapped[int] = mapped_column(server_default=text("0"))
    balance_minor: Mapped[int] = mapped_column(server_default=text("0"))


class EarlierClosing(TenantOwned, Base):
    """An account was closed at `closed_at` and opened again at `until`, when it was owed anew."""

    __tablename__ = "earlier_closings"
    __table_args__ = ({"info": append_only(TENANT)},)

    account_id: Mapped[int]
    closed_at: Mapped[datetime]
    until: Mapped[datetime]


class Hold(TenantOwned, Base):
    """A flag beside the status: any hold beats any recommendation. On one account, or on the debtor."""

    __tablename__ = "holds"
    __table_args__ = (
        Index("ix_holds_debtor", "tenant_id", "debtor_id", "ended_at"),
        Index("ix_holds_started", "tenant_id", "kind", "started_at"),
        Index(
            "ix_holds_ended", "tenant_id", "kind", "ended_at", postgresql_where=text("ended_at IS NOT NULL")
        ),
        {"info": TENANT},
    )

    debtor_id: Mapped[int]
    account_id: Mapped[int | None]
    kind: Mapped[str]  # one of lifecycle.HOLDS
    source: Mapped[str]
    started_at: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
