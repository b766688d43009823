"""Open3D: ray casting and hidden points. The only file that imports open3d (0.14 and newer)."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError, MapError

Points = NDArray[np.floating]

_RAYS_AT_ONCE = 1 << 20


def _open3d() -> ModuleType:
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise BpnpError(
            f"Open3D cannot be loaded ({error}): pip install open3d, and on Debian and Ubuntu "
            "apt install libusb-1.0-0 libgl1 libgomp1 libx11-6."
        ) from error
    return open3d


def hidden_point_removal(points: Points, position: Points, radius_factor: float = 100) -> NDArray:
    """Rows of `points` (N, 3) that are not hidden by others from `position` (3,), sorted.

    Katz, Tal, Basri 2007: the points are mirrored at a sphere of `radius_factor` times the largest
    distance, and those on the convex hull are seen. For dense clouds without a mesh.
    """
    o3d = _open3d()
    relative = np.asarray(points, np.float64) - position
    radius = radius_factor * float(np.linalg.norm(relative, axis=1).max())
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(relative))
    _, seen = cloud.hidden_point_removal(np.zeros(3), radius)
    return np.unique(np.asarray(seen, np.int64))


class RayCaster:
    """What a mesh hides, and how far away it is. vertices (V, 3), triangles (F, 3), metres."""

    def __init__(self, vertices: Points, triangles: NDArray[np.integer]) -> None:
        if len(vertices) == 0 or len(triangles) == 0:
            raise MapError("ray casting needs a mesh with vertices and triangles.")
        o3d = _open3d()
        self._tensor = o3d.core.Tensor
        self._origin = np.asarray(vertices, np.float64).mean(axis=0)
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            self._tensor(self._recentred(vertices)),
            self._tensor(np.ascontiguousarray(triangles, np.uint32)),
        )

    def visible(
        self, camera_positions: Points, points: Points, tolerance: float = 0.02
    ) -> NDArray[np.bool_]:
        """Whether nothing stands between cameras (P, 3) and points (N, 3) -> (P, N).

        The last `tolerance` metres before a point do not count, so that a point on a surface is
        seen, also where map and mesh differ a little.
        """
        cameras, targets = self._recentred(camera_positions), self._recentred(points)
        seen = np.zeros((len(cameras), len(targets)), bool)
        step = max(_RAYS_AT_ONCE // max(len(targets), 1), 1)
        for first in range(0, len(cameras), step):
            rows = slice(first, first + step)
            seen[rows] = self._free(cameras[rows, None], targets[None], tolerance)
        return seen

    def distance(self, points: Points) -> NDArray[np.float32]:
        """Distance of points (N, 3) to the nearest surface -> (N,) metres."""
        distance: NDArray[np.float32] = self._scene.compute_distance(
            self._tensor(self._recentred(points))
        ).numpy()
        return distance

    def inside(self, points: Points) -> NDArray[np.bool_]:
        """Which points (N, 3) lie inside the matter of a watertight mesh -> (N,)."""
        occupancy = self._scene.compute_occupancy(self._tensor(self._recentred(points)))
        return occupancy.numpy() > 0

    def _free(self, start: Points, end: Points, tolerance: float) -> NDArray[np.bool_]:
        way = end - start
        length = np.linalg.norm(way, axis=-1, keepdims=True)
        way *= np.maximum(1 - tolerance / np.maximum(length, 1e-9), 0)
        rays = np.concatenate([np.broadcast_to(start, way.shape), way], axis=-1)
        hidden = self._scene.test_occlusions(self._tensor(rays), tfar=1.0)
        free: NDArray[np.bool_] = ~hidden.numpy()
        return free

    def _recentred(self, points: Points) -> NDArray[np.float32]:
        return np.ascontiguousarray(np.asarray(points, np.float64) - self._origin, np.float32)
