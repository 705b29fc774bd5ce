"""What the tools themselves make of deploy/, on machines that have them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


def tool(name: str) -> str:
    """The program's path; skips where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def rendered(folder: str) -> dict[tuple[str, str], Any]:
    """The objects that Kustomize makes of a folder, by kind and name."""
    command = [tool("kubectl"), "kustomize", str(DEPLOY / "k8s" / folder)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


@pytest.mark.parametrize("folder", ["base", "overlays/example"])
def test_kustomize_makes_objects_that_kubernetes_knows(folder: str) -> None:
    import kubernetes_validate  # type: ignore[import-untyped]

    for (kind, _), one in rendered(folder).items():
        assert one["metadata"].get("namespace", "semblance") == "semblance"
        if one["apiVersion"].split("/")[0] in ("keda.sh", "monitoring.coreos.com"):
            continue
        assert kind
        version = kubernetes_validate.latest_version()
        kubernetes_validate.validate(one, version, strict=True)


def test_components_change_what_they_say() -> None:
    objects = rendered("overlays/example")
    (settings,) = [one["data"] for (kind, _), one in objects.items() if kind == "ConfigMap"]
    assert settings["SEMBLANCE_BLOBS"].startswith("s3://")
    assert settings["HF_HUB_OFFLINE"] == "0"
    assert settings["SEMBLANCE_QDRANT_URL"] == "http://qdrant:6333"
    assert ("PersistentVolumeClaim", "blobs") not in objects
    (worker,) = objects["Deployment", "worker"]["spec"]["template"]["spec"]["containers"]
    assert worker["image"] == "semblance:cuda"
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert "/blobs" not in [mount["mountPath"] for mount in worker["volumeMounts"]]
    (api,) = objects["Deployment", "api"]["spec"]["template"]["spec"]["containers"]
    assert api["image"] == "semblance:cpu"
    maps = [each["configMapRef"]["name"] for each in api["envFrom"] if "configMapRef" in each]
    assert [("ConfigMap", name) in objects for name in maps] == [True]


def test_alerts_fire_when_they_should() -> None:
    cases = DEPLOY / "prometheus/alerts.test.yml"
    command = [tool("promtool"), "test", "rules", str(cases)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cases.parent)
    assert ran.returncode == 0, ran.stdout + ran.stderr
