"""The compliance report: what it counts, that a seed draws the same contacts, and what its seal proves."""

import copy
import csv
import io
import json
import re
from datetime import timedelta

import pytest
from flask import Flask

from recupero.contacts import answers
from recupero.contacts import service as contacts
from recupero.contacts.service import Wish
from recupero.kernel import audit, clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.placements import browse
from recupero.placements import service as placements
from recupero.reports.compliance import layout, service
from recupero.reports.compliance.tables import ComplianceReport
from recupero.reports.periods import parse_period
from recupero.reports.words import Words
from recupero.tenancy.permissions import Role
from recupero_sdk.law import Channel
from tests.api.conftest import machine
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    """Somebody who was called and mailed once, complained two days later, and wants no more mails."""
    found = place(world.tenant())[0]
    with runtime.current().database.transaction(found.scope) as session:
        ways: tuple[tuple[Channel, str], ...] = (("call", "phone"), ("email", "email"))
        for channel, kind in ways:
            (made,) = contacts.reserve(session, [Wish(found.account_id, channel, found.points[kind])])
            assert made.contact_id is not None, made.verdict.refusals
            answers.record_disposition(
                session, made.contact_id, "HUPV" if channel == "call" else "DLVD", actor="user:1"
            )
    clock.advance(timedelta(days=2))
    with runtime.current().database.transaction(found.scope) as session:
        placements.open_hold(
            session, debtor_id=found.debtor_id, account_id=None, kind="complaint", source="test"
        )
        contacts.record_permission(
            session, debtor_id=found.debtor_id, channel="email", kind="opt_out", source="phone"
        )
    clock.advance(timedelta(days=16))
    return found


def make(scope: Scope, **options: object) -> ComplianceReport:
    with runtime.current().database.transaction(scope) as session:
        return service.make(session, parse_period("2026-03"), actor="user:1", **options)  # type: ignore[arg-type]  # as a caller may


def verify(scope: Scope, report: dict[str, object]) -> list[str]:
    with runtime.current().database.transaction(scope) as session:
        return service.verify(session, report)


def test_it_counts_contacts_rules_complaints_and_what_people_forbade(placed: Placed) -> None:
    report = make(placed.scope).report
    assert {(row["channel"], row["contacts"]) for row in report["contacts"]} == {("call", 1), ("email", 1)}
    assert report["rules"]
    assert all(row["outcome"] != "refused" for row in report["rules"])
    assert (report["proofs"]["population"], report["proofs"]["lawful"]) == (2, 2)
    assert report["proofs"]["without_verdict"] == 0
    complaint = report["cases"]["totals"][0]
    assert (complaint["received"], complaint["open"], complaint["late"]) == (1, 1, 1)
    assert report["cases"]["cases"][0]["days"] == 16
    assert ("email", "opt_out", 1) in {
        (row["channel"], row["kind"], row["number"]) for row in report["permissions"]
    }
    assert report["retention"]["duties"][0]["rule"] == "CL-37-records"
    assert {row["records"]: row["number"] for row in report["retention"]["kept"]}["contacts"] == 2


