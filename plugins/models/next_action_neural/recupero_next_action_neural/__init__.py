"""The next_action_neural model as a Recupero plug-in."""

from recupero_next_action_neural.model import NextActionNeural
from recupero_sdk import hookimpl
from recupero_sdk.models import ActionModel


@hookimpl
def register_action_models() -> list[ActionModel]:
    """The one model kind of this distribution."""
    return [NextActionNeural()]
