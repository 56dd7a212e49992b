"""A placement file becomes accounts: every row has an outcome with its reason, and the sums agree."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from recupero.kernel import crypto
from recupero.kernel.config import Config
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import service
from recupero.placements.imports import ImportResult
from recupero.placements.normalise import name_key, national_id_key
from recupero.wiring import wire
from tests.placements.conftest import HEADINGS, MAPPING, Creditor, csv_text, row
from tests.thorough import examples

pytestmark = pytest.mark.usefixtures("noon")


def agrees(result: ImportResult) -> bool:
    """Counts and balances of the outcomes add up to the file's."""
    assert result.rows == result.accepted + result.rejected + result.quarantined + result.duplicates
    for sums in result.control_totals["balance_minor"].values():
        parts = sums["accepted"] + sums["rejected"] + sums["quarantined"] + sums["duplicate"]
        assert parts == sums["file"]
    return True


def test_a_sound_row_becomes_an_account_with_its_debtor(creditor: Creditor) -> None:
    result = creditor.send(csv_text([row()]))
    assert (result.rows, result.accepted, result.warnings) == (1, 1, 0)
    account = creditor.all("SELECT * FROM accounts")[0]
    assert account["client_account"] == "OP-1"
    assert (account["principal_minor"], account["interest_minor"]) == (100_000, 5_000)
    assert account["placed_minor"] == account["balance_minor"] == 105_000
    assert str(account["due_date"]) == "2026-01-31"
    assert (account["status"], account["stage"]) == ("active", "unreached")
    debtor = creditor.all("SELECT * FROM debtors")[0]
    ring = crypto.keyring()
    assert ring.decrypt(debtor["name"]) == "Ana Pérez 1"
    assert bytes(debtor["name_index"]) == ring.blind_index(name_key("PEREZ 1 ana"))
    assert bytes(debtor["national_id_index"]) == ring.blind_index(national_id_key("CL", "10.000.001-6"))
    points = {(p["kind"], ring.decrypt(p["value"])) for p in creditor.all("SELECT * FROM contact_points")}
    assert points == {("phone", "+56961234567"), ("email", "ana1@example.com")}


@pytest.mark.parametrize(
    ("changed", "outcome", "field", "reason"),
    [
        ({"operacion": ""}, "rejected", "client_account", "missing"),
        ({"operacion": "1,23457E+11"}, "rejected", "client_account", "shortened"),
        ({"operacion": "=1+1"}, "rejected", "client_account", "formula"),
        ({"nombre": ""}, "rejected", "name", "missing"),
        ({"nombre": "@SUM(A1)"}, "rejected", "name", "formula"),
        ({"rut": ""}, "rejected", "national_id", "missing"),
        ({"rut": "12.345.678-9"}, "quarantined", "national_id", "id_checksum"),
        ({"vencimiento": "31/02/2026"}, "rejected", "due_date", "date"),
        ({"vencimiento": ""}, "rejected", "due_date", "missing"),
        ({"vencimiento": "01/01/1900"}, "rejected", "due_date", "date_past"),
        ({"vencimiento": "01/01/2040"}, "rejected", "due_date", "due_future"),
        ({"total": "abc"}, "rejected", "total", "amount"),
        ({"total": "105.000,50"}, "rejected", "total", "decimals"),
        ({"total": "-105.000", "capital": "", "interes": ""}, "rejected", "total", "negative"),
        ({"total": "0", "capital": "0", "interes": "0"}, "rejected", "total", "nothing_owed"),
        ({"total": "", "capital": "", "interes": ""}, "rejected", "total", "missing"),
        ({"total": "105.001"}, "quarantined", "total", "parts_total"),
        ({"fono": "12"}, "warning", "phone", "phone"),
        ({"correo": "no tiene"}, "warning", "email", "email"),
    ],
)
def test_a_wrong_cell_is_told_by_row_field_and_reason(
    creditor: Creditor, changed: dict[str, str], outcome: str, field: str, reason: str
) -> None:
    result = creditor.send(csv_text([row(1), row(2, **changed)]))
    assert creditor.reasons() == {(3, outcome, field, reason)}
    taken = 2 if outcome == "warning" else 1
    assert len(creditor.all("SELECT 1 FROM accounts")) == result.accepted == taken
    assert agrees(result)


