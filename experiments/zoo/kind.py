"""What a kind of map is, and what its camera sees and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros import Camera, Keypoints, keypoints_from_pixels
from bpnp_ros.map_model.motion import Motion, mounting
from bpnp_ros.map_model.view_space import camera_orientation

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), 640, 480)
MISSED, CLUTTER, NOISE = 0.1, 0.2, 1.0  # shares, and pixels
CONFUSED = 0.05  # share of keypoints with the wrong class
NEAREST = 0.05  # metres ahead of the camera


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of map, and what its user tells of it.

    landmarks: the map (N, 3) in metres. drive: F poses T_map_camera (F, 4, 4) a second's tenth
    apart. pose: one for a first fix. told: settings. right_metres: how far off a right pose may
    be. classes: of landmarks; the first part of them is of class 0, and so on.
    """

    landmarks: Callable[[np.random.Generator], Array]
    pose: Callable[[np.random.Generator], Array]
    told: dict[str, object]
    right_metres: float
    drive: Callable[[int], Array] | None = None
    classes: int = 1
    camera: Camera = field(default=CAMERA)


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame: its keypoints, the true pose (4, 4), landmarks in view, and its time in seconds."""

    keypoints: Keypoints
    T_map_camera: Array
    in_view: int
    stamp: float = 0.0


def held(look: str, yaw: float, position: Array, rng: np.random.Generator) -> Array:
    """T_map_camera (4, 4) of a camera mounted so on a robot, its tilt within 0.3 deg or so."""
    turn = torch.tensor([[yaw, *(0.005 * rng.normal(size=2))]], dtype=torch.float64)
    motion = Motion("floor", np.array([0.0, 0, 1]), mounting(look), 0.03)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = camera_orientation(turn, motion)[0].numpy(), position
    return T


def along(path: Array, look: str, count: int) -> Array:
    """Poses (count, 4, 4) of a robot that faces where it goes along corners (C, 3), up and down."""
    length = np.append(0, np.linalg.norm(np.diff(path, axis=0), axis=1).cumsum())
    at = np.linspace(0, length[-1], count + 1)
    position = np.stack([np.interp(at, length, path[:, axis]) for axis in range(3)], axis=1)
    ahead = np.diff(position, axis=0)
    rng = np.random.default_rng(0)
    yaws = np.arctan2(ahead[:, 1], ahead[:, 0])
    return np.stack([held(look, yaw, p, rng) for yaw, p in zip(yaws, position, strict=False)])


def loop(centre: Array, radii: tuple[float, float], count: int, step: float = 0.01) -> Array:
    """Positions (count, 3) on an ellipse, `step` radians apart."""
    angle = step * np.arange(count)
    ring = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle), 0 * angle], axis=1)
    positions: Array = centre + ring
    return positions


def heights(middle: float, slack: float = 0.05) -> dict[str, object]:
    """What a user tells of a camera at this height, metres."""
    return {"camera_height_min": middle - slack, "camera_height_max": middle + slack}


def seen(
    landmarks: Array, T_map_camera: Array, most: float, camera: Camera
) -> tuple[Array, Labels]:
    """Pixels (M, 2), without noise, and rows (M,) of the landmarks in view within `most` metres."""
    rays = (landmarks - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    rows = np.flatnonzero((rays[:, 2] > NEAREST) & (np.linalg.norm(rays, axis=1) < most))
    pixels = (rays[rows] / rays[rows, 2:]) @ camera.K[:2].T
    inside = camera.image_contains(pixels)
    return pixels[inside], rows[inside]


def report(pixels: Array, label: Labels, kind: Kind, rng: np.random.Generator) -> Keypoints:
    """What a detector makes of landmarks at pixels (M, 2) with their classes (M,)."""
    camera, classes = kind.camera, kind.classes
    kept = rng.random(len(pixels)) >= MISSED
    pixels, label = pixels[kept], label[kept]
    pixels = pixels + rng.normal(scale=NOISE, size=pixels.shape)
    label = np.where(rng.random(len(label)) < CONFUSED, (label + 1) % classes, label)
    spots = round(len(pixels) * CLUTTER / (1 - CLUTTER))
    clutter = rng.uniform(0, (camera.width, camera.height), (spots, 2))
    label = np.concatenate([label, rng.integers(classes, size=spots)])
    order = rng.permutation(len(label))
    cues = {"label": label[order].astype(np.float32)} if classes > 1 else None
    return keypoints_from_pixels(np.concatenate([pixels, clutter])[order], camera, cues=cues)
