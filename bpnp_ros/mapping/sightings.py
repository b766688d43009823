"""What posed frames show: rays from known places, each towards a light that nobody has named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Frustum

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

NEAREST = 0.01  # metres from the camera within which nothing is seen


@dataclass(frozen=True, eq=False)
class Sightings:
    """K lights in F frames, frame by frame.

    T_map_camera: (F, 4, 4). ends: (F + 1,), frame f has the rows ends[f]:ends[f + 1]. ray: (K, 3)
    unit vectors in the map's axes. cues: columns (K,), NaN where unknown: `size` (rad),
    `intensity`, `label`. frustum: the image of the camera.
    """

    T_map_camera: Array
    ends: Integers
    ray: Array
    cues: dict[str, Array]
    frustum: Frustum

    def __len__(self) -> int:
        return len(self.ray)

    @property
    def pixel(self) -> float:
        """Radians, in the middle of the image."""
        return self.frustum.pixel

    @property
    def positions(self) -> Array:
        """Of the cameras in the map, (F, 3)."""
        return np.asarray(self.T_map_camera[:, :3, 3])

    @property
    def frame(self) -> Integers:
        """Of each light (K,)."""
        return np.repeat(np.arange(len(self.T_map_camera)), np.diff(self.ends))

    def frames(self) -> Iterator[tuple[int, slice]]:
        """Each frame with its rows."""
        for frame, (start, end) in enumerate(zip(self.ends[:-1], self.ends[1:], strict=True)):
            yield frame, slice(int(start), int(end))

    def in_view(self, frame: int, points: Array) -> NDArray[np.bool_]:
        """Which points (N, 3) the image of a frame would show if nothing hid them -> (N,)."""
        T = self.T_map_camera[frame]
        xyz = torch.from_numpy((points - T[:3, 3]) @ T[:3, :3]).unbind(-1)
        chart = self.frustum.chart
        xy = torch.stack(chart.image(xyz, NEAREST), dim=-1).numpy()
        return np.asarray(chart.shows(xyz, NEAREST).numpy() & self.frustum.contains(xy))


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) of length 1; zeros stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))


def gaps(a: Array, b: Array) -> Array:
    """Angles between unit vectors (N, 3) and (M, 3), radians -> (N, M)."""
    return np.asarray(2 * np.arcsin(np.sqrt(((1 - a @ b.T) / 2).clip(0, 1))))
