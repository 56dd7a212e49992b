"""A debtor's paper as a PDF: `letter.typ` is its layout, this hands it the texts in the reader's language."""

import json
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from babel import dates

from recupero.kernel.marking import N_
from recupero.payments.papers.document_tables import Document
from recupero.payments.papers.documents import Contents, said
from recupero.payments.papers.invoice_requests import file_of
from recupero.placements.products import name_of
from recupero.reports import agreement_letters
from recupero.reports.words import Words

_LAYOUT = Path(__file__).with_name("letter.typ")
TITLES = {
    "receipt": N_("Receipt"),
    "balance": N_("What is owed"),
    "paid_in_full": N_("Paid in full"),
    "plan": N_("Payment plan"),
    "offer": N_("Offer to settle"),
    "settlement": N_("Settlement agreed"),
    "settled": N_("Settled in full"),
    "invoice": N_("Original invoice"),
}
_PARTS = {
    "principal": N_("Principal"),
    "interest": N_("Interest"),
    "fee": N_("Fees"),
    "cost": N_("Costs"),
    "tax": N_("Tax"),
}


def file_name(document: Document) -> str:
    """What the file is called, such as R-000042.pdf."""
    ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[document.media_type]
    return f"{document.printed_number}.{ending}"


def render(document: Document, language: str | None = None) -> bytes:
    """The paper's bytes, of the kind `document.media_type`: always the same for the same document and
    language (es, en or pt; None: the one in which it was issued). A creditor's invoice is as they sent it."""
    if document.kind == "invoice":
        return file_of(document)
    return _typeset(_contents(document, said(document), language or document.language))


def _typeset(contents: dict[str, Any]) -> bytes:
    import typst

    with TemporaryDirectory(prefix="recupero-letter-") as folder:
        root = Path(folder)
        (root / "main.typ").write_text(_LAYOUT.read_text())
        (root / "contents.json").write_text(json.dumps(contents, ensure_ascii=False))
        made: bytes = typst.compile(root / "main.typ", root=root, ignore_system_fonts=True)
    return made


def _contents(document: Document, says: Contents, language: str) -> dict[str, Any]:
    words = Words.of(language, says["country"])
    agreed = document.kind in agreement_letters.KINDS
    paragraphs = agreement_letters.paragraphs if agreed else _paragraphs
    opening, closing = paragraphs(document.kind, says, words)
    return {
        "language": words.language,
        "title": words(TITLES[document.kind]),
        "number": document.printed_number,
        "date": words.moment(document.issued_at, says["timezone"]),
        "agency": says["agency"],
        "contact": " · ".join(filter(None, (says["phone"], says["email"]))),
        "creditor": says["creditor"],
        "by": words(N_("through %(agency)s"), agency=says["agency"]),
        "debtor": says["debtor"],
        "page": words(N_("Page")),
        "opening": opening,
        "closing": closing,
        "accounts": [
            {
                "title": f"{name_of(line['product'], words.language)} {line['client_account']}".strip(),
                "due": words(N_("due on %(day)s"), day=_day(line["due_date"], words)),
                "rows": [[words(_PARTS[part]), words.money(amount, says["currency"])]
                         for part, amount in line["parts"].items()],
            }
            for line in says["lines"]
        ],
        "sums": [] if agreed else _sums(document.kind, says, words),
        "schedule": agreement_letters.schedule(says, words) if agreed else [],
    }  # fmt: skip


def _day(text: str, words: Words) -> str:
    return str(dates.format_date(date.fromisoformat(text), "medium", locale=words.locale))


def _paragraphs(kind: str, says: Contents, words: Words) -> tuple[list[str], list[str]]:
    when, total = datetime.fromisoformat(says["on"]), words.money(says["total_minor"], says["currency"])
    day, creditor = words.moment(when, says["timezone"]), says["creditor"]
    if kind == "receipt":
        opening = words(N_("We received %(amount)s on %(day)s. Thank you."), amount=total, day=day)
        reference = words(N_("Reference of the payment: %(reference)s"), reference=says["reference"] or "–")
        counted = any(line["parts"] for line in says["lines"])
        return [opening, words(N_("It was counted as follows."))] if counted else [opening], [reference]
    if kind == "balance":
        text = N_("On %(day)s this is owed to %(creditor)s:")
        rest = N_("Payments that were on their way on that day are not in it yet.")
        return [words(text, day=day, creditor=creditor)], [words(rest)]
    text = N_("%(creditor)s confirms that on %(day)s nothing is owed on this account any more.")
    return [words(text, day=day, creditor=creditor)], [words(N_("Please keep this letter. Thank you."))]


def _sums(kind: str, says: Contents, words: Words) -> list[list[str]]:
    def row(label: str, amount: int) -> list[str]:
        return [words(label), words.money(amount, says["currency"])]

    if kind == "balance":
        return [row(N_("Owed in all"), says["total_minor"])]
    if kind == "paid_in_full":
        return []
    rows = [row(N_("Amount received"), says["total_minor"])]
    if says.get("back_minor"):
        rows.append(row(N_("Went back to you"), says["back_minor"]))
    if says["waiting_minor"]:
        rows.append(row(N_("More than was owed: kept for you"), says["waiting_minor"]))
    return [*rows, row(N_("Left to pay on these accounts"), says["left_minor"])]