def test_all_reasons_of_a_row_are_told(creditor: Creditor) -> None:
    creditor.send(csv_text([row(1), row(2, nombre="", vencimiento="x", total="y")]))
    assert {found[2:] for found in creditor.reasons()} == {
        ("name", "missing"), ("due_date", "date"), ("total", "amount"),
    }  # fmt: skip


def test_another_currency_waits_for_a_person(creditor: Creditor) -> None:
    mapping = {**MAPPING, "columns": {**MAPPING["columns"], "currency": "moneda"}}
    rows = [[*row(1), "CLP"], [*row(2, capital="", interes="", total="10,50"), "USD"], [*row(3), "PESOS"]]
    result = creditor.send(csv_text(rows, headings=(*HEADINGS, "moneda")), mapping=mapping)
    assert creditor.reasons() == {
        (3, "quarantined", "currency", "currency_differs"), (4, "rejected", "currency", "currency"),
    }  # fmt: skip
    assert result.control_totals["balance_minor"]["USD"]["quarantined"] == 1050
    assert agrees(result)


def test_the_same_account_twice_in_a_file_counts_once(creditor: Creditor) -> None:
    result = creditor.send(csv_text([row(1), row(1, nombre="Otra"), row(2)]))
    assert (result.accepted, result.duplicates) == (2, 1)
    assert creditor.reasons() == {(3, "duplicate", "client_account", "duplicate_file")}
    assert agrees(result)


def test_a_file_sent_again_adds_nothing(creditor: Creditor) -> None:
    wire()
    content = csv_text([row(number) for number in range(1, 30)] + [row(40, nombre="")])
    creditor.send(content)
    before = creditor.counts()
    again = creditor.send(content)
    assert (again.accepted, again.duplicates, again.rejected) == (0, 29, 1)
    after = creditor.counts()
    for name in ("people", "debtors", "contact_points", "accounts", "holds", "permissions",
    "ledger_transactions",
                 "ledger_entries"):  # fmt: skip
        assert after[name] == before[name], name
    assert agrees(again)


def test_the_same_accounts_in_another_file_are_duplicates(creditor: Creditor) -> None:
    creditor.send(csv_text([row(1), row(2)]))
    result = creditor.send(csv_text([row(2), row(3)], delimiter=","), mapping={**MAPPING, "delimiter": ","})
    assert (result.accepted, result.duplicates) == (1, 1)


def test_a_dry_run_changes_nothing(creditor: Creditor) -> None:
    before = creditor.counts()
    result = creditor.send(csv_text([row(1), row(2, nombre="")]), dry_run=True)
    assert (result.accepted, result.rejected, result.dry_run, result.batch_id) == (1, 1, True, None)
    assert creditor.counts() == before


def test_one_person_with_two_accounts_is_one_debtor(creditor: Creditor) -> None:
    creditor.send(csv_text([row(1), row(2, rut="10.000.001-6", correo="otra@example.com")]))
    creditor.send(csv_text([row(3, rut="10000001-6")]))
    assert len(creditor.all("SELECT 1 FROM debtors")) == 1
    assert len(creditor.all("SELECT 1 FROM contact_points WHERE kind = 'email'")) == 3


def test_one_person_is_shared_by_the_agencys_creditors_and_no_further(creditor: Creditor) -> None:
    from tests.factories import World

    world = World(creditor.platform)
    creditor.send(csv_text([row(1)]))
    for scope, people in ((world.tenant(agency=_agency(creditor)), 1), (world.tenant(), 1)):
        with creditor.platform.database.transaction(scope) as session:
            portfolio = service.create_portfolio(
                session, name="Otra", country="CL", currency="CLP", product="x", placement_number=1, terms={},
                strategy={}, actor="system",
            )  # fmt: skip
        other = Creditor(creditor.platform, scope, portfolio.id, creditor.folder)
        other.send(csv_text([row(9, rut="10.000.001-6")]))
        assert len(other.all("SELECT 1 FROM people")) == people
        assert len(other.all("SELECT 1 FROM debtors")) == 1


def _agency(creditor: Creditor) -> Any:
    from recupero.kernel.database import Scope

    return Scope(creditor.scope.agency_id)


