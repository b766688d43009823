"""Weights and a device, ready to build a localiser for any map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.localizer.localizer import Localizer, build_localizer
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.weights.bundle import MapBundle
from bpnp_ros.weights.chosen import ChosenWeights, load_chosen


@dataclass(eq=False)
class Engine:
    """What stays when the map is replaced. `config` is that of the localisers to come."""

    config: LocalizerConfig
    device: torch.device
    weights: ChosenWeights

    @classmethod
    def from_settings(cls, settings: LocalizationSettings, config: LocalizerConfig) -> Engine:
        """Load the weights. Raises ConfigError and WeightsError."""
        torch.set_num_threads(settings.threads)
        device = choose_device(settings.device)
        return cls(config, device, load_chosen(settings.weights, device))

    @property
    def bundle(self) -> MapBundle | None:
        """What was trained for one map, with its points."""
        return self.weights.bundle

    def build(self, source: PointMap | NDArray[np.floating]) -> Localizer:
        """A localiser for a map, or for points (N, 3) in the map's frame. Raises MapError."""
        if self.bundle is not None and self.bundle.recognises(source):
            return self._of_bundle
        return build_localizer(source, self.weights, self.config, self.device)

    @cached_property
    def _of_bundle(self) -> Localizer:
        """The one for the bundle's own map, which may come from several places."""
        bundle, any_map = self.weights
        assert bundle is not None
        model = bundle.model.to(self.device)
        return Localizer(model, bundle.network, self.config, any_map=any_map)


def choose_device(name: str) -> torch.device:
    """`auto`, or a device as torch names it. Raises ConfigError for one that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device '{name}' cannot be used ({error}); auto or cpu will do."
        ) from error
    return device
