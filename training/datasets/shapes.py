"""Shapes seen by virtual cameras, in the manner of the paper's ModelNet40 set.

Every draw is a new view: 1000 surface points, all of them seen (nothing hides another), by a camera
of 640 x 480 pixels with f = 800 px, turned by Euler angles of U[0, 45 deg] each and moved by
U[-0.5, 0.5] a coordinate at a depth of 4.5, with 2 pixels of noise. These numbers are remembered
from papers of the family, not checked against their data.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import DataSetError
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.whole_file import written_whole
from training.datasets.sample import Sample

POINTS_FILE, NAMES_FILE = "points.npy", "names.json"
POINTS_A_VIEW = 1000
FOCAL, NOISE = 800.0, 2.0
"""Pixels."""
MOST_TURN = math.radians(45)
MOST_SHIFT, DEPTH = 0.5, 4.5


@dataclass(frozen=True, eq=False)
class ShapeViews:
    """points: (K, P, 3), surface points of K shapes within the unit ball."""

    points: NDArray[np.floating]

    @classmethod
    def open(cls, folder: Path, split: str) -> ShapeViews:
        """What `build_shapes` wrote; the points stay on the disk. Raises DataSetError."""
        path = split_folder(folder, split) / POINTS_FILE
        try:
            points = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataSetError(
                f"{path} cannot be read ({error}); make it with training.datasets.build_shapes."
            ) from error
        return cls(points)

    def __len__(self) -> int:
        return len(self.points)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        shape = self.points[index]
        chosen = rng.permutation(len(shape))[:POINTS_A_VIEW]
        points = np.asarray(shape[chosen], np.float64)
        R = euler_rotation(rng.uniform(0, MOST_TURN, 3))
        t = np.array([0, 0, DEPTH]) + rng.uniform(-MOST_SHIFT, MOST_SHIFT, 3)
        seen = points @ R.T + t
        xy = seen[:, :2] / seen[:, 2:] + rng.normal(0, NOISE / FOCAL, (len(seen), 2))
        return Sample(xy, points, np.arange(len(points)), R, t, np.ones(len(points)))


def euler_rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """R (3, 3) of turns about x, then y, then z, (3,) radians."""
    x, y, z = so3_exp(torch.diag(torch.from_numpy(angles)))
    R: NDArray[np.float64] = (z @ y @ x).numpy()
    return R


def split_folder(folder: Path, split: str) -> Path:
    return folder / f"shapes_{split}"


def write_split(folder: Path, split: str, points: NDArray[np.float32], names: list[str]) -> None:
    """Write the shapes (K, P, 3) of a split; the points come last, so what is there is whole."""
    place = split_folder(folder, split)
    place.mkdir(parents=True)
    (place / NAMES_FILE).write_text(json.dumps(names, indent=0))
    with written_whole(place / POINTS_FILE) as partial, partial.open("wb") as file:
        np.save(file, points)
