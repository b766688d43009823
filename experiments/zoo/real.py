"""Recorded landmarks: stars, lamps, skid-pad cones, corners of tags. Frames as they were taken.

BPNP_SHARED_DATA names the folder that holds `landmarks/`; kinds whose file is not there are left
out with a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpnp_ros import Camera, PointMap, keypoints_from_pixels
from experiments.zoo.kind import FEWEST, heights
from experiments.zoo.trial import Shown, Trial

FOLDER = Path(os.environ.get("BPNP_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
LONGEST_DRIVE = 120  # frames

Loaded = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class RealKind:
    """file: below landmarks/. told: settings. frames: all of a recording, given the share of
    keypoints that is added as clutter, and a seed. drive: its frames are followed, too, from row
    `drive_from` on; hertz where the recording has no stamps."""

    file: str
    told: dict[str, object]
    right_metres: float
    frames: Callable[[Loaded, RealKind, int], list[Shown]]
    points: str = "map_points"
    label: str = ""
    clutter: float = 0.0
    drive_from: int | None = 0
    start_is_told: bool = False
    hertz: float = 10.0

    @property
    def path(self) -> Path:
        return FOLDER / "landmarks" / self.file

    def trial(self, frames: int, seed: int) -> Trial:
        """`frames` of the recording, evenly taken, and the beginning of the way."""
        with np.load(self.path, allow_pickle=False) as data:
            shown = self.frames(data, self, seed)
            points = data[self.points].astype(np.float64)
            cues = {"label": data[self.label]} if self.label else None
        source = PointMap.recentred(points, cues=cues) if cues else points
        asked = [frame for frame in shown if frame.in_view >= FEWEST or not _has_pose(frame)]
        some = asked[:: max(len(asked) // frames, 1)][:frames]
        drive = [] if self.drive_from is None else shown[self.drive_from :][:LONGEST_DRIVE]
        return Trial(source, self.told, self.right_metres, some, drive, self.start_is_told)


def _has_pose(frame: Shown) -> bool:
    return bool(np.isfinite(frame.T_map_camera).all())


def one_camera(data: Loaded, kind: RealKind, seed: int) -> list[Shown]:
    """Frames of a recording with one camera."""
    model, D = str(data["distortion_model"]), tuple(data["D"])
    camera = Camera(data["K"], int(data["width"]), int(data["height"]), model, D)
    label, xy = data.get("kp_class"), data["kp_xy"].astype(np.float64)
    shows = data["kp_map_index"] if "kp_map_index" in data else np.zeros(len(xy), int)
    stamps = data["stamp"] if "stamp" in data else np.arange(len(data["T_map_camera"])) / kind.hertz
    frames = list[Shown]()
    for row, T in enumerate(data["T_map_camera"]):
        rows = slice(*data["kp_offsets"][row : row + 2])
        pixels, in_view = xy[rows], int((shows[rows] >= 0).sum())
        if len(pixels) < FEWEST:
            continue
        rng = np.random.default_rng([seed, row])
        spots = round(len(pixels) * kind.clutter / (1 - kind.clutter))
        stray = rng.uniform(0, (camera.width, camera.height), (spots, 2))
        cues = None if label is None else {"label": label[rows].astype(np.float32)}
        keypoints = keypoints_from_pixels(np.concatenate([pixels, stray]), camera, cues=cues)
        frames.append(Shown(keypoints, T, in_view, float(stamps[row])))
    return frames


def star_images(data: Loaded, kind: RealKind, seed: int) -> list[Shown]:
    """Photographs with a camera each, and as many of no sky: the same blobs strewn at random. They
    have no pose, nor has the photograph of a roof."""
    frames = list[Shown]()
    nominal = float(np.nanmedian(data["fx"]))
    rng = np.random.default_rng(seed)
    for row, R in enumerate(data["R_map_camera"]):
        rows = slice(*data["kp_offsets"][row : row + 2])
        width, height = int(data["width"][row]), int(data["height"][row])
        fx = float(data["fx"][row]) if data["solved"][row] else nominal
        K = np.array([[fx, 0, (width - 1) / 2], [0, fx, (height - 1) / 2], [0, 0, 1]])
        K = data["K"][row] if np.isfinite(data["K"][row]).all() else K
        camera = Camera(K, width, height, "plumb_bob", tuple(np.nan_to_num(data["D"][row])))
        flux, pose = data["kp_flux"][rows].astype(np.float64), np.eye(4)
        pose[:3, :3] = R
        strewn = rng.uniform(0, (width, height), (len(flux), 2))
        sky = keypoints_from_pixels(data["kp_xy"][rows], camera, flux)
        frames.append(Shown(sky, pose, int(data["stars_in_view"][row])))
        frames.append(
            Shown(keypoints_from_pixels(strewn, camera, flux), np.full((4, 4), np.nan), 0)
        )
    return frames


KINDS = {
    "stars (photographs)": RealKind(
        "stars.npz", {"motion": "rotation"}, 1.0, star_images, points="map_dir", drive_from=None
    ),
    "real ceiling lamps, fisheye": RealKind(
        "ceiling_lamps.npz",
        {"motion": "floor", "camera_mounting": "91.7 -67.7 0", **heights(0.0)},
        0.25,
        one_camera,
        start_is_told=True,
        hertz=30.0,
    ),
    "skid-pad cones (classes)": RealKind(
        "skidpad_cones.npz",
        {"motion": "floor", "camera_mounting": "0 5 0", **heights(1.0)},
        0.5,
        one_camera,
        label="map_class",
        drive_from=80,
    ),
    "tag corners, hand-held": RealKind(
        "aviary_tags.npz", {"motion": "free"}, 0.1, one_camera, clutter=0.2
    ),
    "tag corners in a hall": RealKind("hall_tags.npz", {"motion": "free"}, 0.5, one_camera),
}
