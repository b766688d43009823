"""How a lens differs from what CameraInfo says: in focal length, and in a term of distortion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum

FIXED_POINT_STEPS = 20
RADII = 20
MOST_BARREL = 0.14  # at 4 / 27 the corner of the image is where a lens folds it


@dataclass(frozen=True)
class LensError:
    """What should be at xy of the chart is seen at xy (1 + focal + bend |xy|^2).

    focal: how much longer the focal length is than told, relative. bend: the first coefficient of
    radial distortion that is missing, on the chart.
    """

    focal: float = 0.0
    bend: float = 0.0

    def __str__(self) -> str:
        return f"focal length {self.focal:+.1%}, first distortion coefficient {self.bend:+.3f}"

    def seen(self, xy: Tensor) -> Tensor:
        """Where points (..., 2) of the chart are seen, (..., 2)."""
        return xy * (1 + self.focal + self.bend * xy.square().sum(dim=-1, keepdim=True))

    @lru_cache(maxsize=4)  # noqa: B019
    def size(self, view: Frustum) -> float:
        """How far points move, relative to their distance from the middle: root mean square over
        that distance, up to the longer side of the image."""
        edge = max(abs(view.x_min), abs(view.x_max), abs(view.y_min), abs(view.y_max))
        radius = np.linspace(0, edge, RADII)
        return float(np.sqrt(np.mean((self.focal + self.bend * radius**2) ** 2)))

    def unfolded(self, view: Frustum) -> LensError:
        """The lens next to this one that shows nothing twice, up to the corners of the image."""
        corner = np.hypot(
            max(abs(view.x_min), abs(view.x_max)), max(abs(view.y_min), abs(view.y_max))
        )
        least = -MOST_BARREL * (1 + self.focal) ** 3 / corner**2
        return LensError(self.focal, float(max(self.bend, least)))

    def undone_view(self, view: Frustum) -> Frustum:
        """What an image shows that is seen through this lens."""
        sides = np.array([view.x_min, view.x_max, view.y_min, view.y_max], np.float32)
        sides = self.undone(sides[:, None])[:, 0]
        x_min, x_max, y_min, y_max = sides.tolist()
        pixel = view.pixel / (1 + self.focal)
        return Frustum(x_min, x_max, y_min, y_max, pixel, view.chart)

    def undone(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """The points (M, 2) of the chart that are seen at xy (M, 2): the inverse of `seen`.

        Or those (M, 1) of one of its axes.
        """
        radius = np.linalg.norm(xy.astype(np.float64), axis=1, keepdims=True)
        true = radius.copy()
        for _ in range(FIXED_POINT_STEPS):
            true = radius / np.maximum(1 + self.focal + self.bend * true**2, 0.1)
        return (xy * (true / np.maximum(radius, 1e-12))).astype(np.float32)
