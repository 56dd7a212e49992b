"""The bank accounts that remittances are paid from and to, checked and stored encrypted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from stdnum import bic, iban
from stdnum.exceptions import ValidationError

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.kernel.money import is_currency
from recupero.ledger.tables import BankAccount

PURPOSES = ("creditor", "trust")
SEPA_CURRENCY = "EUR"
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./-]{2,39}")


@dataclass(frozen=True, slots=True)
class Holder:
    """A bank account: who holds it, its number (an IBAN for euros) and its bank (a BIC for euros)."""

    holder: str
    number: str
    bank: str | None


def save(
    session: Session, *, purpose: str, currency: str, holder: str, number: str, bank: str, actor: str
) -> None:
    """Keep an account of the tenant in scope, in place of the one of that purpose and currency.

    Without `number` it is forgotten. The audit trail says that it changed, not to what. Raises UserError at
    the field that does not hold.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"unknown purpose {purpose!r}: one of {', '.join(PURPOSES)}")
    if not is_currency(currency):
        raise UserError(
            "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR",
            field="currency", currency=currency,
        )  # fmt: skip
    tenant = scope_of(session).tenant()
    values = _checked(currency, holder, number, bank) if number.strip() else None
    if of_tenants(session).get((tenant, purpose, currency)) == values:
        return
    if values is None:
        session.execute(
            delete(BankAccount).where(
                BankAccount.tenant_id == tenant, BankAccount.purpose == purpose,
                BankAccount.currency == currency,
            )
        )  # fmt: skip
    else:
        kept = {**asdict(values), "updated_at": clock.now()}
        session.execute(
            insert(BankAccount)
            .values(tenant_id=tenant, purpose=purpose, currency=currency, **kept)
            .on_conflict_do_update(index_elements=["tenant_id", "purpose", "currency"], set_=kept)
        )
    audit.record(
        session, "ledger.set_bank_account", f"tenant:{tenant}", actor=actor, tenant_id=tenant,
        purpose=purpose, currency=currency, kept=values is not None,
    )  # fmt: skip


def _checked(currency: str, holder: str, number: str, bank: str) -> Holder:
    faults = Faults()
    if not holder.strip() or len(holder.strip()) > 70:
        faults.note(UserError("say who holds the account, in at most 70 characters", field="holder"))
    if currency == SEPA_CURRENCY:
        with faults.caught():
            number = _iban(number)
        with faults.caught():
            bank = _bic(bank) if bank.strip() else ""
    elif not _NUMBER.fullmatch(number.strip()):
        faults.note(UserError("the account number holds letters, digits and - . / only", field="number"))
    faults.tell()
    return Holder(holder.strip(), number.strip(), bank.strip()[:70] or None)


def _iban(number: str) -> str:
    try:
        checked: str = iban.validate(number)
    except ValidationError:
        raise UserError(
            "this is not an IBAN: look at its country, length and check digits", field="number"
        ) from None
    return checked


def _bic(bank: str) -> str:
    try:
        checked: str = bic.validate(bank)
    except ValidationError:
        raise UserError("this is not a BIC: it has 8 or 11 characters", field="bank") from None
    return checked


def of_tenants(session: Session) -> Mapping[tuple[int, str, str], Holder]:
    """The accounts of the tenants in scope by tenant, purpose and currency."""
    rows: Sequence[BankAccount] = (
        session.execute(select(BankAccount).where(BankAccount.tenant_id.in_(scope_of(session).tenant_ids)))
        .scalars()
        .all()
    )
    return {
        (row.tenant_id, row.purpose, row.currency): Holder(row.holder, row.number, row.bank) for row in rows
    }
