"""One description of every parameter: code, YAML file, launch arguments and documentation agree."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bpnp_ros.configuration.parameter import Parameter, parameters_of
from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.runtime.reference import NODES, document_text, yaml_text

if TYPE_CHECKING:
    from conftest import RosWorld

PARAMETERS = list(parameters_of(*NODES["localization"]))
CHECKOUT = Path(__file__).resolve().parents[1]
RENEW = "renew it: python -m bpnp_ros.runtime.reference"
NOT_OURS = ("qos_overrides.", "use_sim_time", "start_type_description_service")


def test_the_yaml_file_is_what_the_code_declares() -> None:
    assert (CHECKOUT / "config" / "localization.yaml").read_text() == yaml_text(), RENEW


def test_the_documentation_lists_what_the_code_declares() -> None:
    text = (CHECKOUT / "docs" / "interface.md").read_text()
    assert document_text(text) == text, RENEW
    assert all(f"| `{entry.name}` |" in text for entry in fields(LocalizerConfig))


def test_every_line_of_the_yaml_file_has_a_comment() -> None:
    assert [line for line in yaml_text().splitlines() if line and " #" not in f" {line}"] == []


def test_what_users_change_stands_first_and_is_little() -> None:
    text, users = yaml_text(), [p for p in PARAMETERS if not p.advanced]
    assert len(users) <= 19
    assert max(text.index(f"    {p.name}:") for p in users) < text.index("# Advanced")


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_every_parameter_says_what_it_is(parameter: Parameter) -> None:
    assert len(parameter.description) > 10
    parameter.check(parameter.default)


def test_no_two_parts_of_a_node_share_a_name() -> None:
    for configurations in NODES.values():
        names = [parameter.name for parameter in parameters_of(*configurations)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "value"),
    [("tf_mode", "sideways"), ("memory_limit", 0.0), ("max_speed", -1.0), ("bank_views", 5)],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(name: str, value: Any) -> None:
    parameter = next(p for p in PARAMETERS if p.name == name)
    with pytest.raises(ConfigError, match=f"{name} is .* must be"):
        parameter.check(value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("map_scale", "1", 1.0),
        ("autostart", "False", False),
        ("base_frame", "1", "1"),
        ("min_inliers", "20", 20),
    ],
)
def test_text_becomes_a_value_of_the_parameters_own_type(name: str, text: str, value: Any) -> None:
    parsed = next(p for p in PARAMETERS if p.name == name).parse(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [("map_scale", "wide"), ("autostart", "1"), ("min_inliers", "8.5"), ("max_speed", "nan")],
)
def test_text_that_does_not_fit_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is .*; it must be"):
        next(p for p in PARAMETERS if p.name == name).parse(text)


def test_the_node_declares_what_the_yaml_file_says_with_types_and_ranges(ros: RosWorld) -> None:
    from bpnp_ros.nodes.localization_node import LocalizationNode

    node = ros.add(LocalizationNode())
    declared = {
        name: parameter.value
        for name, parameter in node.get_parameters_by_prefix("").items()
        if not name.startswith(NOT_OURS)
    }
    assert declared == yaml.safe_load(yaml_text())["/**"]["ros__parameters"]
    tolerance, views, mode, autostart = (
        node.describe_parameter(name)
        for name in ("transform_tolerance", "bank_views", "tf_mode", "autostart")
    )
    assert tolerance.floating_point_range[0].to_value == 10.0 and "[s]" in tolerance.description
    assert views.integer_range[0].from_value == 1000
    assert "odom" in mode.additional_constraints
    assert autostart.read_only and not mode.read_only


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="base_frame is empty"):
        LocalizationSettings(tf_mode="base")
