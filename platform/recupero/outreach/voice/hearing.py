"""What was pressed and said, read: an answer of the step, a fact, a day, a sum.

Short answers are read by the phrases below, in the languages of the house; `meaning` joins them with what the
model of messages makes of sentences. What neither knows is asked again, with the keys.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time

from recupero.outreach.conversations.stopping import is_stop
from recupero.outreach.scripts.shape import Choice
from recupero.outreach.understanding.dates import dates
from recupero.outreach.voice.birth_dates import birth_date
from recupero.outreach.voice.numbers import in_digits
from recupero.placements.identity import Fact

ID_LENGTH = 4  # characters of a document that are asked for
_IN_NUMBERS = frozenset({Fact.BIRTH_DATE, Fact.NATIONAL_ID})
#: The check letter of Chilean documents, as it is said.
_SPOKEN_K = re.compile(r"\bka$", re.IGNORECASE)
PERSON_KEY, REPEAT_KEY, NOT_ME_KEY = "0", "*", "9"
#: Phrases by intent (`shape.HEARD`), without accents, in that order: Spanish, English, Portuguese.
_PHRASES: tuple[tuple[str, str], ...] = (
    (
        "stop",
        r"no (?:me |nos )?(?:llam|molest|escrib)\w+|no quiero que (?:me )?llam\w+"
        r"|(?:dej|par)en? de llamar\w*|(?:stop|quit) calling|(?:do not|don t) call|nao (?:me )?ligu\w+"
        r"|(?:par[ae]m?|deixem?) de (?:me )?ligar",
    ),
    (
        "person",
        r"(?:una|con|otra) persona|un (?:humano|agente|asesor|ejecutivo)|operador\w*"
        r"|alguien real|(?:a|real|another) (?:person|human)|an agent|representative|uma pessoa"
        r"|atendente|um humano",
    ),
    (
        "wrong_person",
        r"(?:numero|persona) equivocad\w+|no (?:la |lo )?conozco|no soy|wrong (?:number"
        r"|person)|(?:do not|don t) know (?:him|her|them|that)|numero errado|nao (?:o "
        r"|a )?conheco|engano",
    ),
    (
        "hardship",
        r"sin trabajo|sin empleo|desemplead\w+|enferm\w+|hospital|falleci\w+|murio|despid\w+"
        r"|lost my job|unemployed|sick|ill|died|desempregad\w+|doente|faleceu|fui demitid\w+",
    ),
    (
        "angry",
        r"(?:los|las) voy a (?:denunciar|demandar)|ladrones|estaf\w+|scam\w*|sue you|golpe",
    ),
    (
        "paid_already",
        r"ya (?:lo |la |los )?(?:pague|cancele|deposite|transferi)|(?:already|have) paid"
        r"|ja paguei",
    ),
    (
        "dispute",
        r"no (?:debo|es mi[ao]|reconozco|estoy de acuerdo)|error|disput\w+|(?:do not"
        r"|don t) owe|not mine|nao (?:devo|reconheco|e min\w+|concordo)|contest\w+",
    ),
    (
        "absent",
        r"no esta|no se encuentra|salio|not (?:here|in|home)|nao esta|saiu",
    ),
    (
        "no_invoice",
        r"no (?:me )?(?:lleg\w+|recibi\w*)|never (?:got|received)|nao (?:recebi|chegou)",
    ),
    (
        "later",
        r"llam\w+ (?:mas tarde|luego|despues|en otro momento)|no puedo (?:hablar|atender)"
        r"|estoy (?:manejando|conduciendo|ocupad\w+|en (?:una )?reunion)|call (?:me )?(?:later|back)"
        r"|can ?t (?:talk|speak)|i m (?:driving|busy|in a meeting)|lig\w+ (?:mais tarde|depois)"
        r"|nao posso (?:falar|atender)|estou (?:dirigindo|ocupad\w+|em reuniao)",
    ),
    (
        "wants_plan",
        r"cuotas?|plazos?|por partes|instal\w*ments?|parcel\w+",
    ),
    (
        "cannot_pay",
        r"(?:no (?:puedo|tengo|alcanz\w+|podre|podria|voy a poder)|can ?not|can t|no money"
        r"|nao (?:posso|tenho|consigo))(?! (?:hablar|atender|talk|speak|falar))",
    ),
    (
        "refuses",
        r"no (?:voy a|quiero|pienso) pagar|no (?:lo |la )?pago|(?:will not|won t) pay"
        r"|nao (?:vou|quero) pagar",
    ),
    (
        "wants_settlement",
        r"descuento|rebaja|quita|un solo pago|discount|less than that|desconto|abatimento",
    ),
    (
        "wants_link",
        r"link|enlace|la pagina|the page",
    ),
    (
        "will_pay",
        r"(?:lo |voy a |te )?pag(?:o|are|ar)|(?:i )?(?:will|ll|can) pay|vou pagar|otro dia"
        r"|otra fecha|manana|another day|tomorrow|outro dia|amanha",
    ),
    (
        "who",
        r"quien (?:habla|llama|es|me llama)|(?:de|por) (?:parte de|donde) (?:quien|llama)"
        r"|who is (?:this|calling)|who are you|quem (?:fala|e|esta falando|ligou)",
    ),
    (
        "no",
        r"no|nop|nope|nao",
    ),
    (
        "yes",
        r"si|sip|claro|correcto|bueno|ok|okay|de acuerdo|diga|con (?:el|ella)|soy yo|el habla"
        r"|yes|yeah|sure|right|speaking|sim|isso|certo|pode ser|sou eu",
    ),
)
_READ = tuple((intent, re.compile(rf"\b(?:{words})\b")) for intent, words in _PHRASES)


def plain(text: str) -> str:
    """Words without accents, case and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w*#]+", " ", kept).split())


