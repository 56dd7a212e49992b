"""A compliance report as tables of texts, the same on the page, on paper and in a spreadsheet."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from recupero.kernel.marking import N_
from recupero.reports.compliance import reasons
from recupero.reports.periods import parse_period
from recupero.reports.sheets import safe
from recupero.reports.words import Words

_LAYOUT = Path(__file__).with_name("compliance.typ")
MEDIA_TYPES = {"pdf": "application/pdf", "json": "application/json", "csv": "text/csv; charset=utf-8"}
_TITLE = N_("Compliance report")
_WORDS = {
    "outbound": N_("To people"), "inbound": N_("From people"),
    "allowed": N_("allowed"), "refused": N_("refused"), "not_applicable": N_("does not apply"),
    "complaint": N_("Complaints"), "dispute": N_("Disputes"),
    "consent": N_("allowed"), "opt_out": N_("forbidden"),
    "law": N_("law"), "practice": N_("practice"), "policy": N_("house rule"),
    "hours": N_("hours"), "days": N_("days"), "calendar_days": N_("days"),
    "business_days": N_("working days"),
    "weeks": N_("weeks"), "months": N_("months"), "years": N_("years"),
    "contacts": N_("Contacts"), "verdicts": N_("Verdicts of the law"), "messages": N_("Messages"),
    "permissions": N_("Permissions"), "payments": N_("Payments"), "promises": N_("Promises"),
    "decisions": N_("Steps of actions"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A rule: what it is called, and the code under which counsel and the law pages know it."""

    title: str
    code: str

    def __str__(self) -> str:
        return f"{self.title} ({self.code})"


Cell = str | Named


@dataclass(frozen=True, slots=True)
class Table:
    """Titled rows of texts; `numbers` are the columns that hold numbers."""

    key: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...] = ()
    note: str = ""


def title(report: Mapping[str, Any], words: Words) -> str:
    """What it is, of whom, and over which months."""
    return f"{words(_TITLE)} · {report['tenant_name']} · {words.period(parse_period(report['period']))}"


def tables(report: Mapping[str, Any], words: Words) -> list[Table]:
    """Everything that the report says, in order."""
    return [
        _contacts(report, words), _rules(report, words), _blocked(report, words), _proofs(report, words),
        _clocks(report, words), _cases(report, words), _permissions(report, words), _duties(report, words),
        _kept(report, words),
    ]  # fmt: skip


def _say(words: Words, code: str) -> str:
    return words(_WORDS[code]) if code in _WORDS else code


def _rule(report: Mapping[str, Any], words: Words, code: str) -> Cell:
    """The rule by its title, as the report was sealed with it. Reports of before that have codes alone."""
    title = report.get("rule_titles", {}).get(code)
    return code if title is None else Named(title.get(words.language) or title["es"], code)


def _contacts(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (_say(words, row["direction"]), words.channel(row["channel"]), words.count(row["contacts"]),
         words.count(row["people"]))
        for row in report["contacts"]
    ]  # fmt: skip
    heads = (words(N_("Direction")), words(N_("Channel")), words(N_("Contacts")), words(N_("People")))
    return Table("contacts", words(N_("Contacts")), heads, tuple(rows), (2, 3))


def _rules(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (_rule(report, words, row["rule"]), row["citation"], _say(words, row["basis"]),
         _say(words, row["outcome"]), words.count(row["contacts"]))
        for row in report["rules"]
    ]  # fmt: skip
    heads = (
        words(N_("Rule")), words(N_("Source")), words(N_("Rests on")), words(N_("Outcome")),
        words(N_("Contacts")),
    )  # fmt: skip
    note = words(N_("What each rule said when it was asked in the moment of sending."))
    return Table("rules", words(N_("Contacts by rule")), heads, tuple(rows), (4,), note)


def _blocked(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (
            reasons.why(words, row["kind"]),
            _rule(report, words, row["reason"])
            if row["kind"] in ("law", "content")
            else reasons.about(words, row["reason"]),
            words.count(row["blocked"]),
            words.count(row["postponed"]),
        )
        for row in report["blocked"]
    ]
    heads = (words(N_("Kind")), words(N_("Rule or reason")), words(N_("Stopped")), words(N_("Put off")))
    note = words(N_("Attempts that were not made, or made later, and the first rule that said so."))
    return Table("blocked", words(N_("Blocked attempts")), heads, tuple(rows), (2, 3), note)


def _proofs(report: Mapping[str, Any], words: Words) -> Table:
    told = report["proofs"]
    rows = [
        (words(N_("Contacts with a verdict")), words.count(told["population"])),
        (words(N_("Contacts without one")), words.count(told["without_verdict"])),
        (words(N_("Judged again")), words.count(told["sampled"])),
        (words(N_("Lawful")), words.count(told["lawful"])),
        (words(N_("Unlawful")), words.count(len(told["unlawful"]))),
        (words(N_("A rule said otherwise")), words.count(len(told["judged_otherwise"]))),
    ]
    note = words(
        N_('Drawn at random by the seed "%(seed)s": whoever draws again by it gets the same contacts.'),
        seed=told["seed"],
    )
    heads = (words(N_("Sample")), words(N_("Contacts")))
    return Table("proofs", words(N_("Proofs on a sample")), heads, tuple(rows), (1,), note)


