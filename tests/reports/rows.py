"""Rows for reports whose figures can be worked out by hand: written straight into the tables, since a report
must be right whatever room wrote what it reads."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from recupero.contacts.tables import Contact, Permission
from recupero.kernel.database import Scope
from recupero.kernel.runtime import Runtime
from recupero.payments.tables import Allocation, Payment, PromiseToPay
from recupero.placements.tables import Account, Debtor, Hold, ImportBatch, Portfolio


def moment(text: str) -> datetime:
    """`2026-02-03` (noon) or `2026-02-03T04:05`, in UTC."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T12:00").replace(tzinfo=UTC)


@dataclass
class Rows:
    """Writes rows of one tenant."""

    platform: Runtime
    scope: Scope
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def add(self, row: Any) -> Any:
        row.tenant_id = self.scope.tenant()
        with self.platform.database.transaction(self.scope) as session:
            session.add(row)
        return row

    def portfolio(self, name: str = "Tarjetas", currency: str = "CLP") -> int:
        made = self.add(
            Portfolio(
                name=name, country="CL", currency=currency, product="card", created_at=moment("2026-01-01")
            )
        )
        return int(made.id)

    def batch(self, portfolio: int, name: str = "enero.csv") -> int:
        made = self.add(
            ImportBatch(
                portfolio_id=portfolio,
                kind="placement",
                file_name=name,
                content_hash=b"x",
                status="done",
                created_by="system",
                started_at=moment("2026-01-01"),
            )
        )
        return int(made.id)

    def account(self, portfolio: int, batch: int, placed: str, minor: int, **values: Any) -> Account:
        number = next(self._numbers)
        debtor = self.add(
            Debtor(
                person_id=number,
                kind="person",
                name=f"Persona {number}",
                name_index=b"n",
                country="CL",
                language="es",
                created_at=moment(placed),
            )
        )
        row = Account(
            portfolio_id=portfolio,
            batch_id=batch,
            debtor_id=debtor.id,
            client_account=f"A-{number}",
            currency="CLP",
            delinquency_date=date(2025, 12, 1),
            due_date=date(2025, 12, 1),
            placement_number=1,
            placed_on=date.fromisoformat(placed),
            placed_minor=minor,
            principal_minor=minor,
            interest_minor=0,
            fee_minor=0,
            cost_minor=0,
            tax_minor=0,
            balance_minor=minor,
            status="active",
            stage="unreached",
            status_changed_at=moment(placed),
        )
        for name, value in values.items():
            setattr(row, name, value)
        return self.add(row)  # type: ignore[no-any-return]  # add gives back what it was given

    def contact(
        self, account: Account, at: str, channel: str = "email", state: str = "sent", **values: Any
    ) -> int:
        row = Contact(
            debtor_id=account.debtor_id,
            account_id=account.id,
            person_id=account.debtor_id,
            direction="outbound",
            channel=channel,
            recipient="debtor",
            purpose="collection",
            at=moment(at),
            state=state,
            state_at=moment(at),
        )
        for name, value in values.items():
            setattr(row, name, value)
        return int(self.add(row).id)

    def payment(
        self,
        account: Account,
        at: str,
        minor: int,
        *,
        kind: str = "gateway",
        channel: str | None = None,
        fee: int = 0,
        other: Account | None = None,
    ) -> int:
        """A payment of `minor`, allocated to the account with `fee` of commission, and where there is an
        `other`, as much to that one; its id."""
        number = next(self._numbers)
        payment = self.add(
            Payment(
                debtor_id=account.debtor_id,
                external_key=f"p-{number}",
                kind=kind,
                amount_minor=minor,
                currency=account.currency,
                account_ids=[account.id],
                rates={},
                state="booked",
                received_at=moment(at),
                booked_at=moment(at),
                transaction_id=number,
                channel=channel,
            )
        )
        self.move(int(payment.id), at, *((one, minor, fee) for one in (account, other) if one))
        return int(payment.id)

    def move(self, payment: int, at: str, *parts: tuple[Account | None, int, int]) -> None:
        """One transaction on a payment's money, in one statement: account (None: suspense), amount and fee of
        each row."""
        number = next(self._numbers)
        rows = [
            Allocation(
                tenant_id=self.scope.tenant(),
                payment_id=payment,
                transaction_id=number,
                account_id=account.id if account else None,
                part="principal" if account else "suspense",
                amount_minor=minor,
                fee_minor=fee,
                at=moment(at),
            )
            for account, minor, fee in parts
        ]
        with self.platform.database.transaction(self.scope) as session:
            session.add_all(rows)

    def promise(self, account: Account, made: str, due: str, minor: int, state: str, **values: Any) -> None:
        row = PromiseToPay(
            account_id=account.id,
            debtor_id=account.debtor_id,
            amount_minor=minor,
            currency=account.currency,
            made_at=moment(made),
            due_date=date.fromisoformat(due),
            state=state,
            made_with="page",
        )
        for name, value in values.items():
            setattr(row, name, value)
        self.add(row)

    def hold(self, account: Account, kind: str, start: str, until: str | None = None) -> None:
        self.add(
            Hold(
                debtor_id=account.debtor_id,
                account_id=account.id,
                kind=kind,
                source="test",
                started_at=moment(start),
                until=moment(until) if until else None,
            )
        )

    def opt_out(self, account: Account, at: str, source: str = "page") -> None:
        self.add(
            Permission(
                debtor_id=account.debtor_id, channel="email", kind="opt_out", at=moment(at), source=source
            )
        )
