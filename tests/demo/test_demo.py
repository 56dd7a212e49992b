"""The main job from a creditor's file to its report: lawful, balanced, the same for the same seed."""

from pathlib import Path

import pytest

from recupero.demo import cli
from recupero.kernel import runtime
from recupero.kernel.errors import UserError

KEYS = {
    "accounts_imported", "rejected", "actions_planned", "actions_executed", "contacts", "illegal_contacts",
    "payments", "collected", "ledger_balanced", "reports", "seconds",
}  # fmt: skip


@pytest.mark.slow
def test_the_main_job_runs_through_every_room(platform: runtime.Runtime, tmp_path: Path) -> None:
    result = cli.run_once(platform, accounts=240, days=6, seed=3, reports=tmp_path)
    assert result.keys() >= KEYS
    assert result["accounts_imported"] + result["rejected"] + result["quarantined"] == 240
    assert result["accounts_imported"] > 200
    assert result["illegal_contacts"] == 0
    assert result["ledger_balanced"] is True
    assert 0 < result["actions_executed"] <= result["actions_planned"]
    assert result["contacts"] >= result["actions_executed"]
    assert set(result["collected"]) <= {"CLP", "COP"}
    for report in result["reports"]:
        assert Path(report).stat().st_size > 500
    with pytest.raises(UserError, match="fresh data directory"):
        cli.run_once(platform, accounts=10, days=1, seed=3, reports=tmp_path)
