"""A large file is taken in by a worker, once; a failed import tells why and leaves nothing behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recupero.kernel import clock, jobs
from recupero.kernel.errors import NotFound, UserError
from recupero.placements.imports import queueing, recording
from recupero.wiring import wire
from tests.placements.conftest import MAPPING, Creditor, csv_text, row


def queue(creditor: Creditor, path: Path, *, mapping: Any = MAPPING, dry_run: bool = False) -> int:
    return queueing.queue(
        creditor.platform.database, creditor.scope, portfolio_id=creditor.portfolio_id, path=path,
        kind="placement", mapping=mapping, dry_run=dry_run, actor="user:1",
    )  # fmt: skip


def batch(creditor: Creditor, batch_id: int) -> dict[str, Any]:
    return dict(creditor.all(f"SELECT * FROM import_batches WHERE id = {batch_id}")[0])


def accounts(creditor: Creditor) -> int:
    return len(creditor.all("SELECT 1 FROM accounts"))


@pytest.fixture
def ready(creditor: Creditor) -> Creditor:
    wire()
    return creditor


def stored(creditor: Creditor) -> list[Path]:
    return sorted((creditor.platform.config.data_dir / "imports").glob("*"))


def test_a_queued_file_is_taken_in_by_a_worker_and_forgotten(ready: Creditor) -> None:
    path = ready.file(csv_text([row(1), row(2), row(3, rut="11.111.111-K")]))
    batch_id = queue(ready, path)
    path.unlink()
    assert batch(ready, batch_id)["status"] == "queued"
    (folder,) = stored(ready)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(next(folder.iterdir()).stat().st_mode) == 0o600
    jobs.drain()
    found = batch(ready, batch_id)
    assert (found["status"], found["rows_done"], found["row_count"]) == ("done", 3, 3)
    assert (found["accepted"], found["quarantined"], found["created_by"]) == (2, 1, "user:1")
    assert (accounts(ready), stored(ready)) == (2, [])


def test_a_queued_trial_tells_the_totals_and_keeps_nothing(ready: Creditor) -> None:
    batch_id = queue(ready, ready.file(csv_text([row(1), row(2)])), dry_run=True)
    before = ready.counts()
    jobs.drain()
    found = batch(ready, batch_id)
    assert (found["status"], found["accepted"], found["control_totals"]["rows"]["file"]) == ("tried", 2, 2)
    assert ready.counts() == before


def test_a_queued_file_uses_the_saved_mapping_of_that_name(ready: Creditor) -> None:
    batch_id = queue(ready, ready.file(csv_text([row(1)])), mapping="none")
    jobs.drain()
    found = batch(ready, batch_id)
    assert found["status"] == "failed"
    assert "no mapping called 'none'" in found["error"]
    assert stored(ready) == []


def test_a_broken_mapping_is_refused_before_it_waits(ready: Creditor) -> None:
    with pytest.raises(UserError):
        queue(ready, ready.file(csv_text([row(1)])), mapping={"columns": {"nothing": "x"}})
    assert ready.counts()["import_batches"] == 0


@pytest.mark.parametrize(
    ("content", "mapping", "says"),
    [
        (b"", MAPPING, "empty"),
        (b"\x00\x01\x02\x03" * 99, MAPPING, "no text file"),
        (csv_text([row(1)]).encode(), {"columns": {"client_account": "nada"}}, "names no column"),
        (csv_text([row(1)]).encode() + b'"open;1\n', MAPPING, "quotation mark"),
    ],
)
def test_a_failed_import_leaves_its_batch_with_the_reason_and_nothing_else(
    ready: Creditor, content: bytes, mapping: Any, says: str
) -> None:
    before = ready.counts()
    with pytest.raises(UserError, match=says):
        ready.send(content, mapping=mapping)
    (found,) = ready.all("SELECT * FROM import_batches")
    assert (found["status"], found["accepted"]) == ("failed", 0)
    assert says in found["error"]
    assert says in found["problem"]["template"] or found["problem"]["values"]
    assert ready.counts() == {**before, "import_batches": 1}


def test_an_unknown_portfolio_leaves_no_batch(ready: Creditor) -> None:
    with pytest.raises(NotFound):
        queueing.queue(
            ready.platform.database, ready.scope, portfolio_id=10**9, path=ready.file("a\n1\n"),
            kind="placement", mapping=MAPPING, dry_run=False, actor="system",
        )  # fmt: skip
    assert (ready.counts()["import_batches"], stored(ready)) == (0, [])


_WORKER = """
import sys, time
from pathlib import Path
from recupero.kernel import jobs, runtime
from recupero.kernel.config import Config
from recupero.placements.imports import placing
from recupero.wiring import wire

data_dir, database, redis, request = sys.argv[1:]
runtime.start(Config.build(Path(data_dir), owner_database_url=database, redis_url=redis))
wire()
place = placing.place


def rest(*given):
    place(*given)
    print("here", flush=True)
    time.sleep(60)


placing.place = rest
jobs.run(int(request))
"""


def test_a_worker_killed_in_mid_import_is_followed_by_another_that_ends_it_once(ready: Creditor) -> None:
    batch_id = queue(ready, ready.file(csv_text([row(number) for number in range(1, 6)])))
    kill_worker(ready, batch(ready, batch_id)["job_id"])
    assert (batch(ready, batch_id)["status"], accounts(ready)) == ("running", 0)
    jobs.sweep()
    clock.set_to(datetime.now(UTC) + jobs.LEASE + timedelta(minutes=1))
    assert recording.interrupted(ready.platform.database, ready.scope) == []  # its job will come back
    jobs.drain()
    jobs.drain()
    assert (batch(ready, batch_id)["status"], accounts(ready), stored(ready)) == ("done", 5, [])
    assert len(ready.all("SELECT 1 FROM ledger_transactions")) == 1


def test_an_import_whose_process_is_gone_is_noted_as_failed(ready: Creditor) -> None:
    with ready.platform.database.transaction(ready.scope) as session:
        begun = recording.begin(
            session, portfolio_id=ready.portfolio_id, kind="placement", file_name="f.csv", actor="system"
        )
    with ready.platform.database.transaction(ready.scope) as session:
        assert recording.hold(session, begun.id)
        assert recording.interrupted(ready.platform.database, ready.scope) == []  # somebody works on it
    assert recording.interrupted(ready.platform.database, ready.scope) == [begun.id]
    found = batch(ready, begun.id)
    assert found["status"] == "failed"
    assert "interrupted" in found["error"]


def kill_worker(creditor: Creditor, request: int) -> None:
    config = creditor.platform.config
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(config.data_dir), config.owner_database_url, config.redis_url,
         str(request)],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "RECUPERO_KEY_FILE": str(config.key_file),
             "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == "here"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(timeout=10)
    worker.stdout.close()
    while creditor.all("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"):
        time.sleep(0.01)  # until PostgreSQL has seen it too
