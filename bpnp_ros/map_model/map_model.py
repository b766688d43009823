"""What the localiser knows of a map: its points, and where a camera can be and what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bpnp_ros.map_model.aliases import Aliases, find_aliases
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap


@dataclass(frozen=True, eq=False)
class MapModel:
    """point_map on the CPU, as loaded; view_space and points on the device that computes."""

    point_map: PointMap
    view_space: ViewSpace

    @cached_property
    def points(self) -> Tensor:
        """Map points (N, 3) float32, recentred, on the view space's device."""
        return torch.from_numpy(self.point_map.points).to(self.view_space.anchors.device)

    @cached_property
    def aliases(self) -> Aliases:
        """Where the map looks like another part of itself; found in a second or some."""
        return find_aliases(self.points)

    def to(self, device: torch.device) -> MapModel:
        return MapModel(self.point_map, self.view_space.to(device))
