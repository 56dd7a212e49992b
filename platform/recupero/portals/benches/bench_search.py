"""`recupero bench search`: the whole page of the global search through the real web server, for each way by
which people are found, beside the same page with nothing typed; by somebody who sees all, and by somebody of
one creditor alone, who came in bit by bit since PostgreSQL last looked how many rows there are.
"""

import http.client
import re
import statistics
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
import phonenumbers
import psutil
import psycopg
from sqlalchemy import select

from recupero.contacts.tables import MessageCopy
from recupero.kernel import burst, clock, command, crypto, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.payments.bench import creditor
from recupero.placements import bench as files
from recupero.placements import service as placements
from recupero.placements.tables import Account
from recupero.portals.benches.bench import web as web_process
from recupero.tenancy import bench as tenancy_bench
from recupero.tenancy import users
from recupero.tenancy.permissions import Role

_EMAIL, _PASSWORD = "bench.search@example.com", "correct horse battery"
_NARROW = "bench.narrow@example.com"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
#: Of those asked first, which load what is loaded on first use, nothing is told.
_FIRST = 4
#: Accounts of the creditor who came in bit by bit, and lines of each of its files.
_NEWCOMER, _FILE = 2_000, 400

# A message with a code to each account: their triggers rest, since nobody reads reports or law here.
_MESSAGES = """
WITH written AS (
    INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, direction, channel, recipient, purpose,
                          at, state, state_at, right_party, cost_minor)
    SELECT a.tenant_id, a.debtor_id, a.id, d.person_id, 'outbound', 'email', 'debtor', 'collection', %(now)s,
           'sent', %(now)s, false, 0
    FROM accounts a JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
    WHERE a.tenant_id = %(tenant)s
    RETURNING tenant_id, id
)
INSERT INTO messages (tenant_id, contact_id, language, code, address, subject, body, created_at)
SELECT tenant_id, id, 'es', upper(substr(md5(id::text), 1, 8)), %(text)s, %(text)s, %(text)s, %(now)s
FROM written
"""


def measure(count: int, searches: int) -> dict[str, Any]:
    """Times of `searches` searches by each way, one after the other, the ways in turn, each with the page of
    nothing typed beside it."""
    with creditor(count) as (platform, running, scope):
        with psycopg.connect(running.owner_database_url, autocommit=True) as owner:
            _write_messages(owner, scope)
            owner.execute("VACUUM ANALYZE")
            newcomer = _newcomer(platform, running.data_dir, scope)
            _write_messages(owner, newcomer)
            accounts = _counted(owner)
        whole = _asked(platform, scope, count, searches + _FIRST)
        narrow = _asked(platform, newcomer, _NEWCOMER, searches + _FIRST)
        _user(platform, scope, _EMAIL, None)
        _user(platform, scope, _NARROW, list(newcomer.tenant_ids))
        with burst.serving(partial(web_process, running)) as port:
            spent = partial(_spent, psutil.Process())
            took, processor, plain = _ask_in_turn(port, _cookie(port, _EMAIL), whole, spent)
            narrowly, worked, _plain = _ask_in_turn(port, _cookie(port, _NARROW), narrow, spent)
    every = [one for times in took.values() for one in times]
    return {
        "n": accounts, "searches": len(every), "seconds": round(sum(every), 3),
        "rate": round(len(every) / sum(every), 1),
        "reference": "the same page with nothing typed",
        "reference_rate": round(len(plain) / sum(plain), 1),
        "ratio": round((len(every) / sum(every)) / (len(plain) / sum(plain)), 3),
        "p50_ms": _milliseconds(every, 0.5), "p95_ms": _milliseconds(every, 0.95),
        "reference_p50_ms": _milliseconds(plain, 0.5),
        "ways": _by_way(took, processor), "ways_of_newcomer": _by_way(narrowly, worked),
        "peak_mib": throwaway.peak_mib(),
    }  # fmt: skip


def _by_way(
    took: Mapping[str, Sequence[float]], processor: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, float]]:
    return {
        way: {
            "p50_ms": _milliseconds(times, 0.5), "p95_ms": _milliseconds(times, 0.95),
            "processor_ms": round(statistics.mean(processor[way]) * 1000, 1),
        }
        for way, times in took.items() if times
    }  # fmt: skip


def _newcomer(platform: runtime.Runtime, folder: Path, agency: Scope) -> Scope:
    """Another creditor of the agency, whose files are each too small for the planner to be told of."""
    from recupero.placements.imports import import_file

    scope = tenancy_bench.creditor(platform, Scope(agency.agency()), "newcomer")
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name="newcomer", country="CL", currency="CLP", product="consumer", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
    path = folder / "newcomer.csv"
    for skipped in range(0, _NEWCOMER, _FILE):
        files.write_csv(path, min(_FILE, _NEWCOMER - skipped), skipped)
        import_file(
            platform.database, scope, portfolio_id=portfolio.id, path=path, mapping=files.MAPPING,
            actor="system",
        )  # fmt: skip
    return scope


def _write_messages(owner: "psycopg.Connection[Any]", scope: Scope) -> None:
    """A message with a code to each account."""
    owner.execute("SET session_replication_role = replica")
    text = crypto.keyring().encrypt("bench")
    owner.execute(_MESSAGES, {"tenant": scope.tenant(), "now": clock.now(), "text": text})


