"""Invented placement files: seeded, believable, and about nobody.

National ids are valid but from ranges that no authority has handed out (RUT 45-49 million for natural
persons, Colombian numbers above 1 900 million), e-mails are under example.com, names are drawn from common
ones. About one row in a hundred is wrong on purpose, as in real files.
"""

import csv
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter
from stdnum.cl import rut

from recupero.kernel.money import minor_units

SHARED, SHARED_PEOPLE = 0.05, 90  # share of accounts whose debtor comes from a small pool, and its size

_GIVEN = (
    "Ana", "Camila", "Carla", "Carolina", "Catalina", "Claudia", "Daniela", "Elena", "Fernanda", "Gabriela",
    "Isabel", "Javiera", "Josefa", "Juana", "Laura", "Lorena", "Lucía", "Marcela", "María", "Marta",
    "Natalia", "Paola", "Patricia", "Paula", "Rosa", "Sandra", "Sofía", "Teresa", "Valentina", "Verónica",
    "Alberto", "Alejandro", "Andrés", "Camilo", "Carlos", "Cristian", "Daniel", "David", "Diego", "Eduardo",
    "Felipe", "Fernando", "Francisco", "Gabriel", "Héctor", "Iván", "Javier", "Jorge", "José", "Juan",
    "Luis", "Manuel", "Marcos", "Mario", "Miguel", "Nicolás", "Óscar", "Pablo", "Pedro", "Rafael", "Raúl",
    "Ricardo", "Roberto", "Rodrigo", "Sebastián", "Sergio", "Tomás", "Víctor",
)  # fmt: skip
_FAMILY = (
    "Acosta", "Aguilar", "Álvarez", "Araya", "Arias", "Bravo", "Cáceres", "Cárdenas", "Carrasco",
    "Castillo", "Castro", "Contreras", "Cortés", "Díaz", "Espinoza", "Fernández", "Figueroa", "Flores",
    "Fuentes", "Gallardo", "García", "Gómez", "González", "Gutiérrez", "Guzmán", "Henríquez", "Hernández",
    "Herrera", "Jara", "Jiménez", "Lagos", "Leiva", "López", "Martínez", "Medina", "Mejía", "Mendoza",
    "Molina", "Morales", "Moreno", "Muñoz", "Navarro", "Núñez", "Olivares", "Ortega", "Ortiz", "Osorio",
    "Parra", "Peña", "Pérez", "Pizarro", "Ramírez", "Ramos", "Restrepo", "Reyes", "Ríos", "Rivera",
    "Rodríguez", "Rojas", "Romero", "Ruiz", "Saavedra", "Salazar", "Sánchez", "Sandoval", "Soto", "Suárez",
    "Tapia", "Torres", "Valdés", "Valencia", "Vargas", "Vásquez", "Vega", "Velásquez", "Vera", "Vergara",
    "Zapata", "Zúñiga",
)  # fmt: skip
# Region (ISO 3166-2) with a weight near its share of the people, and a postal code of it.
_REGIONS = {
    "CL": [("CL-RM", 41, "8320000"), ("CL-VS", 10, "2340000"), ("CL-BI", 9, "4030000"),
           ("CL-ML", 6, "3460000"), ("CL-AR", 5, "4780000"), ("CL-LI", 5, "2820000"),
           ("CL-LL", 5, "5480000"), ("CL-CO", 4, "1700000"), ("CL-AN", 4, "1240000"),
           ("CL-MA", 1, "6200000"), ("CL-AP", 1, "1000000"), ("CL-AI", 1, "5950000")],
    "CO": [("CO-DC", 17, "110111"), ("CO-ANT", 14, "050001"), ("CO-VAC", 10, "760001"),
           ("CO-ATL", 6, "080001"), ("CO-CUN", 6, "250001"), ("CO-SAN", 5, "680001"),
           ("CO-BOL", 5, "130001"), ("CO-RIS", 3, "660001")],
}  # fmt: skip

_COLOMBIAN_MOBILES = (300, 301, 310, 311, 312, 313, 314, 315, 316, 317, 318, 320, 321)

HEADERS = (
    "Numero operacion", "Producto", "RUT o cedula", "Nombre", "Fecha nacimiento", "Region", "Codigo postal",
    "Telefono", "Email", "Direccion", "Fecha otorgamiento", "Fecha mora", "Fecha vencimiento", "Capital",
    "Intereses", "Gastos", "Total", "Moneda", "Autoriza email", "Autoriza sms", "Autoriza whatsapp",
    "Autoriza llamada", "Fecha autorizacion",
)  # fmt: skip