def test_an_account_open_in_another_portfolio_waits_for_a_person(creditor: Creditor) -> None:
    creditor.send(csv_text([row(1)]))
    with creditor.platform.database.transaction(creditor.scope) as session:
        portfolio = service.create_portfolio(
            session, name="Segunda", country="CL", currency="CLP", product="x", placement_number=1, terms={},
            strategy={}, actor="system",
        )  # fmt: skip
    second = Creditor(creditor.platform, creditor.scope, portfolio.id, creditor.folder)
    result = second.send(csv_text([row(1), row(2)]))
    assert (result.accepted, result.quarantined) == (1, 1)
    assert (2, "quarantined", "client_account", "other_portfolio") in second.reasons()


def test_flags_become_holds_and_permissions_are_filed(creditor: Creditor) -> None:
    wire()
    columns = {**MAPPING["columns"], "disputed": "disputa", "deceased": "fallecido",
    "consent_email": "acepta",
               "opt_out_call": "no_llamar"}  # fmt: skip
    headings = (*HEADINGS, "disputa", "fallecido", "acepta", "no_llamar")
    creditor.send(
        csv_text([[*row(1), "SI", "no", "si", "1"], [*row(2), "", "x", "quizás", ""]], headings=headings),
        mapping={**MAPPING, "columns": columns},
    )
    assert {(h["kind"], h["account_id"] is None) for h in creditor.all("SELECT * FROM holds")} == {
        ("dispute", False), ("deceased", True),
    }  # fmt: skip
    assert {(p["channel"], p["kind"]) for p in creditor.all("SELECT * FROM permissions")} == {
        ("email", "consent"), ("call", "opt_out"),
    }  # fmt: skip
    assert (3, "warning", "consent_email", "flag") in creditor.reasons()


def test_a_test_account_is_in_no_report(creditor: Creditor) -> None:
    columns = {**MAPPING["columns"], "test_account": "prueba"}
    cells = [[*row(number), said] for number, said in enumerate(("", "sí", "quizás", "no"), 1)]
    result = creditor.send(
        csv_text(cells, headings=(*HEADINGS, "prueba")), mapping={**MAPPING, "columns": columns}
    )
    assert (result.accepted, result.warnings) == (4, 1)
    found = creditor.all("SELECT client_account FROM accounts WHERE is_test")
    assert [one["client_account"] for one in found] == ["OP-2"]
    assert creditor.all("SELECT sum(accounts) AS placed FROM report_placed")[0]["placed"] == 3


def test_control_records_must_agree(creditor: Creditor) -> None:
    control = {"column": "operacion", "value": "TOTAL", "rows": "rut", "balance": "total"}
    mapping = {**MAPPING, "control": control}
    trailer = ["TOTAL", "2", "", "", "", "", "210.000", "", ""]
    result = creditor.send(csv_text([row(1), row(2), trailer]), mapping=mapping)
    assert result.control_totals["declared"] == {"rows": 2, "balance_minor": 210_000}
    before = creditor.loaded()
    for broken in (["TOTAL", "3", *trailer[2:]], [*trailer[:6], "210.001", "", ""]):
        with pytest.raises(UserError, match="control record declares"):
            creditor.send(csv_text([row(3), row(4), broken]), mapping=mapping)
    with pytest.raises(UserError, match="no control record"):
        creditor.send(csv_text([row(3)]), mapping=mapping)
    assert creditor.loaded() == before


def test_rows_that_are_not_meant_are_counted_apart(creditor: Creditor) -> None:
    mapping = {**MAPPING, "filter": {"column": "nombre", "not_in": ["Pagado"]}}
    result = creditor.send(csv_text([row(1), row(2, nombre="Pagado")]), mapping=mapping)
    assert (result.rows, result.accepted, result.excluded) == (1, 1, 1)


