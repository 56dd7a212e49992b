"""Each message that a person sends is read by a job, so that no page and no door waits for a model."""

import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from recupero.contacts.events import MessageReceived
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.jobs import JobContext, enqueue, job
from recupero.outreach.understanding import readings
from recupero_sdk.texts import Guess

log = logging.getLogger(__name__)
#: The kind of model that reads messages.
READER = "intents"
#: Seconds that somebody on a call waits for the model, whose honest answer takes some hundredths of one.
ON_THE_LINE = 3.0


def on_message_received(session: Session, event: MessageReceived) -> None:
    """Ask for the message to be read, where a plug-in can; else it waits for a person as it stands."""
    if READER in runtime.current().plugins.texts:
        enqueue(session, "decisions.read_message", contact_id=event.contact_id)


@job("decisions.read_message")
def read_message(context: JobContext, contact_id: int) -> None:
    """Guess what the message means, keep the guess and do what follows. A message is read once."""
    from recupero.decisions.learning import text_models

    with context.transaction() as session:
        said = readings.text_of(session, contact_id)
    if said is None:
        return
    reader = text_models.reader(context.scope, READER)
    guesses = reader.read(said.body)
    with context.transaction() as session:
        readings.keep(session, said, guesses, f"{reader.name} {reader.version}")


def guesses(scope: Scope, text: str) -> Sequence[Guess]:
    """What words on a call may mean, the likeliest first. Nothing where no plug-in reads, or, with an error
    in the log, where the model is gone, fails or keeps silent: whoever is on the line goes on by keys and
    short words."""
    from recupero.decisions.learning import text_models

    if READER not in runtime.current().plugins.texts:
        return []
    try:
        return text_models.reader(scope, READER).read(text, ON_THE_LINE)
    except Exception:
        log.exception("what is said on calls is not read by the model")
        return []
