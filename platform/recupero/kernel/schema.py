"""Row-level security, roles and key discipline: what migrations apply and `recupero db check` proves."""

from collections.abc import Iterable

from sqlalchemy import Connection, MetaData, Table, UniqueConstraint, text

from recupero.kernel.database import APP_ROLE

_TENANTS = "ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
_AGENCY = "nullif(current_setting('app.agency_id', true), '')::bigint"
_PLATFORM = "current_setting('app.platform', true) = 'on'"

# The condition under which a row is seen and may be written, by the table's scope.
POLICIES = {
    "tenant": f"tenant_id = {_TENANTS}",
    "agency": f"agency_id = {_AGENCY}",
    "agency_self": f"id = {_AGENCY} OR {_PLATFORM}",
    "tenant_self": f"agency_id = {_AGENCY} OR id = {_TENANTS} OR {_PLATFORM}",
}
_REFUSE_CHANGES = "recupero_refuse_changes"
# How many owners the planner takes a table to have, as a share of its rows. Left to count for itself it finds
# in a table of one row that owners never repeat; while that holds, any index that begins with the owner looks
# as good as the key, and the checks of foreign keys read all rows of the owner for each new row.
_OWNERS = "n_distinct=-0.0001"


def role_statements() -> list[str]:
    """Create the application's role: it owns nothing and cannot bypass row-level security."""
    return [
        f"DO $$ BEGIN CREATE ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE LOGIN;"
        f" EXCEPTION WHEN duplicate_object THEN NULL; WHEN unique_violation THEN NULL; END $$",
        f"GRANT {APP_ROLE} TO CURRENT_USER",
        f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
        f"CREATE OR REPLACE FUNCTION {_REFUSE_CHANGES}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION USING MESSAGE ="
        " TG_TABLE_NAME || ' is append-only: add a correcting row instead'; END $$",
    ]


def security_statements(table: Table) -> list[str]:
    """Row-level security and grants of one table, from its `info`. KeyError where no scope is stated."""
    name, scope = table.name, table.info["scope"]
    append_only = bool(table.info.get("append_only"))
    rights = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
    statements = [f"GRANT {rights} ON {name} TO {APP_ROLE}"]
    if table.info.get("id_blocks"):  # bulk loads take ids from the sequence before they insert
        statements.append(f"GRANT USAGE ON SEQUENCE {name}_id_seq TO {APP_ROLE}")
    if scope != "platform":
        condition = POLICIES[scope]
        statements += [
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY scope ON {name} USING ({condition}) WITH CHECK ({condition})",
        ]
    if scope in {"tenant", "agency"}:
        statements.append(f"ALTER TABLE {name} ALTER COLUMN {scope}_id SET ({_OWNERS})")
    if append_only:
        statements.append(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {_REFUSE_CHANGES}()"
        )
    return statements


def check(connection: Connection, metadata: MetaData) -> list[str]:
    """Every way in which the live database differs from the rules of the house; empty when all hold."""
    tables = dict(metadata.tables)
    return [
        *_role_problems(connection),
        *_unknown_tables(connection, tables),
        *(problem for table in tables.values() for problem in _table_problems(connection, table)),
    ]


def _role_problems(connection: Connection) -> Iterable[str]:
    row = connection.execute(
        text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = :role"), {"role": APP_ROLE}
    ).one_or_none()
    if row is None:
        yield f"the role {APP_ROLE} does not exist"
    elif row.rolsuper or row.rolbypassrls:
        yield f"the role {APP_ROLE} can bypass row-level security"
    owned = connection.execute(
        text("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = :role"
             " AND c.relpersistence <> 't'"),
        {"role": APP_ROLE},
    ).scalar_one()  # fmt: skip
    if owned:
        yield f"the role {APP_ROLE} owns {owned} relations and must own none"


def _unknown_tables(connection: Connection, tables: dict[str, Table]) -> Iterable[str]:
    live = connection.execute(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
    ).scalars()
    for name in live:
        if name not in tables:
            yield f"table {name} is in the database but no room declares it"


def _table_problems(connection: Connection, table: Table) -> Iterable[str]:
    scope = table.info.get("scope")
    if scope is None:
        yield f"table {table.name} states no scope"
        return
    if scope == "platform":
        if not table.info.get("why"):
            yield f"table {table.name} is outside row-level security without a reason"
        return
    yield from _policy_problems(connection, table)
    if scope in {"tenant", "agency"}:
        yield from _key_problems(table, f"{scope}_id")
        yield from _statistics_problems(connection, table.name, f"{scope}_id")


def _policy_problems(connection: Connection, table: Table) -> Iterable[str]:
    row = connection.execute(
        text(
            "SELECT c.relrowsecurity, c.relforcerowsecurity,"
            " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive) AS policies"
            " FROM pg_class c WHERE c.oid = to_regclass(:name)"
        ),
        {"name": table.name},
    ).one_or_none()
    if row is None:
        yield f"table {table.name} is not in the database: run `recupero db upgrade`"
    elif not (row.relrowsecurity and row.relforcerowsecurity):
        yield f"row-level security is not enabled and forced on {table.name}"
    elif row.policies != 1:
        yield f"table {table.name} has {row.policies} policies instead of one"


def _key_problems(table: Table, owner: str) -> Iterable[str]:
    keys = [("the primary key", list(table.primary_key.columns))]
    unique = [key for key in table.constraints if isinstance(key, UniqueConstraint)]
    keys += [(f"unique key {key.name}", list(key.columns)) for key in unique]
    keys += [(f"unique index {index.name}", list(index.columns)) for index in table.indexes if index.unique]
    for what, columns in keys:
        if not columns or columns[0].name != owner:
            yield f"{what} of {table.name} does not begin with {owner}"


def _statistics_problems(connection: Connection, table: str, owner: str) -> Iterable[str]:
    told = connection.execute(
        text(
            "SELECT attoptions FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname = :owner"
            " AND NOT :told = ANY (coalesce(attoptions, '{}'))"
        ),
        {"table": table, "owner": owner, "told": _OWNERS},
    ).all()
    if told:
        yield f"table {table} does not tell the planner how often {owner} repeats ({_OWNERS})"
