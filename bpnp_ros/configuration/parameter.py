"""What a parameter is: a dataclass field that tells people its meaning, unit and range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from bpnp_ros.errors import ConfigError

Range = tuple[float, float]


@dataclass(frozen=True)
class Parameter:
    """A parameter as people see it; `range` is inclusive.

    advanced: few users will ever change it, so it stands after the others.
    """

    name: str
    default: Any
    description: str
    unit: str = ""
    range: Range | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False
    advanced: bool = False

    def check(self, value: Any) -> None:
        """Raise ConfigError for a value that is not allowed; its type is right already."""
        if self.choices and value not in self.choices:
            raise ConfigError(
                f"{self.name} is '{value}'; it must be one of {', '.join(self.choices)}."
            )
        if self.range is not None and not self.range[0] <= value <= self.range[1]:
            raise ConfigError(
                f"{self.name} is {value}; it must be from {self.range[0]:g} to {self.range[1]:g}."
            )


def setting(
    default: Any,
    description: str,
    unit: str = "",
    range: Range | None = None,
    choices: tuple[str, ...] = (),
    read_only: bool = False,
    advanced: bool = False,
) -> Any:
    """A dataclass field that becomes a parameter."""
    metadata = dict(
        description=description,
        unit=unit,
        range=range,
        choices=choices,
        read_only=read_only,
        advanced=advanced,
    )
    return field(default=default, metadata=metadata)


advanced = partial(setting, advanced=True)
"""A `setting` that few users will ever change."""


class Configuration:
    """Base of dataclasses made of settings: values that are not allowed never come to life."""

    def __post_init__(self) -> None:
        for parameter in parameters_of(type(self)):
            parameter.check(getattr(self, parameter.name))


def parameters_of(*configurations: type) -> Iterator[Parameter]:
    """The fields of configuration dataclasses as parameters, in their order."""
    for configuration in configurations:
        for entry in fields(configuration):
            yield Parameter(entry.name, entry.default, **entry.metadata)
