"""A creditor's statement and invoice as documents, in the creditor's language or another."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.marking import N_
from recupero.ledger import statements
from recupero.ledger.statement import Method, withholds
from recupero.ledger.statements import StatementLine, Sum
from recupero.ledger.tables import Remittance
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy

#: Lines of a printed statement: setting them takes about two milliseconds and 0.25 MB each. A longer one has
#: its totals on paper, which count every line, and its lines in the CSV file and the workbook.
MOST_PRINTED = 3000
KINDS = {
    "paid_to_agency": N_("Paid to the agency"),
    "paid_to_client": N_("Paid to the creditor"),
    "adjustment": N_("Adjustment"),
    "reversal": N_("Reversal"),
}
METHODS = {
    "net": N_("Net: the agency's fee is kept from what it remits; on direct payments it is invoiced"),
    "gross": N_("Gross: everything is remitted and the fee is invoiced"),
    "combined": N_("Combined: every fee, also on direct payments, is kept from what is remitted"),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A statement with all that its documents show."""

    agency: str
    agency_phone: str
    agency_email: str
    tenant: str
    tenant_slug: str
    country: str
    locale: str
    timezone: str
    made_at: datetime
    remittance: Remittance
    sums: tuple[Sum, ...]
    lines: tuple[StatementLine, ...]

    @property
    def invoice_name(self) -> str:
        return f"invoice-{self.tenant_slug}-{self.remittance.invoice_number}"

    @property
    def count(self) -> int:
        """How many lines it has, also where they were not read."""
        return sum(one.lines for one in self.sums)

    @property
    def printed(self) -> bool:
        """Whether the lines are on paper too."""
        return self.count <= MOST_PRINTED

    def sum_of(self, kind: str) -> int:
        """Amount of the lines of a kind, minor units."""
        return sum(one.amount_minor for one in self.sums if one.kind == kind)

    def words(self, locale: str | None) -> Words:
        return Words.of(locale or self.locale, self.country)


def document(session: Session, remittance_id: int, *, drafts: bool = True, lines: bool = True) -> Document:
    """A statement of the tenant in scope; the scope names the agency, whose letterhead it bears. An invoice
    and a statement too long for paper show none of its `lines`, only their sums.

    Raises NotFound, also on a draft where `drafts` is False.
    """
    remittance = statements.one(session, remittance_id, drafts=drafts)
    agency, tenant = tenancy.agency(session), tenancy.tenant(session)
    return Document(
        agency=agency.name, agency_phone=agency.contact_phone, agency_email=agency.contact_email,
        tenant=tenant.name, tenant_slug=tenant.slug, country=tenant.country, locale=tenant.locale,
        timezone=tenant.timezone, made_at=clock.now(), remittance=remittance,
        sums=tuple(statements.sums(session, remittance_id)),
        lines=tuple(statements.lines(session, remittance)) if lines else (),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """What is invoiced for payments that went one way, minor units: what they came to, the fee, its tax."""

    direct: bool
    amount_minor: int
    fee_minor: int
    tax_minor: int


def invoice_lines(made: Document) -> list[InvoiceLine]:
    """The fees of a statement that were not kept from what it remits. Their fee and tax sum to its
    `invoiced_minor`."""
    method = Method(made.remittance.method)
    found = []
    for direct in (False, True):
        counted = [one for one in made.sums if one.direct is direct and one.line.counts]
        if counted and not withholds(method, direct):
            found.append(
                InvoiceLine(
                    direct,
                    sum(one.amount_minor for one in counted),
                    sum(one.fee_minor for one in counted),
                    sum(one.tax_minor for one in counted),
                )
            )
    return found
