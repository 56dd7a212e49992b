"""`recupero law replay`: every stored contact judged again."""

from pathlib import Path

import click

from recupero.contacts import gate
from recupero.contacts.stored import stored_contacts
from recupero.kernel import command
from recupero.kernel.database import Database, Scope
from recupero.law.queries import Illegal, Replay
from recupero.law.queries import replay as judge_again
from recupero.tenancy import queries as tenancy


@click.command("replay")
@click.option("--tenant", help="Only people whom this tenant contacted: its short name, agency/name or id.")
@command.data_dir_option
@command.json_option
@command.answers
def replay(tenant: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Judge every stored contact again under law and house rules of its day; exit 1 if any broke them."""
    with command.opened(data_dir) as platform:
        result, closed = replay_contacts(platform.database, tenant), gate.packs().closed
    for country, why in closed.items():
        click.echo(f"{country} is closed to contact, nothing there is lawful: {why}", err=True)
    for one in result.broken:
        click.echo(f"contact {one.id}: {', '.join(refusal.rule_id for refusal in one.refusals)}", err=True)
    command.finish(result.to_json(), as_json=as_json, ok=not result.broken)


def replay_contacts(database: Database, tenant: str | None = None) -> Replay:
    """The replay over every agency, or over one tenant's people. Raises NotFound for an unknown tenant."""
    wanted = tenancy.tenant_scope(database, tenant) if tenant is not None else None
    contacts, broken = 0, list[Illegal]()
    for agency in tenancy.agency_scopes(database):
        if wanted is not None and agency.agency_id != wanted.agency_id:
            continue
        found = _replay_agency(database, agency.scope(), None if wanted is None else wanted.tenant_ids)
        contacts += found.contacts
        broken += found.broken
    return Replay(contacts, tuple(broken))


def _replay_agency(database: Database, scope: Scope, tenant_ids: tuple[int, ...] | None) -> Replay:
    with database.transaction(scope) as session:
        return judge_again(stored_contacts(session, tenant_ids), gate.packs())
