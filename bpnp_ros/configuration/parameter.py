"""What a parameter is: a dataclass field that tells people its meaning, unit and range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from bpnp_ros.errors import ConfigError

Range = tuple[float, float]

_BOOLEANS = {"true": True, "false": False}
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class Parameter:
    """A parameter as people see it; `range` is inclusive.

    tunable: may be changed while the node is active.
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
    tunable: bool = False

    def parse(self, text: str) -> Any:
        """The value that a command line gives as text. Raises ConfigError that names it."""
        kind = type(self.default)
        try:
            value = _BOOLEANS[text.lower()] if kind is bool else kind(text)
        except (KeyError, ValueError):
            raise ConfigError(f"{self.name} is '{text}'; it must be {_KINDS[kind]}.") from None
        self.check(value)
        return value

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
    tunable: bool = False,
) -> Any:
    """A dataclass field that becomes a parameter."""
    metadata = dict(
        description=description,
        unit=unit,
        range=range,
        choices=choices,
        read_only=read_only,
        advanced=advanced,
        tunable=tunable,
    )
    return field(default=default, metadata=metadata)


advanced = partial(setting, advanced=True)
"""A `setting` that few users will ever change."""

tunable = partial(advanced, tunable=True)
"""An `advanced` one that may be changed while the node is active."""


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
