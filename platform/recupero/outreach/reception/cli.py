"""`recupero returned`: the post's list of returned mail, from the command line."""

from pathlib import Path

import click

from recupero.kernel import command
from recupero.kernel.errors import UserError
from recupero.outreach.conversations import collecting
from recupero.tenancy import queries as tenancy


@click.command("returned")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tenant", required=True, help="The creditor: short name, agency/name, or number.")
@click.option("--connector", default="letter", show_default=True, help="Whose file it is.")
@command.data_dir_option
@command.json_option
@command.answers
def returned(file: Path, tenant: str, connector: str, data_dir: Path | None, as_json: bool) -> None:
    """Take in FILE, what a connector's carrier tells in a table, such as the post's list of returned mail.

    Lines that cannot be read are named on standard error, and it ends with 1.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError("%(file)s cannot be read: %(why)s", file=file, why=error.strerror) from None
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        with platform.database.transaction(scope) as session:
            taken = collecting.take_file(session, connector, content, actor="system")
    for line, problem in taken.problems:
        click.echo(f"line {line}: {problem}", err=True)
    problems = [{"line": line, "problem": problem} for line, problem in taken.problems]
    answer = {"events": taken.events, "new": taken.new, "problems": problems}
    command.finish(answer, as_json=as_json, ok=not problems)
