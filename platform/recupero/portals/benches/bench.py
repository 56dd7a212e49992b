"""`recupero bench api`: pages of 50 accounts through the real web server, with a key and under row-level
security, beside the same page made by a bare `jsonify` behind the same server.
"""

import statistics
import sys
import time
from functools import partial
from typing import Any

import click
import orjson

from recupero.kernel import burst, command, engines, rest, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.kernel.supervisor import ProcessSpec
from recupero.payments.bench import creditor
from recupero.serving import processes
from recupero.tenancy import keys
from recupero.tenancy.permissions import Permission

ACCOUNTS = 5_000
PATH = f"{rest.PREFIX}/accounts"


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds that alternate between the API and the bare page, `count` requests each in all."""
    share = count // rounds
    with creditor(ACCOUNTS) as (platform, running, scope):
        key = {"Authorization": f"Bearer {_key(platform, scope)}"}
        with burst.serving(partial(web, running)) as port:
            asked = burst.request("GET", f"{PATH}?after={_middle(port, key)}", key)
            page = _page(port, asked)
            with burst.serving(partial(_bare, running, page)) as bare_port:
                plain = burst.request("GET", "/", {})
                if orjson.loads(_page(bare_port, plain)) != orjson.loads(page):
                    raise RuntimeError("the bare page is another than that of the API")
                ours, bare, took, seconds = list[float](), list[float](), list[float](), 0.0
                for port_, one in ((port, asked), (bare_port, plain)):
                    _ask(port_, one, 400)  # whatever is loaded on first use is loaded now
                for number in range(rounds):
                    for turn in (0, 1) if number % 2 == 0 else (1, 0):
                        if turn == 0:
                            spent, answers = _ask(port, asked, share)
                            seconds, ours, took = seconds + spent, [*ours, share / spent], [*took, *answers]
                        else:
                            bare.append(share / _ask(bare_port, plain, share)[0])
    return {
        "n": share * rounds, "seconds": round(seconds, 3), "rate": round(statistics.median(ours), 1),
        "reference": "bare jsonify of the same page behind the same server",
        "reference_rate": round(statistics.median(bare), 1),
        "ratio": round(statistics.median(ours) / statistics.median(bare), 3),
        "p50_ms": round(statistics.median(took) * 1000, 1),
        "p99_ms": round(sorted(took)[int(len(took) * 0.99)] * 1000, 1),
        "connections": burst.CONNECTIONS, "rows": rest.PAGE, "bytes": len(page),
        "peak_mib": throwaway.peak_mib(),
    }  # fmt: skip


def _key(platform: runtime.Runtime, scope: Scope) -> str:
    with platform.database.transaction(scope) as session:
        return keys.create(
            session, name="bench", permissions=[Permission.ACCOUNTS_READ], tenant_ids=scope.tenant_ids,
            actor="system",
        )  # fmt: skip


def _middle(port: int, key: dict[str, str]) -> int:
    """Where the third page begins: one in the midst of others."""
    after = 0
    for _ in range(2):
        after = orjson.loads(_page(port, burst.request("GET", f"{PATH}?after={after}", key)))["next"]
    return after


def _page(port: int, asked: bytes) -> bytes:
    with burst.Connection(port) as connection:
        status, body = connection.ask(asked)
    if status != 200:
        raise RuntimeError(f"a page was answered with {status}")
    return body


def _ask(port: int, asked: bytes, count: int) -> tuple[float, list[float]]:
    """Seconds for `count` requests by all connections, and the time of each answer."""
    took: list[float] = []

    def work(number: int, ready: Any) -> None:
        with burst.Connection(port) as connection:
            ready.wait()
            for _ in range(number, count, burst.CONNECTIONS):
                began = time.perf_counter()
                status, _body = connection.ask(asked)
                took.append(time.perf_counter() - began)
                if status != 200:
                    raise RuntimeError(f"a page was answered with {status}")

    return burst.together(work), took


def web(running: engines.Engines, listener: int, port: int) -> ProcessSpec:
    """The web process as `recupero up` starts it."""
    return processes(running, f"http://{burst.HOST}:{port}", listener, workers=0)[0]


def _bare(running: engines.Engines, page: bytes, listener: int, port: int) -> ProcessSpec:
    """The same server before an application of one view."""
    path = running.data_dir / "page.json"
    path.write_bytes(page)
    server = [sys.executable, "-m", "gunicorn", "-c", "python:recupero.kernel.web", "-b", f"fd://{listener}"]
    return ProcessSpec(
        "bare", [*server, f"recupero.portals.benches.bench_bare:create('{path}')"], inherits=(listener,)
    )


@click.command("api")
@click.option("--n", "count", default=6_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def api_bench(count: int, rounds: int, as_json: bool) -> None:
    """Pages of 50 accounts a second through the web server, beside a bare `jsonify` of the same page."""
    command.finish(measure(count, rounds), as_json=as_json)
