"""Is the covariance true through lenses that are not quite as told?

python -m experiments.trust.lenses [--seeds 94 95] [--frames 24]. First fixes near the truth in
buildings, through lenses whose focal length is off by a share. NEES / 6 is 1 where the covariance
is true; through an exactly right lens one axis of six is wider than it need be.
"""

from __future__ import annotations

import argparse
from itertools import islice

import numpy as np
import torch

from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.types import Fix
from experiments.trust.cases import CASES
from experiments.trust.record import Record
from experiments.trust.worlds.buildings import building, localizer_of, poses
from experiments.trust.worlds.case import Shot
from experiments.trust.worlds.in_buildings import NEAR, Conditions, wrong_lens

FACTORS = (1.0, 1.005, 1.01, 1.03, 1.1)
CASE = CASES["noise 0.5 px"]  # whose limits hold: half a metre, 5 deg


def fixes(seed: int, factor: float, frames: int) -> list[Record]:
    """Of a camera whose focal length is so many times that of CameraInfo."""
    localizer, rng = localizer_of(building, seed), np.random.default_rng([seed, 5])
    given, found = Conditions(camera=wrong_lens(factor)), list[Record]()
    for frame, pose in enumerate(islice(poses(localizer.map_model, rng), frames)):
        keypoints = given.seen(building(seed), pose, rng)
        if keypoints is None:
            continue
        prior = PosePrior(pose, NEAR)
        localizer.reset()
        answer = localizer.localize(keypoints, prior=prior)
        if isinstance(answer, Fix):
            found.append(Record.of(CASE, seed, frame, Shot(keypoints, pose, prior), answer))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.trust.lenses", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[94, 95])
    parser.add_argument("--frames", type=int, default=24, help="tried, of each seed and lens")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| focal length | fixes | error, median | NEES / 6, median and mean | largest |")
    print("|---|---|---|---|---|")
    for factor in FACTORS:
        found = [fix for seed in options.seeds for fix in fixes(seed, factor, options.frames)]
        nees = np.array([fix.nees for fix in found])
        metres = np.median([fix.metres for fix in found])
        cells = f"{factor - 1:+.1%} | {len(found)} | {metres:.3f} m"
        print(f"| {cells} | {np.median(nees):.2f}, {nees.mean():.2f} | {nees.max():.1f} |")


if __name__ == "__main__":
    main()
