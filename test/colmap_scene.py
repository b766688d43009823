"""Five cameras on a line and what they saw, as every file of structure from motion holds it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.rotation import quaternion_from_matrix, so3_exp
from bpnp_ros.keypoints.lens import project
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

WIDTH, HEIGHT, IMAGES, POINTS = 640, 480, 5, 60
PARAMS = (500.0, 505.0, 320.5, 240.5, -0.1, 0.02, 1e-3, -1e-3)
CAMERA = Camera(
    np.array([[500.0, 0, 320], [0, 505, 240], [0, 0, 1]]), WIDTH, HEIGHT, "plumb_bob", PARAMS[4:]
)
UNMATCHED = 3  # keypoints an image that show no point


class Scene:
    """Five cameras on a line that look at a slab of points; COLMAP's numbers are not rows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.points = rng.uniform([-2, -1.5, 4], [2, 1.5, 6], (POINTS, 3))
        self.numbers = 10 + 3 * rng.permutation(POINTS)
        self.R = so3_exp(torch.from_numpy(rng.uniform(-0.1, 0.1, (IMAGES, 3)))).numpy()
        centre = np.column_stack([np.linspace(-1, 1, IMAGES), np.zeros((IMAGES, 2))])
        self.t = -(self.R @ centre[..., None])[..., 0]
        self.pixels: list[np.ndarray] = []
        self.shown: list[np.ndarray] = []
        for R, t in zip(self.R, self.t, strict=True):
            pixels = project(self.points @ R.T + t, CAMERA)
            rows = np.flatnonzero(CAMERA.image_contains(pixels) & (rng.random(POINTS) < 0.7))
            clutter = rng.uniform(0, HEIGHT, (UNMATCHED, 2))
            self.pixels.append(np.vstack([pixels[rows], clutter]))
            self.shown.append(np.append(rows, [-1] * UNMATCHED))

    def pose(self, image: int) -> list[float]:
        x, y, z, w = quaternion_from_matrix(torch.from_numpy(self.R[image])).tolist()
        return [w, x, y, z, *self.t[image].tolist()]

    def keypoints(self, image: int) -> list[tuple[float, float, int]]:
        """As COLMAP stores them: pixel centres at +0.5, numbers of points, -1 for none."""
        ids = [int(self.numbers[row]) if row >= 0 else -1 for row in self.shown[image]]
        pixels = (self.pixels[image] + 0.5).tolist()
        return [(u, v, n) for (u, v), n in zip(pixels, ids, strict=True)]


SCENE = Scene()


def write_text(folder: Path, model: str = "OPENCV", params: tuple[float, ...] = PARAMS) -> Path:
    words = " ".join(map(repr, params))
    (folder / "cameras.txt").write_text(f"# cameras\n7 {model} {WIDTH} {HEIGHT} {words}\n")
    lines = ["# images"]
    for image in range(IMAGES):
        pose = " ".join(map(repr, SCENE.pose(image)))
        lines.append(f"{image + 1} {pose} 7 photo {image}.jpg")
        lines.append(" ".join(f"{u!r} {v!r} {n}" for u, v, n in SCENE.keypoints(image)))
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    rows = zip(SCENE.numbers, SCENE.points.tolist(), strict=True)
    points = "".join(f"{n} {x!r} {y!r} {z!r} 1 2 3 0.5 1 0\n" for n, (x, y, z) in rows)
    (folder / "points3D.txt").write_text(points)
    return folder


def write_binary(folder: Path, camera_model: int = 4) -> Path:
    camera = struct.pack("<QIiQQ8d", 1, 7, camera_model, WIDTH, HEIGHT, *PARAMS)
    (folder / "cameras.bin").write_bytes(camera)
    images = [struct.pack("<Q", IMAGES)]
    for image in range(IMAGES):
        images.append(struct.pack("<I7dI", image + 1, *SCENE.pose(image), 7))
        keypoints = SCENE.keypoints(image)
        images.append(f"photo {image}.jpg".encode() + b"\0" + struct.pack("<Q", len(keypoints)))
        images.extend(struct.pack("<2dq", *keypoint) for keypoint in keypoints)
    (folder / "images.bin").write_bytes(b"".join(images))
    points = [struct.pack("<Q", POINTS)]
    for number, xyz in zip(SCENE.numbers, SCENE.points, strict=True):
        points.append(struct.pack("<Q3d3BdQ4I", number, *xyz, 1, 2, 3, 0.5, 2, 1, 0, 2, 0))
    (folder / "points3D.bin").write_bytes(b"".join(points))
    return folder


def scene_arrays() -> dict[str, Any]:
    return {
        "points3d": SCENE.points,
        "R": SCENE.R,
        "t": SCENE.t,
        "fx": np.full(IMAGES, 500.0),
        "width": np.full(IMAGES, WIDTH),
        "height": np.full(IMAGES, HEIGHT),
        "kp_offsets": np.cumsum([0, *map(len, SCENE.shown)]),
        "kp_xy": np.zeros((sum(map(len, SCENE.shown)), 2), np.float32),
        "kp_point3d": np.concatenate(SCENE.shown),
    }


def reprojection_error(model: SfmModel) -> float:
    """Largest distance on the z = 1 plane between a keypoint and the point that it shows."""
    worst = 0.0
    for image, T_map_camera in enumerate(model.T_map_camera):
        xy, shown = model.keypoints_of(image)
        matched = shown >= 0
        points = model.points[shown[matched]]
        in_camera = (points - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
        difference = in_camera[:, :2] / in_camera[:, 2:] - xy[matched]
        worst = max(worst, float(np.abs(difference).max(initial=0)))
    return worst
