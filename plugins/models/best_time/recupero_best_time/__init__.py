"""The best time as a Recupero plug-in."""

from recupero_best_time.model import BestTime
from recupero_sdk import hookimpl
from recupero_sdk.models import ScoringModel


@hookimpl
def register_scoring_models() -> list[ScoringModel]:
    """The one model kind of this distribution."""
    return [BestTime()]
