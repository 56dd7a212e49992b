"""The benchmark of imports runs on the tables as they are migrated, and says what it measured."""

import json
import os
import subprocess
import sys

# Benchmarks have engines of their own: whatever server is named, nothing is written to it.
_NAMED = {
    "RECUPERO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "RECUPERO_REDIS_URL": "redis://127.0.0.1:1",
}


def test_an_import_is_compared_with_a_copy_of_its_finished_rows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recupero.cli", "bench", "import", "--n", "200", "--rounds", "1", "--json"],
        env=os.environ | _NAMED | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["n"] == 200
    assert min(told["rate"], told["reference_rate"], told["peak_mib"]) > 0
    assert abs(told["ratio"] - told["rate"] / told["reference_rate"]) < 0.01
