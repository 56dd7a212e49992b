"""The vectors that decisions rested on, kept by columns: a run's decisions in parts of so many rows.

A part is the ids of its accounts (int64, as differences) and then one column after the other in float32,
each array with its bytes sorted by place, which repeat, compressed by zlib: a few dozen bytes a decision. The
names are kept once for each list of columns, so that vectors stay readable when a list grows.
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy import and_, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.tables import VectorList, VectorPart
from recupero.kernel.database import scope_of

ROWS = 10_000
_LEVEL = 1  # higher ones take several times as long for a tenth


def keep(session: Session, run_id: int, accounts: Ints, columns: Mapping[str, Floats]) -> None:
    """Keep the vectors of a run's decisions of the tenant in scope; `columns` has one value per account."""
    if not len(accounts):
        return
    order = np.argsort(accounts, kind="stable")
    sorted_ids, tenant = accounts[order], scope_of(session).tenant()
    list_id = _list_id(session, tenant, tuple(columns))
    for start in range(0, len(order), ROWS):
        rows, ids = order[start : start + ROWS], sorted_ids[start : start + ROWS]
        data = pack(ids, [column[rows] for column in columns.values()])
        session.execute(insert(VectorPart).values(
            tenant_id=tenant, run_id=run_id, list_id=list_id, rows=len(ids), first_account=int(ids[0]),
            last_account=int(ids[-1]), data=data,
        ))  # fmt: skip


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
    query = _KEPT.where(
        VectorPart.tenant_id.in_(scope_of(session).tenant_ids), VectorPart.run_id == run_id,
        VectorPart.first_account <= account_id, VectorPart.last_account >= account_id,
    )  # fmt: skip
    for _run, rows, data, names in session.execute(query):
        accounts, columns = unpack(data, rows, names)
        place = int(np.searchsorted(accounts, account_id))
        if accounts[place] == account_id:
            return {name: float(column[place]) for name, column in columns.items()}
    return {}
