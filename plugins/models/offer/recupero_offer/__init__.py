"""The chance that an offer is taken and kept as a Recupero plug-in."""

from recupero_offer.model import Offer
from recupero_sdk import hookimpl
from recupero_sdk.models import ScoringModel


@hookimpl
def register_scoring_models() -> list[ScoringModel]:
    """The one model kind of this distribution."""
    return [Offer()]
