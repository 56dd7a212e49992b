"""Sums of money named in a message. What is not surely a sum of money is none.

Digits are read by Babel in the manner of the debtor's country; words ("cien mil", "dos lucas") by the few
tables below, since no library of ours reads them.
"""

import re
import unicodedata
from decimal import Decimal

from babel.numbers import NumberFormatError, get_currency_precision, parse_decimal

#: Without accents.
NUMBERS = {
    "un": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8,
    "nueve": 9, "diez": 10, "once": 11, "doce": 12, "trece": 13, "catorce": 14, "quince": 15,
    "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19, "veinte": 20, "veintiun": 21,
    "veintiuna": 21, "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25,
    "veintiseis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29, "treinta": 30,
    "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
    "cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400,
    "quinientos": 500, "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
    "doscientas": 200, "trescientas": 300, "cuatrocientas": 400, "quinientas": 500, "seiscientas": 600,
    "setecientas": 700, "ochocientas": 800, "novecientas": 900,
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "quatro": 4, "sete": 7, "oito": 8, "nove": 9, "dez": 10,
    "onze": 11, "doze": 12, "treze": 13, "quatorze": 14, "quinze": 15, "dezesseis": 16, "dezessete": 17,
    "dezoito": 18, "dezenove": 19, "vinte": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50,
    "sessenta": 60, "oitenta": 80, "cem": 100, "cento": 100, "duzentos": 200, "trezentos": 300,
    "quatrocentos": 400, "quinhentos": 500, "seiscentos": 600, "setecentos": 700, "oitocentos": 800,
    "novecentos": 900, "duzentas": 200, "trezentas": 300, "quatrocentas": 400, "quinhentas": 500,
    "seiscentas": 600, "setecentas": 700, "oitocentas": 800, "novecentas": 900,
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
    "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
#: "a fin de mes", "no tengo un peso": an article says one only before what multiplies it ("un millón"), or
#: where it ends a number ("treinta y un pesos").
_ARTICLES = frozenset({"a", "un", "una", "um", "uma"})
_TIMES = {
    "hundred": 100, "mil": 1000, "thousand": 1000, "grand": 1000, "luca": 1000, "lucas": 1000,
    "luquitas": 1000, "luka": 1000, "lukas": 1000, "k": 1000, "palo": 1_000_000, "palos": 1_000_000,
    "millon": 1_000_000, "millones": 1_000_000, "milhao": 1_000_000, "milhoes": 1_000_000,
    "million": 1_000_000,
}  # fmt: skip
#: In Peru a luca is one sol.
_SLANG = frozenset({"luca", "lucas", "luquitas", "luka", "lukas", "palo", "palos"})
_MONEY = frozenset({
    "$", "€", "£", "s/", "r$", "us$", "pesos", "peso", "soles", "sol", "euros", "euro", "reais", "real",
    "pesitos", "solcitos", "euritos", "dolares", "dolar", "libras", "libra", "pila", "pilas", "mango",
    "dollars", "dollar", "bucks", "pounds", "pound", "quid", "mangos", "conto", "contos", "varos", "pavos",
    "clp", "cop", "pen", "mxn", "ars", "eur", "brl", "usd", "gbp",
})  # fmt: skip
_AND = frozenset({"y", "e", "and"})
#: Half of what was said before (`millón y medio`), or half of what follows (`medio millón`).
_HALF = frozenset({"medio", "media", "meio", "meia", "half"})
_DIGITS = r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_TOKEN = re.compile(
    rf"(?P<sign>us\$|r\$|s/\.?|[$€£])|(?P<number>(?<![\w.,/-])(?:{_DIGITS})(?![\d/-]|[.,]\d))|(?P<word>[^\W\d_]+)"
)

#: Who speaks of paying and then of a number speaks of money, if it can be no day and counts nothing else.
_PAYING = (
    r"(?:pag(?:o|ar(?:e|ia)?|ue|uei|ando|amos)|abon(?:o|ar(?:e|ia)?|e|ando)|cancel(?:o|ar(?:e|ia)?|e)"
    r"|deposit(?:o|ar(?:e|ei|ia)?|e|ei|ed|ando)|transfer(?:i|ir(?:e|ei|ia)?|ed|red)?|transfiero"
    r"|consign(?:o|ar(?:e|ia)?|e)|gir(?:o|ar(?:e|ia)?|e)|envi(?:o|ar(?:e|ei)?|e)|mand(?:o|ar(?:e|ei)?|e|ei)"
    r"|da(?:r(?:e|le|les)?|rei)|doy|dou|puedo|posso|consigo|tengo|tenho|junt(?:e|ei)|ofre(?:zco|co)"
    r"|pay|paid|send|sent|afford|offer|do|give|manage|have)"
)
_FILLER = (
    r"(?:unos|unas|uns|umas|como|solo|so|apenas|hasta|ate|maximo|al menos|minimo|about|only|just|maybe|up to)"
)
_NEXT = (
    r"(?:el|la|este|esta|hoy|manana|ahora|al|por|cada|para|pero|y|o|en|a|de inmediato|mensual(?:es)?|ya|nomas"
    r"|hoje|amanha|agora|na|no|mas|e|ou|por|todo|on|by|today|tomorrow|now|per|every|for|and|but|or|next|this"
    r"|lunes|martes|miercoles|jueves|viernes|sabado|domingo|segunda|terca|quarta|quinta|sexta"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
)
_BARE = re.compile(
    rf"\b({_PAYING}(?: {_FILLER})*) (?=(?P<number>{_DIGITS})(?:[.!?;,]?\s*$|[!?;,] | {_NEXT}\b|[.] ))",
    re.MULTILINE,
)
#: A number that stands with a word of paying alone is money from here on: below it may be a day, or a slip
#: for thousands where the smallest coin is worth less.
_LEAST, _LEAST_OF_SMALL = 32, 1000
_LONGEST = 8  # digits without a point or comma: longer ones are telephones and accounts
_SMALL_COINS = frozenset({"CLP", "COP", "ARS", "PYG", "CRC"})
_A_MONTH = re.compile(r"(?<=\d) ?/ ?(?=(?:mes|month|semana|week)\b)")
#: "entre 20 y 30 mil" multiplies both.
_MULTIPLIERS = "|".join(sorted(_TIMES, key=len, reverse=True))
_RANGE = re.compile(rf"\b(entre|between|de|from) ({_DIGITS}) (y|e|and|a|to) ({_DIGITS}) ?({_MULTIPLIERS})\b")
#: Numbers by manner of speaking.
_IDIOMS = re.compile(
    r"\bmil (?:gracias|disculpas|perdon\w*|desculpas|veces|vezes|cosas|coisas)\b"
    r"|\b(?:un|one) mill(?:on|ion)(?= (?:de )?(?:gracias|thanks))|\bthank(?:s| you) a million\b"
)
_KNOWN = frozenset({*NUMBERS, *_TIMES, *_MONEY, *_AND, *_HALF})


def amounts(text: str, *, locale: str, currency: str, asked: bool = False) -> list[int]:
    """The sums of money in the text, in minor units of `currency`, in the order in which they stand.

    `locale` is that of the debtor's country (`es_CL`). A number counts as money where a sign, a name of money
    or a multiplier (mil, lucas) stands with it, or a word of paying before it ("puedo pagar 25.000 el
    viernes"); a year, a number of instalments or a date does not. Where a sum was `asked` for, an answer that
    is a number alone is one.
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    if asked and re.fullmatch(_DIGITS, plain.strip(" .!")):
        plain = f"$ {plain}"
    plain = _RANGE.sub(r"\1 \2 \5 \3 \4 \5", _IDIOMS.sub(";", _A_MONTH.sub(" al ", plain)))
    plain = _BARE.sub(lambda match: _signed(match, locale, currency), plain)
    scale = 10 ** get_currency_precision(currency)
    found = list[int]()
    for tokens in _runs(plain):
        whole = _value(tokens, locale)
        if whole is not None and whole > 0 and whole * scale == int(whole * scale):
            found.append(int(whole * scale))
    return found


def _signed(match: re.Match[str], locale: str, currency: str) -> str:
    """The words of paying, with the sign of money before the number if that can be nothing else."""
    read = _digits(match["number"], locale)
    least = _LEAST_OF_SMALL if currency in _SMALL_COINS else _LEAST
    sure = read is not None and read >= least and not re.search(rf"\d{{{_LONGEST + 1}}}", match["number"])
    return f"{match[1]} $ " if sure else match[0]


def _runs(plain: str) -> list[list[tuple[str, str]]]:
    """Neighbouring tokens that may together be one sum: numbers, their multipliers, signs and names."""
    runs, current, end = list[list[tuple[str, str]]](), list[tuple[str, str]](), 0
    for match in _TOKEN.finditer(plain):
        kind, word = str(match.lastgroup), match.group()
        belongs = kind != "word" or word in _KNOWN
        near = not plain[end : match.start()].strip()
        leads = kind == "sign" and (word != "€" or any(one[0] == "sign" for one in current))
        apart = leads or (kind == "number" and any(one[0] == "number" for one in current))
        if current and (not belongs or not near or apart):
            runs.append(current)
            current = []
        if belongs:
            current.append((kind, word))
        end = match.end()
    return [*runs, current] if current else runs


def _value(tokens: list[tuple[str, str]], locale: str) -> Decimal | None:
    """The sum that the tokens say, in whole units; None where they are no money."""
    total, part, named, scaled, last = Decimal(0), Decimal(0), False, False, Decimal(0)
    for place, (kind, word) in enumerate(tokens):
        if kind == "sign" or word in _MONEY:
            named = True
        elif kind == "number":
            read = _digits(word, locale)
            if read is None:
                return None
            part += read
        elif word in NUMBERS and _counts(tokens, place):
            part += NUMBERS[word]
        elif word in _HALF:
            total, part = (total + last / 2, part) if last and not part else (total, part + Decimal("0.5"))
        elif word in _TIMES:
            times = 1 if locale == "es_PE" and word in _SLANG - {"palo", "palos"} else _TIMES[word]
            scaled, last = True, Decimal(times)
            if times == 100:
                part = (part or Decimal(1)) * times
            else:
                total, part = total + (part or Decimal(1)) * times, Decimal(0)
    return total + part if named or scaled else None


def _counts(tokens: list[tuple[str, str]], place: int) -> bool:
    """Whether the word at this place says a number, and is no mere article."""
    word = tokens[place][1]
    if word not in _ARTICLES:
        return True
    after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
    ends = word != "a" and place > 0 and tokens[place - 1][1] in _AND
    return ends or after in _TIMES


def _digits(word: str, locale: str) -> Decimal | None:
    """Babel's reading; where that is none for this country, the number is not guessed."""
    try:
        return parse_decimal(word.replace(" ", ""), locale=locale, strict=True)
    except NumberFormatError:
        return None
