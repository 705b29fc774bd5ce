"""deploy/k8s holds together: what one object names, another is. Schemas are `./run lint`'s part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_deploy_env import FOREIGN, variables
from worker.queues import QUEUES, STEPS, UNACKED, list_name

K8S = Path(__file__).parents[2] / "deploy/k8s"
KUSTOMIZATIONS = sorted(K8S.rglob("kustomization.yaml"))
Object = Mapping[str, Any]


def documents(path: Path) -> list[Any]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def resources(folder: Path) -> list[Object]:
    """The objects that a kustomization lists itself."""
    (kustomization,) = documents(folder / "kustomization.yaml")
    names = [name for name in kustomization.get("resources", []) if name.endswith(".yaml")]
    return [one for name in names for one in documents(folder / name)]


BASE = resources(K8S / "base")
ALL = [one for path in KUSTOMIZATIONS for one in resources(path.parent)]


def of_kind(*kinds: str) -> list[Object]:
    return [one for one in ALL if one["kind"] in kinds]


def name_of(one: Object) -> str:
    return str(one["metadata"]["name"])


PODS: dict[str, Any] = {
    name_of(one): one["spec"]["template"] for one in of_kind("Deployment", "StatefulSet")
}


def container(pod: str) -> Any:
    (only,) = PODS[pod]["spec"]["containers"]
    return only


def selected(selector: Mapping[str, Any]) -> set[str]:
    """The workloads whose pods a selector takes."""
    equal = selector.get("matchLabels", {}).items()
    among = [(each["key"], each["values"]) for each in selector.get("matchExpressions", [])]
    return {
        name
        for name, pod in PODS.items()
        if equal <= pod["metadata"]["labels"].items()
        and all(pod["metadata"]["labels"].get(key) in values for key, values in among)
    }


def settings_of(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_what_a_kustomization_names_is_there(path: Path) -> None:
    (kustomization,) = documents(path)
    named = [*kustomization.get("resources", []), *kustomization.get("components", [])]
    named += [patch["path"] for patch in kustomization.get("patches", [])]
    for generator in kustomization.get("configMapGenerator", []):
        assert generator["name"] == generator["namespace"] == "semblance"
        named += generator.get("envs", [])
    assert [name for name in named if not (path.parent / name).exists()] == []
    listed = {path.parent / name for name in named}
    aside = {path, path.parent / "secret.example.yaml"}
    assert {*path.parent.glob("*.*")} <= listed | aside


def test_patches_change_what_is_there() -> None:
    there = {(one["kind"], name_of(one)) for one in BASE}
    for path in KUSTOMIZATIONS:
        (kustomization,) = documents(path)
        for patch in kustomization.get("patches", []):
            for one in documents(path.parent / patch["path"]):
                assert (one["kind"], name_of(one)) in there
                for each in (
                    one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
                ):
                    assert each["name"] == container(name_of(one))["name"]


def test_services_lead_to_ports_that_are_open() -> None:
    for service in of_kind("Service"):
        pods = selected({"matchLabels": service["spec"]["selector"]})
        assert len(pods) == 1, name_of(service)
        open_ports = {port["name"] for port in container(next(iter(pods)))["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= open_ports


def test_workloads_select_their_own_pods() -> None:
    for one in of_kind("Deployment", "StatefulSet"):
        assert selected(one["spec"]["selector"]) == {name_of(one)}
    services = {name_of(service) for service in of_kind("Service")}
    assert all(one["spec"]["serviceName"] in services for one in of_kind("StatefulSet"))


def test_scalers_and_budgets_have_something_to_scale_and_keep() -> None:
    deployments = {name_of(one) for one in of_kind("Deployment")}
    scaled = [
        one["spec"]["scaleTargetRef"]["name"]
        for one in of_kind("HorizontalPodAutoscaler", "ScaledObject")
    ]
    assert sorted(scaled) == sorted(deployments) == ["api", "worker"]
    for budget in of_kind("PodDisruptionBudget", "PodMonitor"):
        (pod,) = selected(budget["spec"]["selector"])
        assert pod in deployments
    (api,) = [one for one in of_kind("Deployment") if name_of(one) == "api"]
    assert "replicas" not in api["spec"]  # a number would undo the autoscaler's at each apply


def test_policies_name_pods_and_ports_that_are_there() -> None:
    for policy in of_kind("NetworkPolicy"):
        spec = policy["spec"]
        targets = selected(spec["podSelector"])
        assert targets, name_of(policy)
        for rule in spec.get("ingress", []):
            for pod in targets & {"api", "redis", "qdrant", "worker"}:
                numbers = {port["containerPort"] for port in container(pod)["ports"]}
                assert numbers & {port["port"] for port in rule["ports"]}, name_of(policy)
        for rule in spec.get("egress", []):
            for peer in [peer for peer in rule["to"] if "podSelector" in peer]:
                (to,) = selected(peer["podSelector"])
                numbers = {port["containerPort"] for port in container(to)["ports"]}
                assert {port["port"] for port in rule["ports"]} == numbers


def test_only_what_is_allowed_gets_through() -> None:
    assert allowed("api") == allowed("worker") == {"redis", "qdrant"}
    assert allowed("redis") == allowed("qdrant") == set()


def allowed(pod: str) -> set[str]:
    """Whom the pod may call: both sides must say so."""
    policies = [one["spec"] for one in BASE if one["kind"] == "NetworkPolicy"]
    out = {
        to
        for spec in policies
        if pod in selected(spec["podSelector"])
        for rule in spec.get("egress", [])
        for peer in rule["to"]
        if "podSelector" in peer
        for to in selected(peer["podSelector"])
    }
    return {
        to
        for to in out
        for spec in policies
        if to in selected(spec["podSelector"])
        for rule in spec.get("ingress", [])
        for peer in rule["from"]
        if "podSelector" in peer and pod in selected(peer["podSelector"])
    }


@pytest.mark.parametrize("pod", sorted(PODS))
def test_pods_are_locked_watched_and_bounded(pod: str) -> None:
    spec, only = PODS[pod]["spec"], container(pod)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(only)
    assert {"cpu", "memory"} <= set(only["resources"]["requests"])
    assert "memory" in only["resources"]["limits"]


@pytest.mark.parametrize("pod", sorted(PODS))
def test_mounts_have_volumes_and_volumes_claims(pod: str) -> None:
    (workload,) = [one for one in BASE if one.get("spec", {}).get("template") == PODS[pod]]
    volumes = {volume["name"] for volume in PODS[pod]["spec"].get("volumes", [])}
    templates = {name_of(one) for one in workload["spec"].get("volumeClaimTemplates", [])}
    mounts = {mount["name"] for mount in container(pod)["volumeMounts"]}
    assert mounts == volumes | templates
    claims = {name_of(one) for one in of_kind("PersistentVolumeClaim")}
    for volume in PODS[pod]["spec"].get("volumes", []):
        assert volume.get("persistentVolumeClaim", {"claimName": "blobs"})["claimName"] in claims


def environments() -> Iterator[dict[str, Any]]:
    for path in K8S.rglob("*.yaml"):
        for one in documents(path):
            if one.get("kind") in ("Deployment", "StatefulSet"):
                for each in one["spec"]["template"]["spec"]["containers"]:
                    yield from each.get("env", [])


def test_settings_and_secrets_that_are_named_exist() -> None:
    (example,) = documents(K8S / "base/secret.example.yaml")
    for variable in environments():
        name = variable["name"]
        assert name in {*variables(), *FOREIGN} or not name.startswith(("SEMBLANCE", "HF", "AWS"))
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is not None:
            assert reference["name"] == example["metadata"]["name"]
            assert reference["key"] in example["stringData"]
    for monitor in of_kind("PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            assert endpoint["authorization"]["credentials"]["key"] in example["stringData"]


def test_config_maps_hold_settings_that_exist_and_no_secrets() -> None:
    for path in K8S.rglob("*.env"):
        told = settings_of(path)
        assert set(told) <= set(variables()) | FOREIGN
        assert not [name for name in told if name.endswith(("KEY", "PASSWORD", "TOKEN"))]


def test_processes_listen_where_they_are_probed() -> None:
    told = settings_of(K8S / "base/semblance.env")
    assert container("api")["ports"][0]["containerPort"] == int(told["SEMBLANCE_PORT"])
    assert container("worker")["ports"][0]["containerPort"] == int(told["SEMBLANCE_METRICS_PORT"])
    for pod in ("api", "worker"):
        paths = {
            container(pod)[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe")
        }
        assert paths == {"/healthz"}
    assert container("api")["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_workers_are_scaled_by_all_lists_of_all_queues() -> None:
    (scaled,) = of_kind("ScaledObject")
    triggers = scaled["spec"]["triggers"]
    lists = {trigger["metadata"]["listName"] for trigger in triggers}
    assert lists == {list_name(queue, step) for queue in QUEUES for step in STEPS} | {UNACKED}
    formula = scaled["spec"]["advanced"]["scalingModifiers"]["formula"]
    assert sorted(formula.split(" + ")) == sorted(trigger["name"] for trigger in triggers)
    (credentials,) = of_kind("TriggerAuthentication")
    assert {trigger["authenticationRef"]["name"] for trigger in triggers} == {name_of(credentials)}
    assert container("worker")["args"] == ["worker"]  # of all queues
