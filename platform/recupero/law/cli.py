"""`recupero law …`: packs and rules shown, scenario files checked. Needs no database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from recupero.law import queries
from recupero.law.service import Packs
from recupero_sdk.law.scenario import ScenarioError

_as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")


def law_commands(load_packs: Callable[[], Packs]) -> click.Group:
    """The group `law`; `load_packs` finds the installed packs when a command runs."""
    group = click.Group("law", help="Country packs: list, show, check scenarios.")
    group.add_command(_list_command(load_packs))
    group.add_command(_show_command(load_packs))
    group.add_command(_check_command(load_packs))
    return group


def _say(data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, ensure_ascii=False))


def _list_command(load_packs: Callable[[], Packs]) -> click.Command:
    @click.command("list")
    @_as_json
    def list_command(as_json: bool) -> None:
        """Installed packs with version and verification date; closed countries with the reason."""
        packs = queries.list_packs(load_packs())
        if as_json:
            _say({"packs": packs})
            return
        for pack in packs:
            click.echo(_pack_line(pack))

    return list_command


def _pack_line(pack: dict[str, Any]) -> str:
    if pack["state"] == "closed":
        return f"{pack['country']}  closed to contact: {pack['reason']}"
    about = f"{pack['version']}, {pack['rules']} rules, verified {pack['verified']}"
    return f"{pack['country']}  {pack['name']['en']} ({about}). {pack['disclaimer']['en']}"


def _show_command(load_packs: Callable[[], Packs]) -> click.Command:
    @click.command("show")
    @click.argument("country", metavar="CC")
    @click.option("--on", metavar="DATE", help="Only rules in force on this local date (YYYY-MM-DD).")
    @_as_json
    def show_command(country: str, on: str | None, as_json: bool) -> None:
        """The rules of a country with their sources."""
        packs, day = load_packs(), _day(on)
        why = packs.closed_because(country.upper())
        if why is not None:
            raise click.UsageError(f"{country}: {why}; `recupero law list` names the countries there are")
        rules = queries.show_rules(packs, country.upper(), day)
        if as_json:
            version = packs.by_country[country.upper()].version
            _say({"country": country.upper(), "version": version, "on": on, "rules": rules})
            return
        for rule in rules:
            click.echo(_rule_text(rule))

    return show_command


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not an ISO date; write YYYY-MM-DD", param_hint="--on"
        ) from None


def _rule_text(rule: dict[str, Any]) -> str:
    first, last = rule["in_force"].get("from", "…"), rule["in_force"].get("to", "…")
    source = rule["source"]
    return (
        f"{rule['id']}  [{rule['kind']}]  {first} to {last}  {rule['confidence']}, {rule['reading']}\n"
        f"    {rule['text']['en']}\n"
        f"    {source['law']}, {source['article']} ({source['text']})"
    )


def _check_command(load_packs: Callable[[], Packs]) -> click.Command:
    @click.command("check")
    @click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
    @_as_json
    @click.pass_context
    def check_command(context: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
        """Judge scenario lines. Exits 1 if any differs from what it expects, 2 if a line cannot be judged."""
        agree, differing = 0, list[str]()
        try:
            for checked in queries.check_scenarios(load_packs(), files):
                _say(checked.to_json())
                if checked.disagreement is None:
                    agree += 1
                    continue
                differing.append(checked.scenario.id)
                click.echo(f"{checked.scenario.id}: {checked.disagreement}", err=True)
        except ScenarioError as error:
            click.echo(f"Error: {error}", err=True)
            context.exit(2)
        _say({"agree": agree, "differ": len(differing), "differing": differing})
        context.exit(1 if differing else 0)

    return check_command
