"""The files in ``deploy`` name metrics that exist, and every alert was seen to fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped] # it has no stubs
import pytest
import yaml

from tests.support.declared_metrics import declared_metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yaml"
RULE_TESTS = DEPLOY / "prometheus" / "alerts_test.yaml"
MANIFESTS = DEPLOY / "kubernetes" / "groat.yaml"
KUBERNETES = "1.35"
DASHBOARD = DEPLOY / "grafana" / "groat.json"

_METRIC = re.compile(r"groat_[a-z_]+")
_PARTS = re.compile(r"_(bucket|count|sum|total)$")


def used(expressions: list[str]) -> set[str]:
    found = {name for text in expressions for name in _METRIC.findall(text)}
    return {_PARTS.sub("", name) for name in found}


def alerts() -> dict[str, str]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("expressions", [[*alerts().values()], queries()], ids=["alerts", "board"])
def test_a_query_names_only_declared_metrics(expressions: list[str]) -> None:
    assert expressions
    assert used(expressions) <= declared_metrics()


def test_the_dashboard_shows_every_metric() -> None:
    assert declared_metrics() - used(queries()) == set()


def test_every_alert_was_seen_to_fire() -> None:
    fired = {
        rule["alertname"]
        for test in yaml.safe_load(RULE_TESTS.read_text())["tests"]
        for rule in test["alert_rule_test"]
        if rule.get("exp_alerts")
    }
    assert fired == alerts().keys()


def test_the_manifests_are_valid_for_kubernetes() -> None:
    documents = list(yaml.safe_load_all(MANIFESTS.read_text()))
    assert {"Job", "Deployment", "Service"} < {one["kind"] for one in documents}
    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="SKIPPED: systemd-analyze is not installed (systemd)")
@pytest.mark.parametrize("unit", ["groat-api.service", "groat-worker.service"])
def test_the_units_are_valid_for_systemd(unit: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / unit).read_text()
    copy = tmp_path / unit
    copy.write_text(
        text.replace("/opt/groat/bin/groat", sys.executable)
    )  # it looks for the program
    command = [str(ANALYZE), "verify", str(copy)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert unit not in ran.stderr, ran.stderr
    assert ran.returncode == 0, ran.stderr


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="SKIPPED: promtool is not installed (Prometheus)")
def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    command = [str(PROMTOOL), "test", "rules", str(RULE_TESTS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
