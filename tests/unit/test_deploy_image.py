"""The programs that building and running the image needs, run for real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lab import Lab, engine_of
from worker.metrics import serve_metrics

ROOT = Path(__file__).parents[2]


def test_the_lock_is_split_without_losing_anything(tmp_path: Path) -> None:
    lock = ROOT / "requirements/runtime.txt"
    subprocess.run(["sh", ROOT / "deploy/without_cuda.sh", lock, tmp_path], check=True)
    others = (tmp_path / "others.txt").read_text()
    torch = (tmp_path / "torch.txt").read_text().split()
    assert [line.partition("==")[0] for line in torch] == ["torch", "torchvision"]

    def named(text: str) -> set[str]:
        return {line.partition("==")[0] for line in text.splitlines() if "==" in line[:60]}

    apart = named(lock.read_text()) - named(others)
    assert {"torch", "torchvision", "triton"} <= apart
    cuda = apart - {"torch", "torchvision", "triton"}
    assert cuda
    assert all(name.startswith(("nvidia-", "cuda-")) for name in cuda)
    # each of the others still has its hashes
    assert others.count("--hash=sha256:") >= len(named(others))


def healthy(port: int) -> int:
    look = [sys.executable, str(ROOT / "deploy/healthy.py"), str(port)]
    return subprocess.run(look, timeout=30).returncode


def test_health_is_told_by_the_exit_status(lab: Lab) -> None:
    with serve_metrics(engine_of(lab), 0) as port:
        assert healthy(port) == 0
    assert healthy(port) == 1
