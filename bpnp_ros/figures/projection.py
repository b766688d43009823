"""Where the map should be seen, and where keypoints were, in pixels of the raw image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.keypoints.lens import off_chart
from bpnp_ros.localizer.measurement import predict
from bpnp_ros.map_model.map_model import MapModel

Array = NDArray[np.float64]


def map_in_view(model: MapModel, T_map_camera: Array, frustum: Frustum) -> Array:
    """What the localiser expects to see from a pose (4, 4): points (K, 2) of the z = 1 plane."""
    T = T_map_camera.copy()
    T[:3, 3] -= model.point_map.origin
    pose = torch.from_numpy(T).float()[None].to(model.points.device)
    prediction = predict(model, pose, frustum)
    seen: Array = prediction.xy[prediction.weight > 0].double().cpu().numpy()
    return seen


def in_pixels(xy: Array, camera: Camera | None, frustum: Frustum) -> Array:
    """Points (K, 2) of the z = 1 plane; bearings without a camera get pixels of the frustum."""
    if camera is None:
        return (xy - [frustum.x_min, frustum.y_min]) / frustum.pixel
    return off_chart(xy, camera)


def pinhole(camera: Camera | None, frustum: Frustum) -> Array:
    """K (3, 3) of those pixels."""
    if camera is not None:
        return np.asarray(camera.K, np.float64)
    x, y, f = -frustum.x_min / frustum.pixel, -frustum.y_min / frustum.pixel, 1 / frustum.pixel
    return np.array([[f, 0, x], [0, f, y], [0, 0, 1]])


def image_size(camera: Camera | None, frustum: Frustum) -> tuple[int, int]:
    """Width and height in those pixels."""
    if camera is not None:
        return camera.width, camera.height
    width, height = frustum.x_max - frustum.x_min, frustum.y_max - frustum.y_min
    return round(width / frustum.pixel), round(height / frustum.pixel)
