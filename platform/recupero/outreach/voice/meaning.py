"""What somebody on a call means.

The few words that calls are answered with are read by the tables of `hearing`; sentences by the model that
reads messages, too, as sure as it must be there (`readings.answers_from`) and with the same line between what
is safe and what is for people: where one of the latter is suspected, nothing safe is done, and the question
is asked again with its keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recupero.outreach.scripts.shape import HEARD
from recupero.outreach.understanding import policy
from recupero.outreach.voice import hearing
from recupero_sdk.texts import Guess

#: What scripts call the intents of the model. To be somebody else closes a number: tables alone hear that.
_IN_SCRIPTS = {
    "agrees": "yes", "angry": "angry", "asks_discount": "wants_settlement", "asks_how": "wants_link",
    "asks_identity": "who", "asks_receipt": "wants_link", "call_me_back": "later",
    "cannot_pay": "cannot_pay", "complaint": "angry", "disputes": "dispute", "hardship": "hardship",
    "no_invoice": "no_invoice", "paid_already": "paid_already", "refuses": "refuses",
    "sends_proof": "paid_already", "stop": "stop", "wants_link": "wants_link", "wants_person": "person",
    "wants_plan": "wants_plan", "will_pay": "will_pay",
}  # fmt: skip
#: Of so few words the model, which learned from written messages, knows less than the tables.
FEW = 3
#: What a script may do without a person's ear; everything else that is meant is for people.
_SAFE = frozenset({"no", "wants_link", "wants_plan", "wants_settlement", "will_pay", "yes"})
#: What is owed an answer also by who wants no more calls, as hand-overs name it.
_OWED = {
    "hardship": "hardship", "angry": "angry", "paid_already": "paid_already", "dispute": "disputes",
    "no_invoice": "no_invoice", "wants_plan": "wants_plan", "cannot_pay": "cannot_pay",
    "wants_settlement": "asks_discount", "wants_link": "wants_link", "will_pay": "will_pay",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meant:
    """`intents` as scripts name them, the weightiest first; `doubted` is an intent for people that is
    suspected beside them; `chances` how probable each of the intents is."""

    intents: tuple[str, ...] = ()
    doubted: str | None = None
    chances: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def first(self) -> str | None:
        """The weightiest."""
        return self.intents[0] if self.intents else None

    @property
    def owed(self) -> str | None:
        """The weightiest of what a person has to answer, whatever else they wish; None where nothing is."""
        return next((_OWED[one] for one in self.intents if one in _OWED), None)

    def safely(self, intent: str) -> bool:
        """Whether the call may go on by this intent: not by a safe one where another is suspected."""
        return self.doubted is None or intent not in _SAFE


def sentence(speech: str) -> bool:
    """Whether the model is asked: of sentences, and of two words or three that no table knows."""
    count = len(hearing.plain(speech).split())
    return count > FEW or (count > 1 and not hearing.intents(speech))


def meant(speech: str, guesses: Sequence[Guess], sure: float) -> Meant:
    """What tables and guesses together say; guesses count from `sure` on."""
    told = hearing.intents(speech)
    heard = dict[str, float]()
    for one in guesses:
        if one.probability >= sure and one.label in _IN_SCRIPTS:
            name = _IN_SCRIPTS[one.label]
            heard[name] = max(one.probability, heard.get(name, 0))
    chances = heard | dict.fromkeys(told, 1.0)  # a phrase of the tables is what it says
    intents = tuple(sorted(chances, key=HEARD.index))
    suspected = (
        one.label
        for one in guesses
        if one.label in policy.HUMAN
        and one.probability >= policy.DOUBT
        and _IN_SCRIPTS.get(one.label) not in intents
    )
    return Meant(intents, next(suspected, None), chances)
