"""The problems that a scene poses, and why some of its images pose none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpnp_ros.benchmark.sets import (
    LEAST_OVERLAP,
    LEAST_PAIRS,
    MOST,
    BlindPnpSets,
    Rows,
    Sightings,
    retrieved_sets,
    whole_map_sets,
)
from bpnp_ros.errors import BpnpError
from bpnp_ros.keypoints.keypoints import Cues
from bpnp_ros.map_model.from_photographs import NEIGHBOUR
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

WHOLE_MAP = "whole map"
RATES = {"0 %": 0.0, "25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "all": None}
SETTINGS = (*RATES, WHOLE_MAP)
FEWEST_IMAGES = NEIGHBOUR + 3  # the query, the retrieved one, and mapping cameras with neighbours


@dataclass(frozen=True)
class Selection:
    """What decides which problems there are. queries: at most so many images a scene, each in all
    of the settings."""

    queries: int = 2
    most: int = MOST
    seed: int = 0
    settings: tuple[str, ...] = SETTINGS


@dataclass(frozen=True, eq=False)
class Problem:
    """One question to every method.

    query: the image. others: images whose poses a method may know: the mapping images, without the
        query and, where its points are the set, without the retrieved image.
    """

    name: str
    setting: str
    sets: BlindPnpSets
    scene: SfmModel
    query: int
    others: Rows

    @property
    def mapping(self) -> SfmModel:
        """The points of the set as the other images saw them, in the scene's unit and order."""
        in_set = np.zeros(len(self.scene), bool)
        in_set[self.sets.point_row] = True
        return self.scene.with_images(self.others).with_points(in_set)

    @property
    def keypoint_cues(self) -> Cues:
        """What the keypoints of the set look like, as in `Keypoints`."""
        rows = self.scene.keypoint_offsets[self.query] + self.sets.keypoint_row
        return {name: column[rows] for name, column in self.scene.keypoint_cues.items()}


@dataclass(frozen=True, eq=False)
class PosedScene:
    """problems: in a fixed order. skipped: why images and settings pose none, for people.

    eligible: how many of the images another one shares enough points with.
    """

    images: int
    eligible: int
    problems: tuple[Problem, ...]
    skipped: tuple[str, ...]


def pose_problems(scene: SfmModel, selection: Selection) -> PosedScene:
    """Evenly spread queries, each in every setting. Raises BpnpError where nothing can be asked."""
    if scene.image_count < FEWEST_IMAGES:
        raise BpnpError(f"{scene.image_count} images; at least {FEWEST_IMAGES} are needed")
    sightings = Sightings.of(scene)
    shares = [sightings.best_other(image)[1] for image in range(scene.image_count)]
    eligible = np.flatnonzero(np.array(shares) >= LEAST_OVERLAP)
    if len(eligible) == 0:
        raise BpnpError(f"no two images share {100 * LEAST_OVERLAP:g} % of their points")
    middles = (np.arange(selection.queries) + 0.5) / selection.queries
    queries = np.unique(eligible[(middles * len(eligible)).astype(int)])
    posed = [
        problem for query in queries for problem in _problems(scene, sightings, query, selection)
    ]
    sound = [problem for problem in posed if len(problem.sets.pairs[0]) >= LEAST_PAIRS]
    skipped = [_reason(problem) for problem in posed if len(problem.sets.pairs[0]) < LEAST_PAIRS]
    return PosedScene(scene.image_count, len(eligible), tuple(sound), tuple(skipped))


def _problems(
    scene: SfmModel, sightings: Sightings, query: int, selection: Selection
) -> Iterator[Problem]:
    retrieved, _ = sightings.best_other(query)
    points = sightings.seen_by(retrieved)
    everything = np.arange(scene.image_count)
    name = scene.image_names[query]
    for number, (setting, rate) in enumerate(RATES.items()):
        if setting not in selection.settings:
            continue
        rng = np.random.default_rng([selection.seed, query, number])
        sets = retrieved_sets(scene, query, points, rate, rng, selection.most)
        yield Problem(name, setting, sets, scene, query, np.delete(everything, [query, retrieved]))
    if WHOLE_MAP in selection.settings:
        rng = np.random.default_rng([selection.seed, query, len(RATES)])
        sets = whole_map_sets(scene, query, sightings, rng, selection.most)
        yield Problem(name, WHOLE_MAP, sets, scene, query, np.delete(everything, query))


def _reason(problem: Problem) -> str:
    pairs = len(problem.sets.pairs[0])
    return f"{problem.name}, {problem.setting}: {pairs} true pairs, {LEAST_PAIRS} are needed"
