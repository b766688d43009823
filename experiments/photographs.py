"""Real photographs of a scene, split: some make the map, the others are to be found in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.point_map.sfm.split import split_scene


@dataclass(frozen=True, eq=False)
class Photograph:
    """Keypoints (M, 3) of u, v and a score that says nothing, matched and unmatched together.

    T_map_camera: (4, 4), the truth. depth: median over its true matches, metres.
    """

    name: str
    keypoints: NDArray[np.float32]
    T_map_camera: NDArray[np.float64]
    depth: float


@dataclass(frozen=True, eq=False)
class PhotographScene:
    """mapping: the map, from the mapping photographs alone; metres. tests: the others.

    camera: one for all photographs, as if each had been rectified to it; it covers what the
    mapping photographs cover. scale: metres per unit of the file.
    """

    mapping: SfmModel
    tests: tuple[Photograph, ...]
    camera: Camera
    scale: float

    @property
    def truth(self) -> NDArray[np.float64]:
        """T_map_camera (F, 4, 4) of the tests."""
        return np.stack([test.T_map_camera for test in self.tests])

    @property
    def depths(self) -> NDArray[np.float64]:
        """(F,) of the tests, metres."""
        return np.array([test.depth for test in self.tests])


def load_photographs(path: Path, every: int = 5, first: int = 2) -> PhotographScene:
    """Every `every`-th photograph from the `first` on is a test.

    The map is the points that at least two mapping photographs saw, triangulated anew from these.
    """
    scene = SfmModel.load(path)
    split = split_scene(scene, np.arange(first, scene.image_count, every))
    camera, held_back = split.mapping.covering_camera(), split.held_back
    tests = (_photograph(held_back, image, camera) for image in range(held_back.image_count))
    return PhotographScene(split.mapping, tuple(tests), camera, split.scale)


def _photograph(scene: SfmModel, image: int, camera: Camera) -> Photograph:
    """Shuffled, so that neither order nor score says which keypoint has a point."""
    rng = np.random.default_rng(image)
    xy, _ = scene.keypoints_of(image)
    pixels = xy @ camera.K[:2, :2].T + camera.K[:2, 2]
    keypoints = np.column_stack([pixels, rng.random(len(xy))]).astype(np.float32)
    return Photograph(
        scene.image_names[image],
        rng.permutation(keypoints),
        scene.T_map_camera[image],
        float(np.median(scene.depths_of(image))),
    )


def nearest_mapping(scene: PhotographScene) -> NDArray[np.float64]:
    """The pose of the mapping photograph nearest to each test, (F, 4, 4): what a mere look-up
    of photographs could answer at best."""
    T_map_camera, chosen = scene.mapping.T_map_camera, []
    for test in scene.tests:
        metres = np.linalg.norm(T_map_camera[:, :3, 3] - test.T_map_camera[:3, 3], axis=1)
        cosine = T_map_camera[:, :3, 2] @ test.T_map_camera[:3, 2]
        chosen.append(np.argmin(metres / test.depth + np.arccos(np.clip(cosine, -1, 1))))
    return T_map_camera[chosen]
