"""What the localiser knows of a map: its points, and where a camera can be and what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.map_model.aliases import Aliases, find_aliases
from bpnp_ros.map_model.motion import ROTATION
from bpnp_ros.map_model.open_space import OpenSpace
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.prepared import prepared

_POSES_ASKED, _POSES_MEASURED = 64, 512
SMALL_MAP = 500  # places
NOMINAL_VIEW = 0.7  # tangent of half the view of a typical camera


@dataclass(frozen=True, eq=False)
class MapModel:
    """point_map on the CPU, as loaded; view_space and points on the device that computes."""

    point_map: PointMap
    view_space: ViewSpace | OpenSpace

    @cached_property
    def points(self) -> Tensor:
        """Map points (N, 3) float32, recentred, on the view space's device."""
        return torch.from_numpy(self.point_map.points).to(self.view_space.device)

    @cached_property
    def aliases(self) -> Aliases:
        """Where the map looks like another part of itself; found in a second or some, and kept."""
        points, depth = self.points, self.depth
        if self.turns_only:
            return Aliases(points.new_zeros(0, 4, 4), points.new_zeros(0, 3))
        made_of = (points, depth, str(points.device))
        tensors = prepared("aliases", made_of, lambda: vars(find_aliases(points, depth)))
        return Aliases(**{name: tensor.to(points.device) for name, tensor in tensors.items()})

    @property
    def places(self) -> ViewSpace:
        """The view space of a map whose points hide others. Raises TypeError for an open one."""
        if not isinstance(self.view_space, ViewSpace):
            raise TypeError("nothing hides anything in this map: there are no places to tell apart")
        return self.view_space

    @property
    def is_open(self) -> bool:
        """Whether nothing hides anything: a map of few landmarks."""
        return isinstance(self.view_space, OpenSpace)

    @property
    def from_photographs(self) -> bool:
        """Whether a camera is looked for near the map's own photographs."""
        return isinstance(self.view_space, ViewSpace) and self.view_space.orientations is not None

    @property
    def turns_only(self) -> bool:
        """Whether the camera turns about a fixed point: landmarks at infinity."""
        return self.view_space.held.kind == ROTATION

    @property
    def heights(self) -> tuple[float, float]:
        """Of the camera along up in the recentred map, metres; of an open map."""
        assert isinstance(self.view_space, OpenSpace)
        return self.view_space.heights

    def views_stored(self, in_a_small_map: int) -> int:
        """How many views a search stores: in a map of many places, more in proportion."""
        places = 1 if self.is_open or self.from_photographs else len(self.places.anchors)
        return max(in_a_small_map, round(in_a_small_map * places / SMALL_MAP))

    @property
    def least_pairs(self) -> int:
        """One pair more than it takes to fix a pose."""
        motion = self.view_space.held
        return 3 if motion.knows_up or self.turns_only else 4

    @cached_property
    def depth(self) -> float:
        """How far away the points are that a camera sees, metres: the map's one length."""
        poses = self.some_poses
        seen, chance = self.view_space.seen_from(poses)
        in_camera = transform_points(invert(poses), self.points[seen])
        across = in_camera[..., :2].norm(dim=2)
        shown = (chance > 0) & (across < NOMINAL_VIEW * in_camera[..., 2])
        distance = in_camera.norm(dim=2)
        return float(distance[shown].median()) if shown.any() else 0.5 * self.point_map.extent

    @cached_property
    def log_depth(self) -> tuple[NDArray[np.float64], float]:
        """Mean logarithm of the depth (N,) from which views see each point, NaN of one that none
        sees, and the standard deviation about it."""
        poses, _ = self.view_space.sample(_POSES_MEASURED, torch.Generator().manual_seed(0))
        count, total, squares = torch.zeros(3, len(self.points), dtype=torch.float64)
        for some in poses.split(_POSES_ASKED):
            seen, chance = self.view_space.seen_from(some)
            depth = transform_points(invert(some), self.points[seen])[..., 2]
            chance = torch.where(depth > 0, chance, 0).double().cpu()
            log = depth.clamp_min(1e-6).log().double().cpu()
            for sums, values in (
                (count, chance),
                (total, chance * log),
                (squares, chance * log**2),
            ):
                sums.index_add_(0, seen.flatten().cpu(), values.flatten())
        mean = total / count
        variance = (squares.sum() - (count * mean.nan_to_num() ** 2).sum()) / count.sum()
        return mean.numpy(), float(variance.clamp_min(0)) ** 0.5

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviations (6,) of position and rotation before a camera has seen a thing."""
        position = self.some_poses[:, :3, 3].std(dim=0).double().cpu().numpy()
        motion = self.view_space.held
        tilt = self.view_space.tilt / 3**0.5 if motion.knows_up else 1.8
        rotation = np.full(3, tilt)
        if motion.knows_up and not self.from_photographs:
            rotation = tilt + (1.8 - tilt) * np.abs(motion.up)
        if self.turns_only:
            return np.concatenate([np.full(3, 1e-9), rotation])
        return np.concatenate([np.maximum(position, 1e-3 * self.depth), rotation])

    @cached_property
    def some_poses(self) -> Tensor:
        """A few poses that a camera can have, T_map_camera (P, 4, 4)."""
        poses, _ = self.view_space.sample(_POSES_ASKED, torch.Generator().manual_seed(0))
        return poses

    def to(self, device: torch.device) -> MapModel:
        return MapModel(self.point_map, self.view_space.to(device))
