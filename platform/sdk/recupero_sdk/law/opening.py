"""The stretches of time that a pack's hours and closed days leave open, whatever the history.

For planning over many accounts, calendars of permitted hours and golden files.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from recupero_sdk.law.checks import Case
from recupero_sdk.law.checks_time import HoursCheck
from recupero_sdk.law.engine import compiled, purpose_of
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.values import Facts, Proposal
from recupero_sdk.law.zones import load_zone, plausible_regions, plausible_zones


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
    found: set[datetime] = set()
    zones = plausible_zones(pack, facts)
    regions = plausible_regions(pack, facts, zones)
    for zone in map(load_zone, zones):
        day = start.astimezone(zone).date() - DAY
        while instant(day, 0, zone) < until:
            purpose = purpose_of(facts, proposal, day)
            plan = compiled(pack).plan(day, proposal.channel, purpose, regions)
            checks = [check for _place, check in plan.deciding if isinstance(check, HoursCheck)]
            minutes = {0}.union(*(check.edges() for check in checks))
            found.update(instant(day, minute, zone) for minute in minutes)
            day += timedelta(days=1)
    return sorted(edge for edge in found if start < edge < until)


def _open_at(pack: RegulationPack, facts: Facts, proposal: Proposal, at: datetime) -> bool:
    zones = plausible_zones(pack, facts)
    regions = plausible_regions(pack, facts, zones)
    for zone in map(load_zone, zones):
        local = at.astimezone(zone)
        day = local.date()
        plan = compiled(pack).plan(day, proposal.channel, purpose_of(facts, proposal, day), regions)
        case = Case(facts, proposal, [], at, zone, local, day, regions)
        if any(check.basis == "clock" and check.refusal(case) for _place, check in plan.deciding):
            return False
    return True
