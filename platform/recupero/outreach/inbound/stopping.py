"""Words by which a person closes a channel: only where they are the whole message.

`Quiero pagar, paren de llamar` is for a person to read; `STOP` alone is an order.
"""

import re
import unicodedata

_NOT_WORD = re.compile(r"[^a-z ]+")
#: In the languages of the house, without accents. Beside the plain words, those that the carriers of the
#: countries ask for (CTIA's list for the US; SALIR, BAJA, ALTO in Latin America; SAIR, PARAR in Brazil).
STOP_WORDS = frozenset({
    # English
    "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "opt out", "optout", "revoke",
    "remove", "remove me", "unsubscribe me",
    # Spanish
    "baja", "dar de baja", "darme de baja", "baja total", "alto", "parar", "pare", "paren", "para", "basta",
    "cancelar", "salir", "fin", "remover", "removerme", "eliminar", "no mas", "no mas mensajes",
    "desuscribir", "desuscribirme", "detener",
    # Portuguese
    "sair", "pare de enviar", "remova", "remova me", "descadastrar", "descadastre", "encerrar", "chega",
    "nao quero receber", "nao receber",
})  # fmt: skip


#: Words that close every channel, not only the one they came by.
_WHOLLY = re.compile(
    r"\b(?:stop all|stopall|baja total|(?:por |de )?ningun(?:a manera|a forma| medio| canal)"
    r"|(?:por )?ninguna via|(?:todos los|cualquier) (?:medios?|canal(?:es)?)"
    r"|in any way|by any means|contact me at all|(?:all|every|any) channels?"
    r"|(?:por )?nenhum(?: meio| canal|a forma)|(?:todos os|qualquer) (?:meios?|cana(?:l|is)))\b"
)


def wholly(text: str) -> bool:
    """Whether somebody who wants no more of this means every channel."""
    return _WHOLLY.search(_plain(text)) is not None


def is_stop(text: str) -> bool:
    """Whether the whole message, whatever its case, accents and punctuation, is such a word."""
    return _plain(text) in STOP_WORDS


def _plain(text: str) -> str:
    """The words without case, accents and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(_NOT_WORD.sub(" ", plain).split())
