"""Real scenes from structure from motion: some of the photographs make the map, the others are
looked for in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpnp_ros import keypoints_from_pixels
from experiments.photographs import load_photographs
from experiments.zoo.real import FOLDER
from experiments.zoo.trial import Shown, Trial

RIGHT_DEPTHS = 0.05  # how far off a right pose may be; the scale of these scenes is not known


@dataclass(frozen=True)
class Scene:
    """file: below sfm/."""

    file: str

    @property
    def path(self) -> Path:
        return FOLDER / "sfm" / self.file

    def trial(self, frames: int, seed: int) -> Trial:
        """Every fifth photograph from number `seed` on is looked for."""
        scene = load_photographs(self.path, first=seed % 5)
        shown = list[Shown]()
        for test in scene.tests[:frames]:
            pixels = test.keypoints[:, :2].astype(np.float64)
            score = test.keypoints[:, 2].astype(np.float64)
            keypoints = keypoints_from_pixels(pixels, scene.camera, score)
            shown.append(Shown(keypoints, test.T_map_camera, len(pixels)))
        source = scene.mapping.point_map()
        right = RIGHT_DEPTHS * float(np.median(scene.depths))
        return Trial(source, {}, right, shown, camera=scene.camera)


KINDS = {
    "photographs: a class room": Scene("classroom.npz"),
    "photographs: a marble head": Scene("alexander.npz"),
    "photographs: a drink can": Scene("drink_can.npz"),
    "photographs: a castle": Scene("sceaux_castle.npz"),
}
