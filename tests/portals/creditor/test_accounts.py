"""The creditor's list of accounts: its own only, narrowed, sorted and taken home; and one account."""

import json

from recupero.tenancy.permissions import Role
from tests.portals.conftest import Visitor
from tests.portals.creditor.conftest import Own

LIST = "/portal/accounts"


def _numbers(visitor: Visitor, query: str = "") -> list[str]:
    return [row["number"] for row in json.loads(visitor.text(f"{LIST}?as=json&{query}"))]


def test_a_creditor_sees_its_own_accounts_and_nobodys_name(visitor: Visitor, own: Own) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, own.scope)
    page = visitor.text(LIST)
    assert "A-1" in page
    assert "B-1" not in page
    whole = page + visitor.text(f"{LIST}/{own.first.account_id}")
    assert whole.count("Ana Prueba") == 2  # the reader themselves, who is called as the debtor is


def test_the_list_is_narrowed_and_sorted(creditor: Visitor, own: Own) -> None:
    assert _numbers(creditor, "sort=balance") == ["A-2", "A-1"]
    assert _numbers(creditor, "sort=-balance") == ["A-1", "A-2"]
    assert _numbers(creditor, "q=A-2") == ["A-2"]
    assert _numbers(creditor, "q=B-1") == []
    assert _numbers(creditor, f"portfolio={own.portfolio}&status=active&held=no") == ["A-2", "A-1"]
    assert _numbers(creditor, "held=yes") == []
    assert _numbers(creditor, "status=recalled") == []


def test_staff_of_several_creditors_choose_one_first(visitor: Visitor, own: Own) -> None:
    visitor.sign_in(Role.SUPERVISOR, own.scope)
    assert visitor.get(LIST).status_code == 404