def test_columns_are_joined_composed_translated_taken_off_and_kept(creditor: Creditor) -> None:
    mapping: dict[str, Any] = {
        "columns": {
            "client_account": {"template": "{sucursal}/{numero}"}, "name": ["nombre", "apellido"],
            "due_date": {"first_of": ["cuota", "vence"]},
            "principal": {"columns": ["prestado"], "minus": ["pagado"]},
            "cost": ["gasto 1", "gasto 2"], "kind": {"columns": ["tipo"], "values": {"E": "firm"}},
            "region": {"columns": ["region"], "prefix": "CL-"}, "score": "puntaje",
        },
        "constants": {"product": "credito"}, "keep": "all",
    }  # fmt: skip
    headings = ["sucursal", "numero", "nombre", "apellido", "cuota", "vence", "prestado", "pagado", "gasto 1",
                "gasto 2", "tipo", "region", "puntaje", "color"]  # fmt: skip
    cells = ["A", "7", "Ana", "Díaz", "", "31/01/2026", "1000", "400", "5", "", "E", "RM", "650", "rojo"]
    assert creditor.send(csv_text([cells], headings=headings), mapping=mapping).accepted == 1
    account = creditor.all("SELECT * FROM accounts")[0]
    assert (account["client_account"], account["product"]) == ("A/7", "credito")
    assert (account["principal_minor"], account["cost_minor"], account["placed_minor"]) == (600, 5, 605)
    assert account["extra"] == {"score": "650", "color": "rojo"}
    debtor = creditor.all("SELECT * FROM debtors")[0]
    assert (debtor["kind"], debtor["region"]) == ("firm", "CL-RM")
    assert crypto.keyring().decrypt(debtor["name"]) == "Ana Díaz"


def test_the_rejects_file_has_the_same_columns_and_the_reason(creditor: Creditor) -> None:
    target = creditor.folder / "rejects.csv"
    creditor.send(csv_text([row(1), row(2, nombre="", correo="=cmd|' /C calc'!A0")]), rejects=target)
    text = target.read_bytes().decode("utf-8-sig").splitlines()
    assert text[0] == ";".join((*HEADINGS, "reason"))
    assert text[1].startswith("OP-2;")
    assert text[1].endswith("name: a value is required here")
    assert ";'=cmd" in text[1]
    assert ";'+56 9 6123 4567;" in text[1]
    fixed = target.read_text("utf-8-sig").replace("OP-2;10000002-4;;", "OP-2;10000002-4;Ana Díaz;")
    assert creditor.send(fixed).accepted == 1
    assert len(creditor.all("SELECT 1 FROM contact_points WHERE kind = 'phone'")) == 2


def test_no_rejects_no_file(creditor: Creditor) -> None:
    target = creditor.folder / "rejects.csv"
    assert creditor.send(csv_text([row(1)]), rejects=target).reject_file is None
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "mapping", "says"),
    [
        (csv_text([]), MAPPING, "no rows"),
        (csv_text([row(1)], headings=[*HEADINGS[:-1], "mail"]), MAPPING, "no column 'correo'"),
        (csv_text([row(1)]), {**MAPPING, "colour": "red"}, "unknown key"),
        (csv_text([row(1)]), {"columns": {"name": "nombre"}}, "no column for client_account"),
        (csv_text([row(1)]), {**MAPPING, "encoding": "klingon"}, "unknown encoding"),
        (csv_text([row(n) for n in range(30_000)]) + '1;"broken\n', MAPPING, "quotation mark"),
    ],
)
def test_nothing_is_loaded_from_a_broken_file(
    creditor: Creditor, content: str, mapping: Any, says: str
) -> None:
    before = creditor.loaded()
    with pytest.raises(UserError, match=says):
        creditor.send(content, mapping=mapping)
    assert creditor.loaded() == before


