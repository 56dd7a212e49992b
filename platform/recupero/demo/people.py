"""What people do while the demonstration lives: at the agency they take debtors over and settle with the
creditors, at the creditors they answer what debtors ask for and dispute. All through the services of the
pages, in the name of the demonstration's own users."""

from datetime import date, timedelta
from functools import cache

from sqlalchemy.orm import Session

from recupero.decisions.simulation.draws import key_of, uniform
from recupero.demo.agency import DemoTenant
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.listing import Part
from recupero.kernel.runtime import Runtime
from recupero.ledger import paying, remittances
from recupero.outreach.debtors import dispute_answers, tellings
from recupero.outreach.debtors.dispute_answers import Answer
from recupero.outreach.understanding import hand_overs
from recupero.payments.papers import invoice_requests
from recupero.placements import cases, disputes
from recupero.placements import service as placements
from recupero.placements.disputes import Disputed
from recupero.placements.lifecycle import ENDED
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Role

TAKEN_OVER = timedelta(hours=20)  # after so long somebody has spoken with who wanted a person
INVOICE_FOUND = timedelta(days=8)
DISPUTE_DECIDED = timedelta(days=12)
COMPLAINT_ANSWERED = timedelta(days=10)
PAID_ON = 5  # day of the month on which the statement of the month before is paid out
_DECIDED = {
    "owed": "Revisamos el contrato y los pagos: el monto es correcto.",
    "corrected": "Encontramos un cargo que no correspondía y lo descontamos.",
    "not_owed": "Usted tiene razón: la deuda quedó cerrada.",
}  # fmt: skip


class People:
    """Those of one demonstration. Its users stand in the database."""

    def __init__(self, platform: Runtime, agency: Scope, tenants: list[DemoTenant]) -> None:
        self._database, self._tenants = platform.database, tenants
        with platform.database.transaction(agency) as session:
            self._actors = {Role(one.role): f"user:{one.id}" for one in tenancy.users(session)}

    def day(self) -> None:
        """What is due at the end of the day."""
        for tenant in self._tenants:
            with self._database.transaction(tenant.scope) as session:
                self._take_over(session)
                self._send_invoices(session, tenant)
                self._answer_complaints(session)
                self._decide(session)
            self._settle(tenant)

    def _take_over(self, session: Session) -> None:
        for one in hand_overs.opened_before(session, clock.now() - TAKEN_OVER):
            told = tellings.of_debtors(session, [one.debtor_id])
            about = (telling.reason for telling, _papers in told if telling.account_id == one.account_id)
            hand_overs.close(
                session, one.debtor_id, cause=next(about, "OTHER"),
                next_step="Conversado con la persona: sigue lo acordado.", actor=self._actors[Role.AGENT],
            )  # fmt: skip

    def _send_invoices(self, session: Session, tenant: DemoTenant) -> None:
        for one in invoice_requests.waiting(session):
            if one.asked_at < clock.now() - INVOICE_FOUND:
                actor = self._actors[Role.CREDITOR_ADMINISTRATOR]
                invoice_requests.answer(session, one.id, _copy_of_invoice(tenant.book.name), actor=actor)

    def _answer_complaints(self, session: Session) -> None:
        for one in cases.complaints(session, Part(limit=None), state="open"):
            if one.since < clock.now() - COMPLAINT_ANSWERED:
                placements.end_hold(session, one.hold_id, by=self._actors[Role.COMPLIANCE_OFFICER])

    def _decide(self, session: Session) -> None:
        waiting: dict[int, list[Disputed]] = {}
        for one in disputes.waiting(session):
            if one.began_at < clock.now() - DISPUTE_DECIDED:
                waiting.setdefault(one.hold_id, []).append(one)
        for hold_id, found in waiting.items():
            given = _decision(found)
            dispute_answers.answer(session, hold_id, given, actor=self._actors[Role.CREDITOR_ADMINISTRATOR])

    def _settle(self, tenant: DemoTenant) -> None:
        """The month's statement on the first day of the next, and its money some days later: one person
        draws and pays, another one issues."""
        today = clock.today(tenant.book.timezone)
        if today.day not in (1, PAID_ON):
            return
        with self._database.transaction(tenant.scope) as session:
            if today.day == 1:
                self._issue(session, tenant.book.currency, today - timedelta(days=1))
                return
            for one in paying.waiting(session, tenant.book.currency):
                remittances.pay_out(
                    session, one.id, reference=f"TRF-{today:%Y%m%d}-{one.statement_number}",
                    actor=self._actors[Role.SUPERVISOR],
                )  # fmt: skip

    def _issue(self, session: Session, currency: str, last: date) -> None:
        prepares = self._actors[Role.SUPERVISOR]
        drawn = remittances.draw(
            session, currency=currency, period_from=last.replace(day=1), period_to=last, actor=prepares
        )
        remittances.review(session, drawn.id, actor=prepares)
        remittances.issue(session, drawn.id, actor=self._actors[Role.AGENCY_ADMINISTRATOR])


def _decision(found: list[Disputed]) -> Answer:
    """What a creditor decides of a dispute: the same for the same account."""
    first = found[0]
    draw = uniform(key_of("dispute", first.client_account), None, "verdict")
    correctable = len(found) == 1 and first.status not in ENDED and first.balance_minor > 1
    verdict = "not_owed" if draw < 0.2 else "corrected" if draw < 0.5 and correctable else "owed"
    right = first.balance_minor * 9 // 10 if verdict == "corrected" else None
    return Answer(verdict, _DECIDED[verdict], right)


@cache
def _copy_of_invoice(creditor: str) -> bytes:
    """A page that stands for the copy of an invoice."""
    import typst

    made: bytes = typst.compile(
        f'= Copia de la factura\n\n#"{creditor}"\n\nDocumento de la demostración.'.encode(),
        ignore_system_fonts=True,
    )
    return made
