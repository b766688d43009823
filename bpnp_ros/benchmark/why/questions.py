"""Frames whose pose is known, asked of a localiser as a user would: photographs that a map does not
hold, as `bpnp_make_bag` and `bpnp_replay` would play them, and the problems of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.bags.scene_bag import find_photographs, played_keypoints, some_played
from bpnp_ros.benchmark.localizer_methods import Asked, Search
from bpnp_ros.benchmark.problems import WHOLE_MAP, Selection, pose_problems
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.network.counted_start import counted_from_photographs
from bpnp_ros.point_map.sfm.observed_cues import with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

HOLD_OUT = 5  # as bpnp_make_bag does
HARD = ("75 %", "all", WHOLE_MAP)


@dataclass(frozen=True, eq=False)
class Question:
    """group: what it is counted with. T_map_camera: (4, 4), the true pose. depth: of what the frame
    shows, metres."""

    group: str
    localizer: Localizer
    keypoints: Keypoints
    T_map_camera: NDArray[np.float64]
    depth: float


def of_photographs(
    name: str, path: Path, photographs: Path | None, most: int
) -> Iterator[Question]:
    """At most so many of the photographs held back of a scene, evenly taken, by the scene's name.

    photographs: their folder, for cues. Raises BpnpError for a scene that cannot be used.
    """
    scene = some_played(SfmModel.load(path), HOLD_OUT, None)
    played, mapping = scene.held_back, scene.mapping
    files = find_photographs(played, photographs) if photographs else []
    if photographs:
        mapping = with_photographs(mapping, photographs)
    model = model_from_photographs(mapping)
    network = counted_from_photographs(model, mapping.covering_camera().frustum())
    localizer = Localizer(model, network, LocalizerConfig())
    for image in range(0, played.image_count, -(-played.image_count // most)):
        camera = played.cameras[image] if files else mapping.covering_camera()
        seen = played_keypoints(played, image, camera, files[image] if files else None)
        keypoints = keypoints_from_pixels(seen.pixels, camera, seen.score, cues=seen.cues)
        depth = float(np.median(played.depths_of(image)))
        yield Question(name, localizer, keypoints, played.T_map_camera[image], depth)


def of_problems(path: Path, selection: Selection) -> Iterator[Question]:
    """The benchmark's problems of a scene where few keypoints are true, by setting.

    Raises BpnpError for a scene that poses none.
    """
    hard = replace(selection, settings=HARD)
    for problem in pose_problems(SfmModel.load(path), hard).problems:
        asked = Asked.of(problem)
        network = counted_from_photographs(asked.model, asked.frame.frustum)
        config = LocalizerConfig(bank_views=Search.views)
        localizer = Localizer(asked.model, network, config)
        T, depth = problem.sets.T_map_camera.copy(), problem.sets.depth * asked.scale
        T[:3, 3] *= asked.scale
        yield Question(problem.setting, localizer, asked.keypoints, T, depth)
