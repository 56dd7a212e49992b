"""Accounts of a placement file: prepared without the database, then placed by set-based SQL.

`prepare` may run in another thread while the chunk before it is being placed.
"""

from dataclasses import dataclass

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import events
from recupero.placements import service
from recupero.placements.events import AccountsPlaced
from recupero.placements.imports import naming, sealing
from recupero.placements.imports.checking import check_placement
from recupero.placements.imports.copying import block_of_ids, copy, fetch, insert
from recupero.placements.imports.extracting import extract
from recupero.placements.imports.fields import CHANNELS, FLAGS, TEST
from recupero.placements.imports.findings import ACCEPTED, DUPLICATE, QUARANTINED, Checked, Findings
from recupero.placements.imports.points import contact_points
from recupero.placements.imports.reading import ROW
from recupero.placements.imports.setting import Setting
from recupero.placements.imports.spec import Mapping
from recupero.placements.lifecycle import ENDED
from recupero.placements.tables import Account, Debtor, Person

_PARTS = ("principal", "interest", "fee", "cost", "tax")
_DATES = (
    "open_date",
    "delinquency_date",
    "due_date",
    "charge_off_date",
    "last_payment_date",
    "limitation_date",
)
_EXTRA = ("employer", "score", "legal_status", "contract_rate", "judgment_date", "last_statement_date",
          "itemisation_date", "reference_name")  # fmt: skip
_KEYS = {"place": "bigint", "client_account": "text", "placement_number": "bigint", "identity": "bytea"}
_PEOPLE = {"id": "bigint", "identity": "bytea"}
_DEBTORS = {
    "id": "bigint", "person_id": "bigint", "kind": "text", "name": "bytea", "name_index": "bytea",
    "national_id": "bytea", "national_id_index": "bytea", "client_reference": "text", "birth_date": "bytea",
    "country": "text", "region": "text", "timezone": "text", "postal_code": "text", "language": "text",
}  # fmt: skip
_POINTS = {
    "debtor_id": "bigint", "fresh": "boolean", "kind": "text", "value": "bytea", "value_index": "bytea",
    "line_type": "text", "timezone": "text", "region": "text", "at_work": "boolean",
}  # fmt: skip
_ACCOUNTS = {
    "row_number": "bigint", "account_id": "bigint", "debtor_id": "bigint", "person_id": "bigint",
    "client_account": "text", "product": "text", "original_creditor": "text", "currency": "text",
    **dict.fromkeys(_DATES, "date"), "last_payment_minor": "bigint", "placement_number": "bigint",
    "placed_minor": "bigint", **{f"{part}_minor": "bigint" for part in _PARTS}, "extra": "jsonb",
    "consents": "text[]", "opt_outs": "text[]", "permission_at": "timestamptz", "permission_source": "text",
    "flags": "text[]", "tenant_id": "bigint", "portfolio_id": "bigint", "batch_id": "bigint",
    "placed_on": "date", "is_test": "boolean",
}  # fmt: skip

# Columns of the staged accounts that are no columns of accounts: the rooms above read them.
_STAGING_ONLY = {
    "row_number", "account_id", "person_id", "consents", "opt_outs", "permission_at", "permission_source",
    "flags",
}  # fmt: skip


@dataclass
class Prepared(Checked):
    """A checked chunk of a placement; `accounts`, `debtors` and `points` are what can be placed, sealed."""

    accounts: pl.DataFrame
    debtors: pl.DataFrame
    points: pl.DataFrame


def prepare(chunk: pl.DataFrame, mapping: Mapping, setting: Setting) -> Prepared:
    """Check a chunk and seal what can be placed."""
    found = Findings()
    text_rows = extract(chunk, mapping)
    checked = check_placement(text_rows, mapping, setting, found)
    points = contact_points(checked, found)
    if setting.waive:
        found.waive()
    checked = checked.with_columns(found.outcomes(checked[ROW])["outcome"])
    _repeated(checked, found)
    rows = checked.drop("outcome").join(found.outcomes(checked[ROW]), on=ROW, maintain_order="left")
    accepted = sealing.identities(rows.filter(pl.col("outcome") == ACCEPTED), setting)
    return Prepared(
        raw=chunk, found=found, rows=rows.select(ROW, "outcome", "balance", "currency"),
        accounts=_with_extra(_accounts(accepted, setting), chunk, mapping),
        debtors=sealing.debtors(accepted), points=sealing.points(points, accepted),
    )  # fmt: skip


