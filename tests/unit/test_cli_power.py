"""`--device`, `--workers` and `--batch-size` reach the settings, and only if they can."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from api.address import Address, publish
from api.cli.power import powered
from api.cli.session import Session


def test_options_win_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_DEVICE", "mps")
    monkeypatch.setenv("SEMBLANCE_BATCH_SIZE", "7")
    settings = powered(Session(tmp_path), "cpu", 3, None).settings()
    assert (settings.device, settings.workers, settings.batch_size) == ("cpu", 3, 7)
    assert settings.data == tmp_path


def test_a_running_server_has_chosen_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    powered(Session(tmp_path), "cpu", None, None)
    assert "A server runs" not in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        publish(tmp_path, Address(os.getpid(), url, None, "token"))
        powered(Session(tmp_path), None, None, None)
        assert "A server runs" not in capsys.readouterr().err, "nothing was asked for"
        powered(Session(tmp_path), "cpu", None, None)
    assert "A server runs on this data folder" in capsys.readouterr().err
