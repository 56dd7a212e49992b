"""Words by which a person closes a channel.

`STOP` alone, or with a greeting or thanks around it, is an order and obeyed unread (`is_stop`). Within a
sentence only plain phrases are ("denme de baja"), and never one that is negated ("no me den de baja"):
`asked` tells both apart. What neither knows (`quiero pagar, paren de llamar`) the model of messages reads.
"""

import re
import unicodedata

from recupero.contacts.facts import EVERY_CHANNEL

_NOT_WORD = re.compile(r"[^a-z ]+")
#: In the languages of the house, without accents. Beside the plain words, those that the carriers of the
#: countries ask for (CTIA's list for the US; SALIR, BAJA, ALTO in Latin America; SAIR, PARAR in Brazil).
STOP_WORDS = frozenset({
    # English
    "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "opt out", "optout", "revoke",
    "remove", "remove me", "unsubscribe me", "stop sms", "stop messages",
    # Spanish
    "baja", "dar de baja", "darme de baja", "baja total", "alto", "parar", "pare", "paren", "para", "basta",
    "cancelar", "salir", "fin", "remover", "removerme", "eliminar", "no mas", "no mas mensajes",
    "desuscribir", "desuscribirme", "detener", "baja sms", "baja mensajes", "stop mensajes",
    "ya basta", "basta ya", "detengan", "no enviar", "no enviar mas", "desuscribirse", "darse de baja",
    "cancelar suscripcion", "cancelar envio", "cancelar envios", "eliminarme", "borrarme",
    # Portuguese
    "sair", "pare de enviar", "remova", "remova me", "descadastrar", "descadastre", "encerrar", "chega",
    "nao quero receber", "nao receber", "parem", "descadastre me", "descadastrar me", "desinscrever",
    "cancelar inscricao", "cancelar o envio", "nao enviar",
})  # fmt: skip


#: Words that close every channel, not only the one they came by.
_WHOLLY = re.compile(
    r"\b(?:stop all|stopall|baja total|(?:por |de )?ningun(?:a manera|a forma| medio| canal)"
    r"|(?:por )?ninguna via|(?:todos los|cualquier) (?:medios?|canal(?:es)?)"
    r"|in any way|by any means|contact me at all|(?:all|every|any) channels?"
    r"|(?:por )?nenhum(?: meio| canal|a forma)|(?:todos os|qualquer) (?:meios?|cana(?:l|is)))\b"
)


#: What people put around the word: no word of it says anything else.
_COURTESY = re.compile(
    r"\b(?:por ?favor|porfa\w*|xfa|x ?favor|favor|por gentileza|please|pls|plz|pfvr?|hola|holi|oi|ola"
    r"|buenas(?: (?:tardes|noches))?|buen(?:os)? dias?|hi|hello|bom dia|boa (?:tarde|noite)"
    r"|(?:muchas |mil )?gracias|saludos|thanks|thank you|thx|(?:muito )?obrigad[oa])\b"
)
#: A name, and what else stands under a farewell.
_FAREWELL = re.compile(
    r"\n\s*(?:(?:muchos |un )?saludos|atte|atentamente|cordialmente|(?:muchas )?gracias|(?:kind )?regards"
    r"|best|thanks|sincerely|att|atenciosamente|abra[cç]os?|(?:muito )?obrigad[oa])\b"
    r"[^\n]{0,30}(?:\n[^\n]{0,60}){1,3}\s*$",
    re.IGNORECASE,
)
#: Nothing longer is a word alone, whatever stands around it.
_LONGEST = 200