def _clocks(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (_say(words, row["kind"]), words.count(row["answer_within_days"]), words.count(row["received"]),
         words.count(row["ended"]), words.count(row["open"]), words.count(row["late"]),
         words.count(round(row["days_total"] / row["ended"])) if row["ended"] else "–")
        for row in report["cases"]["totals"]
    ]  # fmt: skip
    heads = (
        words(N_("Kind")), words(N_("Days to answer")), words(N_("Came in")), words(N_("Concluded")),
        words(N_("Still open at the end")), words(N_("Overdue")), words(N_("Days on average")),
    )  # fmt: skip
    return Table("clocks", words(N_("Complaints and disputes")), heads, tuple(rows), tuple(range(1, 7)))


_ONE = {"complaint": N_("Complaint"), "dispute": N_("Dispute")}


def _cases(report: Mapping[str, Any], words: Words) -> Table:
    def day(at: str | None) -> str:
        return "–" if at is None else words.short_day(datetime.fromisoformat(at).date())

    rows = [
        (words(_ONE[row["kind"]]), _account(row), day(row["started_at"]), day(row["due_at"]),
         day(row["ended_at"]), words.count(row["days"]), words(N_("late")) if row["late"] else "")
        for row in report["cases"]["cases"]
    ]  # fmt: skip
    heads = (
        words(N_("Kind")), words(N_("Account")), words(N_("Came in on")), words(N_("Due on")),
        words(N_("Concluded on")), words(N_("Days")), "",
    )  # fmt: skip
    return Table("cases", words(N_("Each complaint and dispute")), heads, tuple(rows), (5,))


def _account(case: Mapping[str, Any]) -> str:
    """The creditor's own number; a case about the whole person names none. Reports of before have our id."""
    return str(case.get("account", case["account_id"]) or "–")


def _permissions(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (words(N_("All channels")) if row["channel"] == "all" else words.channel(row["channel"]),
         _say(words, row["kind"]), reasons.said_in(words, row["source"]), words.count(row["number"]),
         words.count(row["people"]))
        for row in report["permissions"]
    ]  # fmt: skip
    heads = (
        words(N_("Channel")), words(N_("What was said")), words(N_("Where")), words(N_("Times")),
        words(N_("People")),
    )  # fmt: skip
    return Table("permissions", words(N_("Opt-outs and permissions")), heads, tuple(rows), (3, 4))


def _duties(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (_rule(report, words, row["rule"]), row["citation"], f"{row['value']} {_say(words, row['unit'])}")
        for row in report["retention"]["duties"]
    ]
    heads = (words(N_("Rule")), words(N_("Source")), words(N_("At least kept")))
    return Table("duties", words(N_("How long the law has records kept")), heads, tuple(rows))


def _kept(report: Mapping[str, Any], words: Words) -> Table:
    rows = [
        (_say(words, row["records"]), words.count(row["number"]),
         "–" if row["oldest"] is None else words.short_day(datetime.fromisoformat(row["oldest"]).date()))
        for row in report["retention"]["kept"]
    ]  # fmt: skip
    erased = sum(row["number"] for row in report["retention"]["erased"])
    note = words(N_("Erased or removed by hand within the period: %(number)s."), number=words.count(erased))
    heads = (words(N_("Records")), words(N_("Number")), words(N_("Oldest of")))
    return Table("kept", words(N_("What is kept")), heads, tuple(rows), (1,), note)


def seal_line(report: Mapping[str, Any], words: Words) -> str:
    """What the seal says, in a sentence."""
    seal = report["seal"]
    return words(
        N_("Sealed with event %(sequence)s of the audit trail. SHA-256: %(digest)s"),
        sequence=seal["sequence"], digest=seal["digest"],
    )  # fmt: skip


def render(report: Mapping[str, Any], form: str, locale: str | None = None) -> bytes:
    """The report as a file. Raises KeyError on an unknown form."""
    words = Words.of(locale or report["locale"], report["country"])
    return {"pdf": to_pdf, "json": _to_json, "csv": to_csv}[form](report, words)


def _to_json(report: Mapping[str, Any], _words: Words) -> bytes:
    """The sealed report itself, which `recupero compliance verify` proves."""
    return orjson.dumps(report, option=orjson.OPT_INDENT_2)


def to_csv(report: Mapping[str, Any], words: Words) -> bytes:
    """Table by table, each below its title; with a byte order mark, so that spreadsheets read it as UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe(title(report, words))])
    writer.writerow([seal_line(report, words)])
    for table in tables(report, words):
        writer.writerow([])
        writer.writerow([table.title])
        writer.writerow(table.heads)
        writer.writerows([safe(str(text)) for text in row] for row in table.rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def to_pdf(report: Mapping[str, Any], words: Words) -> bytes:
    """On paper, by `compliance.typ`."""
    import typst

    made = datetime.fromisoformat(report["made_at"])
    contents = {
        "language": words.language, "title": words(_TITLE), "tenant": report["tenant_name"],
        "period": words.period(parse_period(report["period"])), "page": words(N_("Page")),
        "made": words(N_("Made on %(moment)s"), moment=words.moment(made, report["timezone"])),
        "seal": seal_line(report, words), "nothing": words(N_("Nothing in this period.")),
        "tables": [
            {
                "title": one.title, "note": one.note, "heads": one.heads, "numbers": one.numbers,
                "rows": [
                    [asdict(cell) if isinstance(cell, Named) else cell for cell in row] for row in one.rows
                ],
            }
            for one in tables(report, words)
        ],
    }  # fmt: skip
    with TemporaryDirectory(prefix="recupero-compliance-") as folder:
        root = Path(folder)
        (root / "report.typ").write_text(_LAYOUT.read_text())
        (root / "report.json").write_text(json.dumps(contents, ensure_ascii=False))
        content: bytes = typst.compile(root / "report.typ", root=root, ignore_system_fonts=True)
    return content
