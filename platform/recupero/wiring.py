"""Puts the rooms together: each room's jobs become known, and rooms above listen to rooms below."""


def wire() -> None:
    """Register job handlers and event handlers. Safe to call again."""