_COLUMNS = {
    "client_account": "Numero operacion", "product": "Producto", "national_id": "RUT o cedula",
    "name": "Nombre",
    "birth_date": "Fecha nacimiento", "region": "Region", "postal_code": "Codigo postal", "phone": "Telefono",
    "email": "Email", "address": "Direccion", "open_date": "Fecha otorgamiento",
    "delinquency_date": "Fecha mora", "due_date": "Fecha vencimiento", "principal": "Capital",
    "interest": "Intereses", "cost": "Gastos", "total": "Total", "currency": "Moneda",
    "consent_email": "Autoriza email", "consent_sms": "Autoriza sms", "consent_whatsapp": "Autoriza whatsapp",
    "consent_call": "Autoriza llamada", "consent_date": "Fecha autorizacion",
}  # fmt: skip


@dataclass(frozen=True)
class Book:
    """One creditor's kind of accounts. Amounts in major units; `age` is days past due at placement."""

    slug: str
    name: str
    country: str
    currency: str
    locale: str
    timezone: str
    portfolio: str
    product: str
    placement_number: int
    share: float
    median_balance: float
    spread: float
    age: tuple[int, int]
    file_format: str  # excel_csv (semicolon, cp1252), csv (comma, UTF-8), xlsx


BOOKS = (
    Book("banco-austral", "Banco Austral", "CL", "CLP", "es", "America/Santiago", "Consumo 2026",
         "credito_consumo", 1, 0.42, 620_000, 0.9, (35, 150), "excel_csv"),
    Book("tienda-mistral", "Tienda Mistral", "CL", "CLP", "es", "America/Santiago", "Tarjeta castigada",
         "tarjeta", 2, 0.28, 240_000, 0.8, (200, 520), "xlsx"),
    Book("credito-caribe", "Crédito Caribe", "CO", "COP", "es", "America/Bogota", "Libre inversión",
         "credito_consumo", 1, 0.30, 1_900_000, 0.9, (35, 180), "csv"),
)  # fmt: skip


def mapping(book: Book) -> dict[str, Any]:
    """How this creditor's columns become fields, as it is saved with the portfolio."""
    return {
        "columns": dict(_COLUMNS),
        "constants": {"country": book.country, "language": book.locale},
        "dates": "ymd" if book.file_format == "csv" else "dmy",
        "decimal": "," if book.file_format == "excel_csv" else ".",
    }


def rows(book: Book, count: int, placed_on: date, seed: int, first: int = 0) -> Iterator[list[str]]:
    """`count` lines of a placement of this creditor, numbered from `first`; the same seed, the same lines."""
    for number in range(first, first + count):
        rng = random.Random(f"{seed}/{book.slug}/{number}")
        line = _line(book, number, placed_on, rng, seed)
        yield _damaged(line, rng) if rng.random() < 0.012 else line


def _line(book: Book, number: int, placed_on: date, rng: random.Random, seed: int) -> list[str]:
    late_since = placed_on - timedelta(days=rng.randint(*book.age))
    opened = late_since - timedelta(days=rng.randint(120, 1500))
    principal = _rounded(math.exp(rng.gauss(math.log(book.median_balance), book.spread)), book.currency)
    interest = _rounded(principal * rng.uniform(0.01, 0.18), book.currency)
    costs = _rounded(principal * rng.uniform(0, 0.03), book.currency) if rng.random() < 0.4 else 0.0
    who = _person(book.country, placed_on, _identity(book, rng, seed))
    return [
        f"{book.slug[:3].upper()}-{number:07d}", book.product, who.national_id, who.name,
        _date(who.birth_date, book), who.region, who.postal_code, who.phone, who.email, who.address,
        _date(opened, book), _date(late_since, book), _date(late_since, book),
        _amount(principal, book), _amount(interest, book), _amount(costs, book),
        _amount(principal + interest + costs, book), book.currency, *_consents(book, rng),
        _date(opened, book),
    ]  # fmt: skip


def _identity(book: Book, rng: random.Random, seed: int) -> random.Random:
    """Most accounts have a debtor of their own; some people owe several creditors of the country."""
    if rng.random() < SHARED:
        return random.Random(f"{seed}/{book.country}/{rng.randrange(SHARED_PEOPLE)}")
    return rng


