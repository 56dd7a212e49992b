"""`recupero bench import`: our import against a raw COPY of the same finished rows, in turn, in the same
run.
"""

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click
import psycopg
from psycopg import sql

from recupero.kernel import command, migrate, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.kernel.plugins import Plugins
from recupero.placements import service
from recupero.tenancy import bench as tenancy_bench

_HEADINGS = (
    "N° Operación", "RUT", "País", "Nombre", "Apellidos", "Fecha nacimiento", "Celular", "Teléfono", "Correo",
    "Dirección", "Región", "Producto", "Fecha otorgamiento", "Fecha vencimiento", "Capital", "Intereses",
    "Gastos",
    "Saldo total", "Moneda", "Autoriza email",
)  # fmt: skip
MAPPING: dict[str, Any] = {
    "columns": {
        "client_account": "N° Operación", "national_id": "RUT", "country": "País", "name": ["Nombre",
        "Apellidos"],
        "birth_date": "Fecha nacimiento", "phone": ["Celular", "Teléfono"], "email": "Correo",
        "address": "Dirección", "region": "Región", "product": "Producto", "open_date": "Fecha otorgamiento",
        "due_date": "Fecha vencimiento", "principal": "Capital", "interest": "Intereses", "cost": "Gastos",
        "total": "Saldo total", "currency": "Moneda", "consent_email": "Autoriza email",
    },
    "dates": "dmy", "decimal": ",",
}  # fmt: skip
_FIRST = (
    "Ana",
    "Luis",
    "María",
    "José",
    "Camila",
    "Pedro",
    "Sofía",
    "Andrés",
    "Valentina",
    "Jorge",
    "Daniela",
)
_LAST = ("Muñoz", "González", "Rojas", "Díaz", "Pérez", "Soto", "Contreras", "Silva", "Martínez", "Sepúlveda")
_STREETS = ("Av. Providencia", "Calle Larga", "Pasaje El Roble", "Carrera 7", "Calle 45", "Los Aromos")
# What a placement fills, in the order of references: the rooms above have booked and filed their part.
_FILLED = ("people", "debtors", "name_words", "name_lists", "contact_points", "accounts", "holds",
           "import_issues", "permissions", "ledger_transactions", "ledger_entries")  # fmt: skip
_NOBODY = -7  # stands for the tenant in exported rows
_TODAY = date(2026, 3, 10)


def lines(count: int, seed: int = 7) -> Iterator[list[str]]:
    """Placement rows of Chile (seven in ten) and Colombia, each with a debtor of its own; one in a hundred is
    wrong in some way. The same count and seed give the same lines."""
    rng = random.Random(seed)  # noqa: S311 - invented data
    for number in range(count):
        line = _line(rng, number)
        if rng.random() < 0.01:
            place, value = rng.choice(
                ((1, "11.111.111-K"), (13, "31/02/2026"), (3, ""), (17, "-5"), (14, "x"))
            )
            line[place] = value
            if place == 3:
                line[4] = ""
        yield line


def _line(rng: random.Random, number: int) -> list[str]:
    chilean = rng.random() < 0.7
    first, last = rng.choice(_FIRST), f"{rng.choice(_LAST)} {rng.choice(_LAST)}"
    due = _TODAY - timedelta(days=rng.randrange(35, 500))
    parts = [rng.randrange(20_000, 900_000), rng.randrange(0, 60_000), rng.randrange(0, 20_000)]
    if chilean:
        mobile, fixed = (
            f"+56 9 {rng.randrange(40_000_000, 99_999_999)}",
            f"2 2{rng.randrange(1_000_000, 9_999_999)}",
        )
    else:
        mobile, fixed = (
            f"3{rng.randrange(0, 21):02d}{rng.randrange(1_000_000, 9_999_999)}",
            f"601{rng.randrange(2_000_000, 8_999_999)}",
        )
    return [
        f"OP-{number:09d}", _rut(5_000_000 + number * 7) if chilean else str(1_000_000_000 + number),
        "CL" if chilean else "CO", first, last, _day(_TODAY - timedelta(days=rng.randrange(7_000, 27_000))),
        mobile, fixed if rng.random() < 0.4 else "",
        f"debtor.{number}@example.com" if rng.random() < 0.7 else "",
        f"{rng.choice(_STREETS)} {rng.randrange(1, 9999)}", rng.choice(("RM", "VS",
        "BI")) if chilean else "DC",
        "crédito de consumo", _day(due - timedelta(days=400)), _day(due),
        *(_thousands(part) for part in parts),
        _thousands(sum(parts)), "CLP", "SI" if rng.random() < 0.5 else "",
    ]  # fmt: skip


def _rut(number: int) -> str:
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(str(number))))
    return f"{_thousands(number)}-{'0K987654321'[total % 11]}"


def _day(day: date) -> str:
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def write_csv(path: Path, count: int, skip: int = 0) -> None:
    """As Excel in Chile writes it: semicolons, cp1252. After `skip` lines, whose people are others."""
    with path.open("w", encoding="cp1252", newline="") as file:
        file.write(";".join(_HEADINGS) + "\r\n")
        file.writelines(";".join(line) + "\r\n" for line in islice(lines(skip + count), skip, None))


def write_xlsx(path: Path, count: int) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, line in enumerate(chain([list(_HEADINGS)], lines(count))):
            sheet.write_row(place, 0, line)


