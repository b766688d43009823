"""The nodes' own parameters for a replay: from their YAML file, or name=value words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from bpnp_ros.configuration.parameter import Parameter, parameters_of
from bpnp_ros.configuration.parameters import (
    DetectorConfig,
    KeypointConfig,
    LocalizationSettings,
    LocalizerConfig,
)
from bpnp_ros.errors import ConfigError


@dataclass(frozen=True)
class Configuration:
    """What the nodes `localization` and `keypoint_detector` would be given."""

    settings: LocalizationSettings
    keypoints: KeypointConfig
    localizer: LocalizerConfig
    detector: DetectorConfig


_PARTS: dict[str, Any] = get_type_hints(Configuration)


def configuration(values: dict[str, Any]) -> Configuration:
    """Parameters by name, checked as the nodes do. Raises ConfigError."""
    known = {parameter.name for parameter in parameters_of(*_PARTS.values())}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ConfigError(f"there is no parameter '{unknown[0]}'; see docs/interface.md.")
    parts = {}
    for name, part in _PARTS.items():
        given = {
            p.name: _checked(p, values[p.name]) for p in parameters_of(part) if p.name in values
        }
        parts[name] = part(**given)
    return Configuration(**parts)


def changed(values: dict[str, Any]) -> dict[str, Any]:
    """Those that differ from their defaults."""
    defaults = {parameter.name: parameter.default for parameter in parameters_of(*_PARTS.values())}
    return {name: value for name, value in values.items() if value != defaults[name]}


def read_parameters(file: Path | None, assignments: Sequence[str]) -> dict[str, Any]:
    """A ROS parameter file, all its sections, and `name=value` words, which win."""
    values: dict[str, Any] = {}
    for section in (_load(file) if file else {}).values():
        values |= section.get("ros__parameters", {}) if isinstance(section, dict) else {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"'{assignment}' is not of the form name=value.")
        values[name] = yaml.safe_load(value)
    return values


def _load(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{file} is no ROS parameter file (sections with ros__parameters).")
    return content


def _checked(parameter: Parameter, value: Any) -> Any:
    """The value in the type of the default."""
    kind = type(parameter.default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise ConfigError(f"{parameter.name} is {value!r}; it must be of type {kind.__name__}.")
    parameter.check(value)
    return value
