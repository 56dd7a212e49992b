"""What a debtor tells us on their own page: each wish takes effect in the transaction that records it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.kernel import audit
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.payments.tables import PaymentLink
from recupero.placements.debts import OpenDebt, debts_by_id


@dataclass(frozen=True, slots=True)
class _Who:
    debtor_id: int
    account_ids: Sequence[int]


def stop(session: Session, link_id: int, *, channel: str) -> None:
    """No more contact by `channel` (a channel of law, or `all`). Raises UserError on an unknown one."""
    who = _who(session, link_id)
    contacts.record_permission(
        session, debtor_id=who.debtor_id, channel=channel, kind="opt_out", source="page"
    )
    _record(session, "payments.debtor_opts_out", f"debtor:{who.debtor_id}", channel=channel)


def ask_person(session: Session, link_id: int) -> tuple[int, int]:
    """The debtor wants to talk to a person: debtor and account, for the hand-over."""
    who = _who(session, link_id)
    _record(session, "payments.debtor_asks_person", f"debtor:{who.debtor_id}")
    return who.debtor_id, who.account_ids[0]


def paid_accounts(session: Session, link_id: int) -> list[OpenDebt]:
    """The accounts of the link that are paid in full or settled."""
    return [debt for debt in debts(session, link_id) if debt.close_code in ("PIF", "SIF")]


def debts(session: Session, link_id: int) -> list[OpenDebt]:
    """All accounts of the link, also those on which nothing is owed any more."""
    return debts_by_id(session, _who(session, link_id).account_ids)


def account_of(session: Session, link_id: int, account_id: int) -> int:
    """The account, if it is one of the link's. Raises UserError."""
    if account_id not in _who(session, link_id).account_ids:
        raise UserError("choose an account", field="account")
    return account_id


def _who(session: Session, link_id: int) -> _Who:
    row = session.execute(
        select(PaymentLink.debtor_id, PaymentLink.account_ids).where(
            PaymentLink.tenant_id == scope_of(session).tenant(), PaymentLink.id == link_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound("no such payment link")
    return _Who(row.debtor_id, row.account_ids)


def _record(session: Session, action: str, subject: str, **details: str) -> None:
    audit.record(session, action, subject, actor="debtor", tenant_id=scope_of(session).tenant(), **details)