_OFF_PHRASES = (
    # "dar de baja el servicio" is about something else
    r"(?:d[ae]|den|dar)(?: ?(?:me|nos))? de baja(?! (?:el|l[ao]s?|mis?|sus?|est[ae]|es[ae]|una?)\b)"
    r"|(?:quiero|quisiera|solicito|pido|exijo) (?:la|mi) baja"
    r"|(?:sa[cq]\w+|borr\w+|elimin\w+|quit\w+) de (?:la|las|su|sus|esta|estas|toda) (?:lista|base)\w*"
    r"|unsubscribe me|(?:take|get) me off|remove (?:me|my (?:number|email|name)) from"
    r"|(?:me )?(?:tir|remov|exclu|descadastr)\w+(?: me)? d(?:a|essa|esta|sua|as) listas?"
    r"|(?:quero|desejo|queria) (?:sair(?= d(?:a|e|o|est[ae]|ess[ae])s? (?:lista|grupo|base)|$)"
    r"|me descadastrar)|me descadastr\w+|opt me out"
    r"|cancelar (?:(?:la|mi|a|minha) )?(?:su[bs]\w*cripcion|inscricao|assinatura)"
)
_OFF = re.compile(rf"\b(?:{_OFF_PHRASES})\b")
#: Little words may stand between "no" and what is not wanted: with others it is another sentence.
_NOT_OFF = re.compile(
    r"\b(?:no|nunca|jamas|nao|don t|do not|never|dont)(?: (?:me|nos|se|quiero|quisiera|deseo|pido|pedi"
    r"|solicito|es|que|para|voy|a|estoy|pidiendo|quero|queria|want|need|you|to|please))*"
    rf" (?:{_OFF_PHRASES}|(?:dej\w+|par\w+) de (?:escrib|mand|envi|avis|contact|llam|lig)\w+"
    r"|stop (?:sending|texting|writing|mailing|emailing|messaging|contacting|calling)|sair(?! de casa)"
    r"|unsubscribe|descadastr\w+)\b"
)
#: A whole clause: "don't call me at work" and "no me llamen antes de las 10" are wishes of another kind.
_ES = r"(?:llam|escrib|mand|envi|contact|molest)\w+"
_PT = r"(?:ligu|lig|mand|envi|escrev|contat|perturb)\w+"
_ENOUGH = re.compile(
    r"\b(?:(?:don t|dont|do not|never|stop|quit)"
    r" (?:call|ring|phone|text|e ?mail|messag|writ|contact)\w*(?: to)? (?:me|us)"
    rf"|(?:ya |nunca |jamas )no (?:me|nos) {_ES}|no (?:me|nos) vuelvan? a {_ES}"
    rf"|no (?:me|nos) {_ES} (?:mensajes )?(?:nunca )?(?:mas|de nuevo|otra vez)|(?:dej|par)\w+ de {_ES}"
    rf"|nao (?:me )?{_PT} (?:nunca )?mais|(?:par(?:a|e|em)|deix(?:a|e|em)) de (?:me )?{_PT}"
    r"|(?:stop|quit) calling)"
    r"(?: (?:again|any ?more|ever|now|please|thanks|mensajes|mas|ya|por favor|gracias|mensage(?:m|ns)|mais"
    r"|obrigad[oa]))*"
    # the end, or what begins another sentence: "dejen de llamarme que mañana pago", not "más que una vez"
    r"(?:$|(?<! mas)(?<! mais)(?<! more) (?:que|o|ou|or|y|e|and)\b"
    r"| (?:pero|porque|pues|but|because|pois|porem|yo|eu|i|voy|vou|ya|pago|pagar\w+|manana|amanha"
    r"|tomorrow)\b)"
)
_CLAUSE = re.compile(r"[.,:!?;\n]+")
#: "I'll stop by", "I can't stop worrying": nothing about messages.
_OTHER_STOP = re.compile(
    r"\bstop (?:by|in|over)(?= (?:my|your|the|our|later|today|tomorrow|on|at)\b|$)"
    r"|\b(?:can t|cant|cannot|can not|couldn t) stop(?! (?:you|them|these|the)\b)"
    r"|\b(?:sair|salir) (?:de|del|da|do|de est[ae]|de es[ae]|dess[ae]|dest[ae])"
    r" (?:deuda|divida|situacion|situacao|problema|vermelho)\b"
)
_NO = (
    r"(?:no|ni|nao|nem|nunca|jamas|don t|dont|do not|never|stop|quit|basta de|chega de"
    r"|(?:dej|deix|par)\w+ de)"
    r"(?: (?:me|nos|mas|more|any|quiero|quero|want|to|que|recibir|receber|get|vuelvan?|a|the|your|las|los))*"
)
_TO_CALL = (
    r"(?:llam\w+|telefone\w+|call(?:s|ing)?|ring(?:ing)?|phon(?:e|es|ing)"
    r"|lig(?:ar|uem?|acao|acoes|ando|am))"
)
_TO_WRITE = (
    r"(?:escrib\w+|escrev\w+|mensaj\w+|mensage\w+|mand\w+|envi\w+|text\w*|messag\w+|writ\w+|e ?mail\w*"
    r"|contact\w*|contat\w*|molest\w*|perturb\w*)"
)
_NO_CALLS = re.compile(rf"\b{_NO} {_TO_CALL}\b")
_NO_WRITING = re.compile(
    rf"\b{_NO} (?:{_TO_CALL} (?:(?:me|us|a|de|to) )*(?:and|or|nor|y|e|o|ni|ou|nem) (?:(?:me|a|de) )*)?"
    rf"{_TO_WRITE}\b"
)


def meant(text: str, came_by: str) -> str:
    """The channel that somebody who wants no more of this closes: `call` where they speak of calls alone,
    every one where they say so or speak of calls and messages, else the one it came by."""
    plain = _plain(text)
    calls, writing = _NO_CALLS.search(plain) is not None, _NO_WRITING.search(plain) is not None
    if _WHOLLY.search(plain) is not None or (calls and writing):
        return EVERY_CHANNEL
    return "call" if calls else came_by


def is_stop(text: str) -> bool:
    """Whether the whole message is such a word, whatever its case, accents and punctuation, said once or
    several times, with or without courtesy around it and a name under it."""
    if len(text) > _LONGEST:
        return False
    words = _COURTESY.sub("", _plain(_FAREWELL.sub("", text))).split()
    if all(len(word) == 1 for word in words):  # S T O P
        words = ["".join(words)]
    said = words[:1] if len(set(words)) == 1 else words
    return " ".join(said) in STOP_WORDS


def asked(text: str) -> bool | None:
    """Whether a sentence asks to be taken off; False where it asks not to be; None where it says neither."""
    plain = _plain(text)
    negated = [match.end() for match in _NOT_OFF.finditer(plain)]
    enough = any(_ENOUGH.search(_plain(clause)) for clause in _CLAUSE.split(text))
    if any(match.end() not in negated for match in _OFF.finditer(plain)) or (enough and not negated):
        return True
    return False if negated or _OTHER_STOP.search(plain) else None


def _plain(text: str) -> str:
    """The words without case, accents and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(_NOT_WORD.sub(" ", plain).split())
