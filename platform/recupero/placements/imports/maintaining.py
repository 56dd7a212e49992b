"""Maintenance files: what has changed about debtors, and what they now allow."""

from dataclasses import dataclass

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import events
from recupero.placements.events import PermissionsStated
from recupero.placements.imports import checking, matching, naming, sealing
from recupero.placements.imports.copying import copy, insert
from recupero.placements.imports.extracting import extract
from recupero.placements.imports.findings import REJECTED, WARNING, Checked, Findings
from recupero.placements.imports.placing import open_holds, permissions
from recupero.placements.imports.points import contact_points
from recupero.placements.imports.reading import ROW
from recupero.placements.imports.setting import Setting
from recupero.placements.imports.spec import Mapping

_SIMPLE = ("country", "region", "timezone", "postal_code", "language")
_CHANGES = {
    "row_number": "bigint", "tenant_id": "bigint", "account_id": "bigint", "debtor_id": "bigint",
    "name": "bytea",
    "name_index": "bytea", "birth_date": "bytea", **dict.fromkeys(_SIMPLE, "text"), "consents": "text[]",
    "opt_outs": "text[]", "flags": "text[]", "permission_at": "timestamptz", "permission_source": "text",
}  # fmt: skip
_POINTS = {
    "debtor_id": "bigint", "kind": "text", "value": "bytea", "value_index": "bytea", "line_type": "text",
    "timezone": "text", "region": "text", "at_work": "boolean",
}  # fmt: skip


@dataclass
class Prepared(Checked):
    """`changes` has the typed new values by row, `points` the contact points to add."""

    changes: pl.DataFrame
    points: pl.DataFrame


def prepare(chunk: pl.DataFrame, mapping: Mapping, setting: Setting) -> Prepared:
    """Check the new values. What the file does not say stays as it is."""
    found, raw = Findings(), extract(chunk, mapping)
    matching.check_key(raw, found)
    given = raw.select(ROW, *(checking.optional(raw, name).is_not_null().alias(name) for name in _SIMPLE))
    frame = checking.places(checking.texts(raw, found, ()), setting, found)
    frame = frame.with_columns(
        pl.when(given[name]).then(checking.optional(frame, name)).alias(f"new_{name}") for name in _SIMPLE
    )
    frame = checking.date_column(frame, "birth_date", mapping, found, WARNING)
    frame = checking.date_column(frame, "consent_date", mapping, found, WARNING)
    frame = checking.flags(frame, found)
    points = contact_points(frame, found)
    rows = frame.select(ROW).with_columns(
        found.outcomes(frame[ROW])["outcome"], pl.lit(None, dtype=pl.Int64).alias("balance"),
        pl.lit(setting.currency).alias("currency"),
    )  # fmt: skip
    names = checking.optional(frame, "name").alias("name")
    changes = frame.select(
        ROW,
        "client_account",
        names,
        "birth_date",
        *(pl.col(f"new_{name}").alias(name) for name in _SIMPLE),
        *permissions(frame, setting),
    ).filter(pl.col("client_account").is_not_null())
    return Prepared(chunk, found, rows, changes, points)


def place(session: Session, prepared: Prepared, setting: Setting, batch_id: int, chunk: int) -> None:
    """Change the debtors, add their contact points, open holds and announce what they allow."""
    changes = matching.match(session, prepared.changes, setting)
    missing = pl.col("account_id").is_null()
    prepared.found.add(changes, missing, REJECTED, "client_account", "no_account")
    changes = matching.accepted(prepared, changes)
    if not changes.height:
        return
    copy(session, "stated_changes", _sealed(changes, setting), _CHANGES, analyse="account_id, debtor_id")
    session.execute(text(_UPDATE), {"tenant": setting.tenant_id})
    named = changes.filter(pl.col("name").is_not_null())
    naming.file(
        session,
        named.select(pl.col("debtor_id").alias("id"), sealing.name_keys(named["name"]).alias("words")),
    )
    _add_points(session, prepared.points, changes, setting)
    open_holds(session, "stated_changes", setting)
    events.publish(session, PermissionsStated(batch_id, "stated_changes"))


def _sealed(changes: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    birth = changes.select(pl.col("birth_date").dt.strftime("%Y-%m-%d")).to_series()
    return changes.with_columns(
        pl.col(ROW).alias("row_number"), pl.lit(setting.tenant_id).alias("tenant_id"),
        sealing.sealed(changes["name"]), sealing.indexed(sealing.name_keys(changes["name"])),
        sealing.sealed(birth),
    )  # fmt: skip


# The last row of the file that says something of a debtor is the one that counts.
_UPDATE = """
UPDATE debtors d SET
    name = coalesce(c.name, d.name), name_index = coalesce(c.name_index, d.name_index),
    birth_date = coalesce(c.birth_date, d.birth_date), country = coalesce(c.country, d.country),
    region = coalesce(c.region, d.region), timezone = coalesce(c.timezone, d.timezone),
    postal_code = coalesce(c.postal_code, d.postal_code), language = coalesce(c.language, d.language)
FROM (SELECT DISTINCT ON (debtor_id) * FROM stated_changes ORDER BY debtor_id, row_number DESC) c
WHERE d.tenant_id = :tenant AND d.id = c.debtor_id
"""


def _add_points(session: Session, points: pl.DataFrame, changes: pl.DataFrame, setting: Setting) -> None:
    of = points.join(changes.select(ROW, "debtor_id"), on=ROW, maintain_order="left")
    ready = of.select(
        "debtor_id", "kind", sealing.sealed(of["value"]), sealing.indexed(of["key"].alias("value_index")),
        "line_type", "timezone", "region", "at_work",
    )  # fmt: skip
    copy(session, "stated_points", ready, _POINTS)
    given = {"tenant_id": ":tenant", "created_at": ":now", "status": "'untested'", "source": "'maintenance'"}
    insert(session, "contact_points", "stated_points", _POINTS, given, conflict="ON CONFLICT DO NOTHING",
           tenant=setting.tenant_id, now=setting.now)  # fmt: skip
