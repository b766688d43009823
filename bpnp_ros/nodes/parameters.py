"""Configuration dataclasses as ROS parameters: typed, described, ranged, fixed while in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from bpnp_ros.configuration.parameter import Parameter, parameters_of
from bpnp_ros.errors import ConfigError

T = TypeVar("T")
NO_CHANGES: Mapping[str, Any] = {}


class Parameters:
    """The parameters of a node, one for each field of its configuration dataclasses."""

    def __init__(self, node: Node, configurations: Sequence[type]) -> None:
        self._node = node
        self._by_name = {p.name: p for p in parameters_of(*configurations)}
        self._in_use: Callable[[], str] = lambda: ""
        self._tune: Callable[[Mapping[str, Any]], None] = lambda changes: None
        for parameter in self._by_name.values():
            node.declare_parameter(parameter.name, parameter.default, descriptor(parameter))
        node.add_on_set_parameters_callback(self._on_set)

    def fix_while(
        self,
        in_use: Callable[[], str],
        tune: Callable[[Mapping[str, Any]], None] = lambda changes: None,
    ) -> None:
        """Refuse changes as long as `in_use` gives a reason to, but for tunable parameters.

        `tune` is told of every change before it is made, and may raise ConfigError.
        """
        self._in_use, self._tune = in_use, tune

    def read(self, configuration: type[T], changes: Mapping[str, Any] = NO_CHANGES) -> T:
        """An instance with the values of now, and with the changes. Raises ConfigError."""
        values = {}
        for parameter in parameters_of(configuration):
            value = changes.get(parameter.name, self._node.get_parameter(parameter.name).value)
            parameter.check(value)
            values[parameter.name] = value
        return configuration(**values)

    def _on_set(self, changes: list[RosParameter]) -> SetParametersResult:
        known = {change.name: change.value for change in changes if change.name in self._by_name}
        fixed = [name for name in known if not self._by_name[name].tunable]
        reason = self._in_use() if fixed else ""
        try:
            for name, value in known.items():
                self._by_name[name].check(value)
            if known and not reason:
                self._tune(known)
        except ConfigError as error:
            reason = str(error)
        return SetParametersResult(successful=not reason, reason=reason)


def descriptor(parameter: Parameter) -> ParameterDescriptor:
    unit = f" [{parameter.unit}]" if parameter.unit else ""
    described = ParameterDescriptor(
        description=parameter.description + unit, read_only=parameter.read_only
    )
    if parameter.choices:
        described.additional_constraints = f"one of {', '.join(parameter.choices)}"
    if parameter.range is not None:
        low, high = parameter.range
        if isinstance(parameter.default, int):
            described.integer_range = [
                IntegerRange(from_value=int(low), to_value=int(high), step=1)
            ]
        else:
            described.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high))
            ]
    return described
