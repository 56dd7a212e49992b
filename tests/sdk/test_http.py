"""A provider that could not be asked: what is known of the message then."""

import socket
import threading

import pytest
import requests

from recupero_sdk.batches import Stopped
from recupero_sdk.channels import SendOutcome
from recupero_sdk.http import lost


def _failure(url: str) -> requests.RequestException:
    with pytest.raises(requests.RequestException) as raised:
        requests.get(url, timeout=10)
    return raised.value


def test_one_that_was_never_reached_has_nothing_and_is_asked_again() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        error = _failure(f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    with pytest.raises(Stopped, match="Provider cannot be reached") as raised:
        lost(error, "Provider")
    assert raised.value.outcome is SendOutcome.RETRY


@pytest.mark.parametrize("address", ["nowhere", "http://[::1"])
def test_an_address_that_is_none_is_the_setting_s_fault(address: str) -> None:
    with pytest.raises(Stopped, match="api_base") as raised:
        lost(_failure(address), "Provider")
    assert raised.value.outcome is SendOutcome.REFUSED


def test_one_that_hung_up_may_have_it_unless_nothing_was_asked_of_it_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        other = threading.Thread(target=hang_up)
        other.start()
        error = _failure(f"http://127.0.0.1:{server.getsockname()[1]}/")
        other.join()
    assert lost(error, "Provider") == "the connection was lost (ConnectionError)"
    with pytest.raises(Stopped) as raised:
        lost(error, "Provider", asked=False)
    assert raised.value.outcome is SendOutcome.RETRY
