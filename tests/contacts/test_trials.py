"""A draft of a law tried on contacts that were made and on tomorrow's accounts; production stays as it is."""

import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from recupero.contacts import policies, service, trials
from recupero.contacts.service import Wish
from recupero.contacts.tables import Contact, LawPolicy
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero_sdk.law import load_pack
from tests.contacts.test_policies import decree
from tests.factories import World
from tests.law.packs import ROOT
from tests.outreach.placed import Placed, place

PACK = ROOT / "plugins" / "regulations" / "cl" / "recupero_regulation_cl"
BILL = """
chapter: {es: Proyecto, en: Bill}
rules:
  - id: CL-BILL-no-mornings
    title: {es: Sin mañanas, en: No mornings}
    text: {es: Sin contacto antes de las 13:00., en: No contact before 13:00.}
    kind: hours
    scope: debtor
    parameters:
      unit: local_time
      open: [{days: [mon, tue, wed, thu, fri, sat, sun], opens: "13:00", closes: "20:00"}]
    in_force: {from: 2020-01-01, to: null}
    source: {law: Boletín 1, article: art. 1, text: Proyecto}
    confidence: primary
    reading: literal
    verified: 2026-11-21
    recorded: 2026-11-21
"""


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "draft"
    shutil.copytree(PACK, folder)
    (folder / "rules" / "99-bill.yaml").write_text(BILL, encoding="utf-8")
    return folder


@pytest.fixture
def contacted(scope: Scope) -> list[Placed]:
    """Three people, one written to at noon and one at four in the afternoon."""
    placed = place(scope, 3)
    for one in placed[:2]:
        with runtime.current().database.transaction(scope) as session:
            made = service.reserve(session, [Wish(one.account_id, "email", one.points["email"])])[0]
        assert made.contact_id is not None
        clock.advance(timedelta(hours=4))
    return placed


def tried(scope: Scope, draft: Path) -> trials.Tried:
    with runtime.current().database.transaction(scope) as session:
        laws = trials.of_draft(session, trials.load_draft(draft))
        return trials.try_laws(session, laws, since=clock.now() - timedelta(days=30))


@pytest.mark.usefixtures("contacted")
def test_a_bill_says_which_contacts_it_would_refuse_and_by_which_rule(scope: Scope, draft: Path) -> None:
    found = tried(scope, draft).history
    assert (found.judged, found.refused.contacts, found.allowed.contacts) == (2, 1, 0)
    assert dict(found.refused.by_rule) == {"CL-BILL-no-mornings": 1}
    (example,) = found.refused.examples["CL-BILL-no-mornings"]
    assert "13:00-20:00" in example.why.explain("en")


@pytest.mark.usefixtures("contacted")
def test_accounts_of_tomorrow_are_counted_before_and_after(scope: Scope, draft: Path) -> None:
    same = tried(scope, draft).workable
    assert (same.accounts, same.before) == (3, same.after)
    closed = BILL.replace("hours\n    scope", "channel_ban\n    scope")
    closed = (
        closed[: closed.index("    parameters")]
        + "    parameters: {}\n"
        + closed[closed.index("    in_force") :]
    )
    (draft / "rules" / "99-bill.yaml").write_text(closed, encoding="utf-8")
    found = tried(scope, draft).workable
    assert found.before > 0
    assert found.after == 0
    assert set(found.lost) == {"CL-BILL-no-mornings"}
    assert len(found.lost_accounts) == found.before


@pytest.mark.usefixtures("contacted")
def test_a_law_repealed_in_the_draft_shows_what_would_be_newly_allowed(scope: Scope, draft: Path) -> None:
    with runtime.current().database.transaction(scope) as session:
        house = policies.house_rules(None, {"weekdays": "13:00-20:00"}, "")
        policies.set_policy(session, tenant_id=None, house=house, starts_on=None, note="", actor="user:1")
        laws = trials.of_house_rules(session, None, policies.house_rules(None, {}, ""))
        found = trials.try_laws(session, laws, since=clock.now() - timedelta(days=30)).history
    assert (found.refused.contacts, found.allowed.contacts) == (0, 1)
    assert dict(found.allowed.by_rule) == {"CL-AGENCY-hours": 1}


@pytest.mark.usefixtures("contacted")
def test_house_rules_are_previewed_for_their_own_creditor_only(scope: Scope, world: World) -> None:
    other = world.tenant(scope)
    both = Scope(scope.agency_id, (*scope.tenant_ids, *other.tenant_ids))
    with runtime.current().database.transaction(both) as session:
        laws = trials.of_house_rules(
            session, other.tenant(), policies.house_rules(other.tenant(), {"unused": ["email"]}, "")
        )
        found = trials.try_laws(session, laws, since=clock.now() - timedelta(days=30))
    assert (found.history.judged, found.history.refused.contacts) == (2, 0)


@pytest.mark.usefixtures("contacted")
def test_nothing_in_production_changes(scope: Scope, draft: Path) -> None:
    before = runtime.current().plugins.packs["CL"]
    decree(scope, per_day=9)
    tried(scope, draft)
    assert runtime.current().plugins.packs["CL"] is before
    with runtime.current().database.transaction(scope) as session:
        assert session.execute(select(func.count()).select_from(LawPolicy)).scalar_one() == 1
        assert session.execute(select(func.count()).select_from(Contact)).scalar_one() == 2


def zipped(folder: Path, into: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(into, "w") as archive:
        for file in sorted(folder.rglob("*.yaml")):
            archive.write(file, prefix + str(file.relative_to(folder)))
    return into


@pytest.mark.parametrize("prefix", ["", "recupero_regulation_cl/"])
def test_a_draft_comes_as_a_folder_or_as_a_zip_of_one(draft: Path, tmp_path: Path, prefix: str) -> None:
    pack = trials.load_draft(zipped(draft, tmp_path / "draft.zip", prefix))
    assert len(pack.rules) == len(load_pack(draft).rules)


def test_a_draft_that_cannot_be_used_says_file_place_and_remedy(draft: Path, tmp_path: Path) -> None:
    (draft / "rules" / "99-bill.yaml").write_text(BILL.replace("hours\n    scope", "hour\n    scope"))
    with pytest.raises(
        UserError, match=r"99-bill.yaml, line \d+: .*is not a rule kind; use one of"
    ) as refused:
        trials.load_draft(draft)
    assert refused.value.field == "draft"
    text = tmp_path / "text.zip"
    text.write_text("no archive")
    with pytest.raises(UserError, match="neither a folder nor a ZIP"):
        trials.load_draft(text)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a/pack.yaml", "x: 1")
        archive.writestr("b/pack.yaml", "x: 1")
    with pytest.raises(UserError, match="must hold one pack"):
        trials.load_draft(tmp_path / "two.zip")


def test_names_in_a_zip_lead_nowhere_else(draft: Path, tmp_path: Path) -> None:
    path = zipped(draft, tmp_path / "draft.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("rules/../../escaped.yaml", "x: 1")
        archive.writestr("/etc/escaped.yaml", "x: 1")
    trials.load_draft(path)
    assert not (tmp_path / "escaped.yaml").exists()
