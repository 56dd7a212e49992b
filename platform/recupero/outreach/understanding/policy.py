"""What follows from how a message was read: a pure function of the guesses and the creditor's threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from recupero_sdk.texts import Guess

#: The debtor's own page answers these, once they have proved there who they are: balance, ways to pay, plans
#: and settlements within the creditor's terms, promises, receipts.
SAFE = frozenset({
    "asks_balance", "asks_discount", "asks_how", "asks_identity", "asks_receipt", "wants_link", "wants_plan",
    "will_pay",
})  # fmt: skip
#: A person answers these.
HUMAN = frozenset({
    "angry", "call_me_back", "cannot_pay", "complaint", "disputes", "hardship", "no_invoice", "paid_already",
    "prefers", "refuses", "sends_proof", "wants_person", "wrong_person",
})  # fmt: skip
#: Nothing need be answered.
QUIET = frozenset({"thanks"})
#: A yes to what was proposed: a person knows to what, whatever else the words resemble.
AGREES = "agrees"
INTENTS = tuple(sorted(SAFE | HUMAN | QUIET | {AGREES, "other", "stop"}))
THRESHOLD = 0.9
#: From how probable a human intent, or a stop, is reason enough for a person.
DOUBT = 0.2
#: From how probable a wish to hear no more is obeyed: a channel closed by mistake costs a contact, one left
#: open against a wish costs the debtor's peace and may break the law.
STOPS_FROM = 0.75
#: How somebody wants to be reached, or when to be called, resembles not to be reached: where the latter is
#: sure, the former is no reason for a person unless it is the likelier reading of the two.
_RESEMBLE_STOP = ("prefers", "call_me_back")
#: Somebody, or the post, says that the person has died.
DECEASED = "deceased"
URGENT = frozenset({DECEASED, "angry", "complaint", "hardship", "stop", "wants_person", "wrong_person"})
#: Working time within which a person answers what is urgent; the rest within a working day.
SOON = timedelta(hours=4)
UNSURE = "unsure"
#: The law leaves one message, which is a person's to write.
LAST_REPLY = "last_reply"
#: The answer of the house did not go out: the law refused it, or no provider took it.
UNANSWERED = "unanswered"
#: Answered with the receipt of their last payment, where there is one that they may mean; else by a person.
RECEIPT, NO_RECEIPT = "asks_receipt", "no_receipt"
#: Asked for day and sum on their page, whether or not they named them: a promise is theirs to make there.
WILL_PAY = "will_pay"


@dataclass(frozen=True, slots=True)
class Course:
    """`answer`: the link to their page goes out. `stop`: the channel is closed, and that is confirmed.
    `person`: somebody takes over because of `why`, and the channel is closed all the same where it `closes`.
    `nothing`: nothing need be done."""

    name: Literal["answer", "stop", "person", "nothing"]
    why: str
    closes: bool = False


def _for_people(guess: Guess, stop: float) -> bool:
    """Whether a person takes over because of this; `stop`: how sure it is that they want to hear no more."""
    if guess.label in _RESEMBLE_STOP and stop > guess.probability:
        return False
    return guess.label in HUMAN and guess.probability >= DOUBT


def course(guesses: Sequence[Guess], threshold: float = THRESHOLD, *, off: bool | None = None) -> Course:
    """What to do about a message with these guesses, the likeliest first. `off`: whether it says in plain
    words to be taken off, or not to be (`stopping.asked`), which counts more than what the model makes of it.

    The machine answers only where the likeliest intent is safe and at least `threshold` probable, and where
    no intent for people is even suspected. Who wants no more of this and asks or promises something beside
    it is not left without an answer: the channel is closed, and a person has the rest.
    """
    told = guesses if off is None else [one for one in guesses if one.label != "stop"]
    sorted_ = sorted(told, key=lambda guess: -guess.probability)
    stop = 1.0 if off else next((one.probability for one in sorted_ if one.label == "stop"), 0.0)
    stops = bool(off) or (stop >= min(threshold, STOPS_FROM) and threshold <= 1)
    human = next((one for one in sorted_ if _for_people(one, stop if stops else 0.0)), None)
    if human is not None:
        return Course("person", human.label, closes=stops)
    if stops:
        beside = next((one for one in sorted_ if one.label in SAFE and one.probability >= DOUBT), None)
        return Course("person", beside.label, closes=True) if beside else Course("stop", "stop", closes=True)
    if stop >= DOUBT:
        return Course("person", "stop")
    if not sorted_ or sorted_[0].probability < threshold:
        return Course("person", UNSURE)
    if any(one.label == AGREES and one.probability >= threshold for one in sorted_):
        return Course("person", AGREES)
    first = sorted_[0].label
    if first in SAFE:
        return Course("answer", first)
    return Course("nothing" if first in QUIET else "person", first)