def _counted(owner: "psycopg.Connection[Any]") -> int:
    found = owner.execute("SELECT count(*) FROM accounts").fetchone()
    assert found is not None
    return int(found[0])


def _asked(platform: runtime.Runtime, scope: Scope, count: int, each: int) -> dict[str, list[str]]:
    """What is typed, by way, `each` of its own person from all over the file, of the creditor's country."""
    some = islice(files.lines(count), 0, None, max(1, count // (4 * each)))
    lines = {line[0]: line for line in some if line[2] == "CL" and _rings(line[6])}
    with platform.database.transaction(scope) as session:
        placed = select(Account.client_account).where(Account.client_account.in_(lines))
        whose = [lines[one] for one in session.execute(placed.order_by(Account.id).limit(each)).scalars()]
        coded = select(MessageCopy.code).where(MessageCopy.code.is_not(None))
        codes = [str(one) for one in session.execute(coded.order_by(MessageCopy.code).limit(each)).scalars()]
    return {
        "account": [one[0] for one in whose],
        "id": [one[1] for one in whose],
        "phone": [one[6] for one in whose],
        "name": [f"{one[3]} {one[4]}" for one in whose],
        "word": [one[4].split(" ")[0] for one in whose],
        "beginning": [one[4][:3] for one in whose],
        "code": codes,
    }


def _rings(number: str) -> bool:
    """Whether it is a number that the import keeps: some of those that chance makes are nobody's."""
    return phonenumbers.is_valid_number(phonenumbers.parse(number))


def _user(platform: runtime.Runtime, scope: Scope, email: str, tenants: list[int] | None) -> None:
    with platform.database.transaction(scope) as session:
        users.create(
            session, email=email, name="Bench", password=_PASSWORD, role=Role.AGENT, tenant_ids=tenants,
            locale="es", actor="system",
        )  # fmt: skip


def _cookie(port: int, email: str) -> str:
    """The session of somebody who signed in, as a browser sends it."""
    with closing(http.client.HTTPConnection(burst.HOST, port)) as web:
        web.request("GET", "/sign-in")
        page = web.getresponse()
        token, before = _TOKEN.search(page.read().decode()), _kept(page)
        assert token is not None
        form = urllib.parse.urlencode({"csrf_token": token[1], "email": email, "password": _PASSWORD})
        kind = "application/x-www-form-urlencoded"
        web.request("POST", "/sign-in", form, {"Cookie": before, "Content-Type": kind})
        answer = web.getresponse()
    if answer.status != 302:
        raise RuntimeError(f"signing in was answered with {answer.status}")
    return _kept(answer)


def _kept(answer: http.client.HTTPResponse) -> str:
    return "; ".join(one.partition(";")[0] for one in answer.msg.get_all("Set-Cookie", []))


def _ask_in_turn(
    port: int, cookie: str, asked: Mapping[str, Sequence[str]], spent: Callable[[], float]
) -> tuple[dict[str, list[float]], dict[str, list[float]], list[float]]:
    """Seconds of each search by way, the processors' of web server and database, and of the page of nothing
    typed beside each."""
    took: dict[str, list[float]] = {way: [] for way in asked}
    processor: dict[str, list[float]] = {way: [] for way in asked}
    plain: list[float] = []
    with burst.Connection(port) as connection:
        for number, way, typed in _turns(asked):
            before = spent()
            seconds = _ask(connection, cookie, typed)
            worked, nothing = spent() - before, _ask(connection, cookie, "")
            if number >= _FIRST:
                took[way].append(seconds)
                processor[way].append(worked)
                plain.append(nothing)
    return took, processor, plain


def _turns(asked: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, str, str]]:
    for number in range(min(len(texts) for texts in asked.values())):
        for way, texts in asked.items():
            yield number, way, texts[number]


def _ask(connection: burst.Connection, cookie: str, typed: str) -> float:
    """Seconds until the whole page is there. Raises RuntimeError where it does not list what was typed."""
    query = urllib.parse.urlencode({"q": typed, "all": "1"})
    asked = burst.request("GET", f"/search?{query}", {"Cookie": cookie})
    began = time.perf_counter()
    status, body = connection.ask(asked)
    seconds = time.perf_counter() - began
    if status != 200 or (typed and b'href="/accounts/' not in body):
        raise RuntimeError(f"the search for {typed!r} was answered with {status} and found nobody")
    return seconds


def _spent(parent: psutil.Process) -> float:
    """Processor time of all processes that this one started, in seconds."""
    total = 0.0
    for each in parent.children(recursive=True):
        try:
            total += sum(each.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue  # ended since it was listed
    return total


def _milliseconds(times: Sequence[float], share: float) -> float:
    return round(sorted(times)[int((len(times) - 1) * share)] * 1000, 1)


@click.command("search")
@click.option(
    "--n", "count", type=click.IntRange(min=100), default=100_000, show_default=True, help="Accounts."
)
@click.option("--searches", type=click.IntRange(2, 1_000), default=40, show_default=True, help="By each way.")
@command.json_option
@command.answers
def search_bench(count: int, searches: int, as_json: bool) -> None:
    """The page of the global search by account number, national id, phone, name, a word of it, its beginning
    and a message's code, by who sees all and by who sees one creditor that came in bit by bit; the reference
    is the same page with nothing typed."""
    command.finish(measure(count, searches), as_json=as_json)
