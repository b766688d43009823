"""Recorded landmarks: stars, skid-pad cones, corners of tags. Frames as they were taken.

BPNP_SHARED_DATA names the folder that holds `landmarks/`; kinds whose file is not there are left
out with a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bpnp_ros import Camera, PointMap, keypoints_from_pixels
from experiments.zoo.kind import Array, Shown, heights

FOLDER = Path(os.environ.get("BPNP_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))

Loaded = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class RealKind:
    """file: below landmarks/. told: settings. frames: all of a recording, a pose NaN where the
    only right answer is none. clutter: share of keypoints that is added."""

    file: str
    told: dict[str, object]
    right_metres: float
    frames: Callable[[Loaded, float], list[Shown]]
    points: str = "map_points"
    label: str = ""
    clutter: float = 0.0

    @property
    def path(self) -> Path:
        return FOLDER / "landmarks" / self.file

    def load(self) -> tuple[PointMap | Array, list[Shown]]:
        """The map and the frames."""
        with np.load(self.path, allow_pickle=False) as data:
            points = data[self.points].astype(np.float64)
            frames = self.frames(data, self.clutter)
            if not self.label:
                return points, frames
            return PointMap.recentred(points, cues={"label": data[self.label]}), frames


def one_camera(data: Loaded, clutter: float) -> list[Shown]:
    """Frames of a recording with one camera."""
    camera = Camera(
        data["K"],
        int(data["width"]),
        int(data["height"]),
        str(data["distortion_model"]),
        tuple(data["D"]),
    )
    label = data.get("kp_class")
    frames = list[Shown]()
    bounds = data["kp_offsets"]
    for row, (first, last) in enumerate(pairwise(bounds)):
        if last - first < 4:
            continue
        rng = np.random.default_rng(row)
        pixels = data["kp_xy"][first:last]
        spots = round(len(pixels) * clutter / (1 - clutter))
        stray = rng.uniform(0, (camera.width, camera.height), (spots, 2))
        cues = None if label is None else {"label": label[first:last].astype(np.float32)}
        keypoints = keypoints_from_pixels(np.concatenate([pixels, stray]), camera, cues=cues)
        stamp = float(data["stamp"][row]) if "stamp" in data else row / 10
        frames.append(Shown(keypoints, data["T_map_camera"][row], int(last - first), stamp))
    return frames


def star_images(data: Loaded, clutter: float) -> list[Shown]:
    """Photographs with a camera each; the one that shows no sky has no pose."""
    frames = list[Shown]()
    nominal = data["K"][np.isfinite(data["K"]).all(axis=(1, 2))][0]
    for row, T in enumerate(data["R_map_camera"]):
        first, last = data["kp_offsets"][row : row + 2]
        width, height = int(data["width"][row]), int(data["height"][row])
        known = bool(np.isfinite(data["K"][row]).all())
        K, D = data["K"][row], np.nan_to_num(data["D"][row])
        if not known:
            K = np.array([[nominal[0, 0], 0, width / 2], [0, nominal[0, 0], height / 2], [0, 0, 1]])
        camera = Camera(K, width, height, "plumb_bob", tuple(D))
        score = data["kp_flux"][first:last].astype(np.float64)
        pose = np.eye(4)
        pose[:3, :3] = T
        keypoints = keypoints_from_pixels(data["kp_xy"][first:last], camera, score)
        frames.append(Shown(keypoints, pose, int(data["stars_in_view"][row])))
    return frames


KINDS = {
    "stars (photographs)": RealKind(
        "stars.npz", {"motion": "rotation"}, 1.0, star_images, points="map_dir"
    ),
    "skid-pad cones (classes)": RealKind(
        "skidpad_cones.npz",
        {"motion": "floor", "camera_mounting": "0 5 0", **heights(1.0)},
        0.5,
        one_camera,
        label="map_class",
    ),
    "tag corners, hand-held": RealKind(
        "aviary_tags.npz", {"motion": "free"}, 0.1, one_camera, clutter=0.2
    ),
    "tag corners in a hall": RealKind("hall_tags.npz", {"motion": "free"}, 0.5, one_camera),
}
