"""Alerts and dashboard: each expression is PromQL, and about metrics and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest

from bff.errors import Code
from bff.server.metrics import METRICS
from tests.deploy.files import dashboard, documents
from tests.deploy.metrics import HISTOGRAMS, SERIES, TARGET
from tests.deploy.proxies import promtool

RULES = documents("prometheus/alerts.yaml")[0]["groups"][0]["rules"]
PANELS = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
# Grafana puts them in.
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}


def shown() -> list[str]:
    """Return every expression of the dashboard, as Grafana sends it."""
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        expressions = [each.replace(variable, value) for each in expressions]
    return expressions


EXPRESSIONS = [*shown(), *(rule["expr"] for rule in RULES)]


def parts(expression: promql.Expr) -> Iterator[Any]:
    """Return every part of an expression, itself included."""
    found: list[Any] = []
    promql.walk(expression, found.append)
    yield from found


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Return the name and the labels of every series that an expression asks for."""
    for part in parts(promql.parse(expression)):
        if isinstance(part, promql.VectorSelector):
            assert part.name, expression
            yield part.name, {matcher.name for matcher in part.matchers.matchers}


def groupings(expression: str) -> set[str]:
    """Return the labels by which an expression sums up."""
    return {
        label
        for part in parts(promql.parse(expression))
        if isinstance(part, promql.AggregateExpr) and part.modifier
        for label in part.modifier.labels
    }


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression: str) -> None:
    found = list(selectors(expression))
    assert found
    labels = {label for name, _ in found for label in SERIES.get(name, set())}
    for name, matched in found:
        assert name in SERIES or name == "up"
        assert matched <= SERIES.get(name, set()) | TARGET
    assert groupings(expression) <= labels | TARGET


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_code_that_is_asked_for_is_one_of_ours(expression: str) -> None:
    known = {code.label for code in Code} | {"OK"}
    for asked in re.findall(r'code(?:=|=~|!=)"([^"]+)"', expression):
        assert set(asked.split("|")) <= known


def test_the_check_sees_what_is_wrong() -> None:
    wrong = 'sum by (user) (rate(bff_calls_totall{user="x"}[5m]))'
    assert list(selectors(wrong)) == [("bff_calls_totall", {"user"})]
    assert groupings(wrong) == {"user"}


def test_the_dashboard_shows_every_metric() -> None:
    asked = {name for expression in shown() for name, _ in selectors(expression)}
    shown_as = {f"{name}_bucket" if name in HISTOGRAMS else name for name in METRICS}
    assert asked == shown_as


def test_no_panel_hides_another_and_each_has_its_own_number_and_unit() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells
        taken |= cells
    for panel in PANELS:
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_prometheus_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"shown:{number}", "expr": expr} for number, expr in enumerate(shown())]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "a", "rules": rules}]}))
    done = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stdout
