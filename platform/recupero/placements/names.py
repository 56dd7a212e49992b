"""People found by the words of their names, which the database cannot read (`NameWord`, `NameList`).

A word that is typed in part is completed from the list of the creditor's words, which each process keeps once
it has read it: so no index of beginnings is stored, from which names could be guessed letter by letter.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
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

#: Of a text of ids so many characters are read first, and so many times as many then, until there are enough.
_FIRST_LOOK, _FURTHER = 256, 16

_Ids = NDArray[np.int64]
_NONE, _BEYOND = np.empty(0, dtype=np.int64), 2**63 - 1

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
            among(NameWord.tenant_id, scope_of(session).tenant_ids), among(NameWord.word, sealed.values())
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
    ends = [[_End(text) for text in texts] for texts in words]
    found, below = _NONE, _BEYOND
    while True:
        # from the highest id that a text was read to, all of every text is read
        cut = sorted(end.first for each in ends for end in each if end.is_cut)
        known = cut[-1] if cut else 0
        if known < below:
            found = np.concatenate([_in_each([_read_of(each, known, below) for each in ends]), found])
            below = known
        if len(found) >= limit or not cut:
            return [int(one) for one in found[::-1][:limit]]
        halfway = cut[len(cut) // 2]  # of rare words and of old files enough is read by then
        for end in chain.from_iterable(ends):
            if end.is_cut and end.first >= halfway:
                end.read_on()


def _read_of(ends: Sequence["_End"], known: int, below: int) -> _Ids:
    """The ids in these texts, as far as they are `known` or higher and lower than `below`."""
    return np.concatenate([_NONE, *(end.between(known, below) for end in ends)])


def _in_each(words: Sequence[_Ids]) -> _Ids:
    """The ids that are in each of these, each once and ascending."""
    fewest, *others = sorted(words, key=len)
    for ids in others:
        fewest = fewest[np.isin(fewest, ids)]
    return np.unique(fewest)


class _End:
    """The last ids of a text, as far as they were read: at first only one, of which nothing is copied."""

    __slots__ = ("_length", "_text", "first", "ids", "is_cut")

    def __init__(self, text: str) -> None:
        self._text, self._length = text, 0
        self._read(text.rfind(",") + 1)

    def read_on(self) -> None:
        self._length = max(_FIRST_LOOK, self._length * _FURTHER)
        begin = len(self._text) - self._length
        self._read(self._text.index(",", begin) + 1 if begin > 0 else 0)

    def _read(self, begin: int) -> None:
        self.ids: _Ids = np.fromstring(self._text[begin:], dtype=np.int64, sep=",")
        self.is_cut, self.first = begin > 0, int(self.ids[0])

    def between(self, known: int, below: int) -> _Ids:
        """Those of the ids that were read which are `known` or higher, and lower than `below`."""
        begin, end = np.searchsorted(self.ids, [known, below])
        return self.ids[begin:end]


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