@dataclass(frozen=True)
class _Person:
    national_id: str
    name: str
    birth_date: date
    region: str
    postal_code: str
    phone: str
    email: str
    address: str


def _person(country: str, today: date, rng: random.Random) -> _Person:
    region, _, postal = rng.choices(_REGIONS[country], [entry[1] for entry in _REGIONS[country]])[0]
    given, family = rng.choice(_GIVEN), f"{rng.choice(_FAMILY)} {rng.choice(_FAMILY)}"
    national_id = _national_id(country, rng)
    return _Person(
        national_id=national_id,
        name=f"{given} {family}",
        birth_date=_birth(rng, today),
        region=region,
        postal_code=postal,
        phone=_phone(country, rng),
        email=_email(given, family, national_id, rng),
        address=f"Calle {rng.choice(_FAMILY)} {rng.randint(10, 4999)}",
    )


def _consents(book: Book, rng: random.Random) -> list[str]:
    """E-mail, SMS, WhatsApp, call. In Colombia no channel may be used without; in Chile files seldom say."""
    likely = (0.86, 0.8, 0.72, 0.7) if book.country == "CO" else (0.5, 0.5, 0.4, 0.4)
    return ["SI" if rng.random() < chance else "NO" if book.country == "CO" else "" for chance in likely]


def _national_id(country: str, rng: random.Random) -> str:
    if country == "CL":
        body = str(rng.randint(45_000_000, 49_999_999))
        return rut.format(body + rut.calc_check_digit(body))
    return str(rng.randint(1_900_000_000, 1_999_999_999))


def _phone(country: str, rng: random.Random) -> str:
    if rng.random() < 0.06:
        return ""
    if country == "CL":
        return f"+56 9 {rng.randint(5000, 9999)} {rng.randint(0, 9999):04d}"
    return f"+57 {rng.choice(_COLOMBIAN_MOBILES)} {rng.randint(0, 9_999_999):07d}"


def _email(given: str, family: str, national_id: str, rng: random.Random) -> str:
    if rng.random() < 0.22:
        return ""
    plain = str.maketrans("áéíóúñüÁÉÍÓÚÑ", "aeiounuaeioun")
    digits = "".join(letter for letter in national_id if letter.isdigit())[-5:]
    return f"{given}.{family.split()[0]}.{digits}@example.com".lower().translate(plain)


def _birth(rng: random.Random, today: date) -> date:
    return today - timedelta(days=int(rng.triangular(19, 78, 38) * 365.25))


def _rounded(amount: float, currency: str) -> float:
    return float(round(amount, 0 if minor_units(currency) == 0 else -2))


def _amount(amount: float, book: Book) -> str:
    """As the creditor's system writes it: Chile's Excel with points for thousands, the others plainly."""
    if book.file_format == "excel_csv":
        return f"{amount:,.0f}".replace(",", ".")
    return f"{amount:.0f}" if minor_units(book.currency) == 0 else f"{amount:.2f}"


def _date(day: date, book: Book) -> str:
    return day.isoformat() if book.file_format == "csv" else day.strftime("%d/%m/%Y")


def _damaged(line: list[str], rng: random.Random) -> list[str]:
    """What goes wrong in real files: a check digit, a date, no name, a sum that does not add up."""
    column, value = rng.choice(
        [("RUT o cedula", "45.000.000-X"), ("Fecha mora", "31/02/2026"), ("Nombre", ""), ("Total", "1"),
         ("Email", "no tiene"), ("Telefono", "12"), ("Moneda", "USD")]
    )  # fmt: skip
    place = HEADERS.index(column)
    return [*line[:place], value, *line[place + 1 :]]


def write_file(book: Book, lines: Iterable[list[str]], folder: Path, name: str) -> Path:
    """Write the lines as this creditor's system exports them and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{'xlsx' if book.file_format == 'xlsx' else 'csv'}"
    if book.file_format == "xlsx":
        with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False}) as workbook:
            sheet = workbook.add_worksheet("Asignacion")
            for number, line in enumerate([list(HEADERS), *lines]):
                sheet.write_row(number, 0, line)
        return path
    encoding, delimiter = ("cp1252", ";") if book.file_format == "excel_csv" else ("utf-8-sig", ",")
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(HEADERS)
        writer.writerows(lines)
    return path
