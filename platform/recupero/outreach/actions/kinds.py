"""Which messages there are and what each is for, in which tones and languages; on which channels words are
short or plain."""

#: Templates and what the law is told each is for.
PURPOSES = {
    "reminder": "reminder",
    "first_notice": "collection",
    "follow_up": "collection",
    "offer": "collection",
    "promise_reminder": "collection",
    "broken_promise": "collection",
    "thanks": "collection",
    "paid_in_full": "collection",
    "late_instalment": "collection",
    "card_confirmation": "collection",
    "card_ended": "collection",
    "plan_resumed": "collection",
    "pause_over": "collection",
}
TEMPLATES = tuple(PURPOSES)
#: Words that an agreement asks for: whatever ranks what is planned, they go as the agreement says.
AGREED = ("promise_reminder", "late_instalment")
#: Words about a payment that came in, which go also where nothing is asked for any more.
THANKS = ("thanks", "paid_in_full")
#: The call that the debtor booked or was promised (`call_backs`): no payment, hold of the house, plan or
#: preference takes it back.
ASKED_FOR = ("call_back",)
#: Words that answer a person, never planned: what somebody wrote in a conversation, that a stop
#: holds, where their own page is, the code that they asked for there, the link that an agent sends
#: while they talk, where the receipt is that they asked for, and where they say on which day they will pay.
ANSWERS = {
    "reply": "reply", "stopped": "confirmation", "stopped_wholly": "confirmation",
    "stopped_calls": "confirmation", "own_page": "reply", "promise_day": "reply",
    "page_code": "reply", "call_link": "reply", "receipt": "reply",
}  # fmt: skip
#: Of these the house is silent while a person has the debtor.
OF_THE_HOUSE = ("own_page", "receipt", "promise_day")
TONES = ("kind", "neutral", "firm")
#: The channel that has no words of a message: a script leads it.
CALL = "call"
SHORT_CHANNELS = frozenset({"sms", "whatsapp"})
#: Where a space that keeps a line together (Babel writes one into amounts) does nothing good: it is not in an
#: SMS's alphabet, so that one more than halves the room of every segment.
PLAIN_CHANNELS = frozenset({"sms", "voice"})
#: What the phrases of the voice assistant (`_voice.txt`) may say.
OF_VOICE = ("agency", "recording", "amount", "day", "hour")
