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
from typing import Literal, NamedTuple, Protocol

from babel import localedata
from babel.dates import format_date
from markupsafe import Markup, escape

from recupero.contacts.codes import LENGTH, LETTERS
from recupero.kernel import clock
from recupero.kernel.marking import LANGUAGES
from recupero.kernel.money import format_minor
from recupero.outreach.actions.kinds import ANSWERS, PLAIN_CHANNELS, SHORT_CHANNELS
from recupero.outreach.texts import moulds, naming, templating
from recupero.outreach.texts.moulds import Mould
from recupero.outreach.texts.naming import Beyond, Owed
from recupero.placements.reach import Reachable
from recupero_sdk.sms import replaced

_ODD_SPACES = re.compile("[\u00a0\u2007\u2009\u202f\u2060]")


@dataclass(frozen=True, slots=True)
class Sender:
    """On whose behalf and by whom a message is written."""

    creditor: str
    agency: str
    phone: str
    email: str
    site: str = ""  # where the public page is that knows a message by its code
    assistant: str = ""  # who signs for the agency
    virtual: bool = False  # a machine, which says so


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
    """A short code that identifies a message: eight letters that are easy to type, 37 bits."""
    number, letters = secrets.randbelow(len(LETTERS) ** LENGTH), ""
    for _ in range(LENGTH):
        number, place = divmod(number, len(LETTERS))
        letters += LETTERS[place]
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
    beyond: Beyond | None = None,
) -> Words:
    """The message of this template for the account, in the debtor's language (English where there is none).

    `reply` are subject and text of what a person wrote, for the template of that name; `own` finds the
    creditor's or agency's own words, which come before the platform's; `owed` are the parts of the balance,
    as placed where it is left out; `beyond` is what it says of more than the account. Raises
    jinja2.TemplateError where a template does not exist or wants what is not known.
    """
    language = account.language if account.language in LANGUAGES else "en"
    short = channel in SHORT_CHANNELS
    told = values_of(account, sender, link, language, short=short, owed=owed)
    of_one = {name: told[name] for name in _OF_ACCOUNT}
    of_one |= {"name": " ".join(account.name.split()), "code": code, **naming.NOTHING}
    if beyond is not None:
        of_one |= beyond_of(beyond, account, sender, link, language, short=short)
    found = own(template, language, "short" if short else "long", tone)
    given = _Given(
        template, channel, tone, language, sender,
        day(clock.now().date(), locale_of(language, account.country)),
        None if found is None else (found.subject, found.body), reply,
    )  # fmt: skip
    there = tuple([True if value else value for value in of_one.values()])
    form = _form(given, there) if reply == ("", "") else None
    if form is None or not moulds.fits([value for value in of_one.values() if value]):
        composed = _composed(given, of_one)
    else:
        composed = form.filled(of_one)
    plain = channel == "sms" and template != "reply"  # a person's words stay as they wrote them
    text = replaced(composed.text, "accents") if plain else composed.text
    shown = {item: composed.values[item] for item in composed.shown}
    return Words(
        language, code, composed.subject, text, composed.html, shown, composed.values, short, plain
    )  # fmt: skip


_OF_ACCOUNT = ("account", "opened", "due", "placed", "balance", "interest_amount", "costs_amount", "link")
_OF_ONE = (*_OF_ACCOUNT, "name", "code", *naming.VALUES)
_COMPARED = ("tone", "language")


class _Given(NamedTuple):
    """What a message has in common with those to other people. `own` and `reply`: subject and text."""

    template: str
    channel: str
    tone: str
    language: str
    sender: Sender
    today: str
    own: tuple[str, str] | None
    reply: tuple[str, str]

    @property
    def short(self) -> bool:
        return self.channel in SHORT_CHANNELS

    @property
    def has_html(self) -> bool:
        return not self.short and self.template not in ANSWERS

    @property
    def parts(self) -> tuple[str, str]:
        """Names of the platform's templates for subject and text."""
        name = f"{self.language}/{self.template}"
        return f"{name}.subject", f"{name}.{'sms' if self.short else 'txt'}"

    @property
    def of_phrases(self) -> list[str]:
        """Names of the files with the words of each item."""
        return [
            f"{self.language}/{name}" for name in ("_phrases.txt", "_phrases_short.txt")[: 1 + self.short]
        ]


@dataclass(frozen=True, slots=True)
class _Composed:
    """A message before its text is made to fit its channel; `shown` are the names of items of law."""

    subject: str
    text: str
    html: str
    shown: tuple[str, ...]
    values: dict[str, str]


def _composed(given: _Given, of_one: Mapping[str, str | None], titled: str | None = None) -> _Composed:
    """The message with the values of one account, `_OF_ONE`. `titled`: another subject for its HTML form."""
    sender, said = given.sender, dict[str, str]()
    told = {
        **of_one, "agency": sender.agency, "creditor_name": sender.creditor, "phone": sender.phone,
        "email": sender.email,
    }  # fmt: skip
    for name in given.of_phrases:
        said |= _phrases(name, told)
    values = {
        **said,
        "tone": given.tone,
        **{name: of_one[name] or "" for name in ("name", "link", "code")},
        "language": given.language,
        "today": given.today,
        "agency": sender.agency,
        "phone": sender.phone,
        "site": sender.site,
        "assistant": sender.assistant,
        "virtual": "yes" if sender.virtual else "",
        "reply_subject": " ".join(given.reply[0].split()),
        "reply": given.reply[1],
    }
    subject, text = _rendered(given.parts, values) if given.own is None else _own(given.own, values)
    html = _html(text, titled or subject, values) if given.has_html else ""
    if given.channel in PLAIN_CHANNELS:
        subject, text = _plain(subject), _plain(text)
        values = {name: _plain(value) for name, value in values.items()}
    return _Composed(subject, text, html, (*said, "code"), values)


