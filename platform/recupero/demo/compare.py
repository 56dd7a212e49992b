"""Policies compared over seeds: champion against cadence at equal contacts and at equal recovery, and oracle.

For each seed the same people on the same days meet: nobody (`wait`), the ladder as it comes (`cadence`),
then champion, propensity and oracle with at no day more contacts in all than the ladder had made. Champion
meets them under two prices of harm, the one number by which a creditor chooses between sum and peace: the
lower shows what it recovers at equal contacts, the higher what it needs at equal recovery. What lies
between two of its runs is read off a straight line, contacts against recovery. Under the lower it also runs
with nothing learned and with what half of the learning period taught: the learning curve. The learning
period is lived through once for each seed.
"""

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from recupero.demo.simulate import Say, Trial
from recupero.kernel import engines
from recupero.kernel.errors import UserError

#: What a complaint or an opt-out is held to cost in champion's two runs, pesos: about a day's work to
#: settle it, and half of what an ombudsman asks for a case (docs/simulation.md).
SUM, PEACE = 100_000, 400_000

Figures = Mapping[str, Any]
Runner = Callable[[Trial], Figures]
Runners = Callable[[], AbstractContextManager[Runner]]
Pace = tuple[int, ...] | None


def compare(
    trial: Trial, seeds: Sequence[int], runners: Runners, say: Say, *, at_once: int = 1
) -> dict[str, Any]:
    """Run the trials of each seed, so many `at_once`, and tell the goals' figures, each with a 95% interval
    over the seeds (Student's t; None with one seed). `trial` gives days, accounts and learning days;
    `runners` a way to run the trials of a seed, from any thread."""
    rows, curve, illegal = [], [], 0
    for seed in seeds:
        base = replace(trial, seed=seed, policy="wait", cap=None, pace=None, taught_days=None, annoyance=SUM)
        with runners() as runner:
            runs = _runs(base, runner, say, at_once)
        illegal += sum(int(run["illegal_contacts"]) for run in runs.values())
        rows.append(judged(runs))
        curve.append({days: _gain(runs[name], runs["cadence"]) for name, days in _taught(trial).items()})
        say(json.dumps({"seed": seed, **rows[-1]}))
    return {
        "days": trial.days, "accounts": trial.accounts, "learn_days": trial.learn_days, "seeds": list(seeds),
        "recovery_gain": over_seeds([row["recovery_gain"] for row in rows]),
        "expected_gain": over_seeds([row["expected_gain"] for row in rows]),
        "contacts_saved": over_seeds([row["contacts_saved"] for row in rows]),
        "fewer_complaints": _pooled(rows, "complaints", "complaints_cadence"),
        "fewer_complaints_at_equal_recovery": _pooled(rows, "complaints_at_recovery", "complaints_cadence"),
        "fewer_complaints_by_recovery": _pooled(rows, "complaints", "complaints_cadence", by="recovered"),
        "oracle_share": over_seeds([row["oracle_share"] for row in rows]),
        "oracle_share_over_cadence": over_seeds([row["oracle_share_over_cadence"] for row in rows]),
        "learning_curve": {str(days): over_seeds([each[days] for each in curve]) for days in curve[0]},
        "illegal_contacts": illegal, "by_seed": rows,
    }  # fmt: skip


