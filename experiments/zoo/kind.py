"""What a simulated kind of map is, and what its camera sees and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros import Camera, Keypoints, PointMap, keypoints_from_pixels
from bpnp_ros.keypoints.keypoints import TooFewKeypointsError
from bpnp_ros.map_model.motion import Motion, mounting
from bpnp_ros.map_model.view_space import camera_orientation
from experiments.zoo.trial import WARM_UP, Array, Labels, Shown, Trial, reckoned

CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), 640, 480)
FISHEYE = Camera(np.array([[200.0, 0, 320], [0, 200, 240], [0, 0, 1]]), 640, 480, "equidistant")
CONFUSED = 0.05  # share of keypoints with the wrong class
NEAREST = 0.05  # metres ahead of the camera
TINY = 1e-6  # of the way to a point, or metres
FEWEST = 4  # landmarks in view of a frame that is asked for
SECONDS, HERTZ = 10.0, 10.0


@dataclass(frozen=True)
class Detector:
    """missed, clutter: shares of landmarks and of keypoints. noise: pixels."""

    missed: float = 0.1
    clutter: float = 0.2
    noise: float = 1.0


@dataclass(frozen=True, eq=False)
class OpenKind:
    """A kind of map in which points hide nothing, and what its user tells of it.

    landmarks: the map (N, 3) in metres. drive: F poses T_map_camera (F, 4, 4) a tenth of a second
    apart. pose: one for a first fix. told: settings. right_metres: how far off a right pose may
    be. classes: of landmarks; the first part of them is of class 0, and so on. seconds: of the
    drive. settled: seconds of it after which a pose is due. solids: (B, 2, 3) low and high corners
    of boxes that hide what is behind them.
    """

    landmarks: Callable[[np.random.Generator], Array]
    pose: Callable[[np.random.Generator], Array]
    told: dict[str, object]
    right_metres: float
    drive: Callable[[int], Array] | None = None
    classes: int = 1
    camera: Camera = field(default=CAMERA)
    detector: Detector = field(default=Detector())
    seconds: float = SECONDS
    settled: float = WARM_UP
    solids: Array = field(default_factory=lambda: np.zeros((0, 2, 3)))

    def trial(self, frames: int, seed: int) -> Trial:
        """A map, `frames` first fixes with at least FEWEST landmarks in view, and a drive."""
        landmarks = self.landmarks(np.random.default_rng(seed))
        label = np.arange(len(landmarks)) * self.classes // len(landmarks)
        cues = {"label": label.astype(np.int32)} if self.classes > 1 else {}
        source = PointMap.recentred(landmarks, cues=cues)
        rng = np.random.default_rng([seed, 1])
        shown = list[Shown]()
        while len(shown) < frames:
            frame = self._shown(landmarks, label, self.pose(rng), rng)
            shown += [frame] * (frame.in_view >= FEWEST)
        driven = self._driven(landmarks, label, np.random.default_rng([seed, 2]))
        return Trial(
            source,
            self.told,
            self.right_metres,
            shown,
            driven,
            camera=self.camera,
            settled=self.settled,
        )

    def _driven(self, landmarks: Array, label: Labels, rng: np.random.Generator) -> list[Shown]:
        if self.drive is None:
            return []
        poses = self.drive(round(self.seconds * HERTZ))
        odometry = reckoned(poses, rng)
        return [
            self._shown(landmarks, label, T, rng, at / HERTZ, odometry[at])
            for at, T in enumerate(poses)
        ]

    def _shown(
        self,
        landmarks: Array,
        label: Labels,
        T: Array,
        rng: np.random.Generator,
        stamp: float = 0.0,
        odometry: Array | None = None,
    ) -> Shown:
        most = float(self.told.get("sight_range", 0)) or np.inf  # type: ignore[arg-type]
        pixels, rows = seen(landmarks, T, most, self.camera)
        clear = ~hidden(landmarks[rows], T[:3, 3], self.solids)
        pixels, rows = pixels[clear], rows[clear]
        keypoints = self._reported(pixels, label[rows], rng)
        return Shown(keypoints, T, len(pixels), stamp, odometry)

    def _reported(self, pixels: Array, label: Labels, rng: np.random.Generator) -> Keypoints | None:
        """What a detector makes of landmarks at pixels (M, 2) with their classes (M,)."""
        kept = rng.random(len(pixels)) >= self.detector.missed
        pixels, label = pixels[kept], label[kept]
        label = np.where(rng.random(len(label)) < CONFUSED, (label + 1) % self.classes, label)
        pixels, order = reported(pixels, self.camera, self.detector, rng)
        label = np.concatenate([label, rng.integers(self.classes, size=len(order) - len(label))])
        cues = {"label": label[order].astype(np.float32)} if self.classes > 1 else None
        try:
            return keypoints_from_pixels(pixels, self.camera, cues=cues)
        except TooFewKeypointsError:
            return None


def reported(
    pixels: Array, camera: Camera, detector: Detector, rng: np.random.Generator
) -> tuple[Array, Labels]:
    """Pixels (M, 2) with noise and clutter, in random order, and that order (M,)."""
    pixels = pixels + rng.normal(scale=detector.noise, size=pixels.shape)
    spots = round(len(pixels) * detector.clutter / (1 - detector.clutter))
    clutter = rng.uniform(0, (camera.width, camera.height), (spots, 2))
    order = rng.permutation(len(pixels) + spots)
    return np.concatenate([pixels, clutter])[order], order


def seen(
    landmarks: Array, T_map_camera: Array, most: float, camera: Camera
) -> tuple[Array, Labels]:
    """Pixels (M, 2), without noise, and rows (M,) of the landmarks in view within `most` metres."""
    rays = (landmarks - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    distance = np.linalg.norm(rays, axis=1)
    nearest = min(NEAREST, float(np.median(distance)) / 100)
    if camera.distortion_model == "equidistant":
        across = np.hypot(rays[:, 0], rays[:, 1])
        angle = np.arctan2(across, rays[:, 2]) / np.maximum(across, 1e-12)
        plane, ahead = rays[:, :2] * angle[:, None], rays[:, 2] > -np.inf
    else:
        ahead = rays[:, 2] > nearest
        plane = rays[:, :2] / np.where(ahead, rays[:, 2], 1)[:, None]
    pixels = plane @ camera.K[:2, :2].T + camera.K[:2, 2]
    rows = np.flatnonzero(ahead & (distance < most) & camera.image_contains(pixels))
    return pixels[rows], rows


def hidden(points: Array, position: Array, solids: Array) -> NDArray[np.bool_]:
    """Which points (N, 3) boxes (B, 2, 3) hide from a position (3,); not those on a box's face."""
    way = points - position
    way = np.where(np.abs(way) < TINY, TINY, way)
    faces = (solids[:, None] - position) / way[:, None]  # (B, N, 2, 3), in ways
    enters, leaves = faces.min(axis=2).max(axis=2), faces.max(axis=2).min(axis=2)
    between = (enters < leaves) & (leaves > 0) & (enters < 1 - TINY)
    behind: NDArray[np.bool_] = np.any(between, axis=0)
    return behind


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