def test_a_month_before_it_holds_nothing(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        report = service.make(session, parse_period("2026-01"), actor="user:1").report
        with pytest.raises(UserError):
            service.make(session, parse_period("2026-04"), actor="user:1")
        with pytest.raises(UserError) as refused:
            service.make(session, parse_period("2026-01"), actor="user:1", seed="x" * 61, sample=0)
    assert [one.field for one in (refused.value, *refused.value.others)] == ["sample", "seed"]
    assert report["contacts"] == report["rules"] == report["cases"]["cases"] == []
    assert report["proofs"]["sampled"] == 0
    assert layout.render(report, "csv").startswith(b"\xef\xbb\xbf")


def test_the_same_seed_draws_the_same_contacts(placed: Placed) -> None:
    drawn = [make(placed.scope, seed=seed, sample=1).report["proofs"]["contact_ids"] for seed in "aab"]
    assert drawn[0] == drawn[1]
    assert {number for one in drawn for number in one} <= set(
        make(placed.scope).report["proofs"]["contact_ids"]
    )


def test_its_seal_holds_until_a_figure_the_seal_or_the_trail_is_changed(placed: Placed) -> None:
    report = json.loads(layout.render(make(placed.scope).report, "json"))
    assert verify(placed.scope, report) == []
    with runtime.current().database.transaction(placed.scope) as session:
        audit.record(session, "test.later", "x:1", actor="system")
    assert verify(placed.scope, report) == []  # later events change nothing
    changed = copy.deepcopy(report)
    changed["proofs"]["unlawful"] = [{"contact_id": 1, "rules": []}]
    assert len(verify(placed.scope, changed)) == 1
    forged = copy.deepcopy(changed)
    forged["seal"]["digest"] = service.digest(forged, bytes.fromhex(forged["seal"]["head"]))
    assert verify(placed.scope, forged) == ["the audit trail does not know that this report was sealed"]
    moved = copy.deepcopy(report)
    moved["seal"]["sequence"] += 1
    assert "no event" in verify(placed.scope, moved)[0]
    with pytest.raises(UserError):
        verify(placed.scope, {"kind": "something"})


def test_every_form_says_the_same_in_three_languages(placed: Placed) -> None:
    report = make(placed.scope).report
    for locale in ("es", "en", "pt"):
        words = Words.of(locale, "CL")
        rows = list(csv.reader(io.StringIO(layout.render(report, "csv", locale).decode("utf-8-sig"))))
        for table in layout.tables(report, words):
            assert [table.title] in rows
            assert list(table.heads) in rows
        assert report["seal"]["digest"] in rows[1][0]
    assert layout.render(report, "pdf", "es").startswith(b"%PDF")


def test_readers_see_rules_by_their_titles_and_the_creditors_own_account_numbers(placed: Placed) -> None:
    scope, account = placed.scope, placed.account_id
    with runtime.current().database.transaction(scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=account, kind="dispute", source="test"
        )
        number = browse.account(session, account).account.client_account
    report = make(scope).report
    assert number in {row["account"] for row in report["cases"]["cases"]}
    for locale in ("es", "en", "pt"):
        found = {one.key: one for one in layout.tables(report, Words.of(locale, "CL"))}
        rules = [row[0] for key in ("rules", "duties") for row in found[key].rows]
        assert all(isinstance(rule, layout.Named) and rule.title != rule.code for rule in rules)
        assert number in {row[1] for row in found["cases"].rows}
        assert "phone" not in {row[2] for row in found["permissions"].rows}


def test_a_report_sealed_before_titles_were_kept_is_read_with_codes(placed: Placed) -> None:
    report = copy.deepcopy(make(placed.scope).report)
    del report["rule_titles"]
    for case in report["cases"]["cases"]:
        del case["account"]
    assert "CL-37-records" in layout.render(report, "csv", "es").decode()
    assert layout.render(report, "pdf", "es").startswith(b"%PDF")


def test_a_machine_makes_takes_and_proves_one_and_a_stranger_sees_nothing(
    app: Flask, platform: runtime.Runtime, placed: Placed, world: World
) -> None:
    api, tenant = machine(app, platform, placed.scope), placed.scope.tenant()
    made = api.send(f"/api/v1/tenants/{tenant}/compliance-reports", period="2026-03")
    path = f"/api/v1/compliance-reports/{made['id']}/file"
    report = json.loads(api.call("GET", f"{path}.json").data)
    assert report == made["report"]
    assert api.send("/api/v1/compliance-reports/verify", 200, **report) == {"holds": True, "problems": []}
    report["contacts"] = []
    assert not api.send("/api/v1/compliance-reports/verify", 200, **report)["holds"]
    assert [row["id"] for row in api.get("/api/v1/compliance-reports")["items"]] == [made["id"]]
    assert api.call("GET", f"{path}.doc").status_code == 404
    stranger = machine(app, platform, world.tenant())
    assert stranger.call("GET", f"{path}.json").status_code == 404
    assert stranger.send("/api/v1/compliance-reports/verify", 422, **report)["field"] == "agency_id"


def test_a_creditor_makes_reads_and_proves_its_own(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    visitor = Visitor(app.test_client(), platform).sign_in(Role.CREDITOR_VIEWER, placed.scope)
    refused = visitor.send("/compliance", first="2026-05", last="2026-05", sample="5")
    assert refused.status_code == 422
    assert 'id="first-error"' in visitor.send("/compliance", first="x", last="2026-03", sample="5").text
    made = visitor.send("/compliance", first="2026-03", last="2026-03", sample="5")
    assert made.status_code == 302
    page = visitor.text(made.location)
    assert re.search(
        r'<span class="cell">[A-Z][^<]+ <span class="mono small muted">CL-37-records</span>', page
    )
    sealed = visitor.get(f"{made.location}/file.json").data
    for content, said in (
        (sealed, "The report holds"),
        (sealed.replace(b'"late"', b'"Late"'), "does not hold"),
    ):
        answer = visitor.send("/compliance/verify", "/compliance", file=(io.BytesIO(content), "report.json"))
        assert said in answer.text
    wrong = visitor.send("/compliance/verify", "/compliance", file=(io.BytesIO(b"{"), "report.json"))
    assert wrong.status_code == 422


def test_each_figure_leads_to_as_many_rows_as_it_says(app: Flask, placed: Placed) -> None:
    made = make(placed.scope)
    visitor = Visitor(app.test_client(), runtime.current()).sign_in(Role.COMPLIANCE_OFFICER, placed.scope)
    page = visitor.text(f"/compliance/{made.id}")
    figures = re.findall(rf'href="(/compliance/{made.id}/rows/[^"]+)">([\d,]+)</a>', page)
    assert {address.split("/")[4] for address, _ in figures} == {"contacts", "rules", "proofs", "permissions"}
    for address, figure in figures:
        behind = visitor.text(address)
        assert re.search(r"(\d+) rows?\.", behind)[1] == figure, address  # type: ignore[index]  # it is there
        assert f'href="/accounts/{placed.account_id}"' in behind
    assert "/proof" in visitor.text(figures[0][0])
    assert f'href="/accounts/{placed.account_id}"' not in page  # the complaint is about the whole person


@pytest.mark.parametrize("role", [Role.COMPLIANCE_OFFICER, Role.CREDITOR_VIEWER])
def test_a_case_of_an_account_leads_to_it(app: Flask, placed: Placed, role: Role) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_id, kind="dispute", source="test"
        )
    clock.advance(timedelta(days=1))
    made = make(placed.scope)
    visitor = Visitor(app.test_client(), runtime.current()).sign_in(role, placed.scope)
    page = visitor.text(f"/compliance/{made.id}")
    (address,) = re.findall(rf'href="(/[a-z/]*accounts/{placed.account_id})"', page)
    assert visitor.get(address).status_code == 200


@pytest.mark.parametrize("place_of", ["contacts/9/2", "contacts/0/0", "duties/0/2", "proofs/6/1", "x/0/0"])
def test_what_is_no_figure_has_no_rows(app: Flask, placed: Placed, place_of: str) -> None:
    made = make(placed.scope)
    visitor = Visitor(app.test_client(), runtime.current()).sign_in(Role.COMPLIANCE_OFFICER, placed.scope)
    assert visitor.get(f"/compliance/{made.id}/rows/{place_of}").status_code == 404
