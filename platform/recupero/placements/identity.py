"""How a person proves who they are: by facts that the creditor gave us and that the person must state."""

import hmac
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from recupero.placements.debts import OpenDebt, WhoOwes


class Fact(StrEnum):
    """What a person may be asked. The first three are known to few; the postal code and name to many."""

    NATIONAL_ID = "national_id"
    BIRTH_DATE = "birth_date"
    CLIENT_ACCOUNT = "client_account"
    POSTAL_CODE = "postal_code"
    NAME = "name"


def known_facts(person: WhoOwes, debts: Sequence[OpenDebt]) -> dict[Fact, tuple[str, ...]]:
    """What can be asked, strongest first, with the answers that count (normalised)."""
    known: dict[Fact, tuple[str, ...]] = {}
    if person.national_id and len(plain(person.national_id)) >= 4:
        known[Fact.NATIONAL_ID] = (plain(person.national_id)[-4:],)
    if person.birth_date:
        known[Fact.BIRTH_DATE] = (plain(person.birth_date),)
    if debts:
        known[Fact.CLIENT_ACCOUNT] = tuple(plain(debt.client_account) for debt in debts)
    if person.postal_code:
        known[Fact.POSTAL_CODE] = (plain(person.postal_code),)
    known[Fact.NAME] = (plain(person.name),)
    return known


def plain(value: str) -> str:
    """Letters and digits only, without accents, in one case: how answers are compared."""
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


_ASKED: dict[Fact, Callable[[str], str]] = {Fact.NATIONAL_ID: lambda answer: plain(answer)[-4:]}


def all_right(
    known: Mapping[Fact, tuple[str, ...]], questions: Sequence[Fact], answers: Mapping[Fact, str]
) -> bool:
    """Whether every question is answered with what is known. Each comparison is made, in constant time: how
    long it takes tells nothing."""
    right = bool(questions)
    for fact in questions:
        given = _ASKED.get(fact, plain)(answers.get(fact, "")).encode()
        matches = [
            hmac.compare_digest(given, answer.encode()) and answer != "" for answer in known.get(fact, ())
        ]
        right &= any(matches)
    return right
