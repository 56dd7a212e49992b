"""What the house's messages are called and what they may say, for connectors whose provider takes only words
that it approved, so that a misspelt name is found when it is set and not when a message is due."""

#: Names of messages (`Message.template`).
TEMPLATES = frozenset({
    "reminder", "first_notice", "follow_up", "offer", "promise_reminder", "broken_promise", "thanks",
    "paid_in_full", "late_instalment", "card_confirmation", "card_ended", "plan_resumed", "pause_over",
    "reply", "stopped", "stopped_wholly", "stopped_calls", "own_page", "page_code", "call_link", "receipt",
    "promise_day",
})  # fmt: skip
#: Names of values (`Message.values`). One may be empty where the creditor never told it.
VALUES = frozenset({
    "name", "tone", "creditor", "collector", "agency", "contract", "contract_date", "due_date", "amount",
    "interest", "costs", "how_to_pay", "rights", "contact", "not_execution", "link", "code", "site", "phone",
    "language", "today", "reply", "reply_subject", "assistant", "virtual", "offer", "others",
})  # fmt: skip
