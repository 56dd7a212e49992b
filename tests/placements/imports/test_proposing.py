"""Headings in Spanish, Portuguese and English are recognised; values tell date order and decimal mark."""

from pathlib import Path

import polars as pl
import pytest

from recupero.kernel.errors import UserError
from recupero.placements.imports.previewing import preview
from recupero.placements.imports.proposing import field_of, propose, propose_for, propose_mapping
from recupero.placements.imports.spec import parse
from tests.placements.conftest import HEADINGS, MAPPING, Creditor, csv_text, row


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("N° Operación", "client_account"), ("num_operacion", "client_account"), ("NumeroContrato",
        "client_account"),
        ("Número da conta", "client_account"), ("Account Number", "client_account"), ("RUT Deudor",
        "national_id"),
        ("CPF/CNPJ", "national_id"), ("NIT", "national_id"), ("Nombre completo", "name"),
        ("Nome do devedor", "name"),
        ("Razón Social", "name"), ("DEBTOR_NAME", "name"), ("Teléfono 2", "phone"), ("celular", "phone"),
        ("Fone", "phone"), ("Correo electrónico", "email"), ("E-mail", "email"), ("Dirección", "address"),
        ("Endereço", "address"), ("Fecha de vencimiento", "due_date"), ("Data de Vencimento", "due_date"),
        ("dueDate", "due_date"), ("Capital", "principal"), ("Juros", "interest"), ("Gastos de cobranza",
        "cost"),
        ("Saldo total", "total"), ("Valor total da dívida", "total"), ("Amount due", "total"), ("Moeda",
        "currency"),
        ("Fecha nacimiento", "birth_date"), ("Data de nascimento", "birth_date"), ("Date of birth",
        "birth_date"),
        ("Autoriza whatsapp", "consent_whatsapp"), ("No contactar", "opt_out_all"), ("CEP", "postal_code"),
        ("UF", "region"), ("País", "country"), ("Fecha último pago", "last_payment_date"), ("xyz", None),
    ],
)  # fmt: skip
def test_headings_of_three_languages(heading: str, field: str | None) -> None:
    assert field_of(heading) == field


def test_dates_and_amounts_tell_how_they_are_written() -> None:
    sample = pl.DataFrame(
        {"operacion": ["1"], "vencimiento": ["01/31/2026"], "total": ["1,234.50"], "nombre": ["A"]}
    )
    spec = propose_mapping(sample.columns, sample=sample).spec
    assert (spec["dates"], spec["decimal"]) == ("mdy", ".")
    sample = sample.with_columns(
        pl.lit("31/01/2026").alias("vencimiento"), pl.lit("1.234.567").alias("total")
    )
    spec = propose_mapping(sample.columns, sample=sample).spec
    assert (spec["dates"], spec["decimal"]) == ("dmy", ",")


def test_a_proposal_can_be_used_as_it_is_or_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(csv_text([row(1)]))
    proposal = propose(path)
    assert proposal.missing == []
    assert parse(proposal.spec).sources.keys() >= {"client_account", "name", "due_date", "total", "phone"}
    path.write_text("a;b\n1;2\n")
    with pytest.raises(UserError, match="no column could be recognised for client_account"):
        propose_for(path, "placement")


def test_headings_are_found_under_titles_and_blank_rows(tmp_path: Path) -> None:
    path, table = tmp_path / "f.csv", csv_text([row(1)])
    path.write_text(table)
    plain = propose(path).spec
    assert "header_row" not in plain
    path.write_text(f"Banco Austral S.A.\n;\nCartera de marzo;2026\n{table}")
    assert propose(path).spec == {**plain, "header_row": 4}
    path.write_text(f";;\nBanco Austral S.A.\n{table}")
    assert propose(path).spec["header_row"] == 3
    path.write_text(f"Banco Austral S.A.\n{table}")
    assert propose_for(path, "placement")["header_row"] == 2


def test_a_preview_shows_rows_and_issues_and_stores_nothing(creditor: Creditor) -> None:
    from recupero.placements.imports.running import setting_for

    path = creditor.file(csv_text([row(1), row(2, nombre=""), row(3)]))
    before = creditor.counts()
    with creditor.platform.database.transaction(creditor.scope) as session:
        setting = setting_for(session, creditor.portfolio_id)
    shown = preview(path, MAPPING, setting, n=2)
    assert shown.headings == list(HEADINGS)
    assert [found["client_account"] for found in shown.rows] == ["OP-1", "OP-2"]
    assert shown.issues == [(3, "rejected", "name", "missing")]
    assert creditor.counts() == before


def test_a_file_that_says_nothing_of_place_gets_the_creditors_zone_to_see_and_change() -> None:
    headings = ["Operacion", "Nombre", "Vencimiento", "Total"]
    assert propose_mapping(headings, zone="America/Santiago").spec["constants"] == {
        "timezone": "America/Santiago"
    }
    assert "constants" not in propose_mapping([*headings, "Region"], zone="America/Santiago").spec
    assert "constants" not in propose_mapping(headings).spec