def _taught(trial: Trial) -> dict[str, int]:
    """Champion's runs at the ladder's contacts, with the days from which they learn."""
    return {"unlearned": 0, "half": trial.learn_days // 2, "champion": trial.learn_days}


def _runs(base: Trial, runner: Runner, say: Say, at_once: int) -> dict[str, Figures]:
    with ThreadPoolExecutor(at_once) as pool:
        return {name: run.result() for name, run in _started(base, runner, say, pool).items()}


def _started(base: Trial, runner: Runner, say: Say, pool: Executor) -> dict[str, Future[Figures]]:
    known: dict[Trial, Future[Figures]] = {}

    def run(trial: Trial, days: int) -> Figures:
        limit = ", at the ladder's contacts" if trial.pace else ""
        say(f"seed {base.seed}: {trial.policy}{limit}, {days} days of learning, harm at {trial.annoyance}")
        return runner(trial)

    def tried(policy: str, pace: Pace, days: int, annoyance: int = SUM) -> Future[Figures]:
        part = days if 0 < days < base.learn_days else None
        trial = replace(
            base, policy=policy, pace=pace, learn_days=base.learn_days if days else 0, taught_days=part,
            annoyance=annoyance,
        )  # fmt: skip
        if trial not in known:
            known[trial] = pool.submit(run, trial, days)
        return known[trial]

    cadence, wait = tried("cadence", None, 0), tried("wait", None, 0)
    pace = tuple(cadence.result()["contacts_by_day"])
    return {
        "wait": wait,
        "cadence": cadence,
        "propensity": tried("propensity", pace, base.learn_days),
        **{name: tried("champion", pace, days) for name, days in _taught(base).items()},
        "peace": tried("champion", pace, base.learn_days, PEACE),
        "oracle": tried("oracle", pace, 0),
    }


def judged(runs: Mapping[str, Figures]) -> dict[str, float | None]:
    """The figures of one seed. `contacts_saved` is None where champion never recovers what the ladder does;
    the oracle's shares are None where the oracle gains nothing."""
    wait, cadence, oracle = runs["wait"], runs["cadence"], runs["oracle"]
    points = sorted((run["contacts"], run["recovered_minor"], run["complaints"], run["expected_minor"])
                    for run in (wait, runs["peace"], runs["champion"]))  # fmt: skip
    contacts, money, complaints, expected = (
        np.array(column, dtype=np.float64) for column in zip(*points, strict=True)
    )
    # By the traits: what comes unasked, which nobody's contacts tell, and what contacts bring on average.
    unasked, by_ladder = wait["recovered_minor"], wait["recovered_minor"] + cadence["expected_minor"]
    on_average = unasked + float(np.interp(cadence["contacts"], contacts, expected))
    target, at = cadence["recovered_minor"], cadence["contacts"]
    champion = float(np.interp(at, contacts, money))
    needed = _first(contacts, money, target)
    return {
        "recovery_gain": champion / target - 1 if target else None,
        "expected_gain": on_average / by_ladder - 1 if by_ladder else None,
        "contacts_saved": None if needed is None else 1 - needed / at,
        "complaints": float(np.interp(at, contacts, complaints)),
        "complaints_at_recovery": None if needed is None else float(np.interp(needed, contacts, complaints)),
        "complaints_cadence": float(cadence["complaints"]),
        "recovered": champion,
        "recovered_cadence": float(target),
        "propensity_gain": _gain(runs["propensity"], cadence),
        "oracle_share": _share(champion, wait["recovered_minor"], oracle["recovered_minor"]),
        "oracle_share_over_cadence": _share(champion, target, oracle["recovered_minor"]),
        "contacts": float(at),
        "contacts_champion": float(runs["champion"]["contacts"]),
    }


def _gain(run: Figures, cadence: Figures) -> float | None:
    target = cadence["recovered_minor"]
    return run["recovered_minor"] / target - 1 if target else None


def _first(contacts: "np.ndarray[Any, Any]", money: "np.ndarray[Any, Any]", target: float) -> float | None:
    """The least contacts at which the line through the points reaches the target."""
    if money[0] >= target:
        return float(contacts[0])
    for left, right in zip(range(len(money) - 1), range(1, len(money)), strict=True):
        if money[right] >= target:
            part = (target - money[left]) / (money[right] - money[left])
            return float(contacts[left] + part * (contacts[right] - contacts[left]))
    return None


def _share(reached: float, base: float, best: float) -> float | None:
    return (reached - base) / (best - base) if best > base else None


def over_seeds(values: Sequence[float | None]) -> dict[str, Any]:
    """Mean over the seeds that have the figure, with a 95% interval; `missing` says how many have none."""
    from scipy import stats

    known = [value for value in values if value is not None]
    mean = statistics.fmean(known) if known else None
    told: dict[str, Any] = {
        "mean": _rounded(mean),
        "low": None,
        "high": None,
        "missing": len(values) - len(known),
    }
    if mean is not None and len(known) > 1:
        half = stats.t.ppf(0.975, len(known) - 1) * statistics.stdev(known) / math.sqrt(len(known))
        told |= {"low": _rounded(mean - half), "high": _rounded(mean + half)}
    return told


def _pooled(
    rows: Sequence[Mapping[str, float | None]], ours: str, theirs: str, by: str | None = None
) -> dict[str, Any]:
    """How much rarer ours are, of all seeds together that have the figure, because a seed has few; of the
    same sum of money where it is said by which (`by`). The interval takes both numbers for Poisson counts
    (normal approximation to the log of their ratio); None where one is zero."""
    rows = [row for row in rows if row[ours] is not None]
    mine, other = (sum(row[name] or 0.0 for row in rows) for name in (ours, theirs))
    money = [sum(row[f"{by}{whose}"] or 0.0 for row in rows) for whose in ("", "_cadence")] if by else [1, 1]
    told: dict[str, Any] = {"mean": None, "low": None, "high": None}
    if other > 0 and money[0] > 0:
        times = mine / other * money[1] / money[0]
        told["mean"] = _rounded(1 - times)
        if mine > 0:
            half = 1.96 * math.sqrt(1 / mine + 1 / other)
            told |= {"low": _rounded(1 - times * math.exp(half)),
                     "high": _rounded(1 - times * math.exp(-half))}  # fmt: skip
    return told | {"champion": round(mine, 1), "cadence": round(other, 1)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@contextmanager
def in_processes() -> Iterator[Runner]:
    """Run the trials of a seed in processes of their own: nothing that one policy did reaches the next. The
    learning period is lived through when a trial first asks for it, and learned from once for all that are
    taught as many days; each begins with a copy of that."""
    with engines.throwaway_folder("recupero-learned-") as folder:
        yield partial(_in_a_process, folder, Lock())


def _in_a_process(folder: Path, alone: Lock, trial: Trial) -> Figures:
    if not trial.learn_days:
        return _command(trial)
    lived, taught = folder / "lived", folder / f"taught-{trial.taught()}"
    with alone:
        if not lived.exists():
            _command(replace(trial, pace=None, taught_days=None), f"--keep={lived}")
        if not taught.exists():
            _command(replace(trial, pace=None), f"--keep={taught}", f"--learned={lived}")
    return _command(trial, f"--learned={taught}")


def _command(trial: Trial, *more: str) -> Figures:
    told = asdict(trial) | ({"pace": ",".join(map(str, trial.pace))} if trial.pace else {})
    options = [f"--{name.replace('_', '-')}={value}" for name, value in told.items() if value is not None]
    command = [sys.executable, "-m", "recupero.cli", "simulate", *options, *more, "--json"]
    env = {"OPENBLAS_NUM_THREADS": "1", **os.environ}  # matrices this small are only slowed down by threads
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=env)
    if not done.stdout.strip():
        raise UserError("the trial of '%(policy)s' failed: see above", field="--compare", policy=trial.policy)
    found: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def parse_seeds(text: str) -> list[int]:
    """`0..9` or `1,4,7`. Raises UserError."""
    try:
        first, dots, last = text.partition("..")
        seeds = list(range(int(first), int(last) + 1)) if dots else [int(each) for each in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds:
        raise UserError("write seeds like 0..9 or 1,4,7", field="--seeds")
    return seeds
