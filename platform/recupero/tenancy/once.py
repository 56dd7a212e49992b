"""A request that moves money takes effect once, however often a caller sends it: `Idempotency-Key`.

The answer is kept in the transaction in which the effect is: there is never one without the other. A request
that was refused leaves nothing and may be sent again under its key.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar, cast

import orjson
from flask import request
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.kernel import clock, rest
from recupero.kernel.errors import Conflict
from recupero.tenancy.guard import tenant_transaction, the_caller
from recupero.tenancy.tables import KeptAnswer

Answer = TypeVar("Answer")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :tenant))")


def once(tenant_id: int, do: Callable[[Session], Answer]) -> Answer:
    """What `do` answers in a transaction of the caller's tenant, done once for the request's
    `Idempotency-Key`; without a key, done. Two requests with the same key wait for each other.

    Answers are JSON. Raises NotFound as `tenant_transaction`, Conflict where the caller used the key for
    another request, UserError on a key that is none.
    """
    with tenant_transaction(tenant_id) as session:
        if not request.headers.get(rest.KEY_HEADER):
            return do(session)
        key, caller, asked = rest.idempotency_key(), the_caller().actor, _fingerprint()
        session.execute(_LOCK, {"key": f"{caller}:{key}", "tenant": tenant_id})
        kept = session.execute(
            select(KeptAnswer).where(
                KeptAnswer.tenant_id == tenant_id, KeptAnswer.caller == caller, KeptAnswer.key == key
            )
        ).scalar_one_or_none()
        if kept is None:
            answer = do(session)
            session.add(
                KeptAnswer(
                    tenant_id=tenant_id, caller=caller, key=key, asked=asked, answered_at=clock.now(),
                    answer=orjson.loads(orjson.dumps(answer)),
                )
            )  # fmt: skip
            return answer
        if kept.asked != asked:
            raise Conflict(
                "this Idempotency-Key was used for another request: send a new one", field=rest.KEY_HEADER
            )
        return cast(Answer, kept.answer)


def _fingerprint() -> bytes:
    """What was asked, by address and body, whatever the order and spacing of the body's fields."""
    body = orjson.dumps(request.get_json(silent=True), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).digest()
