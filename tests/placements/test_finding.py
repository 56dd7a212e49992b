"""People and accounts are found by what somebody types, and only those of the tenants in scope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel import crypto, runtime
from recupero.kernel.database import Scope
from recupero.placements import finding, names, service
from recupero.placements.finding import Way
from recupero.placements.imports import import_file, refiling
from recupero.placements.tables import NameWord
from tests.factories import World

HEADINGS = "cuenta;nombre;pais;rut;telefono;email;vencimiento;capital;total;referencia"
MAPPING = {
    "columns": {
        "client_account": "cuenta", "name": "nombre", "country": "pais", "national_id": "rut",
        "phone": "telefono", "email": "email", "due_date": "vencimiento", "principal": "capital",
        "total": "total", "client_reference": "referencia",
    },
    "dates": "dmy", "decimal": ",", "delimiter": ";", "encoding": "utf-8",
}  # fmt: skip
ROWS = [
    "AC-1;María José Núñez Peña;CL;12.345.678-5;+56 9 8765 4321;maria@example.com;01/01/2026;100;100;REF-9",
    "AC-2;Mariana Soto;CL;13.456.789-9;9 5555 4444;;01/01/2026;200;200;",
    "AC-3;NUNEZ PENA, maria jose;CL;11.111.111-1;;;01/01/2026;300;300;",
]


@pytest.fixture
def scope(world: World, platform: runtime.Runtime, tmp_path_factory: pytest.TempPathFactory) -> Scope:
    scope = world.tenant()
    _take_in(platform, scope, tmp_path_factory, ROWS)
    return scope


def _take_in(
    platform: runtime.Runtime,
    scope: Scope,
    folder: pytest.TempPathFactory,
    rows: list[str],
    kind: str = "placement",
) -> None:
    path = folder.mktemp("files") / "file.csv"
    path.write_text("\n".join([HEADINGS, *rows]), "utf-8")
    with platform.database.transaction(scope) as session:
        existing = service.create_portfolio(
            session, name=f"P{path.parent.name}", country="CL", currency="CLP", product="loan",
            placement_number=1, terms={}, strategy={}, actor="system",
        )  # fmt: skip
    import_file(
        platform.database,
        scope,
        portfolio_id=existing.id,
        path=path,
        mapping=MAPPING,
        kind=kind,
        actor="system",
    )


def _numbers(platform: runtime.Runtime, scope: Scope, typed: str) -> dict[Way, list[str]]:
    from recupero.placements.browse import lines

    with platform.database.transaction(scope) as session:
        found = finding.find(session, typed, ["CL"])
        named = lines(session, [one for ids in found.values() for one in ids])
        return {way: [named[one].client_account for one in ids] for way, ids in found.items()}


TYPED = [
    ("AC-1", Way.ACCOUNT, ["AC-1"]), ("ac-1", Way.ACCOUNT, ["AC-1"]),
    ("12345678-5", Way.IDENTITY, ["AC-1"]), ("12.345.678-5", Way.IDENTITY, ["AC-1"]),
    ("REF-9", Way.IDENTITY, ["AC-1"]),
    ("+56987654321", Way.REACH, ["AC-1"]), ("9 8765 4321", Way.REACH, ["AC-1"]),
    ("56 9 8765-4321", Way.REACH, ["AC-1"]), ("0056 9 87654321", Way.REACH, ["AC-1"]),
    ("MARIA@example.com", Way.REACH, ["AC-1"]),
    ("maria jose nunez pena", Way.NAME, ["AC-3", "AC-1"]), ("Peña Núñez", Way.NAME, ["AC-3", "AC-1"]),
    ("nuñ", Way.NAME, ["AC-3", "AC-1"]), ("mari soto", Way.NAME, ["AC-2"]),
    ("maria", Way.NAME, ["AC-3", "AC-2", "AC-1"]),
]  # fmt: skip
NOBODYS = ["nadie", "so", "maria gomez", "…", "987", "%", "' OR 1"]


def test_an_account_is_found_however_it_is_typed(platform: runtime.Runtime, scope: Scope) -> None:
    for typed, way, accounts in TYPED:
        assert _numbers(platform, scope, typed) == {way: accounts}, typed
    for typed in NOBODYS:
        assert _numbers(platform, scope, typed) == {}, typed


def test_another_creditor_and_another_agency_find_nothing(
    platform: runtime.Runtime, scope: Scope, world: World
) -> None:
    for stranger in (world.tenant(Scope(scope.agency_id)), world.tenant()):
        for typed in ("AC-1", "12345678-5", "+56987654321", "Mariana Soto"):
            assert _numbers(platform, stranger, typed) == {}


def test_the_tables_do_not_tell_whose_a_word_is(platform: runtime.Runtime, scope: Scope) -> None:
    with platform.database.transaction(scope) as session:
        stored = session.connection().exec_driver_sql("SELECT word, debtors FROM name_words").all()
    debtors = [bytes(row[1]) for row in stored]
    assert all(b"," not in one[:1] and not one.isdigit() for one in debtors)
    assert {bytes(row[0]) for row in stored} == {
        crypto.keyring().blind_index(word) for word in ("maria", "jose", "nunez", "pena", "mariana", "soto")
    }


def test_who_comes_in_later_is_found_and_filing_anew_changes_nothing(
    platform: runtime.Runtime, scope: Scope, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert _numbers(platform, scope, "soto") == {Way.NAME: ["AC-2"]}
    _take_in(platform, scope, tmp_path_factory, ["AC-4;Pía Sotomayor;CL;7.654.321-6;;;01/01/2026;1;1;"])
    assert _numbers(platform, scope, "soto") == {Way.NAME: ["AC-4", "AC-2"]}
    assert refiling.file_anew(platform.database, scope) == 4
    assert _numbers(platform, scope, "soto") == {Way.NAME: ["AC-4", "AC-2"]}


def test_names_that_were_never_filed_are_noticed(platform: runtime.Runtime, scope: Scope) -> None:
    with platform.database.transaction(scope) as session:
        assert not refiling.needs_filing(session)
        session.query(NameWord).delete()
        assert refiling.needs_filing(session)


def test_a_name_is_held_to_what_was_typed() -> None:
    assert names.bears("María José Núñez", "nun mari")
    assert not names.bears("María José Núñez", "soto")
    assert not names.bears("Li Wei", "l")


_IDS = st.tuples(st.integers(1, 5), st.integers(0, 40), st.integers(1, 700)).map(
    lambda drawn: list(range(drawn[1], drawn[1] + drawn[0] * drawn[2], drawn[0]))
)


@given(st.lists(st.lists(_IDS, max_size=3), min_size=1, max_size=3), st.integers(1, 100))
def test_reading_from_the_ends_finds_the_newest_that_have_every_word(
    words: list[list[list[int]]], limit: int
) -> None:
    everybody = set.intersection(*({one for ids in texts for one in ids} for texts in words))
    texts = [[",".join(map(str, ids)) for ids in each] for each in words]
    assert names.newest(texts, limit) == sorted(everybody, reverse=True)[:limit]
