"""Texts that are translated where they are shown, not where they are written."""


def N_(text: str) -> str:
    """Mark a text for the translation catalogues."""
    return text
