"""What papers about plans and settlements say, in the debtor's language; `letters` sets them."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from recupero.kernel.marking import N_
from recupero.reports.words import Words

KINDS = ("plan", "offer", "settlement", "settled")


def paragraphs(kind: str, says: Any, words: Words) -> tuple[list[str], list[str]]:
    """What stands before and after accounts and schedule (`agreement_documents.AgreementContents`)."""
    sum_, owed = (words.money(says[name], says["currency"]) for name in ("total_minor", "owed_minor"))
    creditor = says["creditor"]
    if kind == "plan":
        return _plan(says, words)
    last = words.day(date.fromisoformat(says["last_day"]))
    if kind == "offer":
        text = N_("%(creditor)s accepts %(sum)s in place of %(owed)s. The offer holds until %(day)s.")
        taken = N_("By paying this sum in time you accept the offer.")
        return [words(text, creditor=creditor, sum=sum_, owed=owed, day=last)], [
            words(taken),
            *_page(says, words),
        ]
    if kind == "settlement":
        text = N_("You pay %(sum)s by %(day)s. With that, %(owed)s owed to %(creditor)s is settled in full"
                  " and the rest is written off.")  # fmt: skip
        late = N_("If the sum does not come by then, the whole amount is owed again, less what you paid.")
        return [words(text, creditor=creditor, sum=sum_, owed=owed, day=last)], [
            words(late),
            *_page(says, words),
        ]
    text = N_("%(creditor)s received %(sum)s. What was left of %(owed)s has been written off: nothing is"
              " owed on these accounts any more.")  # fmt: skip
    keep = N_("Please keep this letter. Thank you.")
    return [words(text, creditor=creditor, sum=sum_, owed=owed)], [words(keep)]


def _plan(says: Any, words: Words) -> tuple[list[str], list[str]]:
    agreed = datetime.fromisoformat(says["agreed_on"]).astimezone(ZoneInfo(says["timezone"]))
    opening = N_("We agreed on %(day)s that you pay %(total)s to %(creditor)s in the instalments below.")
    grace = N_("An instalment counts as paid in time up to %(days)s days after its date.")
    broken = N_("As long as the instalments come in, nobody asks you for more. If one does not, the whole"
                " amount is due again and we get in touch with you: tell us before, and we look for another"
                " plan together.")  # fmt: skip
    more = N_("You may pay more, or everything, at any time.")
    total = words.money(says["total_minor"], says["currency"])
    before = [words(opening, day=words.day(agreed.date()), total=total, creditor=says["creditor"])]
    if says.get("moved_on"):  # papers of former days do not say it
        moved = datetime.fromisoformat(says["moved_on"]).astimezone(ZoneInfo(says["timezone"]))
        pause = N_("A pause has moved the dates of your plan. Since %(day)s those below hold; they replace"
                   " the dates of an earlier letter.")  # fmt: skip
        before.append(words(pause, day=words.day(moved.date())))
    return before, [
        words(grace, days=says["grace_days"]), words(broken), words(more), *_page(says, words),
    ]  # fmt: skip


def _page(says: Any, words: Words) -> list[str]:
    """Where to pay it; papers of former days do not say it."""
    address = says.get("pay_at")
    return [words(N_("You can pay here: %(address)s"), address=address)] if address else []


def schedule(says: Any, words: Words) -> list[list[str]]:
    """The instalments as a table: its heading, a row for each, the total. Empty where there are none."""
    if not says["instalments"]:
        return []
    rows = [
        [str(one["number"]), words.day(date.fromisoformat(one["due_date"])),
         words.money(one["amount_minor"], says["currency"])]
        for one in says["instalments"]
    ]  # fmt: skip
    total = ["", words(N_("Total")), words.money(says["total_minor"], says["currency"])]
    return [[words(N_("No.")), words(N_("Due on")), words(N_("Amount"))], *rows, total]
