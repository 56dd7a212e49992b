"""The stretches of time that a pack's hours and closed days leave open, whatever the history.

For planning over many accounts, calendars of permitted hours and golden files.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from recupero_sdk.law.checks import Case
from recupero_sdk.law.checks_time import HoursCheck
from recupero_sdk.law.engine import Conditional, compiled, purpose_of
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.values import Facts, Proposal
from recupero_sdk.law.zones import load_zone


def open_stretches(
    pack: RegulationPack, facts: Facts, proposal: Proposal, until: datetime
) -> list[tuple[datetime, datetime]]:
    """UTC stretches [start, end) from the proposed moment to `until` that every clock rule leaves open.

    Clock rules answer alike between two edges: a local midnight or a minute at which hours open or close,
    in any plausible zone. So each stretch between edges is judged once, at its start.
    """
    start = proposal.at
    edges = [start, *_edges(pack, facts, proposal, start, until), until]
    stretches: list[tuple[datetime, datetime]] = []
    for begins, ends in pairwise(edges):
        if not _open_at(pack, facts, proposal, begins):
            continue
        if stretches and stretches[-1][1] == begins:
            begins = stretches.pop()[0]
        stretches.append((begins, ends))
    return stretches


def _edges(
    pack: RegulationPack, facts: Facts, proposal: Proposal, start: datetime, until: datetime
) -> list[datetime]:
    law = compiled(pack)
    where, found = law.whereabouts(facts), set[datetime]()
    wished = {edge for window in facts.closed_windows for edge in (window.opens, window.closes)}
    for zone in map(load_zone, where.zones):
        day = start.astimezone(zone).date() - DAY
        while instant(day, 0, zone) < until:
            plan = law.plan(day, proposal.channel, purpose_of(facts, proposal, day), where.places)
            found.update(instant(day, minute, zone) for minute in {0} | wished)
            for _place, check in plan.deciding:
                hours = check.inner if isinstance(check, Conditional) else check
                if isinstance(hours, HoursCheck):
                    found.update(hours.moments(day, zone, facts))
            day += DAY
    return sorted(edge for edge in found if start < edge < until)


def _open_at(pack: RegulationPack, facts: Facts, proposal: Proposal, at: datetime) -> bool:
    law = compiled(pack)
    where = law.whereabouts(facts)
    for zone in map(load_zone, where.zones):
        local = at.astimezone(zone)
        day = local.date()
        purpose = purpose_of(facts, proposal, day)
        plan = law.plan(day, proposal.channel, purpose, where.places)
        case = Case(facts, proposal, [], at, zone, local, day, where.regions, purpose)
        if any(check.basis == "clock" and check.refusal(case) for _place, check in plan.deciding):
            return False
    return True
