"""A strict reader of SEPA payment files: refuses what the schema of ISO 20022 pain.001.001.09 refuses, and
what the guidelines of the European Payments Council (EPC132-08, SEPA credit transfer, 2023) take from it.

The schema itself is not ours to carry; its element order, how often each may stand, and the facets of its
simple types (lengths, patterns, digits) are facts, written down here for what a file of ours may hold.
Anything else is refused, also what the schema would allow.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree

from stdnum import bic, iban

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MANY = 10**9
_SEPA_TEXT = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+")


class Broken(AssertionError):
    """The file is not what a bank takes."""


def _must(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


def _text(longest: int) -> Callable[[str], None]:
    """Max35Text, Max140Text …, in the characters and with the slashes that every bank takes."""

    def check(value: str) -> None:
        _must(1 <= len(value) <= longest, f"1 to {longest} characters: {value!r}")
        _must(_SEPA_TEXT.fullmatch(value), f"characters that every bank takes: {value!r}")
        _must(value == value.strip(" /") and "//" not in value, f"blanks or slashes: {value!r}")

    return check


def _one_of(*values: str) -> Callable[[str], None]:
    return lambda value: _must(value in values, f"one of {values}: {value!r}")


def _count(value: str) -> None:
    _must(re.fullmatch(r"[0-9]{1,15}", value), f"Max15NumericText: {value!r}")


def _decimal(value: str) -> None:
    """18 digits in all; EPC: two of them after the point."""
    _must(re.fullmatch(r"[0-9]+\.[0-9]{2}", value), f"two decimals: {value!r}")
    _must(len(value.replace(".", "").lstrip("0")) <= 18, f"18 digits: {value!r}")


def _amount(value: str) -> None:
    _decimal(value)
    _must(Decimal("0.01") <= Decimal(value) <= Decimal("999999999.99"), f"EPC AT-04: {value!r}")


def _iban(value: str) -> None:
    _must(re.fullmatch(r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}", value), f"IBAN2007Identifier: {value!r}")
    _must(iban.is_valid(value), f"check digits: {value!r}")


def _bic(value: str) -> None:
    found = re.fullmatch(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", value)
    _must(found and bic.is_valid(value), f"BICFIDec2014Identifier: {value!r}")


def _moment(value: str) -> None:
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"
    _must(re.fullmatch(form, value), f"ISODateTime: {value!r}")
    datetime.fromisoformat(value)


def _day(value: str) -> None:
    _must(re.fullmatch(r"\d{4}-\d\d-\d\d", value), f"ISODate: {value!r}")
    date.fromisoformat(value)


@dataclass(frozen=True)
class Kind:
    """What an element holds: either text that `holds`, or `children` by name, in order, each from and to how
    many; where it is a choice exactly one of them. `attributes` with what each holds."""

    holds: Callable[[str], None] | None = None
    children: dict[str, tuple["Kind", int, int]] = field(default_factory=dict)
    choice: bool = False
    attributes: dict[str, Callable[[str], None]] = field(default_factory=dict)


def _all(**children: "Kind | tuple[Kind, int, int]") -> Kind:
    each = {name: one if isinstance(one, tuple) else (one, 1, 1) for name, one in children.items()}
    return Kind(children=each)


def _choice(**children: Kind) -> Kind:
    return Kind(children={name: (one, 0, 1) for name, one in children.items()}, choice=True)


def _maybe(kind: Kind) -> tuple[Kind, int, int]:
    return kind, 0, 1


_REFERENCE, _NAME = Kind(_text(35)), Kind(_text(70))  # EPC: names have 70 of the schema's 140
_ACCOUNT = _all(Id=_choice(IBAN=Kind(_iban)))
_BANK = _all(FinInstnId=_choice(BICFI=Kind(_bic), Othr=_all(Id=Kind(_one_of("NOTPROVIDED")))))
_EUROS = Kind(_amount, attributes={"Ccy": _one_of("EUR")})
_TRANSFER = _all(
    PmtId=_all(InstrId=_maybe(_REFERENCE), EndToEndId=_REFERENCE),
    Amt=_all(InstdAmt=_EUROS),
    CdtrAgt=_maybe(_BANK),
    Cdtr=_all(Nm=_NAME),
    CdtrAcct=_ACCOUNT,
    RmtInf=_maybe(_all(Ustrd=Kind(_text(140)))),
)
_BLOCK = _all(
    PmtInfId=_REFERENCE, PmtMtd=Kind(_one_of("TRF")), NbOfTxs=Kind(_count), CtrlSum=Kind(_decimal),
    PmtTpInf=_all(SvcLvl=_all(Cd=Kind(_one_of("SEPA")))), ReqdExctnDt=_choice(Dt=Kind(_day)),
    Dbtr=_all(Nm=_NAME), DbtrAcct=_ACCOUNT, DbtrAgt=_BANK, ChrgBr=Kind(_one_of("SLEV")),
    CdtTrfTxInf=(_TRANSFER, 1, MANY),
)  # fmt: skip
_HEADER = _all(
    MsgId=_REFERENCE, CreDtTm=Kind(_moment), NbOfTxs=Kind(_count), CtrlSum=Kind(_decimal),
    InitgPty=_all(Nm=_NAME),
)  # fmt: skip
_DOCUMENT = _all(CstmrCdtTrfInitn=_all(GrpHdr=_HEADER, PmtInf=(_BLOCK, 1, MANY)))


def read(content: bytes) -> ElementTree.Element:
    """The file's document. Raises Broken where a bank would refuse it."""
    _must(content.startswith(b"<?xml"), "a declaration")
    _must(b"<!" not in content, "no document type, no comments")
    content.decode("utf-8")
    document = ElementTree.fromstring(content)
    _must(document.tag == f"{{{NAMESPACE}}}Document", "the root")
    _check(document, _DOCUMENT, "Document")
    _check_sums(document)
    return document


