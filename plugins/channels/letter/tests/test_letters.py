"""Letters: what is printed, batches that are whole or not there, one letter a key, returned mail."""

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recupero_channel_letter import Letter, batches
from recupero_channel_letter.codes import code_of, is_code
from recupero_channel_letter.typesetting import WINDOWS, address_lines, typeset

from recupero_sdk.channels import Cost, Message, SendOutcome
from recupero_sdk.inbound import Fate, ReadsFiles, StatusEvent
from recupero_sdk.settings import PluginConfig

MESSAGE = Message(
    key="7-41",
    channel="letter",
    recipient="Av. Siempre Viva 742, Depto. 3, 8320000 Santiago, Chile",
    subject="Aviso sobre su cuenta",
    text="Estimada señora:\n\nSaldo: $125.000\nVence el 3.\n\nGracias",
    language="es",
    sender_name="Agencia Ñandú",
    values={"name": "Ana Peña"},
    code="ABCD2345",
)
SETTINGS = {"folder": "tienda", "return_address": "Agencia Ñandú, Casilla 12, Santiago"}
CONFIG = PluginConfig(SETTINGS)
CODE = code_of("7-41")


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECUPERO_LETTERS_DIR", str(tmp_path))
    return tmp_path


def shown(folder: Path) -> list[Path]:
    """Batches as the print shop sees them."""
    return [one for one in sorted(folder.glob("*")) if not one.name.startswith(".")]


def several(count: int) -> list[Message]:
    return [replace(MESSAGE, key=f"7-{number}") for number in range(1, count + 1)]


