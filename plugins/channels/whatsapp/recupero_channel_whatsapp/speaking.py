"""What a message says, by its type: words as they are, everything else as a note in brackets, so that nothing
that a person sends goes unseen."""

import json
from dataclasses import dataclass

from recupero_channel_whatsapp.reading import Told, inner, number, several, text

MEDIA = ("image", "document", "audio", "video", "sticker")


@dataclass(frozen=True, slots=True)
class Said:
    """`about` is the message that a reaction is to; `media` the file, as Meta describes it; `automatic` where
    no person said it."""

    text: str
    payload: str | None = None
    about: str = ""
    media: Told | None = None
    automatic: bool = False


def said(message: Told) -> Said:
    """What a message says. Raises `Rejected` where its parts are not of the kind they ought to be."""
    kind = text(message, "type")
    part = inner(message, kind) if kind and kind != "contacts" else {}
    if kind == "text":
        return Said(text(part, "body"))
    if kind == "button":
        return Said(text(part, "text"), payload=text(part, "payload") or None)
    if kind == "interactive":
        return _interactive(part)
    if kind in MEDIA:
        return Said(text(part, "caption"), media=part)
    if kind == "reaction":
        return Said(text(part, "emoji") or "[reaction taken back]", about=text(part, "message_id"))
    if kind == "location":
        return Said(_location(part))
    if kind == "contacts":
        return Said(_contacts(several(message, "contacts")))
    if kind == "system":
        return Said(f"[system: {text(part, 'body')}]", automatic=True)
    codes = [str(number(error, "code")) for error in several(message, "errors")]
    return Said(f"[{kind or 'unknown'}: {', '.join(['not readable here', *codes])}]")


def _interactive(part: Told) -> Said:
    """A pressed reply button, a chosen line of a list, a filled form."""
    kind = text(part, "type")
    chosen = inner(part, kind) if kind else {}
    if kind == "nfm_reply":
        return Said(text(chosen, "body") or "[form]", payload=text(chosen, "response_json") or None)
    return Said(text(chosen, "title") or f"[{kind or 'interactive'}]", payload=text(chosen, "id") or None)


def _location(part: Told) -> str:
    place = [text(part, name) for name in ("name", "address")]
    where = [json.dumps(part.get(name)) for name in ("latitude", "longitude")]
    return f"[location: {', '.join(piece for piece in [*place, ' '.join(where)] if piece)}]"


def _contacts(contacts: list[Told]) -> str:
    """Names and numbers of the contact cards."""
    cards = [
        " ".join(
            filter(
                None,
                [
                    text(inner(card, "name"), "formatted_name"),
                    *(text(phone, "phone") for phone in several(card, "phones")),
                ],
            )
        )
        for card in contacts
    ]
    return f"[contact: {'; '.join(cards)}]"
