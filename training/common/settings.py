"""Settings of a run: the same names on the command line, in YAML and in the run folder."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bpnp_ros.configuration.parameter import Parameter
from bpnp_ros.errors import ConfigError

Self = TypeVar("Self", bound="Settings")


@dataclass(frozen=True)
class Settings:
    """Base of dataclasses whose fields are made by `bpnp_ros.parameter.setting`.

    Raises ConfigError for a value of another type than the default, or out of range.
    """

    def __post_init__(self) -> None:
        for entry in fields(self):
            _check(entry, getattr(self, entry.name))

    @classmethod
    def from_dict(cls: type[Self], values: dict[str, Any]) -> Self:
        """Raises ConfigError for a key that is not a setting."""
        known = [entry.name for entry in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(
                f"unknown setting {', '.join(unknown)}; known are {', '.join(known)}."
            )
        return cls(**values)

    @classmethod
    def load(cls: type[Self], path: Path) -> Self:
        """Read a YAML file of `name: value` lines."""
        try:
            values = yaml.safe_load(path.read_text()) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{path} holds no `name: value` lines.")
        return cls.from_dict(values)

    def save(self, path: Path) -> None:
        path.write_text(yaml.safe_dump(asdict(self), sort_keys=False))

    @classmethod
    def add_options(
        cls, parser: argparse.ArgumentParser, spelling: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """An option for every setting; `spelling` holds those that are not --<name>."""
        for entry in fields(cls):
            unit = f" {entry.metadata['unit']}".rstrip()
            about = f"{entry.metadata['description']} (default {entry.default}{unit})"
            words = (spelling or {}).get(entry.name, ("--" + entry.name.replace("_", "-"),))
            form: dict[str, Any] = {"type": type(entry.default), "metavar": entry.name.upper()}
            if isinstance(entry.default, bool):
                form = {"action": argparse.BooleanOptionalAction}
            parser.add_argument(*words, dest=entry.name, default=None, help=about, **form)

    @classmethod
    def from_options(cls: type[Self], options: argparse.Namespace, file: Path | None) -> Self:
        """What the file says, changed by what was given on the command line."""
        settings = cls.load(file) if file else cls()
        given = {name: value for name, value in vars(options).items() if value is not None}
        names = {entry.name for entry in fields(cls)}
        return replace(settings, **{name: given[name] for name in names & given.keys()})


def _check(entry: Field[Any], value: Any) -> None:
    wanted = (int, float) if isinstance(entry.default, float) else type(entry.default)
    if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(entry.default, bool):
        kind = type(entry.default).__name__
        raise ConfigError(f"{entry.name} is {value!r}, but has to be of type {kind}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{entry.name} is {value}, but has to be a finite number.")
    Parameter(entry.name, entry.default, **entry.metadata).check(value)
