"""The model of intents as a Recupero plug-in."""

from recupero_intents.model import Intents
from recupero_sdk import hookimpl
from recupero_sdk.texts import TextModel

__all__ = ["Intents", "register_text_models"]


@hookimpl
def register_text_models() -> list[TextModel]:
    """The one kind of model of this distribution."""
    return [Intents()]
