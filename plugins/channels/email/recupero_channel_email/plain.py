"""Plain text of what a person wrote: out of HTML, and without the thread that they quoted.

Everything here walks a text once, whatever a sender made of it.
"""

import re
from html import unescape

#: More of a text is not read.
MOST_CHARACTERS = 100_000
_TOKEN = re.compile(r"<[^<>]*>|[^<]+|<")
_NAME = re.compile(r"</?\s*([a-zA-Z][a-zA-Z0-9]*)")
_UNREAD = ("script", "style", "head", "title")
_BREAKS = ("br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "blockquote", "hr")
#: Written by mail programs above what they quote. Lines are read up to this length.
_LINE = 400
_ATTRIBUTION = re.compile(
    r"\s*(on|el|em|le|am|in|a)\b.{0,300}\b(wrote|escribi[oó]|escreveu)\s*:\s*", re.IGNORECASE
)
_SEPARATOR = re.compile(
    r"\s*(-{2,}\s*(original message|mensaje original|mensagem original|forwarded message|"
    r"mensaje reenviado|mensagem encaminhada)\s*-{2,}|_{20,})\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\*?(from|de)\s*:\*?\s*\S", re.IGNORECASE)
_SENT = re.compile(r"\s*\*?(sent|date|enviado( el| em)?|enviada( em)?|fecha|data)\s*:", re.IGNORECASE)
_MORE_HEADERS = 4
#: Programs and telephones sign what they send; a signature proper begins with two dashes.
_SIGNED_BY_PROGRAM = re.compile(
    r"\s*(?:(?:enviado|enviada|sent|envoy[eé])\s+(?:desde|do|de|from|via|with)\b.{0,80}"
    r"|(?:get|obtener|obter|obtenga|obtenha)\s+(?:o\s+)?outlook\b.{0,60})\s*",
    re.IGNORECASE,
)
_SIGNATURE, _LINES_OF_ONE = re.compile(r"--\s?"), 10


def of_html(html: str) -> str:
    """The words of HTML, a quoted block as lines that begin with `>`."""
    words, unread, quoted = list[str](), "", 0
    for token in _TOKEN.findall(_without_comments(html[:MOST_CHARACTERS])):
        name = _NAME.match(token) if token.startswith("<") else None
        tag = name[1].lower() if name else ""
        closes = token.startswith("</")
        if unread:
            unread = "" if closes and tag == unread else unread
        elif tag in _UNREAD:
            unread = "" if closes or token.endswith("/>") else tag
        elif tag:
            quoted = max(0, quoted + (-1 if closes else 1)) if tag == "blockquote" else quoted
            words.append(_between(tag, quoted))
        elif not token.startswith("<!"):
            words.append(" ".join(unescape(f" {token} ").split()) if token.strip() else "")
            words.append(" " if token[-1:].isspace() else "")
    return _tidied("".join(words))


def _between(tag: str, quoted: int) -> str:
    if tag not in _BREAKS:
        return " " if tag == "td" else ""
    return "\n" + "> " * min(quoted, 5)


def _without_comments(html: str) -> str:
    parts, place = list[str](), 0
    while (start := html.find("<!--", place)) >= 0:
        parts.append(html[place:start])
        end = html.find("-->", start + 4)
        if end < 0:
            return "".join(parts)
        place = end + 3
    return "".join([*parts, html[place:]])


def without_quote(text: str) -> str:
    """What the person added to a thread: above what is quoted, between its parts, or below; without their
    signature. A text of which nothing would be left is given whole."""
    lines = text[:MOST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept: list[str] = []
    for place, line in enumerate(lines):
        if line.startswith(">"):
            continue
        if any(one.strip() for one in kept) and _begins_quote(lines, place):
            break
        if not _attributes(lines, place) and not _attributes(lines, place - 1, wrapped=True):
            kept.append(line)
    return _tidied("\n".join(_unsigned(kept))) or _tidied("\n".join(kept)) or _tidied("\n".join(lines))


def _unsigned(lines: list[str]) -> list[str]:
    """Without what stands under two dashes, and without what a program wrote at the end."""
    end = next((place for place, line in enumerate(lines) if _SIGNATURE.fullmatch(line)), len(lines))
    kept = lines[:end] if len(lines) - end <= _LINES_OF_ONE else [*lines]
    while kept and (not kept[-1].strip() or _SIGNED_BY_PROGRAM.fullmatch(kept[-1][:_LINE])):
        kept.pop()
    return kept


def _begins_quote(lines: list[str], place: int) -> bool:
    """Whether everything from here on is the older message, as programs do that quote without a mark."""
    line = lines[place][:_LINE]
    if _SEPARATOR.fullmatch(line):
        return True
    later = lines[place + 1 : place + 1 + _MORE_HEADERS]
    if _FROM.match(line) and any(_SENT.match(one[:_LINE]) for one in later):
        return True
    return _attributes(lines, place) and not any(one.startswith(">") for one in lines[place:])


def _attributes(lines: list[str], place: int, *, wrapped: bool = False) -> bool:
    """Whether the line says who wrote what follows; programs wrap it over two lines."""
    if not 0 <= place < len(lines) or lines[place].startswith(">"):
        return False
    line = lines[place][:_LINE]
    if not wrapped and _ATTRIBUTION.fullmatch(line):
        return True
    if place + 1 >= len(lines) or not line.strip() or not lines[place + 1].rstrip().endswith(":"):
        return False
    return _ATTRIBUTION.fullmatch(f"{line.rstrip()} {lines[place + 1].strip()}"[: 2 * _LINE]) is not None


def _tidied(text: str) -> str:
    """Without spaces at line ends and with one empty line at most between two others."""
    tidy: list[str] = []
    for line in text.replace("\xa0", " ").split("\n"):
        if line.strip() or (tidy and tidy[-1]):
            tidy.append(line.rstrip())
    return "\n".join(tidy).strip()
