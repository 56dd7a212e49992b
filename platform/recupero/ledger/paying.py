"""What is to be paid out, as a file for the bank. Paying itself is noted by `remittances.pay_out`."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, UserError
from recupero.kernel.money import Money, is_currency
from recupero.ledger import bank_accounts
from recupero.ledger.payment_files import Transfer, as_csv, as_pain001
from recupero.ledger.tables import Remittance
from recupero.tenancy import queries as tenancy

FORMATS = {"csv": "text/csv; charset=utf-8", "xml": "application/xml"}


def waiting(session: Session, currency: str) -> Sequence[Remittance]:
    """Statements of the tenants in scope that are issued with something to pay, oldest first."""
    query = select(Remittance).where(
        Remittance.tenant_id.in_(scope_of(session).tenant_ids), Remittance.state == "issued",
        Remittance.currency == currency, Remittance.payable_minor > 0,
    )  # fmt: skip
    return session.execute(query.order_by(Remittance.tenant_id, Remittance.id)).scalars().all()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Issued statements of one currency that are to be paid: how many, and what they come to."""

    currency: str
    number: int
    amount_minor: int


def sums(session: Session) -> list[Waiting]:
    """What the tenants in scope are to be paid, by currency."""
    rows = session.execute(
        select(Remittance.currency, func.count(), func.sum(Remittance.payable_minor))
        .where(Remittance.tenant_id.in_(scope_of(session).tenant_ids), Remittance.state == "issued",
               Remittance.payable_minor > 0)
        .group_by(Remittance.currency)
        .order_by(Remittance.currency)
    )  # fmt: skip
    return [Waiting(currency, number, int(amount)) for currency, number, amount in rows]


def payment_file(session: Session, currency: str, form: str, *, actor: str) -> bytes:
    """The bank's file of all that waits in a currency: csv, or xml for SEPA (pain.001.001.09).

    Raises UserError where nothing waits, the currency or format does not hold, or a bank account is missing.
    """
    if form not in FORMATS:
        raise UserError("unknown format '%(form)s': use %(known)s", form=form, known=", ".join(FORMATS))
    if not is_currency(currency):
        raise UserError(
            "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR",
            field="currency", currency=currency,
        )  # fmt: skip
    transfers, now = _transfers(session, currency), clock.now()
    if form == "csv":
        content = as_csv(transfers)
    else:
        content = as_pain001(
            transfers, message_id=f"RCP-{now:%Y%m%d%H%M%S}-{secrets.token_hex(4)}", made_at=now,
            pay_on=now.date() + timedelta(days=1), initiator=tenancy.agency(session).name,
        )  # fmt: skip
    audit.record(
        session, "ledger.export_payments", f"currency:{currency}", actor=actor, form=form,
        statements=[one.statement_number for one in transfers],
    )  # fmt: skip
    return content


def _transfers(session: Session, currency: str) -> list[Transfer]:
    remittances = waiting(session, currency)
    if not remittances:
        raise Conflict("no issued statement waits to be paid in %(currency)s", currency=currency)
    accounts = bank_accounts.of_tenants(session)
    names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    transfers = []
    for one in remittances:
        source = accounts.get((one.tenant_id, "trust", currency))
        target = accounts.get((one.tenant_id, "creditor", currency))
        if source is None or target is None:
            raise UserError(
                "tell the bank accounts of %(creditor)s in %(currency)s on the creditor's page first",
                creditor=names[one.tenant_id], currency=currency,
            )  # fmt: skip
        money = Money(one.payable_minor, currency)
        transfers.append(Transfer(one.statement_number or 0, names[one.tenant_id], money, source, target))
    return transfers
