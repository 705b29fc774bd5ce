"""Where a server is found, and when it is not believed."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from api.address import Address, publish, published, withdraw
from api.listening import check_exposed, listen, private_socket, url_of
from indexer.errors import InvalidInput, Unavailable
from indexer.settings import Settings


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


def listening(folder: Path) -> tuple[Address, socket.socket]:
    listener = private_socket(folder / "x.sock")
    listener.listen()
    return Address(os.getpid(), None, str(folder / "x.sock"), "token"), listener


def test_a_published_address_is_found_until_it_is_withdrawn(tmp_path: Path) -> None:
    address, listener = listening(tmp_path)
    publish(tmp_path / "data", address)
    assert published(tmp_path / "data") == address
    withdraw(tmp_path / "data", address)
    assert published(tmp_path / "data") is None
    listener.close()


def test_only_its_user_can_read_the_token_or_connect(tmp_path: Path) -> None:
    address, listener = listening(tmp_path)
    publish(tmp_path, address)
    assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "x.sock").stat().st_mode) == 0o600
    assert "token" not in repr(address).replace("token=", "")
    listener.close()


def test_a_server_that_was_killed_is_not_found(tmp_path: Path) -> None:
    address, listener = listening(tmp_path)
    listener.close()
    publish(tmp_path, address)
    assert published(tmp_path) is None


def test_a_process_that_is_gone_is_not_found(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    address, listener = listening(tmp_path)
    publish(tmp_path, Address(ended.pid, None, address.socket, "token"))
    assert published(tmp_path) is None
    listener.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"pid": "x"}), "\xff"])
def test_a_damaged_file_is_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.json").write_text(text, encoding="latin-1")
    assert published(tmp_path) is None


def test_the_address_of_another_server_is_left_alone(tmp_path: Path) -> None:
    address, listener = listening(tmp_path)
    publish(tmp_path, address)
    withdraw(tmp_path, Address(1, "http://127.0.0.1:1", None, "other"))
    assert published(tmp_path) == address
    listener.close()


def test_a_second_server_on_a_folder_leaves_the_first_to_be_found(tmp_path: Path) -> None:
    first, listener = listening(tmp_path)
    assert publish(tmp_path, first) == first
    second = Address(os.getpid(), None, first.socket, "the second one's token")
    assert publish(tmp_path, second) == first
    withdraw(tmp_path, second)
    assert published(tmp_path) == first
    listener.close()
    assert publish(tmp_path, second) == second, "the first has ended without a word"


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    with listen(settings(port=0)) as first:
        first.listen()
        with pytest.raises(Unavailable, match="--port"):
            listen(settings(port=first.getsockname()[1]))


def test_a_host_that_is_not_here_is_said() -> None:
    with pytest.raises(InvalidInput, match="--host"):
        listen(settings(host="192.0.2.1", port=0))


def test_the_url_is_one_that_this_machine_reaches() -> None:
    everywhere = settings(host="0.0.0.0", port=0)
    with listen(everywhere) as listener:
        assert url_of(everywhere, listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_open_to_others_needs_a_key() -> None:
    with pytest.raises(InvalidInput, match="SEMBLANCE_API_KEY"):
        check_exposed(settings(host="0.0.0.0"))
    check_exposed(settings(host="0.0.0.0", api_key="long and random"))
    check_exposed(settings(host="::1"))
    check_exposed(settings(host="localhost"))
