"""What the money rooms read of accounts and debtors: debts to pay, who owes them, and how to prove it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Select, bindparam, func, select
from sqlalchemy.orm import Session

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.placements.lifecycle import ENDED
from recupero.placements.tables import Account, Debtor, Hold, Portfolio

_NOT_LEGAL = frozenset({"", "no", "none", "ninguno", "ninguna", "nenhum", "sin", "0", "n", "false"})


@dataclass(frozen=True, slots=True)
class OpenDebt:
    """An account as money sees it. `terms` are its portfolio's; money in minor units of `currency`."""

    account_id: int
    portfolio_id: int
    debtor_id: int
    client_account: str
    product: str | None
    original_creditor: str | None
    currency: str
    due_date: date
    balance_minor: int
    status: str
    terms: dict[str, Any]
    placed_minor: int
    placement_number: int
    extra: dict[str, Any] | None
    country: str
    placed_on: date
    closed_at: datetime | None
    close_code: str | None

    @property
    def legal(self) -> bool:
        """Whether the creditor placed it for recovery in court: a legal status that is not a plain no."""
        stated = str((self.extra or {}).get("legal_status") or "").strip().casefold()
        return stated not in _NOT_LEGAL


@dataclass(frozen=True, slots=True)
class WhoOwes:
    """What is known of a debtor that they can prove themselves by."""

    debtor_id: int
    kind: str
    name: str
    national_id: str | None
    birth_date: str | None
    postal_code: str | None
    country: str
    language: str


def debts(session: Session, *, debtor_id: int, currency: str, lock: bool = False) -> list[OpenDebt]:
    """All accounts of the debtor in one currency, of the tenant in scope, by id.

    `lock` holds their rows to the end of the transaction, so that two payments never see the same balance.
    """
    query = _query().where(
        Account.tenant_id == scope_of(session).tenant(),
        Account.debtor_id == debtor_id,
        Account.currency == currency,
    )
    return _debts(session, query.with_for_update(of=Account) if lock else query)


def debts_of(session: Session, debtor_ids: Collection[int], currency: str | None = None) -> list[OpenDebt]:
    """All accounts of these debtors of the tenant in scope, of one currency or of all, by id, their rows held
    to the end of the transaction."""
    wanted = func.unnest(bindparam(None, list(debtor_ids), type_=ARRAY(BigInteger)))
    query = _query().where(
        Account.tenant_id == scope_of(session).tenant(), Account.debtor_id.in_(select(wanted))
    )
    if currency is not None:
        query = query.where(Account.currency == currency)
    return _debts(session, query.with_for_update(of=Account))


def debts_by_id(session: Session, account_ids: Collection[int]) -> list[OpenDebt]:
    """These accounts of the tenants in scope, by id; those out of scope are left out."""
    return _debts(
        session,
        _query().where(Account.tenant_id.in_(scope_of(session).tenant_ids), among(Account.id, account_ids)),
    )


def try_accounts(session: Session, account_ids: Collection[int]) -> set[int]:
    """Hold those of these accounts of the tenant in scope that nobody holds now, to the end of the
    transaction: for whoever has locks of their own and must not wait in a ring."""
    rows = session.execute(
        select(Account.id)
        .where(Account.tenant_id == scope_of(session).tenant(), among(Account.id, account_ids))
        .with_for_update(skip_locked=True)
    )
    return set(rows.scalars())


def lock_accounts(session: Session, account_ids: Collection[int]) -> None:
    """Hold these accounts of the tenant in scope to the end of the transaction, after whoever holds them."""
    session.execute(
        select(Account.id)
        .where(Account.tenant_id == scope_of(session).tenant(), among(Account.id, account_ids))
        .order_by(Account.id)
        .with_for_update()
    )


def who_owes(session: Session, debtor_id: int) -> WhoOwes:
    """The debtor of the tenant in scope. Raises NotFound."""
    found = who_owe(session, [debtor_id])
    if not found:
        raise NotFound("no such debtor")
    return found[debtor_id]


def who_owe(session: Session, debtor_ids: Collection[int]) -> dict[int, WhoOwes]:
    """Debtors of the tenant in scope by id; others are left out."""
    rows = session.execute(
        select(Debtor.id, Debtor.kind, Debtor.name, Debtor.national_id, Debtor.birth_date, Debtor.postal_code,
               Debtor.country, Debtor.language)
        .where(Debtor.tenant_id == scope_of(session).tenant(), among(Debtor.id, debtor_ids))
    )  # fmt: skip
    return {row.id: WhoOwes(*row) for row in rows}


def debts_of_one(session: Session, debtor_id: int) -> list[OpenDebt]:
    """All accounts of one debtor of the tenant in scope, by id, in whatever currency."""
    return _debts(
        session,
        _query().where(Account.tenant_id == scope_of(session).tenant(), Account.debtor_id == debtor_id),
    )


