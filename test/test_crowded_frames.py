"""A frame of a thousand keypoints is no blur: what is looked for near its place is found there."""

from __future__ import annotations

import numpy as np
import pytest

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.tracker import TRACKER
from bpnp_ros.localizer.types import Fix
from experiments.localizer_speed import HERTZ, hall, walk

POINTS, KEYPOINTS, FRAMES = 10_000, 1000, 5


@pytest.mark.parametrize("seed", [5, 6])
def test_a_prior_is_kept_and_the_camera_followed_from_there(seed: int) -> None:
    rng = np.random.default_rng([seed, KEYPOINTS])
    localizer = Localizer(hall(rng, POINTS, KEYPOINTS), None, LocalizerConfig())
    frames = walk(localizer, rng, KEYPOINTS, FRAMES, 1 / HERTZ)
    keypoints, T, stamp = frames[0]
    prior = PosePrior(T, 1e-4 * np.eye(6))
    first = localizer.localize(keypoints, stamp=stamp - 1 / HERTZ, prior=prior)
    answers = [first, *(localizer.localize(shown, stamp=stamp) for shown, _, stamp in frames)]
    for answer, (_, T, _) in zip(answers, [frames[0], *frames], strict=True):
        assert isinstance(answer, Fix)
        assert np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]) < 0.05
    assert {answer.proposer for answer in answers[1:] if isinstance(answer, Fix)} == {TRACKER}
