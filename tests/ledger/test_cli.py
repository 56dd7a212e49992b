"""`recupero ledger check` proves every creditor's books and fails loudly."""

import json
import os
import subprocess
import sys

from sqlalchemy import update

from recupero.kernel import runtime
from recupero.placements.tables import Account
from tests.factories import World
from tests.ledger.placed import place


def check(platform: runtime.Runtime) -> tuple[int, dict[str, list[str]]]:
    """The command as an operator calls it, on the test servers."""
    environment = {
        **os.environ,
        "RECUPERO_DATABASE_URL": platform.config.owner_database_url.replace("+psycopg", ""),
        "RECUPERO_REDIS_URL": platform.config.redis_url,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "recupero.cli", "ledger", "check", "--json",
         "--data-dir", str(platform.config.data_dir)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert answer.stdout, answer.stderr
    return answer.returncode, json.loads(answer.stdout.splitlines()[-1])


def test_a_creditors_fault_is_named_and_fails(platform: runtime.Runtime, world: World) -> None:
    place(platform, world.tenant())
    wrong = place(platform, world.tenant(country="CO"), currency="COP")
    with platform.database.transaction(wrong.scope) as session:
        session.execute(update(Account).values(balance_minor=3))
    assert check(platform) == (
        1,
        {
            "problems": [
                f"tenant {wrong.scope.tenant()}: account {wrong.account_ids[0]} carries 3, its ledger 1000"
            ]
        },
    )
