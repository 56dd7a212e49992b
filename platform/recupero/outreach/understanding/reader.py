"""Who reads what people say: the room of models is above this one and brings its reader here (`wiring`)."""

from collections.abc import Callable, Sequence

from recupero.kernel import events
from recupero.kernel.database import Scope
from recupero_sdk.texts import Guess

#: What a text may mean, the likeliest first; nothing where no plug-in reads texts.
Read = Callable[[Scope, str], Sequence[Guess]]
_brought: list[Read] = []


def bring(read: Read) -> None:
    """Read with this from now on."""
    _brought[:] = [read]


def guesses(scope: Scope, text: str) -> Sequence[Guess]:
    """What the text may mean. The model is loaded once per process; then a text takes about a millisecond."""
    events.wired()
    return _brought[0](scope, text)
