"""The connector for letters: its settings, its prices, and which part does what."""

import errno
import os
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from recupero_channel_letter import batches, returned
from recupero_channel_letter.typesetting import PAPERS, WINDOWS, Printed, Unaddressed, typeset
from recupero_sdk.batches import all_refused
from recupero_sdk.channels import Capabilities, Cost, Message, Receipt, SendOutcome
from recupero_sdk.inbound import FileRead
from recupero_sdk.settings import PluginConfig, Setting

#: Where the operator lets letters be put; a creditor names a folder in it, never a path.
BASE = "RECUPERO_LETTERS_DIR"
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PRICES = ("price_letter", "price_sheet")
#: Not the fault of the set-up, and over in a while.
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EBUSY)


class Letter:
    """Letters on paper, through a folder that a print shop empties."""

    key = "letter"
    capabilities = Capabilities(channels=("letter",), batch_size=200, unit_cost_minor=100, concurrency=1)
    settings: Sequence[Setting] = (
        Setting("folder", "Folder of the print batches", required=True),
        Setting("return_address", "Return address, on one line", required=True),
        Setting("window", "Window: din5008b, din5008a, right or us10", default="din5008b"),
        Setting("paper", "Paper: a4 or letter", default="a4"),
        Setting("duplex", "Printed on both sides: yes or no", default="yes"),
        Setting("max_sheets", "Sheets at most", default="5"),
        Setting("price_letter", "Price of a letter: envelope and postage, such as 0.85", default="0"),
        Setting("price_sheet", "Price of a sheet, such as 0.06", default="0"),
        Setting("currency", "Currency of the prices", default="USD"),
    )

    def check(self, config: PluginConfig) -> str | None:
        """What is missing or malformed in the settings. Writes nothing."""
        if problem := config.missing("folder", "return_address") or config.not_above_zero("max_sheets"):
            return problem
        if not _FOLDER.fullmatch(config.get("folder")):
            return "folder must be a name of letters, digits, - and _, within the operator's folder"
        if len(config.get("return_address")) > 80:
            return "return_address is too long: 80 characters at most"
        choices = {"window": WINDOWS, "paper": PAPERS, "duplex": ("yes", "no")}
        for name, known in choices.items():
            if config.get(name) and config.get(name) not in known:
                return f"{name} must be one of {', '.join(known)}"
        for name in _PRICES:
            if _micro(config.get(name, "0")) is None:
                return f"{name} must be an amount such as 0.85"
        if not re.fullmatch("[A-Z]{3}", config.get("currency", "USD")):
            return "currency must be a code of three capital letters, such as USD"
        if not os.environ.get(BASE) or not Path(os.environ[BASE]).is_dir():
            return f"the operator has not set {BASE} to a folder for print batches"
        return None

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """The receipts `send` would give, with sheets and price; writes nothing."""
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        return [_receipt(_printed(message, config), config, sent=False) for message in messages]

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Typeset the letters and hand those that are new over as one batch: all of them, or none."""
        problem = self.check(config)
        if problem:
            return all_refused(messages, problem)
        made = [_printed(message, config) for message in messages]
        letters = [letter for letter in made if isinstance(letter, Printed)]
        try:
            if letters:
                batches.hand_over(Path(os.environ[BASE]) / config.get("folder"), letters)
        except OSError as error:
            return [one if isinstance(one, Receipt) else _unprinted(one, error) for one in made]
        return [_receipt(letter, config, sent=True) for letter in made]

    def read_file(self, content: bytes, config: PluginConfig) -> FileRead:
        """The list of returned mail: CSV with reference, reason and date."""
        return returned.read(content)


def _printed(message: Message, config: PluginConfig) -> Printed | Receipt:
    """The letter, or why it cannot be printed."""
    try:
        letter = typeset(message, config)
    except Unaddressed as error:
        return Receipt(message.key, SendOutcome.PERMANENT, reason=str(error))
    except ValueError as error:
        return Receipt(message.key, SendOutcome.REFUSED, reason=str(error))
    most = int(config.get("max_sheets", "5"))
    if letter.sheets > most:
        reason = f"the letter takes {letter.sheets} sheets; {most} at most"
        return Receipt(message.key, SendOutcome.REFUSED, reason=reason)
    return letter


def _unprinted(letter: Printed, error: OSError) -> Receipt:
    """Of a letter that the print folder did not take: no other fares better before it is mended."""
    passing = error.errno in _PASSING
    outcome = SendOutcome.RETRY if passing else SendOutcome.REFUSED
    reason = f"the print folder: {error.strerror or type(error).__name__}"
    return Receipt(letter.message.key, outcome, reason=reason, for_all=not passing)


def _receipt(letter: Printed | Receipt, config: PluginConfig, *, sent: bool) -> Receipt:
    if isinstance(letter, Receipt):
        return letter
    base, sheet = (_micro(config.get(name, "0")) or 0 for name in _PRICES)
    cost = Cost(base + sheet * letter.sheets, config.get("currency", "USD"), letter.sheets)
    reference = letter.code if sent else None
    return Receipt(letter.message.key, SendOutcome.SENT, reference, cost=cost)


def _micro(text: str) -> int | None:
    """An amount of main units in millionths; None for what is none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return round(amount * 1_000_000) if amount.is_finite() and 0 <= amount < 1_000_000 else None