class _Form:
    """A message with marks in the place of what is one account's, to be filled in for many."""

    def __init__(self, given: _Given, marks: Mapping[str, str | None]) -> None:
        composed = _composed(given, marks, titled=moulds.mark("subject"))
        self._given, self._shown = given, composed.shown
        self._texts = Mould.of({**composed.values, "=subject": composed.subject, "=text": composed.text})
        self._html = Mould.of({"": composed.html})

    def filled(self, of_one: Mapping[str, str | None]) -> _Composed:
        """The message with the values of one account, each of which `fits`."""
        if self._given.channel in PLAIN_CHANNELS:
            of_one = {name: value and _plain(value) for name, value in of_one.items()}
        values = self._texts.filled(of_one)
        subject, text, html = values.pop("=subject"), values.pop("=text"), ""
        if self._given.own is not None:
            subject = " ".join(subject.split())
        if self._given.has_html:
            escaped = {name: value and moulds.escaped(value) for name, value in of_one.items()}
            html = self._html.filled({**escaped, "subject": moulds.escaped(subject)})[""]
        return _Composed(subject, text, html, self._shown, values)


@lru_cache(maxsize=512)
def _form(given: _Given, there: tuple[str | bool | None, ...]) -> _Form | None:
    """The form for accounts of which the same values of `_OF_ONE` are there (True); None where each has to be
    written by itself."""
    if given.has_html and given.channel in PLAIN_CHANNELS:
        return None
    sender = given.sender
    fixed = (sender.creditor, sender.agency, sender.phone, sender.email, sender.site, sender.assistant)
    platforms = [*given.of_phrases, *(given.parts if given.own is None else ()), "_letter.html"]
    known = all(_opaque(name) for name in platforms) and moulds.unmarked(fixed)
    own = all(moulds.opaque(part, _COMPARED) for part in given.own or ())
    marks = {
        name: moulds.mark(name) if value else None if value is None else ""
        for name, value in zip(_OF_ONE, there, strict=True)
    }
    return _Form(given, marks) if known and own else None


@cache
def _opaque(name: str) -> bool:
    return moulds.opaque(templating.source(name), _COMPARED)


def _plain(text: str) -> str:
    """The text with every space a plain one."""
    return text if text.isascii() else _ODD_SPACES.sub(_plain_space, text)


def _plain_space(found: re.Match[str]) -> str:
    return "" if found.group() == "\u2060" else " "


def of_a_call(account: Reachable) -> Words:
    """A call goes out without words: what is said in it the provider asks for, step by step."""
    return Words(account.language if account.language in LANGUAGES else "en", "", "", "", "", {})


def _rendered(parts: tuple[str, str], values: Mapping[str, str]) -> tuple[str, str]:
    subject, text = (templating.named(part).render(values) for part in parts)
    return subject.strip(), _tidy(text)


def _own(parts: tuple[str, str], values: Mapping[str, str]) -> tuple[str, str]:
    subject, text = (templating.written(part).render(values) for part in parts)
    return " ".join(subject.split()), _tidy(text)


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
        **naming.NOTHING,
    }


def beyond_of(
    told: Beyond, account: Reachable, sender: Sender, link: str, language: str, *, short: bool = False
) -> dict[str, str]:
    """The values (`naming.VALUES`) of what is said beyond the account, in the language."""
    locale = locale_of(language, account.country)
    form: Literal["long", "medium"] = "medium" if short else "long"
    others = (
        phrases(language, "_other.txt", values_of(one, sender, link, language, short=short, owed=parts))
        for one, parts in told.others
    )
    return naming.values(
        told.brief() if short else told, account, [each["other"] for each in others],
        lambda minor: format_minor(minor, account.currency, locale), lambda when: day(when, locale, form),
    )  # fmt: skip


def phrases(language: str, name: str, values: Mapping[str, str | None]) -> dict[str, str]:
    """The lines of a file of phrases, by item."""
    return _phrases(f"{language}/{name}", values)


def _phrases(name: str, values: Mapping[str, str | None]) -> dict[str, str]:
    lines = templating.named(name).render(values).splitlines()
    return {item: words.strip() for item, _, words in (line.partition(": ") for line in lines if line)}


def _html(text: str, subject: str, values: Mapping[str, str]) -> str:
    lines = Markup(str(escape(text)).replace("\n", "<br>\n"))  # noqa: S704 - escaped on this line
    return templating.named("_letter.html").render(values, lines=lines, subject=subject)


def _tidy(text: str) -> str:
    """Without the empty lines that tags leave behind: at most one in a row."""
    kept: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or kept[-1]:
            kept.append(line)
    return "\n".join(kept)


@cache
def locale_of(language: str, country: str) -> str:
    """The debtor's language as their country writes it, where Unicode knows that combination."""
    wanted = f"{language}_{country}"
    return wanted if localedata.exists(wanted) else language


@lru_cache(maxsize=4096)
def day(when: date, locale: str, form: Literal["long", "medium"] = "long") -> str:
    """A date as the locale writes it: in full, or with the month in few letters."""
    return format_date(when, form, locale=locale)
