"""The door for what providers and mailboxes bring, and the work on it."""
