"""Whether more than one plane speaks for a pose.

A wall or a ceiling looks the same in a building that mirrors the one of the map, or from behind. A
pose that is right about a plane alone explains all of it, and nothing of what should be seen
beside it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.measurement import predict
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]

TRIED = 200  # planes through three of the landmarks
THICKNESS = 0.02  # depths
BELIEVED = 5.0  # landmarks beside the plane of which as many are seen as of those in it


def seen_beside_plane(
    model: MapModel, T_map_camera: Tensor, frustum: Frustum, seen: NDArray[np.int64]
) -> float:
    """Share of what should be in view beside the plane of most of those seen that is, 0 to 1.

    T_map_camera: (4, 4) in the recentred map. seen: rows of the map. Where little is expected
    beside the plane, it tends to the share seen in the plane.
    """
    view = predict(model, T_map_camera[None], frustum)
    chance = view.weight[0].double().cpu().numpy()
    expected, hits = (
        model.points[rows].double().cpu().numpy()
        for rows in (view.point[0], torch.from_numpy(seen).to(view.point))
    )
    width = THICKNESS * model.depth
    normal, offset = plane_of_most(hits, width)
    hit, expected = (np.abs(points @ normal - offset) < width for points in (hits, expected))
    in_plane = min(hit.sum() / max(chance[expected].sum(), 1.0), 1.0)
    beside = (~hit).sum() + BELIEVED * in_plane
    return float(min(beside / (chance[~expected].sum() + BELIEVED), 1.0))


def plane_of_most(points: Array, width: float) -> tuple[Array, float]:
    """Normal (3,) and offset of the plane that most of the points (N, 3) lie in, to a width."""
    rng = np.random.default_rng(0)
    one, two, three = points[rng.integers(len(points), size=(TRIED, 3))].transpose(1, 0, 2)
    normals = np.cross(two - one, three - one)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(length, 1e-9)
    offsets = (normals * one).sum(axis=1)
    inside = (np.abs(points @ normals.T - offsets) < width) & (length[:, 0] > width**2)
    best = int(inside.sum(axis=0).argmax())
    return normals[best], float(offsets[best])
