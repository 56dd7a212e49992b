"""People found by the words of their names, which the database cannot read (`NameWord`, `NameList`).

A word that is typed in part is completed from the list of the creditor's words, which each process keeps once
it has read it: so no index of beginnings is stored, from which names could be guessed letter by letter.
"""

from bisect import bisect_left
from collections.abc import Iterator
from heapq import nlargest
from itertools import chain
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, Engine, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from recupero.kernel import crypto
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.placements import normalise
from recupero.placements.tables import NameList, NameWord

#: A word is completed from so many letters on, by so many words of each creditor.
FROM_LETTERS, MOST_COMPLETIONS = 3, 200

#: Of a list of ids so many are read first, and so many times as many then, until there are enough.
_FIRST_LOOK, _FURTHER = 32, 16

#: By database and tenant: the newest list that was read, and all words, each between line ends.
_read: WeakKeyDictionary[Engine, dict[int, tuple[int, str]]] = WeakKeyDictionary()


def bearing(session: Session, typed: str, limit: int = 500) -> list[int]:
    """Ids of the debtors of the tenants in scope whose name has every word that was typed, in any order and
    each perhaps not to its end; the newest, newest first. Who was renamed may still be among them: see
    `bears`."""
    words = set(normalise.name_words(typed))
    meant = {word: set(_completions(session, word)) for word in words}
    if not words or not all(meant.values()):
        return []
    ring = crypto.keyring()
    sealed = {one: ring.blind_index(one) for one in chain(*meant.values())}
    lists = session.execute(
        select(NameWord.word, NameWord.debtors).where(
            among(NameWord.tenant_id, scope_of(session).tenant_ids), NameWord.word.in_(sealed.values())
        )
    ).all()
    having: dict[bytes, list[str]] = {}
    for word, debtors in lists:
        having.setdefault(bytes(word), []).append(debtors)
    return newest([[text for one in those for text in having.get(sealed[one], ())]
                    for those in meant.values()], limit)  # fmt: skip


def newest(words: list[list[str]], limit: int) -> list[int]:
    """The highest `limit` ids that each of `words` has, highest first. A word's ids stand in several texts,
    ascending in each: of these only as much of their ends is read as it takes."""
    length = _FIRST_LOOK
    while True:
        ends = [[text.rsplit(",", length)[-length:] for text in texts] for texts in words]
        cut = [end for each in ends for end in each if len(end) == length]  # there may be more before it
        known = max((int(end[0]) for end in cut), default=0)  # from this id on, all of every text is read
        read = ((end[bisect_left(end, known, key=int) :] for end in each) for each in ends)
        found = set.intersection(*(set(chain.from_iterable(each)) for each in read))
        if len(found) >= limit or not cut:
            return nlargest(limit, map(int, found))
        length *= _FURTHER


def bears(name: str, typed: str) -> bool:
    """Whether a name has every word that was typed."""
    words = normalise.name_words(name)
    return all(any(_begins(word, one) for word in words) for one in normalise.name_words(typed))


def _begins(word: str, typed: str) -> bool:
    return word.startswith(typed) if len(typed) >= FROM_LETTERS else word == typed


def _completions(session: Session, word: str) -> Iterator[str]:
    """The word as it was typed, and those of the creditors' words that begin with it."""
    for words in _words(session):
        if len(word) < FROM_LETTERS:
            yield from [word] if f"\n{word}\n" in words else []
            continue
        at, number = words.find(f"\n{word}"), 0
        while at >= 0 and number < MOST_COMPLETIONS:
            end = words.index("\n", at + 1)
            yield words[at + 1 : end]
            at, number = words.find(f"\n{word}", end), number + 1


def _words(session: Session) -> list[str]:
    """The words of each tenant in scope; what came since they were last read is read now."""
    kept = _read.setdefault(session.get_bind().engine, {})
    tenants = scope_of(session).tenant_ids
    since = (
        func.unnest(
            bindparam(None, list(tenants), type_=ARRAY(BigInteger)),
            bindparam(None, [kept.get(one, (0, ""))[0] for one in tenants], type_=ARRAY(BigInteger)),
        )
        .table_valued("tenant_id", "last")
        .render_derived()
    )
    fresh = session.execute(
        select(NameList.tenant_id, NameList.id, NameList.words)
        .join(since, (since.c.tenant_id == NameList.tenant_id) & (NameList.id > since.c.last))
        .order_by(NameList.tenant_id, NameList.id)
    ).all()
    for tenant_id, last, words in fresh:
        _number, before = kept.get(tenant_id, (0, "\n"))
        kept[tenant_id] = (last, f"{before}{words}\n")
    return [kept[one][1] for one in tenants if one in kept]


def known_words(session: Session) -> set[str]:
    """The words that the lists of the tenant in scope have."""
    lists = session.execute(select(NameList.words).where(NameList.tenant_id == scope_of(session).tenant()))
    return {word for (words,) in lists for word in words.split("\n")}