def accruing(session: Session, *, after: int, limit: int) -> dict[int, list[int]]:
    """The open accounts under terms that let interest grow, by debtor: of the first `limit` debtors of the
    tenant in scope behind the debtor `after`."""
    rows = session.execute(
        select(Account.debtor_id, func.array_agg(Account.id))
        .join(Portfolio, (Portfolio.tenant_id == Account.tenant_id) & (Portfolio.id == Account.portfolio_id))
        .where(Account.tenant_id == scope_of(session).tenant(), Account.debtor_id > after,
               Account.status.not_in(ENDED), Portfolio.terms.has_key("accrual"))
        .group_by(Account.debtor_id).order_by(Account.debtor_id).limit(limit)
    )  # fmt: skip
    return {debtor_id: list(accounts) for debtor_id, accounts in rows}


def middle_debt(session: Session, portfolio_id: int) -> tuple[int, OpenDebt | None]:
    """How many accounts of a portfolio of the tenant in scope are open, and the middle one by its balance."""
    mine = (
        Account.tenant_id == scope_of(session).tenant(), Account.portfolio_id == portfolio_id,
        Account.status.not_in(ENDED), Account.balance_minor > 0,
    )  # fmt: skip
    count = session.execute(select(func.count()).select_from(Account).where(*mine)).scalar_one()
    middle = select(Account.id).where(*mine).order_by(Account.balance_minor, Account.id).offset(count // 2)
    found = _debts(session, _query().where(*mine, Account.id.in_(middle.limit(1))))
    return count, found[0] if found else None


class HeldFor(NamedTuple):
    """A hold as a stretch of time: on one account, or on everything of its debtor; `end` None: it runs."""

    debtor_id: int
    account_id: int | None
    kind: str
    begin: datetime
    end: datetime | None


def held_for(session: Session, debtor_ids: Collection[int]) -> list[HeldFor]:
    """The holds of these debtors of the tenant in scope, also those that have ended."""
    wanted = func.unnest(bindparam(None, list(debtor_ids), type_=ARRAY(BigInteger)))
    rows = session.execute(
        select(Hold.debtor_id, Hold.account_id, Hold.kind, Hold.started_at,
               func.least(Hold.until, Hold.ended_at))
        .where(Hold.tenant_id == scope_of(session).tenant(), Hold.debtor_id.in_(select(wanted)))
    )  # fmt: skip
    return [HeldFor(*row) for row in rows]


def cached_balances() -> Select[int, int, str, int]:
    """`tenant_id, account_id, currency, balance_minor` of every account in scope, to compare in sets."""
    return select(Account.tenant_id, Account.id.label("account_id"), Account.currency, Account.balance_minor)


def creditor_references() -> Select[int, int, str, str | None]:
    """`tenant_id, account_id, client_account, client_reference` of every account in scope: how the creditor
    calls an account and who owes it."""
    return select(
        Account.tenant_id, Account.id.label("account_id"), Account.client_account, Debtor.client_reference
    ).join(Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id))


def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(Account.id, Account.portfolio_id, Account.debtor_id, Account.client_account, Account.product,
               Account.original_creditor, Account.currency, Account.due_date, Account.balance_minor,
               Account.status, Portfolio.terms, Account.placed_minor, Account.placement_number, Account.extra,
               Portfolio.country, Account.placed_on, Account.closed_at, Account.close_code)
        .join(Portfolio, (Portfolio.tenant_id == Account.tenant_id) & (Portfolio.id == Account.portfolio_id))
        .order_by(Account.id)
    )  # fmt: skip


def _debts(session: Session, query: Select[*tuple[Any, ...]]) -> list[OpenDebt]:
    return [OpenDebt(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class NamedDebt:
    """An account that something written on a payment may mean, with what it is recognised by."""

    account_id: int
    debtor_id: int
    client_account: str
    name: str
    name_index: bytes
    national_id_index: bytes | None
    currency: str
    balance_minor: int
    status: str


def named_debts(
    session: Session,
    *,
    client_accounts: Collection[str] = (),
    person_indexes: Collection[bytes] = (),
    debtor_ids: Collection[int] = (),
    balances: Collection[int] = (),
    currency: str,
    limit: int = 2000,
) -> list[NamedDebt]:
    """Accounts of the tenant in scope in one currency that fit any of: the creditor's number, the blind index
    of the debtor's name or national id, the debtor, the exact balance."""
    rows = session.execute(
        select(Account.id, Account.debtor_id, Account.client_account, Debtor.name, Debtor.name_index,
               Debtor.national_id_index, Account.currency, Account.balance_minor, Account.status)
        .join(Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id))
        .where(
            Account.tenant_id == scope_of(session).tenant(),
            Account.currency == currency,
            func.upper(Account.client_account).in_([one.upper() for one in client_accounts])
            | Debtor.name_index.in_(list(person_indexes))
            | Debtor.national_id_index.in_(list(person_indexes))
            | Account.debtor_id.in_(list(debtor_ids))
            | Account.balance_minor.in_(list(balances)),
        )
        .order_by(Account.due_date, Account.id)
        .limit(limit)
    )  # fmt: skip
    return [NamedDebt(*row) for row in rows]
