"""Scenes from structure from motion as blind PnP sets: real keypoints, real outliers.

A sample is the keypoints of one image against the points that the most similar other image saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.benchmark.sets import (
    LEAST_OVERLAP,
    LEAST_PAIRS,
    BlindPnpSets,
    Rows,
    Sightings,
    retrieved_sets,
)
from bpnp_ros.errors import DataSetError, MapError
from bpnp_ros.network.canonical_frame import canonical_frame
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from training.datasets.sample import Sample, partner_of_points

Floats = NDArray[np.float64]

ALL_OUTLIERS = 1.0
HIGHEST_RATE = 0.75
ALL_IN_ONE_OF = 5


@dataclass(frozen=True, eq=False)
class Query:
    """An image of a scene and the rows of the points that the other image saw.

    detectability: (N,) of all points of the scene, by what the other images saw.
    """

    scene: SfmModel
    image: int
    points: Rows
    detectability: Floats


@dataclass(frozen=True, eq=False)
class SfmViews:
    """outlier_rate: unmatched / all in each set; 1 for all there is; below 0 it is drawn anew,
    evenly from 0 to 0.75 and in one of five samples all there is.
    """

    queries: list[Query]
    outlier_rate: float = -1.0

    @classmethod
    def open(cls, folder: Path, split: str, outlier_rate: float) -> SfmViews:
        """What `build_sfm` wrote; keypoints stay on the disk. Raises DataSetError."""
        place = split_folder(folder, split)
        scenes = [_mapped_scene(path) for path in sorted(place.glob("[!.]*/"))]
        if not scenes:
            raise DataSetError(
                f"There are no scenes in {place}; put some with training.datasets.build_sfm."
            )
        return cls([query for scene in scenes for query in _queries(scene)], outlier_rate)

    def __len__(self) -> int:
        return len(self.queries)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        query, rate = self.queries[index], self._rate(rng)
        sets = retrieved_sets(query.scene, query.image, query.points, rate, rng)
        if not len(sets.pairs[0]):  # too few unmatched for that rate
            sets = retrieved_sets(query.scene, query.image, query.points, None, rng)
        return _sample(sets, query.detectability[sets.point_row])

    def _rate(self, rng: np.random.Generator) -> float | None:
        if self.outlier_rate >= 0:
            return self.outlier_rate if self.outlier_rate < ALL_OUTLIERS else None
        return rng.uniform(0, HIGHEST_RATE) if rng.integers(ALL_IN_ONE_OF) else None


def split_folder(folder: Path, split: str) -> Path:
    return folder / f"sfm_{split}"


def _mapped_scene(folder: Path) -> SfmModel:
    try:
        arrays = {
            file.stem: np.load(file, mmap_mode="r", allow_pickle=False)
            for file in folder.glob("*.npy")
        }
        return SfmModel.from_arrays(arrays, folder)
    except (OSError, ValueError, MapError) as error:
        raise DataSetError(f"{folder} cannot be read ({error}); build the set again.") from error


def _queries(scene: SfmModel) -> Iterator[Query]:
    sightings = Sightings.of(scene)
    in_view = np.stack([scene.in_view_of(image) for image in range(scene.image_count)])
    views = in_view.sum(axis=0)
    for image in range(scene.image_count):
        other, overlap = sightings.best_other(image)
        shared = overlap * len(sightings.seen_by(image))
        if overlap >= LEAST_OVERLAP and shared >= LEAST_PAIRS:
            seen = sightings.observers(without=image)
            share = seen / np.maximum(views - in_view[image], np.maximum(seen, 1))
            yield Query(scene, image, sightings.seen_by(other), share)


def _sample(sets: BlindPnpSets, detectability: Floats) -> Sample:
    origin, unit = canonical_frame(sets.points)
    R = sets.T_map_camera[:3, :3].T
    t = R @ (origin - sets.T_map_camera[:3, 3]) / unit
    partner = partner_of_points(sets.match, len(sets.points))
    return Sample(sets.keypoints, (sets.points - origin) / unit, partner, R, t, detectability)
