"""The vectors that decisions rested on, kept by columns: a run's decisions in parts of so many rows.

A part is the ids of its accounts (int64, as differences) and then one column after the other in float32,
each array with its bytes sorted by place, which repeat, compressed by zlib: a few dozen bytes a decision. The
names are kept once for each list of columns, so that vectors stay readable when a list grows.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import BigInteger, and_, cast, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.tables import VectorList, VectorPart
from recupero.kernel.database import scope_of

#: A part is read as a whole, also for one decision's reasons: few enough that a page of them takes no time.
ROWS = 2_000
_LEVEL = 1  # higher ones take several times as long for a tenth


@dataclass(frozen=True, slots=True)
class Packed:
    """Vectors ready to be kept: the names of their columns, and of each part its accounts, ascending, and its
    bytes."""

    names: tuple[str, ...]
    parts: Sequence[tuple[Ints, bytes]]


def packed(tables: Iterable[tuple[Ints, Mapping[str, Floats]]]) -> Packed:
    """The vectors of accounts, ascending through all tables: each is accounts with one value of every
    column, the same columns in all."""
    names, parts = tuple[str, ...](), list[tuple[Ints, bytes]]()
    for accounts, columns in tables:
        names = tuple(columns)
        for start in range(0, len(accounts), ROWS):
            rows = slice(start, start + ROWS)
            parts.append((accounts[rows], pack(accounts[rows], [each[rows] for each in columns.values()])))
    return Packed(names, parts)


def keep(session: Session, run_id: int, vectors: Packed) -> None:
    """Keep the vectors of a run's decisions of the tenant in scope."""
    if not vectors.parts:
        return
    tenant = scope_of(session).tenant()
    list_id = _list_id(session, tenant, vectors.names)
    session.execute(insert(VectorPart), [
        {
            "tenant_id": tenant, "run_id": run_id, "list_id": list_id, "rows": len(accounts),
            "first_account": int(accounts[0]), "last_account": int(accounts[-1]), "data": data,
        }
        for accounts, data in vectors.parts
    ])  # fmt: skip


def _list_id(session: Session, tenant: int, names: tuple[str, ...]) -> int:
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    session.execute(
        upsert(VectorList).values(tenant_id=tenant, digest=digest, names=list(names)).on_conflict_do_nothing()
    )
    found = select(VectorList.id).where(VectorList.tenant_id == tenant, VectorList.digest == digest)
    return session.execute(found).scalar_one()


def pack(accounts: Ints, columns: Sequence[Floats]) -> bytes:
    """A part's bytes: ascending ids and the columns beside them."""
    steps = np.diff(accounts, prepend=0).astype("<i8")
    shuffled = [_by_place(steps), *(_by_place(np.asarray(column, dtype="<f4")) for column in columns)]
    return zlib.compress(b"".join(shuffled), _LEVEL)


def unpack(data: bytes, rows: int, names: Sequence[str]) -> tuple[Ints, dict[str, Floats]]:
    """The inverse of `pack`. Raises ValueError where the bytes are not of so many rows and names."""
    flat = np.frombuffer(zlib.decompress(data), dtype=np.uint8)
    if len(flat) != rows * (8 + 4 * len(names)):
        raise ValueError(f"a part of {rows} rows and {len(names)} columns has {len(flat)} bytes")
    ids = np.cumsum(_in_order(flat[: rows * 8], 8).view("<i8"))
    whole = _in_columns(flat[rows * 8 :], rows, len(names))
    return ids.astype(np.int64), {name: whole[place] for place, name in enumerate(names)}


def _by_place(values: np.ndarray[tuple[int], np.dtype[np.generic]]) -> bytes:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1).T.tobytes()


def _in_order(
    flat: np.ndarray[tuple[int], np.dtype[np.uint8]], width: int
) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.ascontiguousarray(flat.reshape(width, -1).T).reshape(-1)


def _in_columns(flat: np.ndarray[tuple[int], np.dtype[np.uint8]], rows: int, count: int) -> Floats:
    ordered = np.ascontiguousarray(flat.reshape(count, 4, rows).transpose(0, 2, 1))
    return ordered.reshape(-1).view("<f4").reshape(count, rows).astype(np.float64)


_KEPT = (
    select(VectorPart.run_id, VectorPart.rows, VectorPart.data, VectorList.names)
    .join(VectorList, and_(VectorList.tenant_id == VectorPart.tenant_id, VectorList.id == VectorPart.list_id))
    .order_by(VectorPart.run_id, VectorPart.first_account)
)


def parts(
    session: Session, run_ids: Sequence[int], names: Sequence[str]
) -> Iterator[tuple[int, Ints, dict[str, Floats]]]:
    """Run, accounts and the columns `names` (NaN where a vector's list had none of that name) of each part of
    these runs of the tenants in scope, one after the other."""
    query = _KEPT.where(
        VectorPart.tenant_id.in_(scope_of(session).tenant_ids), VectorPart.run_id.in_(run_ids)
    )
    for run_id, rows, data, kept in session.execute(query.execution_options(yield_per=4)):
        accounts, columns = unpack(data, rows, kept)
        unknown = np.full(rows, np.nan)
        yield run_id, accounts, {name: columns.get(name, unknown) for name in names}


def vector_of(session: Session, run_id: int, account_id: int) -> dict[str, float]:
    """What one decision rested on, by name; empty where no vector of it is kept."""
    return vectors_of(session, [(run_id, account_id)]).get((run_id, account_id), {})


def vectors_of(
    session: Session, decided: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], dict[str, float]]:
    """What some decisions (run, account) of the tenants in scope rested on, by name; of those that are
    kept."""
    found = dict[tuple[int, int], dict[str, float]]()
    if not decided:
        return found
    runs, accounts = (list(ids) for ids in zip(*decided, strict=True))
    pairs = func.unnest(cast(runs, ARRAY(BigInteger)), cast(accounts, ARRAY(BigInteger)))
    asked = pairs.table_valued("run_id", "account_id", name="asked").render_derived()
    query = _KEPT.add_columns(asked.c.account_id).join(asked, and_(
        asked.c.run_id == VectorPart.run_id, VectorPart.first_account <= asked.c.account_id,
        VectorPart.last_account >= asked.c.account_id,
    )).where(VectorPart.tenant_id.in_(scope_of(session).tenant_ids))  # fmt: skip
    for run_id, rows, data, names, account_id in session.execute(query):
        if vector := _row(data, rows, names, account_id):
            found[run_id, account_id] = vector
    return found


def _row(data: bytes, rows: int, names: Sequence[str], account: int) -> dict[str, float]:
    """One row of a part, the others left packed; empty where it has none of this account."""
    flat = np.frombuffer(zlib.decompress(data), dtype=np.uint8)
    ids = np.cumsum(_in_order(flat[: rows * 8], 8).view("<i8"))
    place = int(np.searchsorted(ids, account))
    if place == rows or ids[place] != account:
        return {}
    values = np.ascontiguousarray(flat[rows * 8 :].reshape(len(names), 4, rows)[:, :, place]).view("<f4")
    return dict(zip(names, values.ravel().astype(np.float64).tolist(), strict=True))
