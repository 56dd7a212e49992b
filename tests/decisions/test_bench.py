"""The benchmark of plans makes a whole plan on a platform of its own, and says what it measured."""

import json
import os
import subprocess
import sys

# Benchmarks have engines of their own: whatever server is named, nothing is written to it.
_NAMED = {
    "RECUPERO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "RECUPERO_REDIS_URL": "redis://127.0.0.1:1",
}


def test_a_plan_is_compared_with_the_predictions_of_its_rows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recupero.cli", "bench", "plan", "--n", "300", "--rounds", "1", "--json"],
        env=os.environ | _NAMED | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    # What every benchmark tells.
    assert {"n", "seconds", "rate", "reference", "reference_rate", "ratio", "peak_mib"} <= set(told)
    assert told["n"] == 300
    assert min(told["seconds"], told["rate"], told["reference_rate"], told["peak_mib"]) > 0
    assert abs(told["ratio"] - told["rate"] / told["reference_rate"]) < 0.01
    # A plan of all accounts: several lawful options of each person who may be contacted, valued by models.
    assert told["candidates"] > told["planned"] > 0
    assert len(told["rounds"]) == 1
    assert told["notes"] == []
