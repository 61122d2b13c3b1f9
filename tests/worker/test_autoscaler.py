"""What KEDA and a HorizontalPodAutoscaler make of our manifests, by rule and with real workers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from services import require

from worker.stack.valkey import valkey_binary

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MANIFESTS = Path(__file__).parents[2] / "infra" / "deploy" / "kubernetes"


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("autoscale_rules", BENCHMARKS / "autoscale_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["autoscale_rules"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scaler(rules: ModuleType) -> Any:
    up = rules.Direction(0, [rules.Limit(True, 100, 15), rules.Limit(False, 4, 15)])
    down = rules.Direction(60, [rules.Limit(True, 50, 60)])
    found = rules.Rules(10, 120, 0, 32, "/scale/cpu", "value", 1.0, 0.0, up, down, 300)
    return rules.Autoscaler(found)


@pytest.mark.parametrize("kind", ["cpu", "gpu", "npu"])
def test_our_manifests_scale_every_kind_to_zero_and_ask_for_what_is_served(
    rules: ModuleType, kind: str
) -> None:
    folder = MANIFESTS / ("base" if kind == "cpu" else f"components/{kind}")
    scaled = MANIFESTS / "components" / "scaling" / kind / "scaledobject.yaml"
    found = rules.read_rules(scaled, folder / f"{kind}.yaml")
    assert (found.least, found.target, found.activation) == (0, 1.0, 0.0)
    assert found.location == "value"
    assert found.path.startswith(f"/scale/{kind}?drain_seconds=")
    assert found.grace > 180  # a page's hard limit, and more
    quicker = rules.read_rules(scaled, folder / f"{kind}.yaml", quicker=10)
    assert quicker.polling == found.polling / 10
    assert quicker.sync == 1.5


def test_anything_at_all_wakes_a_kind_and_long_nothing_puts_it_to_sleep(scaler: Any) -> None:
    assert scaler.poll(0, 0, 0) == 0
    assert scaler.poll(10, 0.001, 0) == 1
    assert scaler.poll(20, 0, 1) == 1
    assert scaler.poll(129, 0, 1) == 1
    assert scaler.poll(130, 0, 1) == 0


def test_it_grows_by_four_or_doubles_up_to_what_is_wanted(scaler: Any) -> None:
    assert scaler.sync(0, 20, 1) == 5
    assert scaler.sync(5, 20, 5) == 5  # four have come within this period
    assert scaler.sync(16, 20, 5) == 10
    assert scaler.sync(32, 20, 10) == 20
    assert scaler.sync(48, 21.5, 20) == 20  # within a tenth
    assert scaler.sync(64, 100, 20) == 32


def test_it_shrinks_to_the_most_that_was_wanted_lately_and_by_half_at_most(scaler: Any) -> None:
    assert scaler.sync(0, 8, 8) == 8
    assert scaler.sync(30, 2, 8) == 8
    assert scaler.sync(61, 2, 8) == 4
    assert scaler.sync(76, 2, 4) == 4
    assert scaler.sync(122, 2, 4) == 2
    assert scaler.sync(300, 0, 2) == 1  # the last one is KEDA's to end


def test_real_workers_come_and_go_and_no_page_is_lost_or_repeated() -> None:
    require(valkey_binary)
    rhythm = ["--most", "3", "--quicker", "60", "--trickle", "3", "--seconds", "0.2"]
    options = [*rhythm, "--documents", "3", "--pages", "15", "--json"]
    found = subprocess.run(
        [sys.executable, str(BENCHMARKS / "autoscale.py"), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout, found.stderr
    report = json.loads(found.stdout)
    assert report["faults"] == [], (report, found.stderr)
    assert (report["peak"], report["lost"], report["repeated"]) == (3, 0, 0)
    assert report["went"][-1][1] == 0
