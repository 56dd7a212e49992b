"""Plug-ins' settings are kept, their secrets unreadable."""

from sqlalchemy import text

from recupero.tenancy import queries, service
from tests.factories import World


def test_plugin_secrets_are_kept_apart_and_unreadable(world: World) -> None:
    tenant = world.tenant()
    with world.platform.database.transaction(tenant) as session:
        service.configure_plugin(
            session, kind="channel", key="email", enabled=True, settings={"host": "mail.example.com"},
            secret_values={"password": "hunter2hunter2"}, actor="user:1",
        )  # fmt: skip
        service.configure_plugin(
            session, kind="channel", key="email", enabled=False, settings={"host": "smtp.example.com"},
            actor="user:1",
        )  # fmt: skip
        found = queries.plugin_config(session, "channel", "email")
        stored = session.execute(text("SELECT secrets FROM plugin_settings")).scalar_one()
    assert found is not None
    enabled, config = found
    assert (enabled, config.get("host"), config.get("password")) == (
        False,
        "smtp.example.com",
        "hunter2hunter2",
    )
    assert "hunter2" not in repr(config)
    assert b"hunter2" not in stored
