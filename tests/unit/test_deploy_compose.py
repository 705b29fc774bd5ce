"""deploy/compose.yaml and the Dockerfile say the same, and nothing is open that need not be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from indexer.settings import Settings
from tests.unit.test_deploy_env import FOREIGN, variables

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("api", "worker", "worker-gpu")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_watched_bounded_and_restarted(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_published_to_this_machine_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_what_services_name_is_there() -> None:
    for service in SERVICES.values():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (DEPLOY / source).is_dir() if source.startswith(".") else None
            assert there or source in COMPOSE["volumes"], source


def test_no_secret_is_written_down() -> None:
    for service in SERVICES.values():
        for name in service.get("environment", {}):
            assert not re.search(r"KEY$|PASSWORD$|TOKEN$|SECRET$", name), name
    assert {secret["environment"] for secret in COMPOSE["secrets"].values()} <= (
        set(variables()) | FOREIGN
    )


@pytest.mark.parametrize("name", OURS)
def test_our_services_use_settings_that_exist(name: str) -> None:
    service = SERVICES[name]
    assert set(service["environment"]) <= set(variables()) | FOREIGN
    assert service["environment"]["SEMBLANCE_QDRANT_URL"] == "http://qdrant:6333"
    assert service["depends_on"]["redis"]["condition"] == "service_healthy"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert f"AS {service['build']['target']}\n" in DOCKERFILE


def test_databases_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inner"]["internal"] is True
    assert SERVICES["redis"]["networks"] == SERVICES["qdrant"]["networks"] == ["inner"]


def test_redis_forgets_no_job() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_qdrant_is_the_version_that_is_tested() -> None:
    tested = (DEPLOY.parent / "tests/services.py").read_text()
    assert f'"{SERVICES["qdrant"]["image"]}"' in tested


def test_profiles_are_extras() -> None:
    plain = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert plain == {"api", "worker", "redis", "qdrant"}


def test_the_image_sets_settings_that_exist() -> None:
    named = re.findall(r"^(?:ENV|   ) ((?:SEMBLANCE|HF)_[A-Z_]+)=", DOCKERFILE, re.MULTILINE)
    assert "SEMBLANCE_DATA" in named
    assert set(named) <= set(variables()) | FOREIGN


def test_the_image_listens_and_looks_where_the_server_does() -> None:
    port = Settings.model_fields["port"].default
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert f'"/opt/healthy.py", "{port}"]' in DOCKERFILE


def test_the_image_runs_as_nobody_special() -> None:
    users = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    assert "ARG SEMBLANCE" not in DOCKERFILE


def test_what_the_image_copies_reaches_it() -> None:
    kept = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        assert (DEPLOY.parent / source).exists(), source
        assert any(source == one or source.startswith(f"{one}/") for one in kept), source