def _repeated(checked: pl.DataFrame, found: Findings) -> None:
    """Only the first sound row of an account counts."""
    sound = checked.filter(pl.col("outcome") == ACCEPTED)
    again = ~pl.struct("client_account", "placement_number").is_first_distinct()
    found.add(sound, again, DUPLICATE, "client_account", "duplicate_file")


def _accounts(accepted: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    return accepted.select(
        pl.col(ROW).alias("row_number"), "identity", "client_account", "placement_number", "currency",
        *_DATES,
        _text(accepted, "product").fill_null(setting.product).alias("product"),
        _text(accepted, "original_creditor").alias("original_creditor"),
        pl.col("last_payment").alias("last_payment_minor"), pl.col("balance").alias("placed_minor"),
        *(pl.col(part).alias(f"{part}_minor") for part in _PARTS),
        _said(accepted, TEST).alias("is_test"),
        *permissions(accepted, setting),
    )  # fmt: skip


def permissions(accepted: pl.DataFrame, setting: Setting) -> list[pl.Expr]:
    """The staging columns of consents, opt-outs and flags."""
    at = pl.col("consent_date").cast(pl.Datetime("us", "UTC")).fill_null(setting.now)
    return [
        _listed(accepted, {f"consent_{channel}": channel for channel in CHANNELS}).alias("consents"),
        _listed(accepted, {f"opt_out_{channel}": channel for channel in (*CHANNELS, "all")}).alias(
            "opt_outs"
        ),
        _listed(accepted, FLAGS).alias("flags"),
        at.alias("permission_at"),
        _text(accepted, "consent_source").fill_null("placement").alias("permission_source"),
    ]


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String)


