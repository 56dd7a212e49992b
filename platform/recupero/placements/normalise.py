"""The one form in which names, ids, numbers and addresses are compared and blindly indexed.

Whoever stores or searches a value goes through here first; otherwise equal values get different indexes.
"""

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_NOT_ID = re.compile(r"[^0-9A-Z]+")


def plain(text: str) -> str:
    """Lower case without accents: `plain("Núñez ") == "nunez"`."""
    decomposed = unicodedata.normalize("NFKD", text.strip())
    return "".join(letter for letter in decomposed if unicodedata.category(letter)[0] != "M").lower()


def name_words(name: str) -> list[str]:
    """Words of a name in their order, without accents and case: `["nunez", "ana"]`."""
    return _NOT_WORD.sub(" ", plain(name)).split()


def name_key(name: str) -> str:
    """Words of a name without accents, case and order: `Pérez, Ana` and `ANA PEREZ` are the same name."""
    return " ".join(sorted(name_words(name)))


def canonical_id(country: str, value: str) -> str:
    """The id's letters and digits as its country pads them: spreadsheets drop leading zeros, people add them.

    Chile's RUT goes without, Brazil's CPF and CNPJ with theirs, Peru's DNI with eight digits and no check
    digit.
    """
    compact = _NOT_ID.sub("", value.upper())
    if country == "CL":
        return compact.removeprefix("CL").lstrip("0")
    if country == "BR" and compact.isdigit():
        return compact.zfill(11 if len(compact) <= 11 else 14)
    if country == "PE" and len(compact) in {7, 8, 9}:
        return compact.zfill(8)[:8]
    return compact


def national_id_key(country: str, value: str) -> str:
    """Country and canonical id: `CL:123456785`."""
    return f"{country}:{canonical_id(country, value)}"


def email_key(address: str) -> str:
    """Addresses are compared without case."""
    return f"email:{address.strip().lower()}"


def phone_key(e164: str) -> str:
    """A number in E.164 with its plus sign."""
    return f"phone:{e164}"


def address_key(address: str) -> str:
    """Words of a postal address without accents and case."""
    return "address:" + " ".join(_NOT_WORD.sub(" ", plain(address)).split())


def unidentified_key(tenant_id: int, reference: str) -> str:
    """A person without national id is known by the creditor's own reference, to this creditor only."""
    return f"tenant:{tenant_id}:{reference.strip()}"