def test_a_batch_has_its_letters_and_says_what_is_in_it(base: Path) -> None:
    receipts = Letter().send(several(3), CONFIG)
    (batch,) = shown(base / "tienda")
    manifest = json.loads((batch / "manifest.json").read_text())
    with open(batch / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reference"] for row in rows] == [receipt.reference for receipt in receipts]
    assert [{name: str(value) for name, value in row.items()} for row in manifest["letters"]] == rows
    for row in manifest["letters"]:
        content = (batch / row["file"]).read_bytes()
        assert content.startswith(b"%PDF")
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert "Ana" not in (batch / "manifest.json").read_text()
    assert sorted(one.name for one in batch.iterdir()) == sorted(
        ["manifest.csv", "manifest.json", *(row["file"] for row in rows)]
    )


def test_a_key_is_printed_once_also_when_its_batch_was_taken_away(base: Path) -> None:
    Letter().send(several(2), CONFIG)
    (first,) = shown(base / "tienda")
    first.rename(base / "taken")
    receipts = Letter().send(several(3), CONFIG)
    (second,) = shown(base / "tienda")
    assert [one.outcome for one in receipts] == [SendOutcome.SENT] * 3
    assert [one.name for one in second.glob("*.pdf")] == [f"{code_of('7-3')}.pdf"]


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_process_that_dies_leaves_no_half_batch_and_no_second_letter(
    base: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Dies at the `step`th file or folder that is made durable; then the same call comes again."""
    seen, real = [0], os.fsync

    def dying(descriptor: int) -> None:
        seen[0] += 1
        if seen[0] == step:
            raise KeyboardInterrupt
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", dying)
        with pytest.raises(KeyboardInterrupt):
            Letter().send(several(2), CONFIG)
    for batch in shown(base / "tienda"):
        assert (batch / "manifest.json").exists()
    Letter().send(several(2), CONFIG)
    Letter().send(several(1), CONFIG)
    files = [file.name for batch in shown(base / "tienda") for file in batch.glob("*.pdf")]
    assert sorted(files) == sorted(f"{code_of(f'7-{number}')}.pdf" for number in (1, 2))


def test_a_letter_is_dated_by_the_clock_of_who_reads_it() -> None:
    """The day is what the house says, whatever day it is where the letters are set."""
    days = [date(2026, 3, 9), date(2026, 3, 10)]
    first, second, again = (typeset(replace(MESSAGE, dated=day), CONFIG).pdf for day in (*days, days[0]))
    assert first == again
    assert first != second


def test_words_are_never_read_as_markup() -> None:
    text = '#panic("x") #read("/etc/passwd") *a* _b_ $x$ `c` <d> @e \\ // /* [[ #{ "'
    hostile = replace(MESSAGE, text=text, subject=text, sender_name=text, values={"name": text[:40]})
    (receipt,) = Letter().send([hostile], PluginConfig({**SETTINGS, "return_address": "#panic() *x*"}))
    assert receipt.outcome is SendOutcome.SENT
    assert typeset(hostile, CONFIG).pages == 1


@pytest.mark.parametrize("window", ["din5008a", "din5008b", "right", "us10"])
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_each_window_on_each_paper(window: str, paper: str) -> None:
    letter = typeset(MESSAGE, PluginConfig({**SETTINGS, "window": window, "paper": paper}))
    assert (letter.pages, letter.sheets) == (1, 1)
    height = b"841.88" if paper == "a4" else b"792"
    assert height in letter.pdf


def test_sheets_are_counted_and_priced() -> None:
    prices = {"price_letter": "0.85", "price_sheet": "0.06", "currency": "CLP"}
    long = replace(MESSAGE, text="Línea\n\n" * 120)
    both, one_side = (PluginConfig({**SETTINGS, **prices, "duplex": duplex}) for duplex in ("yes", "no"))
    pages = typeset(long, both).pages
    assert pages >= 3
    costs = [Letter().dry_run([long], config)[0].cost for config in (both, one_side)]
    sheets = [(pages + 1) // 2, pages]
    assert costs == [Cost(850_000 + 60_000 * count, "CLP", count) for count in sheets]
    (refused,) = Letter().dry_run([long], PluginConfig({**SETTINGS, "max_sheets": "1"}))
    assert (refused.outcome, "sheets" in str(refused.reason)) == (SendOutcome.REFUSED, True)


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        ("Calle 1\nSantiago", ["Ana", "Calle 1", "Santiago"]),
        ("Av. Siempre Viva 742, Santiago", ["Ana", "Av. Siempre Viva 742", "Santiago"]),
        ("ana\nCalle 1", ["ana", "Calle 1"]),
        ("  Calle\x00 1\r\n\r\nChile ", ["Ana", "Calle 1", "Chile"]),
    ],
)
def test_the_address_as_it_stands_in_the_window(address: str, lines: Sequence[str]) -> None:
    assert address_lines(address, "Ana") == lines


@pytest.mark.parametrize("window", sorted(WINDOWS))
def test_a_long_name_and_address_stand_whole_in_every_window(window: str) -> None:
    name = "María de los Ángeles Fernández de la Torre y Montenegro Valdivieso Echeñique-Undurraga Larraín"
    where = (
        "Avenida Libertador General Bernardo O'Higgins 1449, Torre Santiago Downtown,"
        " Departamento 2304-B, Santiago Centro"
    )
    lines = address_lines(where, name)
    assert (len(lines), " ".join(lines)) == (6, f"{name} {where}")
    letter = replace(MESSAGE, recipient=where, values={"name": name})
    assert typeset(letter, PluginConfig({**SETTINGS, "window": window})).pages == 1


@pytest.mark.parametrize("address", ["", " \n ", "123", "calle " * 80])
def test_an_address_that_does_not_fit_is_permanent_and_holds_up_no_other(base: Path, address: str) -> None:
    first, second = Letter().send([replace(MESSAGE, recipient=address), replace(MESSAGE, key="7-42")], CONFIG)
    assert (first.outcome, second.outcome) == (SendOutcome.PERMANENT, SendOutcome.SENT)
    assert "calle" not in str(first.reason)


def test_a_full_disk_means_later_and_a_closed_folder_a_person(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = []
    for code in (28, 13):

        def failing(folder: Path, letters: object, code: int = code) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(batches, "hand_over", failing)
        outcomes.append(Letter().send([MESSAGE], CONFIG)[0].outcome)
    assert outcomes == [SendOutcome.RETRY, SendOutcome.REFUSED]


@pytest.mark.parametrize(
    "settings",
    [
        {"folder": "../etc"},
        {"folder": "/tmp"},
        {"return_address": ""},
        {"window": "left"},
        {"paper": "a5"},
        {"duplex": "maybe"},
        {"max_sheets": "0"},
        {"price_sheet": "cheap"},
        {"price_letter": "-1"},
        {"currency": "dollars"},
    ],
)
def test_the_check_names_what_is_wrong(settings: dict[str, str]) -> None:
    (name,) = settings
    assert name in str(Letter().check(PluginConfig({**SETTINGS, **settings})))


def test_without_the_operators_folder_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECUPERO_LETTERS_DIR")
    (receipt,) = Letter().send([MESSAGE], CONFIG)
    assert receipt.outcome is SendOutcome.REFUSED
    assert "RECUPERO_LETTERS_DIR" in str(receipt.reason)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.data())
def test_a_code_with_one_wrong_or_two_swapped_letters_is_noticed(
    tenant: int, contact: int, data: st.DataObject
) -> None:
    code = code_of(f"{tenant}-{contact}")
    assert is_code(code)
    place = data.draw(st.integers(0, len(code) - 2))
    other = data.draw(st.sampled_from("0123456789"))
    wrong = code[:place] + other + code[place + 1 :]
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert wrong == code or not is_code(wrong)
    assert swapped == code or not is_code(swapped)


def test_what_the_post_brought_back() -> None:
    other = code_of("7-42")
    lines = [
        "Fecha;Referencia;Motivo",
        f"2026-11-03;{CODE};Destinatario desconocido",
        f"03/11/2026;{other.lower()};No reclamado",
        "",
        f"2026-11-03;{CODE[:-1]}x;mudado",
        f"2026-11-03;{CODE};aliens",
        f"tomorrow;{CODE};mudado",
        f"2026-11-03;{CODE};Destinatario Desconocido",
        CODE,
    ]
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        read = Letter().read_file("\r\n".join(lines).encode(encoding), CONFIG)
        events = [event for event in read.events if isinstance(event, StatusEvent)]
        assert [(event.reference, event.fate) for event in events] == [
            (CODE, Fate.PERMANENT),
            (other, Fate.FAILED),
        ]
        assert [line for line, _why in read.problems] == [5, 6, 7, 9]
    assert isinstance(Letter(), ReadsFiles)


@pytest.mark.parametrize(
    ("word", "fate"),
    [
        ("moved", Fate.PERMANENT),
        ("Deceased", Fate.DECEASED),
        ("Dirección inexistente", Fate.PERMANENT),
        ("Endereço insuficiente", Fate.PERMANENT),
        ("refused", Fate.FAILED),
        ("Não procurado", Fate.FAILED),
        ("entregado", Fate.DELIVERED),
    ],
)
def test_reasons_in_three_languages(word: str, fate: Fate) -> None:
    (event,) = (
        Letter().read_file(f"reference,reason,date\n{CODE},{word},2026-11-03\n".encode(), CONFIG).events
    )
    assert isinstance(event, StatusEvent)
    assert event.fate is fate


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04\x00\x00", b"a,b,c\n1,2,3", b"reference,reason\n", b"\xff" * 99]
)
def test_another_kind_of_file_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"must name|no text"):
        Letter().read_file(content, CONFIG)


@given(st.text(max_size=200))
def test_no_line_makes_it_stumble(text: str) -> None:
    table = "reference,reason,date\n" + text.replace("\x00", "")
    assert Letter().read_file(table.encode("utf-8", "replace"), CONFIG).events == []