def _said(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A flag: whether the file says yes."""
    return pl.col(name).fill_null(value=False) if name in frame.columns else pl.lit(value=False)


def _listed(frame: pl.DataFrame, names: dict[str, str]) -> pl.Expr:
    """A PostgreSQL array literal of the words whose flag is set; null where none is."""
    given = [name for name in names if name in frame.columns]
    if not given:
        return pl.lit(None, dtype=pl.String)
    words = [pl.when(pl.col(name)).then(pl.lit(names[name])) for name in given]
    joined = pl.concat_str(words, separator=",", ignore_nulls=True)
    return pl.when(pl.any_horizontal(given)).then("{" + joined + "}")


def _with_extra(accounts: pl.DataFrame, chunk: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Fields without a column of their own, and the columns that the mapping keeps, as JSON by account."""
    used = {column for source in mapping.sources.values() for column in source.needs()}
    kept = mapping.keep if mapping.keep is not None else tuple(
        name for name in chunk.columns if name not in used and not name.startswith("\x00")
    )  # fmt: skip
    fields = [name for name in _EXTRA if name in mapping.sources]
    kept = tuple(name for name in kept if name not in fields)
    if not kept and not fields:
        return accounts.with_columns(pl.lit(None, dtype=pl.String).alias("extra"))
    own = extract(chunk, mapping).select(ROW, *fields)
    pieces = own.join(chunk.select(ROW, *(pl.col(name).alias(f"\x00{name}") for name in kept)), on=ROW)
    pieces = pieces.rename({f"\x00{name}": name for name in kept})
    encoded = pl.struct(pl.exclude(ROW)).struct.json_encode().alias("extra")
    return accounts.join(
        pieces.select(pl.col(ROW).alias("row_number"), encoded), on="row_number", maintain_order="left"
    )


def place(session: Session, prepared: Prepared, setting: Setting, batch_id: int, chunk: int) -> None:
    """Place what is new of a prepared chunk, and note on `prepared.found` and `prepared.rows` what is not.

    The caller holds the agency's import lock, so that no person or account appears meanwhile.
    """
    accounts = _new_accounts(session, prepared, setting, batch_id)
    if not accounts.height:
        return
    people, debtors = _people(session, accounts, prepared, setting)
    accounts = _linked(session, accounts, debtors, setting, batch_id)
    _insert_people(session, people, setting)
    _insert_debtors(session, debtors.filter("fresh"), setting)
    _insert_points(session, prepared.points, debtors, setting)
    _insert_accounts(session, accounts, setting)
    events.publish(session, AccountsPlaced(batch_id, "placed_accounts", chunk))


_PLACED = """
SELECT k.place, a.portfolio_id = :portfolio AS here, a.batch_id = :batch AS this_file, a.status = ANY(:ended)
AS ended, a.placement_number = k.placement_number AS same_placement
FROM placed_keys k JOIN accounts a ON a.tenant_id = :tenant AND a.client_account = k.client_account
"""


def _new_accounts(session: Session, prepared: Prepared, setting: Setting, batch_id: int) -> pl.DataFrame:
    """The accounts that are not placed already; the others are noted as duplicates or for a person to see."""
    copy(
        session,
        "placed_keys",
        prepared.accounts.with_columns(pl.col("row_number").alias("place")),
        _KEYS,
        analyse="client_account, identity",
    )
    schema = {
        ROW: pl.Int64,
        "here": pl.Boolean,
        "this_file": pl.Boolean,
        "ended": pl.Boolean,
        "same": pl.Boolean,
    }
    known = fetch(
        session, _PLACED,
        {"portfolio": setting.portfolio_id, "tenant": setting.tenant_id, "batch": batch_id,
        "ended": sorted(ENDED)},
        schema,
    )  # fmt: skip
    if not known.height:
        return prepared.accounts
    found, known = prepared.found, known.unique(maintain_order=True)
    here = pl.col("here") & pl.col("same")
    found.add(known, here & pl.col("this_file"), DUPLICATE, "client_account", "duplicate_file")
    found.add(known, here & ~pl.col("this_file"), DUPLICATE, "client_account", "duplicate_placed")
    elsewhere = ~pl.col("here") & ~pl.col("ended") & pl.lit(not setting.waive)
    found.add(known, elsewhere, QUARANTINED, "client_account", "other_portfolio")
    outcomes = found.outcomes(prepared.rows[ROW])
    prepared.rows = prepared.rows.with_columns(outcomes["outcome"])
    accepted = outcomes.filter(pl.col("outcome") == ACCEPTED).select(pl.col(ROW).alias("row_number"))
    return prepared.accounts.join(accepted, on="row_number", how="semi", maintain_order="left")


_KNOWN_PEOPLE = """
SELECT encode(k.identity, 'hex'), p.id, d.id
FROM (SELECT DISTINCT identity FROM placed_keys) k
JOIN people p ON p.agency_id = :agency AND p.identity_index = k.identity
LEFT JOIN debtors d ON d.tenant_id = :tenant AND d.person_id = p.id
"""


def _people(
    session: Session, accounts: pl.DataFrame, prepared: Prepared, setting: Setting
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """New people (`id`, `identity`), and all debtors of the accounts with `id`, `person_id` and `fresh`."""
    known = fetch(
        session, _KNOWN_PEOPLE, {"agency": setting.agency_id, "tenant": setting.tenant_id},
        {"identity": pl.String, "person_id": pl.Int64, "id": pl.Int64},
    ).with_columns(identity="\\x" + pl.col("identity"))  # fmt: skip
    wanted = prepared.debtors.join(
        accounts.select("identity").unique(), on="identity", how="semi", maintain_order="left"
    )
    debtors = wanted.join(known, on="identity", how="left", maintain_order="left")
    strangers = debtors.filter(pl.col("person_id").is_null()).select("identity")
    people = strangers.with_columns(block_of_ids(session, Person, strangers.height))
    debtors = debtors.join(
        people.rename({"id": "new_person"}), on="identity", how="left", maintain_order="left"
    )
    debtors = debtors.with_columns(
        pl.col("id").is_null().alias("fresh"), pl.coalesce("person_id", "new_person").alias("person_id")
    )
    return people, _numbered(session, debtors.drop("new_person"))


def _numbered(session: Session, debtors: pl.DataFrame) -> pl.DataFrame:
    fresh = debtors.filter("fresh")
    fresh = fresh.with_columns(block_of_ids(session, Debtor, fresh.height))
    return pl.concat([fresh, debtors.filter(~pl.col("fresh"))])


def _linked(
    session: Session, accounts: pl.DataFrame, debtors: pl.DataFrame, setting: Setting, batch_id: int
) -> pl.DataFrame:
    """Accounts with their ids and those of debtor and person."""
    linked = accounts.join(
        debtors.select("identity", "person_id", pl.col("id").alias("debtor_id")),
        on="identity",
        maintain_order="left",
    )
    return linked.sort("client_account").with_columns(
        block_of_ids(session, Account, linked.height).alias("account_id"),
        pl.lit(setting.tenant_id).alias("tenant_id"), pl.lit(setting.portfolio_id).alias("portfolio_id"),
        pl.lit(batch_id).alias("batch_id"), pl.lit(setting.today).alias("placed_on"),
    )  # fmt: skip


def _insert_people(session: Session, people: pl.DataFrame, setting: Setting) -> None:
    copy(session, "placed_people", people.sort("identity"), _PEOPLE)
    given = {"agency_id": ":agency", "identity_index": "identity"}
    insert(session, "people", "placed_people", ["id"], given, agency=setting.agency_id)


def _insert_debtors(session: Session, debtors: pl.DataFrame, setting: Setting) -> None:
    copy(session, "placed_debtors", debtors, _DEBTORS)
    given = {"tenant_id": ":tenant", "created_at": ":now"}
    insert(session, "debtors", "placed_debtors", _DEBTORS, given, tenant=setting.tenant_id, now=setting.now)
    naming.file(session, debtors.select("id", "words"))


def _insert_points(session: Session, points: pl.DataFrame, debtors: pl.DataFrame, setting: Setting) -> None:
    """New debtors' points cannot be there yet; those of known debtors may be."""
    ids = debtors.select("identity", pl.col("id").alias("debtor_id"), "fresh")
    copy(session, "placed_points", points.join(ids, on="identity", maintain_order="left"), _POINTS)
    columns = [name for name in _POINTS if name != "fresh"]
    given = {"tenant_id": ":tenant", "created_at": ":now", "status": "'untested'", "source": "'placement'"}
    for where, conflict in (("fresh", ""), ("NOT fresh", "ON CONFLICT DO NOTHING")):
        insert(session, "contact_points", "placed_points", columns, given, where=where, conflict=conflict,
               tenant=setting.tenant_id, now=setting.now)  # fmt: skip


def _insert_accounts(session: Session, accounts: pl.DataFrame, setting: Setting) -> None:
    copy(session, "placed_accounts", accounts, _ACCOUNTS, analyse="account_id, debtor_id")
    columns = [name for name in _ACCOUNTS if name not in _STAGING_ONLY]
    given = {"id": "account_id", "status": "'active'", "stage": "'unreached'", "status_changed_at": ":now",
             "balance_minor": "placed_minor"}  # fmt: skip
    insert(session, "accounts", "placed_accounts", columns, given, now=setting.now)
    open_holds(session, "placed_accounts", setting)


def open_holds(session: Session, staging: str, setting: Setting) -> None:
    """Open a hold for each flag of the staged accounts, unless it is open already. Publishes `HoldsOpened`:
    what waits to go out to these debtors is stopped in this transaction."""
    opened = session.execute(text(_HOLDS.format(staging=staging)), {"now": setting.now, "source": "file"})
    service.tell_opened(session, [(row.debtor_id, row.account_id, row.kind) for row in opened])


# A dispute is about one account; the other flags are about the person.
_HOLDS = """
INSERT INTO holds (tenant_id, debtor_id, account_id, kind, source, started_at)
SELECT DISTINCT f.tenant_id, f.debtor_id, f.account_id, f.kind, :source, CAST(:now AS timestamptz)
FROM (
    SELECT p.tenant_id, p.debtor_id, CASE WHEN flag = 'dispute' THEN p.account_id END AS account_id,
        flag AS kind
    FROM {staging} p, unnest(p.flags) AS flag
) f
LEFT JOIN holds h ON h.tenant_id = f.tenant_id AND h.debtor_id = f.debtor_id AND h.kind = f.kind
    AND h.ended_at IS NULL AND (h.until IS NULL OR h.until > :now)
    AND h.account_id IS NOT DISTINCT FROM f.account_id
WHERE h.id IS NULL
RETURNING debtor_id, account_id, kind
"""