def _check(element: ElementTree.Element, kind: Kind, path: str) -> None:
    _must(set(element.attrib) == set(kind.attributes), f"attributes of {path}")
    for name, holds in kind.attributes.items():
        holds(element.attrib[name])
    _must(not (element.tail or "").strip(), f"text after {path}")
    if kind.holds is not None:
        _must(len(element) == 0, f"no elements in {path}")
        kind.holds(element.text or "")
        return
    _must(not (element.text or "").strip(), f"no text in {path}")
    _must(all(child.tag.startswith(f"{{{NAMESPACE}}}") for child in element), f"the namespace in {path}")
    names = [child.tag.partition("}")[2] for child in element]
    order = list(kind.children)
    _must(set(names) <= set(order), f"{path} holds {names}")
    _must(names == sorted(names, key=order.index), f"the order of {path}: {names}")
    for name, (_child, least, most) in kind.children.items():
        _must(least <= names.count(name) <= most, f"{path} has {names.count(name)} {name}")
    _must(not kind.choice or len(names) == 1, f"one choice in {path}")
    for name, child in zip(names, element, strict=True):
        _check(child, kind.children[name][0], f"{path}/{name}")


def _check_sums(document: ElementTree.Element) -> None:
    """Counts and sums of the file and of each block; identities that stand once."""
    space = {"": NAMESPACE}
    blocks = document.findall(".//PmtInf", space)
    for holder in [document[0], *blocks]:
        own = holder.find("GrpHdr", space) if holder is document[0] else holder
        amounts = [Decimal(one.text or "") for one in holder.findall(".//InstdAmt", space)]
        _must(own is not None and own.findtext("NbOfTxs", None, space) == str(len(amounts)), "NbOfTxs")
        _must(own is not None and Decimal(own.findtext("CtrlSum", "", space)) == sum(amounts), "CtrlSum")
    identities = [one.findtext("PmtInfId", None, space) for one in blocks]
    _must(len(set(identities)) == len(identities), "PmtInfId stands once")
