"""Migrations: bring a database to the code's schema, and prove that it is there."""

import importlib
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine

from recupero.kernel import schema
from recupero.kernel.database import APP_ROLE, Base

_TABLES = (
    "kernel.audit", "kernel.jobs", "kernel.periodic", "tenancy.tables", "placements.tables",
    "placements.label_tables", "contacts.tables", "ledger.tables",
    "payments.tables", "payments.offers.offer_tables", "payments.papers.document_tables",
    "payments.incoming_tables",
    "payments.charging.mandate_tables", "outreach.tables", "outreach.answer_tables", "outreach.script_tables",
    "outreach.template_tables", "outreach.page_tables", "outreach.conversations.tables",
    "outreach.understanding.tables", "outreach.desk_tables",
    "decisions.tables", "reports.tables", "reports.webhooks.tables", "reports.compliance.tables",
    "reports.schedules.tables",
)  # fmt: skip


def metadata() -> MetaData:
    """All tables of the house, each room's `tables` loaded."""
    for name in _TABLES:
        importlib.import_module(f"recupero.{name}")
    return Base.metadata


def upgrade(owner_url: str) -> str:
    """Create the application's role and run the migrations. Returns the revision reached."""
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            for statement in schema.role_statements():
                connection.exec_driver_sql(statement)
        with engine.connect() as connection:
            config = _config(connection)
            command.upgrade(config, "head")
            # Every process looks whether it fits its database (/readyz).
            connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {APP_ROLE}")
            connection.commit()
            return MigrationContext.configure(connection).get_current_revision() or ""
    finally:
        engine.dispose()


def at_head(connection: Connection) -> bool:
    """Whether the database has every migration that this code knows."""
    script = ScriptDirectory(str(_folder()))
    return MigrationContext.configure(connection).get_current_revision() == script.get_current_head()


def check(owner_url: str) -> list[str]:
    """Problems of the live database: missing migrations, drift from the code, row-level security, keys."""
    engine = create_engine(owner_url)
    try:
        with engine.connect() as connection:
            if not at_head(connection):
                return ["migrations are missing: run `recupero db upgrade`"]
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            drift = [
                f"schema differs from the code: {change}" for change in compare_metadata(context, metadata())
            ]
            return drift + schema.check(connection, metadata())
    finally:
        engine.dispose()


def _config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_folder()))
    config.attributes["connection"] = connection
    return config


def _folder() -> Path:
    """The migrations beside the checkout, or inside an installed wheel."""
    installed = Path(__file__).parents[1] / "_migrations"
    return installed if installed.exists() else Path(__file__).parents[3] / "migrations"


def reset(owner_url: str) -> None:
    """Drop everything and migrate anew. Only for a database that holds nothing but a demo cut short."""
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    upgrade(owner_url)
