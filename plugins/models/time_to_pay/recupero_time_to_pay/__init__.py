"""The time to pay as a Recupero plug-in."""

from recupero_sdk import hookimpl
from recupero_sdk.models import ScoringModel
from recupero_time_to_pay.model import TimeToPay


@hookimpl
def register_scoring_models() -> list[ScoringModel]:
    """The one model kind of this distribution."""
    return [TimeToPay()]