def intents(text: str) -> list[str]:
    """What may be meant, the weightiest first."""
    words = plain(text)
    found = [intent for intent, pattern in _READ if pattern.search(words)]
    return ["stop", *found] if is_stop(text) and "stop" not in found else found


def pressed(offered: Sequence[Choice], digits: str) -> Choice | None:
    """The answer of that number, from 1."""
    place = int(digits) - 1 if digits.isascii() and digits.isdecimal() else -1
    return offered[place] if 0 <= place < min(len(offered), 9) else None


def named(offered: Sequence[Choice], speech: str, language: str) -> Choice | None:
    """The answer whose number or very words were said."""
    words = plain(speech)
    if words.isdecimal():
        return pressed(offered, words)
    return next((one for one in offered if words and words == plain(one.label.get(language, ""))), None)


def fact(asked: Fact, digits: str, speech: str, today: date) -> str:
    """The answer to an identity question as the record would have it; empty where nothing was told that could
    be one: who says something else is asked again, and has not answered wrongly."""
    told = digits.replace("*", "") or in_digits(speech)
    letters = "".join(plain(told).split())
    if asked in _IN_NUMBERS and not any(letter.isdecimal() for letter in letters):
        return letters if asked is Fact.NATIONAL_ID and len(letters) == ID_LENGTH else ""
    if asked is Fact.BIRTH_DATE:
        found = birth_date(told, today)
        return found.strftime("%Y%m%d") if found else "?"  # numbers, but no date: a wrong answer
    return "".join(plain(_SPOKEN_K.sub("k", told)).split())


def day(digits: str, speech: str, language: str, today: date) -> date | None:
    """The day that was keyed in as day and month, the next of that name, or said."""
    if digits:
        return _keyed(digits, today)
    speech = in_digits(speech)
    numbers = plain(speech).replace(" ", "")
    if numbers.isdecimal() and len(numbers) == 4:
        return _keyed(numbers, today)
    found = [one for one in dates(speech, language=language, today=today) if one >= today] if speech else []
    return found[0] if found else None


def _keyed(digits: str, today: date) -> date | None:
    if len(digits) != 4 or not digits.isdecimal():
        return None
    for year in (today.year, today.year + 1):
        try:
            found = datetime.combine(date(year, int(digits[2:]), int(digits[:2])), time()).date()
        except ValueError:
            continue
        if found >= today:
            return found
    return None
