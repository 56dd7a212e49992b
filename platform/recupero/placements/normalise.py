"""The one form in which names, ids, numbers and addresses are compared and blindly indexed.

Whoever stores or searches a value goes through here first; otherwise equal values get different indexes.
"""

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_NOT_ID = re.compile(r"[^0-9A-Z]+")


def plain(text: str) -> str:
    """Lower case without accents: `plain("Núñez ") == "nunez"`."""
    decomposed = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def name_key(name: str) -> str:
    """Words of a name without accents, case and order: `Pérez, Ana` and `ANA PEREZ` are the same name."""
    return " ".join(sorted(_NOT_WORD.sub(" ", plain(name)).split()))


def national_id_key(country: str, value: str) -> str:
    """Country and the id's letters and digits: `CL:123456785`."""
    return f"{country}:{_NOT_ID.sub('', value.upper())}"


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
