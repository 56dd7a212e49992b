"""The words of a message: templates in the debtor's language, filled in and checked for what is missing.

Templates are package data under `templates/<language>/`: `<template>.subject`, `<template>.txt` (e-mail
and letter), `<template>.sms` (short forms for sms and WhatsApp). They extend `_letter.txt`, which holds what
the law wants said, and `_short.txt`, which holds what everybody needs; what the country wants beyond it is
added from `_items_short.txt`. `_phrases.txt` makes each of these items, one `item: words` a line
(`_phrases_short.txt` in fewer letters). The HTML form is the text in `_letter.html`. A variable that is
missing is an error.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, lru_cache
from typing import Literal, Protocol

from babel import localedata
from babel.dates import format_date
from jinja2 import PackageLoader, StrictUndefined, Template, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from recupero.kernel import clock
from recupero.kernel.money import format_minor
from recupero.placements.reach import Reachable
from recupero_sdk.sms import replaced

#: Templates and what the law is told each is for.
PURPOSES = {
    "reminder": "reminder",
    "first_notice": "collection",
    "follow_up": "collection",
    "offer": "collection",
    "promise_reminder": "collection",
    "broken_promise": "collection",
    "thanks": "collection",
    "paid_in_full": "collection",
    "late_instalment": "collection",
    "card_confirmation": "collection",
    "card_ended": "collection",
    "plan_resumed": "collection",
    "pause_over": "collection",
}
TEMPLATES = tuple(PURPOSES)
#: Words about a payment that came in, which go also where nothing is asked for any more.
THANKS = ("thanks", "paid_in_full")
#: Words that answer a person, never planned: what somebody wrote in a conversation, that a stop
#: holds, where their own page is, the code that they asked for there, and the link that an agent sends
#: while they talk.
ANSWERS = {
    "reply": "reply", "stopped": "confirmation", "stopped_wholly": "confirmation", "own_page": "reply",
    "page_code": "reply", "call_link": "reply",
}  # fmt: skip
TONES = ("kind", "neutral", "firm")
LANGUAGES = ("es", "en", "pt")
#: The channel that has no words of a message: a script leads it.
CALL = "call"
SHORT_CHANNELS = frozenset({"sms", "whatsapp"})
#: Where a space that keeps a line together (Babel writes one into amounts) does nothing good: it is not in an
#: SMS's alphabet, so that one more than halves the room of every segment.
PLAIN_CHANNELS = frozenset({"sms", "voice"})
#: What the phrases of the voice assistant (`_voice.txt`) may say.
OF_VOICE = ("agency", "recording", "amount", "day", "hour")
_ODD_SPACES = re.compile("[\u00a0\u2007\u2009\u202f\u2060]")
_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is read for another


@dataclass(frozen=True, slots=True)
class Sender:
    """On whose behalf and by whom a message is written."""

    creditor: str
    agency: str
    phone: str
    email: str
    site: str = ""  # where the public page is that knows a message by its code


@dataclass(frozen=True, slots=True)
class Owed:
    """Parts of a balance that law wants named, minor units; interest is counted up to that day."""

    interest_minor: int
    costs_minor: int  # fees and costs of collection
    counted_to: date


class OwnWords(Protocol):
    """Words of a message that an agency or a creditor wrote."""

    @property
    def subject(self) -> str: ...

    @property
    def body(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Words:
    """A rendered message. `shown` are the items that law may want, as they stand in the text."""

    language: str
    code: str
    subject: str
    text: str
    html: str
    shown: dict[str, str]
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    short: bool = False
    #: Without the accents that would halve the room of each segment of a text message.
    plain: bool = False


def new_code() -> str:
    """A short code that identifies a message: eight letters that are easy to type, 39 bits."""
    number, letters = secrets.randbelow(len(_CODE_LETTERS) ** 8), ""
    for _ in range(8):
        number, place = divmod(number, len(_CODE_LETTERS))
        letters += _CODE_LETTERS[place]
    return letters


def write(
    template: str,
    channel: str,
    tone: str,
    account: Reachable,
    sender: Sender,
    link: str,
    code: str,
    reply: tuple[str, str] = ("", ""),
    own: Callable[[str, str, str, str], OwnWords | None] = lambda template, language, form, tone: None,
    owed: Owed | None = None,
) -> Words:
    """The message of this template for the account, in the debtor's language (English where there is none).

    `reply` are subject and text of what a person wrote, for the template of that name; `own` finds the
    creditor's or agency's own words, which come before the platform's; `owed` are the parts of the balance,
    as placed where it is left out. Raises jinja2.TemplateError where a template does not exist or wants what
    is not known.
    """
    language = account.language if account.language in LANGUAGES else "en"
    short = channel in SHORT_CHANNELS
    told = values_of(account, sender, link, language, short=short, owed=owed)
    said = phrases(language, "_phrases.txt", told)
    if short:
        said |= phrases(language, "_phrases_short.txt", told)
    values = {
        **said,
        "tone": tone,
        "name": " ".join(account.name.split()),
        "link": link,
        "code": code,
        "language": language,
        "today": day(clock.now().date(), locale_of(language, account.country)),
        "agency": sender.agency,
        "phone": sender.phone,
        "site": sender.site,
        "reply_subject": " ".join(reply[0].split()),
        "reply": reply[1],
    }
    kept = template == "reply"  # a person's words stay as they wrote them
    found = own(template, language, "short" if short else "long", tone)
    subject, text = _rendered(template, language, short, values) if found is None else _own(found, values)
    html = "" if short or template in ANSWERS else _html(text, subject, values)
    shown = {**said, "code": code}
    if channel in PLAIN_CHANNELS:
        subject, text = _plain(subject), _plain(text)
        shown = {item: _plain(words) for item, words in shown.items()}
        values = {name: _plain(value) for name, value in values.items()}
    plain = channel == "sms" and not kept
    text = replaced(text, "accents") if plain else text
    return Words(language, code, subject, text, html, shown, values, short, plain)


def _plain(text: str) -> str:
    """The text with every space a plain one."""
    return text if text.isascii() else _ODD_SPACES.sub(_plain_space, text)


def _plain_space(found: re.Match[str]) -> str:
    return "" if found.group() == "\u2060" else " "


def of_a_call(account: Reachable) -> Words:
    """A call goes out without words: what is said in it the provider asks for, step by step."""
    return Words(account.language if account.language in LANGUAGES else "en", "", "", "", "", {})


def _rendered(template: str, language: str, short: bool, values: Mapping[str, str]) -> tuple[str, str]:
    subject = _template(f"{language}/{template}.subject").render(values).strip()
    text = _template(f"{language}/{template}.{'sms' if short else 'txt'}").render(values)
    return subject, _tidy(text)


def _own(found: OwnWords, values: Mapping[str, str]) -> tuple[str, str]:
    subject = _written(found.subject).render(values)
    return " ".join(subject.split()), _tidy(_written(found.body).render(values))


def extended(message: Words, items: Mapping[str, str]) -> Words:
    """The message with further things said at its end: items of law and the words for each."""
    if not items:
        return message
    text = "\n".join([message.text, *([""] if message.html else []), *items.values()])
    text = replaced(text, "accents") if message.plain else text
    html = _html(text, message.subject, message.values) if message.html else ""
    return replace(message, text=text, html=html, shown={**message.shown, **items})


def values_of(
    account: Reachable,
    sender: Sender,
    link: str,
    language: str,
    *,
    short: bool = False,
    owed: Owed | None = None,
) -> dict[str, str | None]:
    """What templates may say of the account, in the language, with days in few letters where `short`; None
    for what is nothing or not known."""
    form = "medium" if short else "long"
    locale = locale_of(language, account.country)
    owed = owed or Owed(account.interest_minor, account.costs_minor, account.placed_on)

    def money(minor: int) -> str | None:
        return format_minor(minor, account.currency, locale) if minor else None

    return {
        "agency": sender.agency,
        "creditor_name": sender.creditor,
        "account": " ".join(account.client_account.split()),  # what is imported never makes a line of its own
        "opened": None if account.open_date is None else day(account.open_date, locale, form),
        "due": day(account.due_date, locale, form),
        "placed": day(owed.counted_to, locale, form),
        "balance": format_minor(account.balance_minor, account.currency, locale),
        "interest_amount": money(owed.interest_minor),
        "costs_amount": money(owed.costs_minor),
        "link": link,
        "phone": sender.phone,
        "email": sender.email,
    }


def phrases(language: str, name: str, values: Mapping[str, str | None]) -> dict[str, str]:
    """The lines of a file of phrases, by item."""
    lines = _template(f"{language}/{name}").render(values).splitlines()
    return {item: words.strip() for item, _, words in (line.partition(": ") for line in lines if line)}


def _html(text: str, subject: str, values: Mapping[str, str]) -> str:
    lines = Markup(str(escape(text)).replace("\n", "<br>\n"))  # noqa: S704 - escaped on this line
    return _template("_letter.html").render(values, lines=lines, subject=subject)


def _tidy(text: str) -> str:
    """Without the empty lines that tags leave behind: at most one in a row."""
    kept: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or kept[-1]:
            kept.append(line)
    return "\n".join(kept)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("recupero.outreach"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]),
        auto_reload=False,
        cache_size=-1,
    )


def sandbox() -> ImmutableSandboxedEnvironment:
    """Where templates are read: they reach nothing of the house, and a value that is missing is an error."""
    return _environment()


@lru_cache(maxsize=4096)
def _written(text: str) -> Template:
    return _quick(_environment().from_string(text))


@cache
def _template(name: str) -> Template:
    return _quick(_environment().get_template(name))


def _quick(template: Template) -> Template:
    """With its globals in one plain mapping: Jinja copies them for each message, which takes longer from its
    chain of several than writing the message does."""
    template.globals = dict(template.globals)
    return template


@cache
def locale_of(language: str, country: str) -> str:
    """The debtor's language as their country writes it, where Unicode knows that combination."""
    wanted = f"{language}_{country}"
    return wanted if localedata.exists(wanted) else language


@lru_cache(maxsize=4096)
def day(when: date, locale: str, form: Literal["long", "medium"] = "long") -> str:
    """A date as the locale writes it: in full, or with the month in few letters."""
    return format_date(when, form, locale=locale)
