"""The mail that carries a scheduled report: its main figures, where to look closer, the report attached."""

from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from sqlalchemy.orm import Session

from recupero.kernel import clock, runtime
from recupero.kernel.marking import N_
from recupero.reports import service as recovery
from recupero.reports.compliance import layout
from recupero.reports.compliance import service as compliance
from recupero.reports.periods import parse_period
from recupero.reports.report import RecoveryReport
from recupero.reports.schedules import service
from recupero.reports.schedules.tables import ReportMail, ReportSchedule
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy

_TITLES = {"recovery": N_("Recovery report"), "compliance": N_("Compliance report")}
#: The figures that the mail itself tells, in this order.
_TOLD = (
    "collected", "liquidation", "net_back", "right_party_rate", "kept_rate", "complaint_rate",
    "out_of_policy",
)  # fmt: skip
_HTML = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8">
<meta name="color-scheme" content="light dark"></head>
<body style="font-family:sans-serif;line-height:1.5;max-width:40em">
<h1 style="font-size:1.3em">{title}</h1>{figures}{words}</body></html>
"""
_CELL = "padding:0.3em 1em 0.3em 0;border-bottom:1px solid #8886"


def compose(session: Session, sent: ReportMail, schedule: ReportSchedule) -> tuple[EmailMessage, list[str]]:
    """The mail without its sender, in the language of the creditor in scope, and whom it goes to."""
    tenant, period = tenancy.tenant(session), parse_period(sent.period)
    words = Words.of(tenant.locale, tenant.country)
    if schedule.report == "recovery":
        made = recovery.recovery_report(session, period)
        content, name = recovery.render(made, schedule.form), made.file_name
        figures, page = _figures(made, words), f"/reports/{tenant.id}?period={period}"
    else:
        content = layout.render(compliance.make(session, period, actor="system").report, schedule.form)
        name = f"compliance-{tenant.slug}-{sent.period.replace('..', '_')}"
        figures, page = [], "/compliance"
    recipients, file = schedule.recipients.split(), f"{name}.{schedule.form}"
    mail = EmailMessage()
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = f"{words(_TITLES[schedule.report])} · {tenant.name} · {words.period(period)}"
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<report-{tenant.id}-{sent.id}@recupero>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's machine answers it
    _write(mail, words, figures, _told(words, page, file))
    kind, _, part = service.MEDIA_TYPES[schedule.form].partition(";")[0].partition("/")
    mail.add_attachment(
        content, maintype=kind, subtype=part, filename=file,
        params={"charset": "utf-8"} if kind == "text" else None,
    )  # fmt: skip
    mail["Content-Language"] = words.language  # at the end: setting content takes such headers away
    return mail, recipients


def _figures(made: RecoveryReport, words: Words) -> list[tuple[str, str]]:
    """Name and value of what the mail tells of each currency."""
    found = []
    for section in made.sections:
        known = {one.metric.key: one for one in (*section.headline, *section.rates, *section.voices)}
        mark = f" ({section.currency})" if len(made.sections) > 1 else ""
        found += [
            (words(known[key].metric.label) + mark, words.figure(known[key], section.currency))
            for key in _TOLD
        ]
    return found


def _told(words: Words, page: str, file: str) -> list[str]:
    """The sentences below the figures."""
    base = runtime.current().config.base_url
    return [
        words(N_("The report is attached: %(name)s."), name=file),
        words(N_("Look closer: %(url)s"), url=base + page),
        words(N_("It comes by itself; who gets it and when is set here: %(url)s"), url=f"{base}/schedules"),
    ]


def _write(mail: EmailMessage, words: Words, figures: list[tuple[str, str]], told: list[str]) -> None:
    """The same as text and as HTML."""
    title = str(mail["Subject"])
    lines = [f"{name}: {value}" for name, value in figures]
    mail.set_content("\n\n".join(part for part in (title, "\n".join(lines), *told) if part) + "\n")
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:normal;{_CELL}">{escape(name)}</th>'
        f'<td style="text-align:right;{_CELL}"><strong>{escape(value)}</strong></td></tr>'
        for name, value in figures
    )
    table = f'<table style="border-collapse:collapse">{rows}</table>' if rows else ""
    below = "".join(f"<p>{_linked(one)}</p>" for one in told)
    mail.add_alternative(
        _HTML.format(lang=words.language, title=escape(title), figures=table, words=below), subtype="html"
    )


def _linked(sentence: str) -> str:
    """The sentence with its address, which stands at its end, as a link."""
    before, mark, address = sentence.rpartition(" ")
    if not address.startswith(("https://", "http://")):
        return escape(sentence)
    return f'{escape(before)}{mark}<a href="{escape(address)}">{escape(address)}</a>'