def test_a_files_work_grows_with_its_rows_though_the_statistics_know_of_one(
    creditor: Creditor, config: Config
) -> None:
    """Rows read of debtors, by the checks of the foreign keys, and of accounts, by the roll-ups that follow
    the consents of the file. A dry run and a single account leave a long table with one row in it, by which
    every index of the tenant looks as good."""
    read = text(
        "SELECT sum(idx_tup_fetch + seq_tup_read), sum(n_tup_ins) FROM pg_stat_user_tables"
        " WHERE relname IN ('debtors', 'accounts')"
    )
    mapping = {**MAPPING, "columns": {**MAPPING["columns"], "consent_email": "acepta"}}

    def file(numbers: range) -> str:
        return csv_text([[*row(n), "si"] for n in numbers], headings=(*HEADINGS, "acepta"))

    creditor.send(file(range(3000)), mapping=mapping, dry_run=True)
    creditor.send(csv_text([row(1)]))
    owner = create_engine(config.owner_database_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        creditor.all("SELECT pg_stat_force_next_flush()")
        before, there = connection.execute(read).one()
        creditor.send(file(range(2, 2502)), mapping=mapping)
        for _ in range(100):  # a connection tells of its work at most once a second
            now, inserted = connection.execute(read).one()
            if inserted >= there + 5000:
                break
            creditor.all("SELECT pg_stat_force_next_flush()")
            time.sleep(0.05)
    owner.dispose()
    assert inserted >= there + 5000
    assert now - before < 4 * 100 * 100 + 20 * 2500  # the first hundred may look at each other


def test_a_mapping_is_saved_found_and_proposed(creditor: Creditor) -> None:
    with creditor.platform.database.transaction(creditor.scope) as session:
        service.save_mapping(session, portfolio_id=creditor.portfolio_id, kind="placement", name="banco",
                             spec=MAPPING, actor="system")  # fmt: skip
    assert creditor.send(csv_text([row(1)]), mapping="banco").accepted == 1
    assert creditor.send(csv_text([row(2)]), mapping=None).accepted == 1
    with pytest.raises(NotFound, match="no mapping called 'other'"):
        creditor.send(csv_text([row(3)]), mapping="other")


def test_a_workbook_is_placed_like_a_csv(creditor: Creditor) -> None:
    path = creditor.folder / "placement.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for line, cells in enumerate([list(HEADINGS), row(1), row(2, nombre="")]):
            sheet.write_row(line, 0, cells)
        sheet.write_row(3, 0, row(3))
        sheet.write_number(3, 4, 100_000)
        sheet.write_number(3, 5, 5_000)
        sheet.write_number(3, 6, 105_000)
    result = creditor.send(path)
    assert (result.accepted, result.rejected) == (2, 1)
    assert agrees(result)


_CELLS = {
    "nombre": st.sampled_from(["Ana", "", "=x"]), "total": st.sampled_from(["105.000", "1", "-3", "x", "",
    "9.999"]),
    "rut": st.sampled_from(["10.000.001-6", "1-1", "", "12.345.678-5"]),
    "vencimiento": st.sampled_from(["31/01/2026", "x", "", "31/01/2099"]),
    "operacion": st.sampled_from(["A", "B", "C", "D", "", "E"]), "fono": st.sampled_from(["", "12",
    "612345678"]),
}  # fmt: skip


@settings(
    max_examples=examples(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.fixed_dictionaries(_CELLS), min_size=1, max_size=25))
def test_whatever_a_file_says_the_sums_agree_and_sending_it_again_adds_nothing(
    creditor: Creditor, rows: list[dict[str, str]]
) -> None:
    content = csv_text([row(1, **cells) for cells in rows])
    dry = creditor.send(content, dry_run=True)
    first = creditor.send(content)
    assert agrees(first)
    assert (dry.accepted, dry.rejected, dry.quarantined) == (
        first.accepted,
        first.rejected,
        first.quarantined,
    )
    placed = creditor.all("SELECT count(*) AS n, sum(balance_minor) AS s FROM accounts")[0]
    again = creditor.send(content)
    assert again.accepted == 0
    assert agrees(again)
    assert creditor.all("SELECT count(*) AS n, sum(balance_minor) AS s FROM accounts")[0] == placed


_SHARED = Path(__file__).parents[4] / "shared" / "data"


def _public(name: str) -> tuple[Path, dict[str, Any]]:
    import os

    folder = Path(os.environ["RECUPERO_SHARED"]) / "data" if "RECUPERO_SHARED" in os.environ else _SHARED
    path = folder / name / "data.csv.gz"
    if not path.exists():
        pytest.skip(
            f"LEFT OUT: the public data set {name} is not at {path}; name its folder in RECUPERO_SHARED"
        )
    return path, json.loads((Path(__file__).parents[1] / "mappings" / f"{name}.json").read_text())


@pytest.mark.parametrize(("name", "least"), [("accounts_receivable", 1000), ("lendingclub_sample", 100)])
def test_public_data_is_placed_whole(creditor: Creditor, name: str, least: int) -> None:
    path, mapping = _public(name)
    with creditor.platform.database.transaction(creditor.scope) as session:
        portfolio = service.create_portfolio(
            session, name=name, country="US", currency="USD", product="loan", placement_number=1, terms={},
            strategy={}, actor="system",
        )  # fmt: skip
    lender = Creditor(creditor.platform, creditor.scope, portfolio.id, creditor.folder)
    result = lender.send(path, mapping=mapping)
    assert result.accepted >= least
    assert result.accepted + result.rejected + result.quarantined + result.duplicates == result.rows
    assert agrees(result)
    assert lender.send(path, mapping=mapping).accepted == 0
