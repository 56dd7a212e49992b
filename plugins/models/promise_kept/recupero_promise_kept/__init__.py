"""The chance that a promise is kept as a Recupero plug-in."""

from recupero_promise_kept.model import PromiseKept
from recupero_sdk import hookimpl
from recupero_sdk.models import ScoringModel


@hookimpl
def register_scoring_models() -> list[ScoringModel]:
    """The one model kind of this distribution."""
    return [PromiseKept()]
