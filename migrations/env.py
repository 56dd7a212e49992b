"""Alembic environment: called by `recupero db upgrade` with an open connection of the owner."""

from alembic import context

from recupero.kernel.migrate import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata(), compare_type=True)
with context.begin_transaction():
    context.run_migrations()
