"""One message after the other: each has its receipt in order, whatever befalls one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero_sdk.batches import InDoubt, Stopped, one_by_one
from recupero_sdk.channels import Message, Receipt, SendOutcome, Uncertain

SENT, RETRY, REFUSED = SendOutcome.SENT, SendOutcome.RETRY, SendOutcome.REFUSED


def messages(count: int) -> list[Message]:
    return [Message(str(number), "sms", "+56912345678", "", "Hola") for number in range(count)]


@given(st.integers(0, 8), st.integers(0, 8))
def test_what_holds_for_all_stops_the_rest_untried(count: int, stop_at: int) -> None:
    tried: list[str] = []

    def carry(message: Message) -> Receipt:
        tried.append(message.key)
        if int(message.key) == stop_at:
            raise Stopped(REFUSED, "the account is closed")
        return Receipt(message.key, SENT, "ref")

    receipts = one_by_one(messages(count), carry)
    assert [receipt.key for receipt in receipts] == [str(number) for number in range(count)]
    assert [receipt.outcome for receipt in receipts] == [SENT] * min(stop_at, count) + [REFUSED] * max(
        0, count - stop_at
    )
    assert len(tried) == min(count, stop_at + 1)


@given(st.integers(1, 8), st.data())
def test_one_in_doubt_has_no_receipt_and_the_rest_go_later(count: int, data: st.DataObject) -> None:
    doubtful = data.draw(st.integers(0, count - 1))

    def carry(message: Message) -> Receipt:
        if int(message.key) == doubtful:
            raise InDoubt("the line broke")
        return Receipt(message.key, SENT, "ref")

    with pytest.raises(Uncertain) as raised:
        one_by_one(messages(count), carry)
    assert raised.value.reason == "the line broke"
    outcomes = {receipt.key: receipt.outcome for receipt in raised.value.receipts}
    assert outcomes == {
        str(number): SENT if number < doubtful else RETRY for number in range(count) if number != doubtful
    }


def test_a_fault_of_the_connector_is_not_hidden() -> None:
    def carry(message: Message) -> Receipt:
        raise KeyError(message.key)

    with pytest.raises(KeyError):
        one_by_one(messages(1), carry)
