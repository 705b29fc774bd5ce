"""Dashboard, alerts and documentation name the metrics that there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.metrics import ServerMetrics
from indexer.settings import Settings
from tests.lab import Lab, engine_of

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/dashboards/semblance.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"


@pytest.fixture
def families(lab: Lab) -> set[str]:
    """Our families, as Prometheus names them."""
    engine = replace(engine_of(lab), settings=Settings(redis_url="redis://127.0.0.1:1/0"))
    text = ServerMetrics(engine).text().decode()
    told = re.findall(r"^# TYPE (semblance_\S+)", text, re.MULTILINE)
    # The library adds to each counter when it began.
    return {name for name in told if not name.endswith("_created")}


def named(text: str) -> set[str]:
    """Families in a query or a document."""
    found = set(re.findall(r"\bsemblance_[a-z_]+", text))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


def panels() -> list[dict[str, Any]]:
    told: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return [panel for panel in told["panels"] if panel["type"] != "row"]


def test_the_dashboard_shows_every_family_and_no_other(families: set[str]) -> None:
    queries = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    assert named(queries) == families


def test_the_documentation_tells_every_family_and_no_other(families: set[str]) -> None:
    text = (ROOT / "docs/monitoring.md").read_text()
    assert named(text) == families


def test_alerts_ask_for_families_that_there_are(families: set[str]) -> None:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    for rule in rules:
        assert named(rule["expr"]) <= families
        assert named(rule["expr"]) or "up{" in rule["expr"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert {"summary", "remedy"} <= set(rule["annotations"])


def test_the_operators_rules_are_the_same() -> None:
    operator = yaml.safe_load((ROOT / "deploy/k8s/components/monitoring/alerts.yaml").read_text())
    assert operator["spec"] == yaml.safe_load(ALERTS.read_text())


def test_panels_have_a_place_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)


def test_the_dashboard_asks_nobody_outside() -> None:
    assert "://" not in DASHBOARD.read_text()


def test_prometheus_and_grafana_are_told_where_things_are() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert scraped["rule_files"] == [ALERTS.name]
    for job in scraped["scrape_configs"]:
        assert job["authorization"]["credentials_file"] == "/run/secrets/metrics_key"
        for place in job["dns_sd_configs"]:
            assert set(place["names"]) <= set(compose)
    sources = ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml"
    (source,) = yaml.safe_load(sources.read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    used = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert used == {source["uid"]}
    boards = ROOT / "deploy/grafana/provisioning/dashboards/semblance.yml"
    (provider,) = yaml.safe_load(boards.read_text())["providers"]
    mounted = [volume.split(":")[1] for volume in compose["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
