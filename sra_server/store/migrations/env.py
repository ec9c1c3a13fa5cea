"""What alembic runs: the migrations, on the connection and in the transaction that it is given."""
from __future__ import annotations

from alembic import context

from sra_server.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
