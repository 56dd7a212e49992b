"""A creditor with a portfolio in Chilean pesos, and what it takes to send it files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.placements import service
from recupero.placements.imports import ImportResult, import_file
from tests.factories import World

HEADINGS = ("operacion", "rut", "nombre", "vencimiento", "capital", "interes", "total", "fono", "correo")
MAPPING: dict[str, Any] = {
    "columns": {
        "client_account": "operacion", "national_id": "rut", "name": "nombre", "due_date": "vencimiento",
        "principal": "capital", "interest": "interes", "total": "total", "phone": "fono", "email": "correo",
    },
    "dates": "dmy", "decimal": ",",
}  # fmt: skip


def row(number: int = 1, **changed: str) -> list[str]:
    """A sound row in the order of `HEADINGS`, with some cells changed."""
    sound = {
        "operacion": f"OP-{number}", "rut": rut(10_000_000 + number), "nombre": f"Ana Pérez {number}",
        "vencimiento": "31/01/2026", "capital": "100.000", "interes": "5.000", "total": "105.000",
        "fono": "+56 9 6123 4567", "correo": f"ana{number}@example.com",
    }  # fmt: skip
    return [{**sound, **changed}[name] for name in HEADINGS]


def rut(number: int) -> str:
    """A Chilean tax number with its check digit."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(str(number))))
    return f"{number}-{'0K987654321'[total % 11]}"


def csv_text(rows: Sequence[Sequence[str]], delimiter: str = ";", headings: Sequence[str] = HEADINGS) -> str:
    return "".join(delimiter.join(cells) + "\r\n" for cells in (headings, *rows))


@dataclass
class Creditor:
    """Sends files into one portfolio."""

    platform: runtime.Runtime
    scope: Scope
    portfolio_id: int
    folder: Path

    def file(self, content: str | bytes, name: str = "placement.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def send(self, content: str | bytes | Path, *, mapping: Any = MAPPING, **options: Any) -> ImportResult:
        path = content if isinstance(content, Path) else self.file(content)
        options.setdefault("actor", "system")
        return import_file(
            self.platform.database,
            self.scope,
            portfolio_id=self.portfolio_id,
            path=path,
            mapping=mapping,
            **options,
        )

    def all(self, query: str) -> list[Mapping[str, Any]]:
        with self.platform.database.transaction(self.scope) as session:
            return [dict(found) for found in session.execute(text(query)).mappings()]

    def counts(self) -> dict[str, int]:
        """Rows of every table that an import fills."""
        tables = ("people", "debtors", "contact_points", "accounts", "holds", "permissions", "import_batches",
                  "import_issues", "ledger_transactions", "ledger_entries", "imported_lines")  # fmt: skip
        return {name: int(self.all(f"SELECT count(*) AS n FROM {name}")[0]["n"]) for name in tables}

    def loaded(self) -> dict[str, int]:
        """Rows of every table that an import fills, without the rows of the files themselves."""
        return {name: rows for name, rows in self.counts().items() if name != "import_batches"}

    def reasons(self) -> set[tuple[int, str, str, str]]:
        """(row, outcome, field, reason) of every issue."""
        return {
            (found["row_number"], found["outcome"], found["field"], found["reason"])
            for found in self.all("SELECT row_number, outcome, field, reason FROM import_issues")
        }


@pytest.fixture
def creditor(world: World, noon: object, tmp_path: Path) -> Creditor:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        portfolio = service.create_portfolio(
            session, name="Consumo", country="CL", currency="CLP", product="consumer", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
    return Creditor(world.platform, scope, portfolio.id, tmp_path)
