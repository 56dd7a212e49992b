"""The files of statements: their forms, their names, and how one is written."""

from recupero.kernel.errors import NotFound, UserError
from recupero.ledger.tables import Remittance
from recupero.reports import statement_pdf, statement_sheets
from recupero.reports.statements import Document

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


def file_name(remittance: Remittance, tenant_slug: str, form: str) -> str:
    """What the file of a statement is called."""
    number = remittance.statement_number
    return f"statement-{tenant_slug}-{number if number else f'draft-{remittance.id}'}.{form}"


def render(made: Document, form: str, locale: str | None = None) -> bytes:
    """The statement as a file: pdf, xlsx, csv or json, in `locale` or the creditor's own. Raises UserError
    on another form."""
    words = made.words(locale)
    if form == "json":
        return statement_sheets.to_json(made)
    makers = {
        "pdf": statement_pdf.statement, "xlsx": statement_sheets.to_xlsx, "csv": statement_sheets.to_csv
    }  # fmt: skip
    check_form(form)
    return makers[form](made, words)


def check_form(form: str) -> None:
    """Raises UserError where there is no such form of a statement."""
    if form not in MEDIA_TYPES:
        raise UserError(
            "unknown format '%(form)s': use %(known)s", field="format", form=form,
            known=", ".join(MEDIA_TYPES),
        )  # fmt: skip


def invoice(made: Document, locale: str | None = None) -> bytes:
    """The invoice that goes with a statement, as a PDF. Raises NotFound where nothing was invoiced."""
    if made.remittance.invoice_number is None:
        raise NotFound("nothing was invoiced with this statement")
    return statement_pdf.invoice(made, made.words(locale))
