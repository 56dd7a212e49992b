"""Days are read from messages in three languages; what is vague is none."""

from datetime import date

import pytest

from recupero.outreach.understanding.dates import dates

TUESDAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("le pago el viernes", "es", ["2026-03-13"]),
        ("mañana te deposito", "es", ["2026-03-11"]),
        ("pasado mañana", "es", ["2026-03-12"]),
        ("el 15 te deposito $50.000", "es", ["2026-03-15"]),
        ("el 5 pago", "es", ["2026-04-05"]),
        ("a fin de mes", "es", ["2026-03-31"]),
        ("a fines de mes", "es", ["2026-03-31"]),
        ("a finales de este mes", "es", ["2026-03-31"]),
        ("el último día del mes", "es", ["2026-03-31"]),
        ("a fin del mes que viene", "es", ["2026-04-30"]),
        ("no fim do mês que vem", "pt", ["2026-04-30"]),
        ("at the end of next month", "en", ["2026-04-30"]),
        ("el veinte de este mes", "es", ["2026-03-20"]),
        ("el dieciséis", "es", ["2026-03-16"]),
        ("no dia vinte e cinco", "pt", ["2026-03-25"]),
        ("el treinta y uno", "es", ["2026-03-31"]),
        ("el dos por ciento", "es", []),
        ("en la quincena", "es", ["2026-03-15"]),
        ("el 30 de marzo pago 100 lucas", "es", ["2026-03-30"]),
        ("el 5/4", "es", ["2026-04-05"]),
        ("en 3 dias", "es", ["2026-03-13"]),
        ("hoy la mitad y el lunes el resto", "es", ["2026-03-10", "2026-03-16"]),
        ("dia 10 eu pago", "pt", ["2026-03-10"]),
        ("pago sexta-feira", "pt", ["2026-03-13"]),
        ("depois de amanhã", "pt", ["2026-03-12"]),
        ("no fim do mês", "pt", ["2026-03-31"]),
        ("I'll pay on Friday", "en", ["2026-03-13"]),
        ("tomorrow", "en", ["2026-03-11"]),
        ("at the end of the month", "en", ["2026-03-31"]),
        ("dentro de una semana", "es", ["2026-03-17"]),
        ("in two weeks", "en", ["2026-03-24"]),
        ("daqui a dez dias", "pt", ["2026-03-20"]),
        ("no dia 15 de março", "pt", ["2026-03-15"]),
        ("el primero de abril", "es", ["2026-04-01"]),
        ("el jueves de la próxima semana", "es", ["2026-03-19"]),
        ("la semana que viene, el jueves", "es", ["2026-03-19"]),
        ("el viernes de la otra semana", "es", ["2026-03-20"]),
        ("quinta-feira da semana que vem", "pt", ["2026-03-19"]),
        ("Thursday next week", "en", ["2026-03-19"]),
        ("a week on Thursday", "en", ["2026-03-19"]),
        ("Tuesday week", "en", ["2026-03-24"]),
        ("el último viernes del mes", "es", ["2026-03-27"]),
        ("de hoy en ocho", "es", ["2026-03-17"]),
        ("el martes en ocho", "es", ["2026-03-24"]),
        ("mañana pasado", "es", ["2026-03-12"]),
        ("antes del 18", "es", ["2026-03-18"]),
        ("dia primeiro", "pt", ["2026-04-01"]),
        ("el primero del próximo mes", "es", ["2026-04-01"]),
        ("on the first of the month", "en", ["2026-04-01"]),
        ("first of next month", "en", ["2026-04-01"]),
        ("on the 21st", "en", ["2026-03-21"]),
        ("by the 21", "en", ["2026-03-21"]),
        ("on the 21st of April", "en", ["2026-04-21"]),
        ("on the 21 April", "en", ["2026-04-21"]),
        ("hoy no puedo, mañana sí", "es", ["2026-03-11"]),
        ("no puedo pagar hasta el viernes", "es", ["2026-03-13"]),
        ("can't do Monday but I can on Wednesday", "en", ["2026-03-11"]),
        ("não consigo hoje mas amanhã eu pago", "pt", ["2026-03-11"]),
        ("no puedo pagar hoy", "es", []),
        ("llevo 3 meses sin trabajo", "es", []),
        ("no me llegó la cuota del 5 de febrero", "es", []),
        ("la próxima semana", "es", []),
        ("en marzo", "es", []),
        ("algún día", "es", []),
        ("llámeme por la mañana", "es", []),
        ("en 3 cuotas de $20.000", "es", []),
        ("llámeme a las 5", "es", []),
        ("no tengo plata", "es", []),
        ("", "es", []),
    ],
)
def test_what_is_said(text: str, language: str, told: list[str]) -> None:
    assert [day.isoformat() for day in dates(text, language=language, today=TUESDAY)] == told


@pytest.mark.parametrize(
    ("text", "told"), [("pagué el 5", "2026-03-05"), ("ayer", "2026-03-09"), ("pagué el lunes", "2026-03-09")]
)
def test_what_was_done_is_looked_for_in_the_past(text: str, told: str) -> None:
    assert dates(text, language="es", today=TUESDAY, past=True) == [date.fromisoformat(told)]


@pytest.mark.parametrize(("country", "told"), [("GB", date(2026, 5, 4)), ("US", date(2026, 4, 5))])
def test_day_and_month_stand_as_they_do_in_the_country(country: str, told: date) -> None:
    assert dates("I'll pay on 04/05", language="en", today=TUESDAY, country=country) == [told]


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("pagué hace 3 días", "es", date(2026, 3, 7)),
        ("I paid 3 days ago", "en", date(2026, 3, 7)),
        ("no pude avisar pero pagué el lunes", "es", date(2026, 3, 9)),
    ],
)
def test_a_day_that_lies_behind_is_looked_for_there(text: str, language: str, told: date) -> None:
    assert dates(text, language=language, today=TUESDAY, past=True) == [told]
