"""The connectors that a creditor has switched on, by name."""

from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.errors import NotFound
from recupero.tenancy import queries as tenancy
from recupero_sdk.channels import Channel
from recupero_sdk.inbound import Converses, Listens
from recupero_sdk.settings import PluginConfig


def open_connector(session: Session, key: str) -> tuple[Channel, PluginConfig]:
    """A connector that is loaded and switched on for the tenant in scope. Raises NotFound."""
    channel = runtime.current().plugins.channels.get(key)
    set_up = tenancy.plugin_config(session, "channel", key)
    if channel is None or set_up is None or not set_up[0]:
        raise NotFound("this creditor has no connector '%(key)s' switched on", field="connector", key=key)
    return channel, set_up[1]


def callback_url(channel: Channel, tenant_id: int, contact_id: int) -> str:
    """Where the connector's provider tells what becomes of this message, and beside it asks what to say in a
    call; empty for one whose provider never calls us.

    The address names the message: news of one whose receipt was lost are news of it all the same.
    """
    if not isinstance(channel, Listens | Converses):
        return ""
    base = runtime.current().config.base_url
    return f"{base}/channels/{channel.key}/{tenant_id}?message={tenant_id}-{contact_id}"
