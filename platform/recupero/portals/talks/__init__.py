"""What is said: the inbox, the outbox, drafts, what waits for a yes, words, scripts."""
