"""The columns and totals of a statement (domain page, section 6), the same on paper and in spreadsheets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from zoneinfo import ZoneInfo

from recupero.kernel.marking import N_
from recupero.ledger.statements import StatementLine
from recupero.reports.statements import KINDS, Document
from recupero.reports.words import Words


class Shape(Enum):
    """How a cell is written."""

    DAY = "day"
    TEXT = "text"
    MONEY = "money"
    RATE = "rate"  # basis points


Cell = date | str | int


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name for machines, its heading, and what a line holds there."""

    key: str
    heading: str
    shape: Shape
    value: Callable[[StatementLine], Cell]


def columns(made: Document, words: Words) -> list[Column]:
    """All columns of the lines."""
    zone = ZoneInfo(made.timezone)

    def part(name: str) -> Callable[[StatementLine], Cell]:
        return lambda line: line.parts.get(name, 0)

    return [
        Column("date", words(N_("Date")), Shape.DAY, lambda line: line.at.astimezone(zone).date()),
        Column("client_account", words(N_("Account number")), Shape.TEXT, lambda line: line.client_account),
        Column("debtor_reference", words(N_("Customer number")), Shape.TEXT,
               lambda line: line.debtor_reference or ""),
        Column("type", words(N_("Type")), Shape.TEXT, lambda line: words(KINDS[line.kind])),
        Column("amount", words(N_("Amount")), Shape.MONEY, lambda line: line.amount_minor),
        Column("principal", words(N_("Principal")), Shape.MONEY, part("principal")),
        Column("interest", words(N_("Interest")), Shape.MONEY, part("interest")),
        Column("fees_recovered", words(N_("Fees recovered")), Shape.MONEY, part("fee")),
        Column("costs_recovered", words(N_("Costs recovered")), Shape.MONEY, part("cost")),
        Column("tax_recovered", words(N_("Tax recovered")), Shape.MONEY, part("tax")),
        Column("fee_rate", words(N_("Fee rate")), Shape.RATE, lambda line: line.fee_rate),
        Column("fee", words(N_("Fee")), Shape.MONEY, lambda line: line.fee_minor),
        Column("tax_on_fee", words(N_("Tax on the fee")), Shape.MONEY, lambda line: line.tax_minor),
        Column("due_to_client", words(N_("Due to the creditor")), Shape.MONEY,
               lambda line: line.due_to_client_minor),
        Column("due_to_agency", words(N_("Due to the agency")), Shape.MONEY,
               lambda line: line.due_to_agency_minor),
        Column("balance_after", words(N_("Balance after")), Shape.MONEY,
               lambda line: line.balance_after_minor),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Total:
    """One line of the statement's totals, minor units."""

    key: str
    label: str
    amount_minor: int
    strong: bool = False


def totals(made: Document, words: Words) -> list[Total]:
    """What the statement comes to. Each figure is of the statement as it was drawn."""
    one = made.remittance
    found = [
        Total("opening", words(N_("Carried over from the statement before")), one.opening_minor),
        Total("paid_to_agency", words(N_("Paid to the agency")), made.sum_of("paid_to_agency")),
        Total("paid_to_client", words(N_("Paid to the creditor")), made.sum_of("paid_to_client")),
        Total("reversals", words(N_("Reversals")), made.sum_of("reversal")),
        Total("collected", words(N_("Collected by the agency, less reversals")), one.collected_minor),
        Total("direct", words(N_("Paid to the creditor, less reversals")), one.direct_minor),
        Total("fees", words(N_("Agency's fees")), one.fees_minor),
        Total("tax", words(N_("Tax on the fees")), one.tax_minor),
        Total("withheld", words(N_("Fees and tax kept from the remittance")), one.withheld_minor),
        Total("invoiced", words(N_("Fees and tax invoiced")), one.invoiced_minor),
        Total("payable", words(N_("Paid out to the creditor")), one.payable_minor, strong=True),
    ]
    if one.closing_minor:
        label = words(N_("Due to the agency, carried over to the next statement"))
        found.append(Total("closing", label, one.closing_minor, strong=True))
    return found


def heading(made: Document, words: Words) -> str:
    """What the document is called: a statement with its number, or a draft."""
    number = made.remittance.statement_number
    if number is None:
        return words(N_("Draft statement"))
    return words(N_("Statement %(number)s"), number=number)
