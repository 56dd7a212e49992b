"""Sums of money are read from messages in the manner of each country; what is not surely one is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.outreach.understanding.amounts import amounts


@pytest.mark.parametrize(
    ("text", "locale", "currency", "told"),
    [
        ("puedo pagar $30.000 el viernes", "es_CL", "CLP", [30_000]),
        ("te deposito 50 lucas", "es_CL", "CLP", [50_000]),
        ("cincuenta luquitas al mes", "es_CL", "CLP", [50_000]),
        ("cien mil pesos", "es_CO", "COP", [10_000_000]),
        ("doscientos cincuenta mil", "es_CO", "COP", [25_000_000]),
        ("S/ 150.50 mañana", "es_PE", "PEN", [15_050]),
        ("50 lucas", "es_PE", "PEN", [5_000]),
        ("$1,200.50 y luego 300 pesos", "es_MX", "MXN", [120_050, 30_000]),
        ("quinientos pesos", "es_MX", "MXN", [50_000]),
        ("$ 8.500,50", "es_AR", "ARS", [850_050]),
        ("80,50 €", "es_ES", "EUR", [8_050]),
        ("treinta y cinco euros", "es_ES", "EUR", [3_500]),
        ("R$ 1.150,00", "pt_BR", "BRL", [115_000]),
        ("duzentos reais", "pt_BR", "BRL", [20_000]),
        ("two hundred dollars", "en_US", "USD", [20_000]),
        ("I can do 40 quid", "en_GB", "GBP", [4_000]),
        ("1 millon doscientos mil", "es_CO", "COP", [120_000_000]),
        ("millón y medio", "es_CO", "COP", [150_000_000]),
        ("medio millón", "es_CL", "CLP", [500_000]),
        ("dos lucas y media", "es_CL", "CLP", [2_500]),
        ("veinticinco mil", "es_CL", "CLP", [25_000]),
        ("ciento veintitrés mil", "es_CL", "CLP", [123_000]),
        ("treinta y un mil", "es_CL", "CLP", [31_000]),
        ("dezesseis reais", "pt_BR", "BRL", [1_600]),
        ("seventeen dollars", "en_US", "USD", [1_700]),
        ("pago doscientos mil a fin de mes", "es_CO", "COP", [20_000_000]),
        ("no tengo un peso", "es_CL", "CLP", []),
        ("puedo pagar 25.000 el viernes", "es_CL", "CLP", [25_000]),
        ("le consigno 200.000 mañana", "es_CO", "COP", [20_000_000]),
        ("posso pagar 150,00 na sexta", "pt_BR", "BRL", [15_000]),
        ("I can only afford 40 a month", "en_GB", "GBP", [4_000]),
        ("I can do 50 on Friday", "en_US", "USD", [5_000]),
        ("abono 30.000/mes", "es_CL", "CLP", [30_000]),
        ("doscientas lucas", "es_CL", "CLP", [200_000]),
        ("50 dólares", "es_US", "USD", [5_000]),
        ("entre 20 y 30 mil", "es_CL", "CLP", [20_000, 30_000]),
        ("pago de 20 a 30 lucas", "es_CL", "CLP", [20_000, 30_000]),
        ("puedo pagar 3 cuotas", "es_CL", "CLP", []),
        ("puedo pagar el 15", "es_CL", "CLP", []),
        ("pago 15", "es_MX", "MXN", []),
        ("pago 25", "es_CL", "CLP", []),
        ("tengo 120 trabajadores", "es_MX", "MXN", []),
        ("puedo pagar 20/03", "es_CL", "CLP", []),
        ("pagué a nombre de 12.345.678-9", "es_CL", "CLP", []),
        ("mande al 56912345678", "es_CL", "CLP", []),
        ("envié 56912345678", "es_CL", "CLP", []),
        ("25.000", "es_CL", "CLP", []),
        ("mil gracias, y mil disculpas", "es_CL", "CLP", []),
        ("un millón de gracias", "es_MX", "MXN", []),
        ("un millón de pesos", "es_MX", "MXN", [100_000_000]),
        ("a las seis y media", "es_CL", "CLP", []),
        ("en 3 cuotas", "es_CL", "CLP", []),
        ("el 15 de marzo de 2026", "es_CL", "CLP", []),
        ("llámame a las 5", "es_CL", "CLP", []),
        ("mi número es 56912345678", "es_CL", "CLP", []),
        ("una vez más", "es_CL", "CLP", []),
        ("$10,50", "es_CL", "CLP", []),
        ("", "es_CL", "CLP", []),
    ],
)
def test_what_is_said_in_each_country(text: str, locale: str, currency: str, told: list[int]) -> None:
    assert amounts(text, locale=locale, currency=currency) == told


@pytest.mark.parametrize(
    ("text", "told"), [("25.000", [25_000]), ("25000.", [25_000]), ("no sé, el 25", []), ("", [])]
)
def test_a_number_alone_is_a_sum_where_one_was_asked_for(text: str, told: list[int]) -> None:
    assert amounts(text, locale="es_CL", currency="CLP", asked=True) == told


@given(st.integers(1, 999_999_999))
def test_a_sum_written_in_the_manner_of_the_country_is_read_back(units: int) -> None:
    written = f"pago ${units:,} hoy".replace(",", ".")
    assert amounts(written, locale="es_CL", currency="CLP") == [units]


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert all(amount > 0 for amount in amounts(text, locale="es_MX", currency="MXN"))
