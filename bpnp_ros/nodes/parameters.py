"""Configuration dataclasses as ROS parameters: typed, described, ranged, fixed while in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

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


class Parameters:
    """The parameters of a node, one for each field of its configuration dataclasses."""

    def __init__(self, node: Node, configurations: Sequence[type]) -> None:
        self._node = node
        self._by_name = {p.name: p for p in parameters_of(*configurations)}
        self._in_use: Callable[[], str] = lambda: ""
        for parameter in self._by_name.values():
            node.declare_parameter(parameter.name, parameter.default, descriptor(parameter))
        node.add_on_set_parameters_callback(self._on_set)

    def fix_while(self, in_use: Callable[[], str]) -> None:
        """Refuse changes as long as `in_use` gives a reason to."""
        self._in_use = in_use

    def read(self, configuration: type[T]) -> T:
        """An instance with the values of now. Raises ConfigError."""
        values = {}
        for parameter in parameters_of(configuration):
            value = self._node.get_parameter(parameter.name).value
            parameter.check(value)
            values[parameter.name] = value
        return configuration(**values)

    def _on_set(self, changes: list[RosParameter]) -> SetParametersResult:
        known = [change for change in changes if change.name in self._by_name]
        reason = self._in_use() if known else ""
        for change in known:
            try:
                self._by_name[change.name].check(change.value)
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
