"""The chart: the books that every tenant keeps in each currency, what they mean and which side they grow on.

A debt that a creditor places is not money that we hold, so the books have two halves that each sum to zero:

- the debt half: `receivable` against `placement_control` (and `direct_payments`, `direct_excess`);
- the money half: what lies in trust (`trust_cash` less what went back, `refunds` and `chargebacks`) against
  whose it is: `creditor_payable`, `remittance_payable`, `commission_earned`, `commission_tax` and `suspense`.
"""

from enum import StrEnum


class Side(StrEnum):
    """The side on which a book grows: debits are positive amounts, credits negative ones."""

    DEBIT = "debit"
    CREDIT = "credit"


class Book(StrEnum):
    """One account of the chart; its value is what `ledger_entries.book` holds."""

    RECEIVABLE = "receivable"
    PLACEMENT_CONTROL = "placement_control"
    DIRECT_PAYMENTS = "direct_payments"
    CONNECT_PAYMENTS = "connect_payments"
    DIRECT_EXCESS = "direct_excess"
    TRUST_CASH = "trust_cash"
    CREDITOR_PAYABLE = "creditor_payable"
    REFUNDS = "refunds"
    CHARGEBACKS = "chargebacks"
    GATEWAY_FEES = "gateway_fees"
    REMITTANCE_PAYABLE = "remittance_payable"
    FEES_INVOICED = "fees_invoiced"
    COMMISSION_EARNED = "commission_earned"
    COMMISSION_TAX = "commission_tax"
    FEES_TAKEN = "fees_taken"
    AGENCY_ADVANCES = "agency_advances"
    SUSPENSE = "suspense"

    @property
    def side(self) -> Side:
        return CHART[self][0]

    @property
    def meaning(self) -> str:
        return CHART[self][1]


CHART = {
    Book.RECEIVABLE: (Side.DEBIT, "what is owed on a debt, by account and part"),
    Book.PLACEMENT_CONTROL: (Side.CREDIT, "debts that creditors placed, less what was collected"),
    Book.DIRECT_PAYMENTS: (Side.DEBIT, "paid by debtors straight to the creditor"),
    Book.CONNECT_PAYMENTS: (
        Side.DEBIT,
        "paid to the creditor by a gateway, which left the fee with the agency",
    ),
    Book.DIRECT_EXCESS: (Side.CREDIT, "paid straight to the creditor beyond what was owed"),
    Book.TRUST_CASH: (Side.DEBIT, "money held for creditors, never the agency's own"),
    Book.CREDITOR_PAYABLE: (Side.CREDIT, "collected money due to the creditor, less commission"),
    Book.REFUNDS: (Side.CREDIT, "money in trust that was paid back to debtors"),
    Book.CHARGEBACKS: (Side.CREDIT, "money in trust that a card scheme or bank took back"),
    Book.GATEWAY_FEES: (Side.DEBIT, "what gateways kept of the money that they passed on"),
    Book.REMITTANCE_PAYABLE: (Side.CREDIT, "issued to the creditor and not yet paid out"),
    Book.FEES_INVOICED: (Side.DEBIT, "fees and their tax that the creditor was invoiced and has not paid"),
    Book.COMMISSION_EARNED: (Side.CREDIT, "the agency's fee on what was collected"),
    Book.COMMISSION_TAX: (Side.CREDIT, "tax on the agency's fee"),
    Book.FEES_TAKEN: (Side.DEBIT, "fees and their tax that the agency moved out of trust"),
    Book.AGENCY_ADVANCES: (
        Side.CREDIT,
        "the agency's own money that went back for what was remitted already",
    ),
    Book.SUSPENSE: (Side.CREDIT, "money received that no debt takes: over-paid or not yet identified"),
}
DEBT_HALF = (
    Book.RECEIVABLE, Book.PLACEMENT_CONTROL, Book.DIRECT_PAYMENTS, Book.CONNECT_PAYMENTS, Book.DIRECT_EXCESS,
)  # fmt: skip
TRUST = (Book.TRUST_CASH, Book.REFUNDS, Book.CHARGEBACKS)
"""Their sum lies in trust for a creditor: received - remitted - fees taken - gateway fees - refunds."""


class Part(StrEnum):
    """The parts of a balance."""

    PRINCIPAL = "principal"
    INTEREST = "interest"
    FEE = "fee"
    COST = "cost"
    TAX = "tax"


ALLOCATION_ORDER = (Part.COST, Part.FEE, Part.TAX, Part.INTEREST, Part.PRINCIPAL)
"""Which part of a debt money pays first, where the contract (`terms.allocation_order`) says nothing else."""
