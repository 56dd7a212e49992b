"""The languages of the house, and texts that are translated where they are shown."""

#: What pages, messages and reports are written in.
LANGUAGES = ("es", "en", "pt")


def N_(text: str) -> str:
    """Mark a text for the translation catalogues."""
    return text
