"""The right party as a Recupero plug-in."""

from recupero_right_party.model import RightParty
from recupero_sdk import hookimpl
from recupero_sdk.models import ScoringModel


@hookimpl
def register_scoring_models() -> list[ScoringModel]:
    """The one model kind of this distribution."""
    return [RightParty()]
