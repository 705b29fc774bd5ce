"""A signal during an import waits until the import is over: no lock of it is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.interrupts import is_importing

SLOW_IMPORT = """
import os, signal, sys, threading
from api.cli import interrupts
interrupts.install()
sys.path.insert(0, {folder!r})
try:
    import slow
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted after the import:", "slow" in sys.modules and sys.modules["slow"].DONE)
"""

MODULE = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(0.3)
DONE = True
time.sleep(0.3)
"""


def test_outside_of_imports_nothing_is_importing() -> None:
    assert not is_importing(sys._getframe())


def test_ctrl_c_during_an_import_comes_after_it(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(MODULE)
    code = SLOW_IMPORT.format(folder=str(tmp_path)) + "\nimport time; time.sleep(2)"
    code = code.replace('    print("not interrupted")', "    import time; time.sleep(2)")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "interrupted after the import: True", done.stderr


LATE = """
import atexit, os, signal, sys, time
def late():
    os.kill(os.getpid(), signal.{name})
    time.sleep(5)
atexit.register(late)
sys.argv = ["semblance", "--version"]
from api.cli.main import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_last_moments_ends_without_a_word(number: signal.Signals) -> None:
    code = LATE.format(name=number.name)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (128 + number, "")
    assert done.stdout.startswith("semblance")


def test_a_polite_kill_ends_with_its_own_code() -> None:
    code = "from api.cli import interrupts; interrupts.install(); import os, time; "
    code += f"os.kill(os.getpid(), {int(signal.SIGTERM)}); time.sleep(5)"
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == 128 + signal.SIGTERM
