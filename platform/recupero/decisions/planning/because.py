"""The model's own reasons of decisions, worked out when somebody reads them: by the version that decided,
from the vectors on which it decided.

A plan of a million accounts is read a page at a time: to keep a million explanations would take more of it
than to decide. Nothing is lost by waiting, for neither vectors nor versions ever change.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from recupero.decisions.history import vector_store
from recupero.decisions.learning import registry, serving, valuing
from recupero.decisions.tables import Decision
from recupero_sdk.models import Reason

log = logging.getLogger(__name__)

TOP = 3
FEATURE, GONE = "feature", "model_gone"


def tell(session: Session, decisions: Sequence[Decision]) -> None:
    """Give each decision of the tenants in scope the reasons of its model, after the rule that led to it.

    Those of earlier plans that were kept stand as they are. Where the version cannot be read any more, or
    fails, the decision says so (`model_gone`), and the log has an error.
    """
    asked = [each for each in decisions if each.model != serving.FALLBACK and not _kept(each)]
    vectors = vector_store.vectors_of(session, [(each.run_id, each.account_id) for each in asked])

    def model(each: Decision) -> tuple[str, str]:
        return each.model, each.model_version

    known = sorted((each for each in asked if (each.run_id, each.account_id) in vectors), key=model)
    for (name, number), of_model in groupby(known, key=model):
        some = list(of_model)
        told = _reasons(name, number, [vectors[each.run_id, each.account_id] for each in some])
        for each, own in zip(some, told, strict=True):
            set_committed_value(each, "reasons", [*each.reasons, *own])


def _kept(decision: Decision) -> bool:
    return any(reason["code"] == FEATURE for reason in decision.reasons)


def _reasons(name: str, number: str, vectors: Sequence[Mapping[str, float]]) -> list[list[dict[str, Any]]]:
    try:
        explained = _explained(name, number, vectors)
    except Exception:
        log.exception("version %s of %s cannot say why it decided", number, name)
        return [[{"code": GONE}] for _ in vectors]
    return [[_told(reason) for reason in row] for row in explained]


def _explained(name: str, number: str, vectors: Sequence[Mapping[str, float]]) -> list[list[Reason]]:
    version, kind = registry.numbered(name, number), registry.parts_of(name)[0]
    names = dict.fromkeys(column for vector in vectors for column in vector)
    columns = {
        column: np.array([vector.get(column, np.nan) for vector in vectors], dtype=np.float64)
        for column in names
    }
    if kind == valuing.KIND:
        return valuing.load(version).explain(columns, len(vectors), TOP)
    return serving.proven_reasons(serving.load(kind, version), columns, len(vectors), TOP)


def _told(reason: Reason) -> dict[str, Any]:
    return {
        "code": FEATURE, "feature": reason.feature, "contribution": round(reason.contribution, 4),
        "value": None if np.isnan(reason.value) else round(reason.value, 4),
    }  # fmt: skip
