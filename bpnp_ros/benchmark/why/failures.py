"""Why photographs that a map does not hold are not found: for every one of a scene that is held
back, as `bpnp_make_bag` and `bpnp_replay` would play it, what became of it and what failed."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.bags.scene_bag import find_photographs, played_keypoints, some_played
from bpnp_ros.benchmark.metrics import RIGHT_DEGREES, RIGHT_DEPTHS
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.descent.local_optimisation import local_optimisation
from bpnp_ros.localizer.descent.poses import evidence
from bpnp_ros.localizer.evidence.listening import listening
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.network.counted_start import counted_from_photographs
from bpnp_ros.point_map.sfm.observed_cues import with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

HOLD_OUT = 5  # as bpnp_make_bag does


class Outcome(str, Enum):
    """What became of a photograph; the last four are why it was not found."""

    RIGHT = "right"
    WRONG = "wrong pose"
    REFUSED = "refused, though right"
    OUTWEIGHED = "a wrong pose explains more than the true one"
    NOT_REACHED = "near, but not refined to the true pose"
    NEVER_NEAR = "the search never came near"


def outcome(
    localizer: Localizer, keypoints: Keypoints, T_map_camera: NDArray[np.float64], depth: float
) -> Outcome:
    """Of one photograph, looked for without a past.

    T_map_camera: (4, 4), the true pose. depth: of what it shows, metres.
    """
    model = localizer.map_model
    truth = torch.from_numpy(T_map_camera).clone()
    truth[:3, 3] -= torch.from_numpy(model.point_map.origin)
    truth = truth.to(model.points)
    compared: list[Tensor] = []
    with listening(lambda candidates, nats: compared.append(candidates.T_map_camera)):
        answer = localizer.localize(keypoints)
    if isinstance(answer, Fix):
        found = torch.from_numpy(answer.T_map_camera[None])
        right = bool(_near(found, torch.from_numpy(T_map_camera), depth)[0])
        return Outcome.RIGHT if right else Outcome.WRONG
    if not compared:
        return Outcome.NEVER_NEAR
    poses, frame = compared[-1], localizer.frame_of(keypoints)
    near, nats = _near(poses, truth, depth), evidence(model, poses, frame, frame.sigma)
    if near[nats.argmax()]:
        return Outcome.REFUSED
    start = Candidates.of(truth[None], "truth")
    true = local_optimisation(model, start, frame, seed=0).T_map_camera
    true = true[_near(true, truth, depth)]
    if not len(true) or nats.max() > evidence(model, true, frame, frame.sigma).max():
        return Outcome.OUTWEIGHED
    return Outcome.NOT_REACHED if near.any() else Outcome.NEVER_NEAR


def _near(poses: Tensor, truth: Tensor, depth: float) -> Tensor:
    metres, radians = apart(poses, truth)
    return (metres < RIGHT_DEPTHS * depth) & (radians < np.radians(RIGHT_DEGREES))


def outcomes(
    path: Path, photographs: Path | None, config: LocalizerConfig, most: int
) -> Iterator[Outcome]:
    """Of at most so many of the photographs held back of a scene, evenly taken.

    photographs: their folder, for cues. Raises BpnpError for a scene that cannot be used.
    """
    scene = some_played(SfmModel.load(path), HOLD_OUT, None)
    played, mapping = scene.held_back, scene.mapping
    files = find_photographs(played, photographs) if photographs else []
    if photographs:
        mapping = with_photographs(mapping, photographs)
    model = model_from_photographs(mapping)
    network = counted_from_photographs(model, mapping.covering_camera().frustum())
    localizer = Localizer(model, network, config)
    for image in range(0, played.image_count, -(-played.image_count // most)):
        camera = played.cameras[image] if files else mapping.covering_camera()
        seen = played_keypoints(played, image, camera, files[image] if files else None)
        keypoints = keypoints_from_pixels(seen.pixels, camera, seen.score, cues=seen.cues)
        depth = float(np.median(played.depths_of(image)))
        yield outcome(localizer, keypoints, played.T_map_camera[image], depth)
