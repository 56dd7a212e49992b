"""What outreach announces to the rooms above, inside the transaction in which it happened."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Messages to these debtors are given back, since their provider is down for long: another channel may be
    the best now."""

    debtor_ids: tuple[int, ...]