@dataclass
class _Bench:
    """A platform of its own in a throw-away folder."""

    platform: runtime.Runtime
    owner: psycopg.Connection[Any]
    folder: Path
    made: int = 0

    def tenant(self) -> tuple[Scope, int]:
        """A new agency with one tenant and one portfolio."""
        self.made += 1
        name = f"bench-{self.made}"
        scope = tenancy_bench.creditor(self.platform, tenancy_bench.agency(self.platform, name), name)
        with self.platform.database.transaction(scope) as session:
            portfolio = service.create_portfolio(
                session, name=name, country="CL", currency="CLP", product="consumer", placement_number=1,
                terms={"commission_rate": 2000}, strategy={}, actor="system",
            )  # fmt: skip
        return scope, portfolio.id

    def take_in(self, path: Path) -> tuple[float, Scope]:
        """Seconds of an import into a fresh tenant."""
        from recupero.placements.imports import import_file

        scope, portfolio = self.tenant()
        self._settle()
        began = time.perf_counter()
        import_file(
            self.platform.database, scope, portfolio_id=portfolio, path=path, mapping=MAPPING, actor="system"
        )
        return time.perf_counter() - began, scope

    def export(self, scope: Scope) -> dict[str, Path]:
        """The finished rows of a tenant, table by table in the order of their references, as COPY writes
        them.
        """
        files = {}
        for name in _FILLED:
            columns = _columns(name)
            owner = columns[0]
            number = scope.tenant() if owner == "tenant_id" else scope.agency()
            path = self.folder / f"{name}.copy"
            if self._export(name, columns, owner, number, path):
                files[name] = path
        return files

    def _export(self, table: str, columns: list[str], owner: str, number: int, path: Path) -> bool:
        chosen = sql.SQL(", ").join(
            sql.SQL(f"{_NOBODY} AS {{}}" if name in {"tenant_id", "agency_id"} else "{}").format(
                sql.Identifier(name)
            )
            for name in columns
        )
        query = sql.SQL("COPY (SELECT {} FROM {} WHERE {} = {} ORDER BY 2) TO STDOUT").format(
            chosen, sql.Identifier(table), sql.Identifier(owner), sql.Literal(number)
        )
        with path.open("wb") as file, self.owner.cursor().copy(query) as rows:
            for block in rows:
                file.write(block)
        return path.stat().st_size > 0

    def copy(self, files: dict[str, Path]) -> float:
        """Seconds of a raw COPY of the exported rows under a fresh tenant's number, in one transaction."""
        self.made += 1
        ready = {table: self._renumbered(path, -1000 - self.made) for table, path in files.items()}
        self._settle()
        began = time.perf_counter()
        with self.owner.transaction():
            for table, path in ready.items():
                columns = sql.SQL(", ").join(sql.Identifier(name) for name in _columns(table))
                statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
                with path.open("rb") as file, self.owner.cursor().copy(statement) as rows:
                    while block := file.read(1 << 20):
                        rows.write(block)
        return time.perf_counter() - began

    def _renumbered(self, path: Path, number: int) -> Path:
        """The same file under another tenant's number, which stands first in every row."""
        ready, before, after = path.with_suffix(".ready"), len(str(_NOBODY)), str(number).encode()
        with path.open("rb") as source, ready.open("wb") as target:
            target.writelines(after + line[before:] for line in source)
        return ready

    def _settle(self) -> None:
        self.owner.execute("CHECKPOINT")


def _columns(table: str) -> list[str]:
    """The table's columns as the code declares them: a migrated table may hold them in another order."""
    return list(migrate.metadata().tables[table].columns.keys())


@contextmanager
def _bench() -> Iterator[_Bench]:
    with (
        throwaway.platform(Plugins()) as (platform, running),
        psycopg.connect(running.owner_database_url, autocommit=True) as owner,
    ):
        yield _Bench(platform, owner, running.data_dir)


def measure(count: int, rounds: int, *, xlsx: bool) -> dict[str, Any]:
    """Medians over rounds in changing order. With `xlsx`, the reference is our import of the same CSV."""
    with _bench() as bench:
        path = bench.folder / "placement.csv"
        write_csv(path, count)
        book = bench.folder / "placement.xlsx"
        if xlsx:
            write_xlsx(book, count)
        seconds, scope = bench.take_in(book if xlsx else path)
        files = {} if xlsx else bench.export(scope)
        ours, reference = [seconds], []
        for number in range(rounds):
            for turn in ("reference", "ours") if number % 2 == 0 else ("ours", "reference"):
                if turn == "reference":
                    reference.append(bench.take_in(path)[0] if xlsx else bench.copy(files))
                elif len(ours) < rounds:
                    ours.append(bench.take_in(book if xlsx else path)[0])
        return _answer(count, statistics.median(ours), statistics.median(reference))


def _answer(count: int, seconds: float, reference: float) -> dict[str, Any]:
    return {
        "n": count, "seconds": round(seconds, 3), "rate": round(count / seconds, 1),
        "reference": "raw COPY of the finished rows", "reference_rate": round(count / reference, 1),
        "ratio": round(reference / seconds, 3),
        "peak_mib": throwaway.peak_mib(),
    }  # fmt: skip


@click.command("import")
@click.option("--n", "count", default=100_000, show_default=True, type=click.IntRange(100, 20_000_000))
@click.option("--rounds", default=None, type=click.IntRange(1, 20), help="Default: 3, above 300,000 rows 1.")
@click.option("--xlsx", is_flag=True, help="Import a workbook; the reference is the same rows as CSV.")
@command.json_option
@command.answers
def import_bench(count: int, rounds: int | None, xlsx: bool, as_json: bool) -> None:
    """Rows per second of a placement import, and of a raw COPY of the same finished rows."""
    answer = measure(count, rounds or (3 if count <= 300_000 else 1), xlsx=xlsx)
    if xlsx:
        answer["reference"] = "the same rows as CSV"
    command.finish(answer, as_json=as_json)
