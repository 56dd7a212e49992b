"""What reaches the logs: structured lines with their context, and nothing about a person."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from recupero.kernel import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    target = io.StringIO()
    level = logging.getLogger().level
    logs.configure(stream=target)
    yield target
    logs.configure(level=level)  # back to standard error
    logging.captureWarnings(False)


def _last(stream: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_a_line_has_its_context_and_its_extra_fields(stream: io.StringIO) -> None:
    with logs.context(agency_id=1, tenant_id=2), logs.context(job_id="j-7"):
        logging.getLogger("recupero.placements").info("imported %s", "a file", extra={"rows": 1234567890})
    line = _last(stream)
    assert line["message"] == "imported a file"
    assert (line["level"], line["logger"]) == ("INFO", "recupero.placements")
    assert (line["agency_id"], line["tenant_id"], line["job_id"], line["rows"]) == (1, 2, "j-7", 1234567890)
    logging.getLogger().info("later")
    assert "job_id" not in _last(stream)


@pytest.mark.parametrize(
    "private",
    [
        "ana.perez+x@correo.example.com", "+56 9 8765 4321", "(601) 555-0123 45", "987654321",
        "12.345.678-5", "12345678-K", "123.456.789-09", "11.222.333/0001-81", "1032456789", "20-12345678-9",
        "GODE561231HDFRRN09", "GODE561231GR8", "12345678Z", "X1234567L", "4111 1111 1111 1111",
        "sk_test_abcdefgh12345", "whsec_0123456789abcdef",
    ],
)  # fmt: skip
def test_what_looks_personal_or_secret_is_hidden_anywhere(stream: io.StringIO, private: str) -> None:
    log = logging.getLogger("recupero.contacts")
    log.warning(
        "could not reach %s today", private, extra={"where": [{"to": private}], "note": f"<{private}>"}
    )
    try:
        raise ValueError(f"bad value {private!r}")
    except ValueError:
        log.exception("failed for %s", private)
    assert private not in stream.getvalue()
    assert "could not reach [hidden] today" in stream.getvalue()


def test_passwords_in_addresses_and_bearer_tokens_are_hidden() -> None:
    assert logs.redact("postgresql://ana:hunter2@db.example/x") == "postgresql://ana:[hidden]@db.example/x"
    assert "abc" not in logs.redact("Authorization: Bearer abc.def")


def test_private_fields_are_hidden_whatever_they_hold(stream: io.StringIO) -> None:
    logging.getLogger().info(
        "x", extra={"email": "?", "debtor_name": "Ana", "api_token": "t", "status_code": 200}
    )
    line = _last(stream)
    assert (line["email"], line["debtor_name"], line["api_token"]) == ("[hidden]",) * 3
    assert line["status_code"] == 200


def test_dates_amounts_and_small_numbers_stay_readable() -> None:
    plain = "at 2026-11-21T22:31:05.123 tenant 3 took 12.5 s for 100000 rows, period 2026-01-31"
    assert logs.redact(plain) == plain


@pytest.mark.parametrize(
    "machine",
    [
        "12345678901a2b3c4d5e6f7081928374", "98765432-1234-4234-8234-abc123456def",
        "ABC12345-6789-4123-9876-123456789ABC", "12345678-1234-4234-8234-12345678901a",
    ],
)  # fmt: skip
def test_ids_that_machines_give_stay_whole(stream: io.StringIO, machine: str) -> None:
    with logs.context(request_id=machine):
        logging.getLogger().warning(
            "job %s of %s", machine, "+56 9 8765 4321", extra={"trace": f"<{machine}>"}
        )
    line = _last(stream)
    assert (line["request_id"], line["trace"]) == (machine, f"<{machine}>")
    assert line["message"] == f"job {machine} of [hidden]"


@pytest.mark.parametrize(
    "disguised",
    [
        "12345678901234567890123456789012", "12345678-1234-1234-1234-123456789012",
        "98765432-1234-4234-8234-abc123456def@example.com", "Bearer 98765432-1234-4234-8234-abc123456def",
        "[parameters: {'id': '98765432-1234-4234-8234-abc123456def', 'phone': '987654321'}]",
        "98765432-1234-4234-8234-abc123456def-987654321",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_id_of_a_machine_is_hidden(disguised: str) -> None:
    told = logs.redact(f"for {disguised}")
    assert "[hidden]" in told
    assert "987654321" not in told
    assert "12345678" not in told


def test_values_of_a_failed_statement_are_hidden(stream: io.StringIO) -> None:
    name = " ".join(["Ana", "Soto"])
    told = Exception(f"duplicate key\nDETAIL:  Key (name)=({name}) already exists.")
    try:
        raise IntegrityError("INSERT INTO people VALUES (:name)", {"name": name}, told)
    except IntegrityError:
        logging.getLogger().exception("insert failed")
    assert "duplicate key" in _last(stream)["error"]
    assert name not in stream.getvalue()


def test_another_configuration_replaces_the_first(stream: io.StringIO) -> None:
    second = io.StringIO()
    logs.configure(stream=second)
    logging.getLogger().warning("once")
    assert stream.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_standard_error_is_looked_up_at_each_line(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure()
    later = io.StringIO()
    monkeypatch.setattr("sys.stderr", later)
    logging.getLogger().warning("here")
    assert json.loads(later.getvalue())["message"] == "here"


def test_a_terminal_gets_text() -> None:
    record = logging.makeLogRecord({"name": "recupero.law", "levelname": "WARNING", "msg": "no zone", "n": 3})
    assert logs.PlainFormatter().format(record)[9:] == "WARNING law: no zone  n=3"


@given(st.text())
def test_redaction_takes_any_text_and_is_stable(anything: str) -> None:
    once = logs.redact(anything)
    assert logs.redact(once) == once


@given(st.from_regex(r"[\w.%+'-]{1,30}@([\w-]{1,20}\.){1,3}[a-z]{2,6}", fullmatch=True))
def test_no_mail_address_survives(address: str) -> None:
    assert address not in logs.redact(f"to {address}.")
